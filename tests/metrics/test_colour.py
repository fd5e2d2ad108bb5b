"""The error of colours, against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from translate.errors import UsageError
from translate.metrics.colour import colour_error


def test_it_is_the_distance_in_a_and_b():
    x, y = (np.random.default_rng(seed).random((2, 12, 12, 3)) for seed in (0, 1))
    expected = np.abs(rgb2lab(x) - rgb2lab(y))[..., 1:].mean((1, 2, 3))
    outputs, targets = (torch.from_numpy(p).permute(0, 3, 1, 2).float() * 2 - 1 for p in (x, y))
    np.testing.assert_allclose(colour_error(outputs, targets).numpy(), expected, rtol=1e-4)
    # Lightness alone is no error of colours: another grey is as good.
    grey = [torch.full((1, 3, 12, 12), level) for level in (-0.5, 0.5)]
    assert float(colour_error(*grey)) < 0.01
    with pytest.raises(UsageError, match="only pictures of one shape"):
        colour_error(outputs, targets[:1])
