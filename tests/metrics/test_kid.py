"""The kernel distance against a loop over pairs, torchmetrics and values known in closed form."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from translate.errors import UsageError
from translate.metrics.kid import frechet, kid, unbiased_mmd2


def cloud(count: int, width: int = 5, seed: int = 0, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) + shift


def test_two_points_a_side_by_hand():
    x, y = torch.tensor([[1.0], [2.0]]), torch.tensor([[0.0], [1.0]])
    # k(1, 2) = 27; k(0, 1) = 1; k(1, 0), k(1, 1), k(2, 0), k(2, 1) = 1, 8, 1, 27.
    assert kid(x, y).mean == pytest.approx(27 + 1 - 2 * (1 + 8 + 1 + 27) / 4)


@pytest.mark.parametrize(("n", "m"), [(6, 6), (7, 4)])
def test_a_loop_over_pairs_of_different_pictures(n, m):
    x, y = cloud(n).double(), cloud(m, seed=1, shift=0.4).double()

    def mean(pairs) -> float:
        return float(np.mean([(float(a @ b) / 5 + 1) ** 3 for a, b in pairs]))

    expected = mean(itertools.permutations(x, 2)) + mean(itertools.permutations(y, 2))
    expected -= 2 * mean(itertools.product(x, y))
    assert float(unbiased_mmd2(x, y)) == pytest.approx(expected, rel=1e-9)


def test_torchmetrics_on_sets_of_one_size():
    from torchmetrics.image.kid import poly_mmd

    x, y = cloud(30), cloud(30, seed=1, shift=0.2)
    assert kid(x, y).mean == pytest.approx(float(poly_mmd(x.double(), y.double())), rel=1e-9)


def test_it_is_0_on_average_where_the_sets_are_alike_and_its_own_value_where_not():
    """Features N(0, 1) and N(μ, 1), whose moments give E (xy + 1)³ = 1 + 3 E xy + 3 E(xy)² + E(xy)³."""
    alike = [kid(cloud(8, 1, seed=2 * i), cloud(8, 1, seed=2 * i + 1)).mean for i in range(600)]
    assert min(alike) < 0  # unbiased: it can't but fall below sometimes
    assert abs(np.mean(alike)) < 4 * np.std(alike) / np.sqrt(len(alike))
    shift = 0.5
    far = [kid(cloud(8, 1, seed=2 * i), cloud(8, 1, seed=2 * i + 1, shift=shift)).mean for i in range(600)]

    def expected_kernel(a: float, b: float) -> float:
        first, second, third = a * b, (1 + a**2) * (1 + b**2), (a**3 + 3 * a) * (b**3 + 3 * b)
        return 1 + 3 * first + 3 * second + third

    truth = expected_kernel(0, 0) + expected_kernel(shift, shift) - 2 * expected_kernel(0, shift)
    assert abs(np.mean(far) - truth) < 4 * np.std(far) / np.sqrt(len(far))


def test_large_sets_are_drawn_from():
    x, y = cloud(60), cloud(45, seed=1, shift=0.5)
    whole, drawn = kid(x, y), kid(x, y, subset=30, subsets=400)
    assert drawn.mean == pytest.approx(whole.mean, rel=0.1)
    assert drawn.mean != whole.mean
    assert drawn.mean == kid(x, y, subset=30, subsets=400).mean
    assert drawn.mean != kid(x, y, subset=30, subsets=400, seed=1).mean
    assert "60 outputs, 45 real, over all of them" in whole.protocol
    assert "60 outputs, 45 real, mean of 400 subsets of 30" in drawn.protocol
    # Where one side is smaller than a subset, so are all.
    assert "mean of 3 subsets of 10" in kid(x, y[:10], subset=30, subsets=3).protocol


def test_the_protocol_says_what_it_is_not():
    protocol = kid(cloud(3, 1280), cloud(4, 1280, seed=1)).protocol
    assert "kernel (x·y/1280 + 1)³, on EfficientNet-Lite2 (ImageNet) at 260x260 pixels" in protocol
    assert "not comparable with KID on Inception" in protocol


def test_frechet_distance_of_gaussians():
    """‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½), by scipy, of what was drawn."""
    linalg = pytest.importorskip("scipy.linalg")
    x, y = cloud(2000, 3), cloud(2500, 3, seed=1, shift=0.3) * torch.tensor([1.0, 2.0, 0.5])
    mean = (x.mean(0) - y.mean(0)).square().sum()
    first, second = (np.cov(side.numpy().T) for side in (x.double(), y.double()))
    expected = float(mean) + np.trace(first + second - 2 * linalg.sqrtm(first @ second).real)
    score = frechet(x, y)
    assert score.mean == pytest.approx(expected, rel=1e-3)
    assert "not comparable with FID on Inception" in score.protocol


def test_a_frechet_distance_of_few_pictures_is_refused_in_one_line():
    with pytest.raises(UsageError, match=r"Fréchet distance of 1999 pictures .* take KID") as caught:
        frechet(cloud(2000), cloud(1999))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("outputs", "real", "message"),
    [
        (torch.zeros(1, 3), torch.zeros(5, 3), "1 outputs and 5 real"),
        (torch.zeros(4, 3), torch.zeros(5, 2), r"one d, these are \(4, 3\) and \(5, 2\)"),
        (torch.full((4, 3), torch.nan), torch.zeros(5, 3), "NaN"),
    ],
)
def test_sets_that_have_no_distance(outputs, real, message):
    with pytest.raises(UsageError, match=message):
        kid(outputs, real)
