"""Precision and recall, restated with loops, and where their values are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from translate.errors import UsageError
from translate.metrics.manifold import precision_recall


def cloud(count: int, seed: int = 0, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(count, 4, generator=torch.Generator().manual_seed(seed))


def share_in_manifold(features: np.ndarray, of: np.ndarray, k: int) -> float:
    """Eq. 1 and 2 of Kynkäänniemi et al. 2019, one picture at a time."""
    inside = 0
    for phi in features:
        for i, centre in enumerate(of):
            others = sorted(np.linalg.norm(centre - one) for j, one in enumerate(of) if j != i)
            if np.linalg.norm(phi - centre) <= others[k - 1]:
                inside += 1
                break
    return inside / len(features)


@pytest.mark.parametrize("k", [1, 3])
def test_a_loop_over_pictures(k):
    outputs, real = cloud(40, scale=1.6), cloud(40, seed=1)
    found = precision_recall(outputs, real, k=k)
    x, y = outputs.double().numpy(), real.double().numpy()
    assert found.precision.mean == pytest.approx(share_in_manifold(x, y, k))
    assert found.recall.mean == pytest.approx(share_in_manifold(y, x, k))
    assert 0 < found.precision.mean < found.recall.mean < 1


def test_a_line_of_points_by_hand():
    """With k = 1 the points 0, 1, 2, 3 reach 1 to either side, so their manifold is from −1 to 4."""
    real = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    outputs = torch.tensor([[0.5], [4.0], [4.5], [-1.5]])
    found = precision_recall(outputs, real, k=1)
    assert found.precision.mean == 0.5
    # The outputs reach 2 (from 0.5), 0.5 (from 4 and 4.5) and 2 (from −1.5): 0, 1 and 2 are in, 3 isn't.
    assert found.recall.mean == 0.75


def test_outputs_of_one_mode_are_precise_and_recall_no_more_than_it():
    modes = torch.tensor([-100.0, 100.0])[:, None]
    real = torch.cat([cloud(60) + modes[0], cloud(60, seed=1) + modes[1]])
    outputs = cloud(120, seed=2) + modes[0]
    found = precision_recall(outputs, real)
    assert found.precision.mean > 0.85
    assert 0.4 < found.recall.mean <= 0.5
    assert precision_recall(real, real).precision.mean == precision_recall(real, real).recall.mean == 1


def test_sets_are_compared_at_one_size():
    outputs, real = cloud(30), cloud(90, seed=1)
    found = precision_recall(outputs, real)
    assert found == precision_recall(outputs, real[::3])
    assert (found.precision.pictures, found.recall.pictures) == (30, 30)
    assert (
        "k = 3, on EfficientNet-Lite2 (ImageNet) at 260x260 pixels; 30 outputs, 30 real"
        in found.recall.protocol
    )
    assert "not comparable" in found.precision.protocol


def test_too_few():
    with pytest.raises(UsageError, match="need 4 pictures a side; there are 3 outputs and 9 real ones"):
        precision_recall(cloud(3), cloud(9))
