"""Options of the residual generators: conditions, taps for PatchNCE, attention, filtered halving."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.networks.catalogue import build_generator, parameter_count
from translate.networks.conditional_norms import ConditionalNorm2d
from translate.networks.layers import initialise
from translate.networks.resnet import MobileResNet, ResNet

BOTH = pytest.mark.parametrize("name", ["resnet", "mobile"])


def picture(batch: int = 2, height: int = 16, width: int = 24) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


@BOTH
@pytest.mark.parametrize("norm", ["batch", "instance", "none", "group", "layer"])
@pytest.mark.parametrize("condition", [{"classes": 3}, {"embedding": 5}])
def test_a_condition_and_a_latent_code_change_the_picture(name, norm, condition):
    torch.manual_seed(0)
    network = build_generator(name, depth=2, width=4, norm=norm, latent=2, **condition)
    initialise(network, std=0.2).eval()
    labels = torch.tensor([[0, 0], [2, 2]])
    one, other = labels if "classes" in condition else F.one_hot(labels, 5).float()
    low, high = torch.zeros(2, 2), torch.ones(2, 2)
    with torch.no_grad():
        answer = network(picture(), one, low)
        assert answer.shape == (2, 3, 16, 24)
        assert (network(picture(), other, low) - answer).abs().mean() > 1e-3
        assert (network(picture(), one, high) - answer).abs().mean() > 1e-3
        mixed = network(picture(), torch.stack([one[0], other[0]]), low)
        torch.testing.assert_close(mixed[0], answer[0])


@BOTH
def test_a_constant_map_beside_the_input_would_be_lost_to_instance_norm(name):
    """Why conditions go to the norms here: but for the zeros around it, a constant can't pass the first."""
    network = build_generator(name, in_channels=4, out_channels=3, depth=1, width=4)
    low, high = (torch.cat([picture(), torch.full((2, 1, 16, 24), v)], 1) for v in (0.0, 1.0))
    with torch.no_grad():
        first = network.encoder[:2]
        torch.testing.assert_close(first(low), first(high), atol=1e-4, rtol=0)


@BOTH
def test_gradients_reach_the_modulation(name):
    network = build_generator(name, depth=1, width=4, classes=3)
    network(picture(), torch.tensor([0, 1])).square().sum().backward()
    norms = [part for part in network.modules() if isinstance(part, ConditionalNorm2d)]
    assert len(norms) == 4
    for norm in norms:
        reached = norm.modulation.weight.grad.abs().amax(0) > 0
        assert reached.tolist() == [True, True, False]  # nobody asked for the third class


@BOTH
def test_without_a_condition_there_is_none(name):
    assert not [key for key in build_generator(name, depth=1, width=2).state_dict() if "modulation" in key]


def test_cut_s_generator_has_its_published_size():
    with torch.device("meta"):
        count = parameter_count(build_generator("resnet", antialias=True, upsampling="blur"))
    assert count == 11_378_179  # what CUT's code prints: 11.378 M


@pytest.mark.parametrize("antialias", [False, True])
def test_cut_s_layers(antialias):
    network = build_generator("resnet", depth=9, width=4, antialias=antialias)
    assert isinstance(network, ResNet)
    layers = (0, 4, 8, 12, 16)
    taps = network.encode(picture(), layers)
    # In CUT's code with filtered halving: image, convolution, convolution, block 1, block 5.
    filtered = [(3, 16, 24), (8, 16, 24), (16, 8, 12), (16, 4, 6), (16, 4, 6)]
    strided = [(3, 16, 24), (8, 8, 12), (16, 4, 6), (16, 4, 6), (16, 4, 6)]
    assert [tuple(feature.shape[1:]) for feature in taps] == (filtered if antialias else strided)
    assert network.encoded_channels(layers) == [feature.shape[1] for feature in taps]


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_taps_are_what_the_modules_give(norm):
    network = build_generator("resnet", depth=5, width=4, antialias=True, norm=norm)
    seen: dict[int, Tensor] = {}
    for place, module in enumerate([*network.encoder, *network.blocks], start=1):
        module.register_forward_hook(lambda m, i, output, place=place: seen.update({place: output.clone()}))
    assert isinstance(network, ResNet)
    with torch.no_grad():
        network(picture())
        expected = dict(seen)
        taps = network.encode(picture(), [1, 2, 4, 5, 6, 8, 12, 16])
    for place, found in zip([1, 2, 4, 5, 6, 8, 12, 16], taps, strict=True):
        assert torch.equal(found, expected[place]), place


def test_taps_behind_the_last_layer_are_not_computed_and_the_condition_reaches_blocks():
    network = build_generator("mobile", depth=5, width=4, classes=2)
    assert isinstance(network, MobileResNet)
    ran: list[int] = []
    for number, block in enumerate(network.blocks):
        block.register_forward_hook(lambda m, i, o, number=number: ran.append(number))
    one, other = (network.encode(picture(), [0, 12], torch.tensor([label] * 2)) for label in (0, 1))
    assert ran == [0, 0]
    assert torch.equal(one[0], picture())
    assert not torch.equal(one[1], other[1])
    assert network.encoded_channels([0, 4, 8, 12, 16]) == [3, 4, 8, 16, 16]


@BOTH
@pytest.mark.parametrize("layers", [[], [-1], [4, 4], [8, 4], [0, 99]])
def test_layers_that_do_not_exist_are_refused(name, layers):
    network = build_generator(name, depth=1, width=2)
    with pytest.raises(ValueError, match="layers to encode are rising numbers from 0 to 1"):
        network.encode(picture(), layers)  # pyright: ignore[reportCallIssue]


def test_attention_sits_at_a_quarter_of_the_size_and_starts_as_nothing():
    torch.manual_seed(0)
    network = build_generator("resnet", depth=1, width=4, attention=True)
    shapes = []
    network.attention.register_forward_hook(lambda layer, inputs, output: shapes.append(inputs[0].shape))
    before = network(picture())
    assert shapes == [(2, 16, 4, 6)]
    network.attention.gamma.data.fill_(1)
    assert (network(picture()) - before).abs().max() > 1e-3


@pytest.mark.parametrize("upsampling", ["shuffle", "blur"])
def test_filtered_halving_and_the_other_upsamplings(upsampling):
    network = initialise(build_generator("resnet", depth=1, width=4, antialias=True, upsampling=upsampling))
    assert network(picture(1, 8, 12)).shape == (1, 3, 8, 12)
    assert not any(part.stride != (1, 1) for part in network.modules() if isinstance(part, nn.Conv2d))


def test_spectral_normalisation_reaches_every_layer_and_bounds_it():
    network = build_generator("resnet", depth=1, width=4, classes=2, attention=True, spectral=True)
    layers = [
        part for part in network.modules() if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
    ]
    assert len(layers) == 3 + 2 + 3 + 4 + 4
    with torch.no_grad():
        for _ in range(20):
            network(picture(), torch.tensor([0, 1]))
    network.eval()
    for layer in layers:
        rows = layer.weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else layer.weight
        assert abs(float(torch.linalg.matrix_norm(rows.flatten(1), 2).detach()) - 1) < 0.05
