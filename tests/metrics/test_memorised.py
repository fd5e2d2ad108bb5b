"""Copies are told from fresh draws; C_T against SciPy's Mann-Whitney test."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from translate.errors import UsageError
from translate.metrics.memorised import copying_score, memorised


def cloud(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


TRAINING, HELD_OUT = cloud(200), cloud(60, seed=1)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_copies_are_told(noise):
    chosen = torch.arange(0, 200, 5)
    found = memorised(TRAINING[chosen] + noise * cloud(40, seed=2), HELD_OUT, TRAINING)
    assert found.copying.mean < -8
    assert found.authentic.mean == 0
    assert found.neighbours.tolist() == chosen.tolist()
    assert (found.distances == 0).all() == (noise == 0)


def test_copies_of_a_picture_that_is_there_twice_are_told():
    assert memorised(TRAINING[:20], HELD_OUT, TRAINING.repeat(2, 1)).authentic.mean == 0


def test_fresh_draws_are_not_called_copies():
    """C_T of them is normal with deviation 1, and for half of them the nearest gap is the training's own."""
    scores = [
        memorised(cloud(40, seed=10 + i), cloud(60, seed=200 + i), TRAINING).copying.mean for i in range(60)
    ]
    assert abs(np.mean(scores)) < 0.5
    assert 0.7 < np.std(scores) < 1.4
    assert memorised(cloud(200, seed=2), HELD_OUT, TRAINING).authentic.mean == pytest.approx(0.5, abs=0.12)


def test_outputs_far_from_everything_rank_above():
    found = memorised(cloud(40, seed=2) + 10, HELD_OUT, TRAINING)
    assert found.copying.mean > 8
    assert found.authentic.mean == 1


def test_mann_whitney_by_scipy():
    stats = pytest.importorskip("scipy.stats")
    x, y = cloud(30)[:, 0].abs(), cloud(50, seed=1)[:, 0].abs() + 0.3
    for ours, theirs in ((x, y), ((x * 5).round(), (y * 5).round())):
        z = copying_score(ours.double(), theirs.double())
        u = z * (30 * 50 * 81 / 12) ** 0.5 + 30 * 50 / 2
        found = stats.mannwhitneyu(ours.numpy(), theirs.numpy(), method="asymptotic", use_continuity=False)
        assert u == pytest.approx(found.statistic)
    z = copying_score(x.double(), y.double())
    found = stats.mannwhitneyu(
        x.numpy(), y.numpy(), alternative="less", method="asymptotic", use_continuity=False
    )
    assert stats.norm.cdf(z) == pytest.approx(found.pvalue, rel=1e-6)


def test_authentic_by_a_loop():
    outputs = torch.cat([cloud(20, seed=3), TRAINING[:20] + 0.4 * cloud(20, seed=4)])
    expected = []
    for one in outputs:
        gaps = (TRAINING - one).norm(dim=1)
        nearest = int(gaps.argmin())
        others = (TRAINING - TRAINING[nearest]).norm(dim=1)
        others[nearest] = torch.inf
        expected.append(bool(gaps[nearest] > others.min()))
    assert memorised(outputs, HELD_OUT, TRAINING).authentic.mean == pytest.approx(np.mean(expected))
    assert 0 < np.mean(expected) < 1


def test_the_protocols_count_everything():
    found = memorised(HELD_OUT, HELD_OUT, TRAINING)
    assert found.copying.mean == 0
    assert "60 outputs, 200 training pictures, 60 held out" in found.copying.protocol
    assert f"of the held-out pictures {found.authentic.mean:.3f} are" in found.authentic.protocol
    assert "EfficientNet-Lite2" in found.authentic.protocol


def test_too_few():
    with pytest.raises(UsageError, match="there are 5, 1 and 200"):
        memorised(cloud(5), HELD_OUT[:1], TRAINING)
