"""Spectral normalisation against the singular value decomposition."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from translate.networks.layers import initialise
from translate.networks.spectral import SpectralConv2d, spectral

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


def divided_and_dividing(**arguments) -> tuple[SpectralConv2d, nn.Conv2d]:
    """Our layer and torch's, in double precision, with the same weights and the same singular vectors."""
    torch.manual_seed(0)
    ours = SpectralConv2d(5, 7, **arguments).double()
    theirs = nn.Conv2d(5, 7, **arguments).double()
    theirs.load_state_dict({key: ours.state_dict()[key] for key in theirs.state_dict()})
    spectral_norm(theirs, n_power_iterations=1)
    estimate = theirs.parametrizations.weight[0]
    estimate._u.copy_(ours.u)
    estimate._v.copy_(in_torch_s_order(ours))
    return ours, theirs


def in_torch_s_order(layer: SpectralConv2d) -> torch.Tensor:
    height, width = layer.kernel_size
    return layer.v.view(height, width, layer.in_channels).permute(2, 0, 1).flatten()


@pytest.mark.parametrize(
    "arguments", [{"kernel_size": 4, "stride": 2, "bias": False}, {"kernel_size": (3, 2)}]
)
def test_dividing_the_output_is_dividing_the_weight(arguments):
    ours, theirs = divided_and_dividing(**arguments)
    image = torch.randn(2, 5, 9, 8, dtype=torch.float64)
    layout = image.contiguous(memory_format=torch.channels_last)
    seen = [layout.requires_grad_(), image.clone().requires_grad_()]
    for training in (True, False):
        for layer, x in zip((ours, theirs), seen, strict=True):
            layer.train(training)
            # Twice before the backward pass, as a discriminator sees real and fake pictures.
            (layer(x).square().sum() + layer(x + 1).sin().sum()).backward()
        raw = theirs.parametrizations.weight.original
        torch.testing.assert_close(ours.weight.grad, raw.grad)
        if ours.bias is not None:
            torch.testing.assert_close(ours.bias.grad, theirs.bias.grad)
        torch.testing.assert_close(seen[0].grad, seen[1].grad)
        torch.testing.assert_close(in_torch_s_order(ours), theirs.parametrizations.weight[0]._v)
        with torch.no_grad():
            # As a step would: in use, the estimate is the old weight's.
            ours.weight.mul_(1.5).add_(0.1)
            raw.mul_(1.5).add_(0.1)


def test_its_estimate_follows_initialisation_and_its_weight_stays_in_place():
    torch.manual_seed(0)
    layer = initialise(SpectralConv2d(16, 32, 4), std=0.5).eval()
    assert float(layer.weight.detach().std()) == pytest.approx(0.5, rel=0.05)
    divided = layer.weight.detach() / torch.dot(layer.u, layer._matrix().detach() @ layer.v)
    assert largest(layer, divided) == pytest.approx(1, abs=0.05)
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    layer.load_state_dict({key: value.contiguous() for key, value in layer.state_dict().items()})
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    assert spectral(layer) is layer
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


def test_a_second_derivative_passes_it():
    layer = SpectralConv2d(1, 2, 2).double().eval()
    image = torch.randn(1, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: layer(x).tanh(), image)
