"""Parzen windows against SciPy and where the density is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from translate.errors import UsageError
from translate.metrics import parzen
from translate.metrics.parzen import log_density, parzen_log_likelihood


def cloud(count: int, seed: int = 0, width: int = 2) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("block", [1 << 22, 100])
@pytest.mark.parametrize("width", [1, 2])
def test_scipys_kernel_density(width, block, monkeypatch):
    monkeypatch.setattr(parzen, "_BLOCK", block)
    stats = pytest.importorskip("scipy.stats")
    centres, points = cloud(50, width=width), cloud(30, seed=1, width=width)
    # SciPy's kernel has the centres' covariance; of centres that are made white that is 1.
    white = centres.double() - centres.double().mean(0)
    white = white @ torch.linalg.inv(torch.linalg.cholesky(white.T @ white / 49)).T
    known = stats.gaussian_kde(white.T.numpy(), bw_method=0.3)
    np.testing.assert_allclose(
        log_density(points, white, 0.3).numpy(), known.logpdf(points.T.double().numpy())
    )


def test_one_centre_is_a_gaussian():
    found = log_density(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2), 2.0)
    assert float(found) == pytest.approx(-25 / 8 - math.log(2 * math.pi * 4))


def test_points_far_from_everything_keep_a_likelihood():
    assert float(log_density(torch.tensor([[1e4, 0.0]]), torch.zeros(3, 2), 1.0)) == pytest.approx(
        -5e7, rel=1e-6
    )


def test_the_bandwidth_is_the_likeliest_for_the_validation_points():
    generated, validation, held_out = cloud(400), cloud(300, seed=1), cloud(300, seed=2)
    widths = (0.05, 0.1, 0.3, 0.5, 1.5)
    found = parzen_log_likelihood(generated, validation, held_out, bandwidths=widths)
    by_hand = {width: float(log_density(validation, generated, width).mean()) for width in widths}
    assert found.bandwidth == max(by_hand, key=lambda width: by_hand[width])
    assert 0.05 < found.bandwidth < 1.5
    values = log_density(held_out, generated, found.bandwidth)
    assert found.mean == pytest.approx(float(values.mean()))
    assert found.std_error == pytest.approx(float(values.std()) / 300**0.5)
    assert "for 300 validation points) around 400 generated points; 300 held out" in found.protocol
    assert "edge" in parzen_log_likelihood(generated, validation, held_out, bandwidths=(0.01, 5)).protocol


def test_it_nears_the_negative_entropy_and_falls_short_of_it():
    """Of data N(0, I) in a plane no density is likelier than −log 2πe."""
    truth = -math.log(2 * math.pi * math.e)
    own = parzen_log_likelihood(cloud(800), cloud(400, seed=1), cloud(400, seed=2))
    assert truth - 0.1 < own.mean < truth + 3 * own.std_error
    other = parzen_log_likelihood(cloud(800) + 2, cloud(400, seed=1), cloud(400, seed=2))
    assert other.mean < own.mean - 0.5


@pytest.mark.parametrize(
    ("generated", "bandwidths", "message"),
    [
        (torch.zeros(0, 2), (1.0,), r"generated are \(0, 2\)"),
        (torch.zeros(5, 3), (1.0,), r"validation are \(4, 2\)"),
        (torch.full((4, 2), torch.inf), (1.0,), "generated points hold NaN or infinity"),
        (torch.zeros(4, 2), (0.0,), "bandwidth above 0"),
        (torch.zeros(4, 2), (), "bandwidth above 0"),
    ],
)
def test_points_without_a_likelihood(generated, bandwidths, message):
    with pytest.raises(UsageError, match=message):
        parzen_log_likelihood(generated, torch.zeros(4, 2), torch.zeros(4, 2), bandwidths=bandwidths)
