"""Nearest neighbours a block at a time, against all distances at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from translate.errors import UsageError
from translate.metrics import neighbours
from translate.metrics.neighbours import kth_nearest, nearest, require_features, within


def cloud(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 5, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=[1 << 22, 40], ids=["in one block", "in blocks of few rows"])
def _blocks(request, monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK", request.param)


def table(x: torch.Tensor, y: torch.Tensor) -> np.ndarray:
    """All distances, by subtraction."""
    return np.sqrt(((x.double().numpy()[:, None] - y.double().numpy()[None]) ** 2).sum(-1))


@pytest.mark.usefixtures("_blocks")
def test_against_all_distances_at_once():
    x, y = cloud(33), cloud(17, seed=1)
    distances, which = nearest(x, y)
    np.testing.assert_allclose(distances.numpy(), table(x, y).min(1))
    np.testing.assert_array_equal(which.numpy(), table(x, y).argmin(1))
    for k in (1, 3):
        np.testing.assert_allclose(kth_nearest(x, k).numpy(), np.sort(table(x, x), 1)[:, k])
    radii = torch.linspace(0.5, 2.5, 17).double()
    expected = (table(x, y) <= radii.numpy()).any(1)
    assert 0 < expected.sum() < 33
    np.testing.assert_array_equal(within(x, y, radii).numpy(), expected)


def test_copies_are_no_distance_away():
    x = 30 + torch.cat([cloud(40), cloud(40)])
    assert nearest(x, x)[0].tolist() == [0] * 80
    assert kth_nearest(x, 1).tolist() == [0] * 80
    assert kth_nearest(x, 2).min() > 0.1


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (torch.zeros(4, 2), r"one d, these are ours \(4, 2\), theirs \(4, 3\)"),
        (torch.full((4, 3), torch.nan), "NaN"),
    ],
)
def test_what_are_no_features(features, message):
    with pytest.raises(UsageError, match=message):
        require_features(ours=features, theirs=torch.zeros(4, 3))
