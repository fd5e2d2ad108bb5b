"""Spectral normalisation against the singular value decomposition."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from translate.networks.layers import initialise
from translate.networks.spectral import spectral

pytestmark = pytest.mark.usefixtures("one_thread")

LAYERS = {
    "convolution": lambda: nn.Conv2d(5, 7, 3),
    "transposed": lambda: nn.ConvTranspose2d(5, 7, 4, stride=2),
    "linear": lambda: nn.Linear(6, 9),
    "embedding": lambda: nn.Embedding(4, 8),
}


def largest(layer: nn.Module, weight: torch.Tensor) -> float:
    """The largest singular value of a kernel as a matrix: output channels by all the rest."""
    rows = weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else weight
    return float(torch.linalg.svdvals(rows.detach().flatten(1))[0])


@pytest.mark.parametrize("kind", LAYERS)
def test_the_largest_singular_value_becomes_one(kind):
    torch.manual_seed(0)
    layer = LAYERS[kind]()
    raw = layer.weight.detach().clone()
    spectral(layer)
    for _ in range(200):
        _ = layer.weight  # a power iteration
    layer.eval()
    torch.testing.assert_close(layer.weight, raw / largest(layer, raw), rtol=1e-4, atol=1e-5)
    assert largest(layer, layer.weight) == pytest.approx(1, abs=1e-4)


def test_one_power_iteration_a_call_in_training_and_none_in_use():
    torch.manual_seed(0)
    layer = spectral(nn.Linear(6, 9))
    raw, estimate = layer.parametrizations.weight.original, layer.parametrizations.weight[0]
    u, v = estimate._u.clone(), estimate._v.clone()
    with torch.no_grad():
        raw.normal_()
        layer.eval()(torch.zeros(1, 6))
        assert torch.equal(estimate._u, u)
        layer.train()(torch.zeros(1, 6))
        torch.testing.assert_close(estimate._u, F.normalize(raw @ v, dim=0))
        torch.testing.assert_close(estimate._v, F.normalize(raw.T @ estimate._u, dim=0))


def test_every_layer_of_a_network_is_normalised_once():
    network = spectral(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.Linear(2, 2))))
    keys = [key for key, _ in spectral(network).named_parameters() if "original" in key]
    assert keys == ["0.parametrizations.weight.original", "2.0.parametrizations.weight.original"]


def test_initialising_reaches_the_raw_weights_and_the_estimates_follow():
    torch.manual_seed(0)
    layer = initialise(spectral(nn.Conv2d(32, 64, 4)))
    raw = layer.parametrizations.weight.original
    assert float(raw.detach().std()) == pytest.approx(0.02, rel=0.05)
    layer.eval()
    assert largest(layer, layer.weight) == pytest.approx(1, abs=0.05)


def test_gradients_flow_through_the_division():
    layer = spectral(nn.Linear(3, 3).double()).eval()
    raw = layer.parametrizations.weight.original
    x = torch.randn(2, 3, dtype=torch.float64)
    layer(x).square().sum().backward()
    # Scaling the weights changes nothing, so the gradient has no part along them (up to σ's estimate).
    assert (
        float((raw.grad * raw.detach()).sum().abs())
        < 1e-8 * float(raw.grad.norm() * raw.detach().norm()) + 1e-9
    )
