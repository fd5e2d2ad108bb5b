"""The multi-scale discriminator is its parts on halved pictures."""

from __future__ import annotations

import pytest
import torch

from translate.errors import UsageError
from translate.networks.catalogue import build_discriminator


def averaged(image: torch.Tensor) -> torch.Tensor:
    """Every second 3×3 window's mean, of what lies inside the picture alone."""
    height, width = image.shape[2:]
    rows = []
    for y in range(0, height, 2):
        window = image[:, :, max(0, y - 1) : y + 2]
        rows.append([window[..., max(0, x - 1) : x + 2].mean((2, 3)) for x in range(0, width, 2)])
    return torch.stack([torch.stack(row, 2) for row in rows], 2)


def test_every_scale_judges_the_averaged_picture_finest_first():
    torch.manual_seed(0)
    network = build_discriminator("multiscale", layers=1, width=4)
    image = torch.rand(2, 3, 31, 24)
    sizes = [image, averaged(image), averaged(averaged(image))]
    logits, features = network(image), network.features(image)
    assert len(logits) == len(features) == 3
    for part, size, answer, activations in zip(network.scales, sizes, logits, features, strict=True):
        torch.testing.assert_close(answer, part(size))
        torch.testing.assert_close(activations, part.features(size)[0])


def test_scales_share_no_weights():
    torch.manual_seed(0)
    network = build_discriminator("multiscale", layers=1, width=4, scales=2)
    first, second = network.scales
    assert not torch.equal(first.body[0].weight, second.body[0].weight)


def test_no_scale_is_too_few():
    with pytest.raises(UsageError, match="at least 1 scale, not 0"):
        build_discriminator("multiscale", scales=0)
