"""What part of a picture a verdict of the patch discriminators depends on, measured."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from translate.networks.catalogue import build_discriminator

pytestmark = pytest.mark.usefixtures("one_thread")


def receptive_field(network: nn.Module, size: int) -> tuple[int, int]:
    """Height and width of the input that the middle logit's gradient reaches.

    Weights and input are positive, so that no two ways through the network can cancel each other.
    """
    network = network.double()
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1)
    image = torch.ones(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    logits = network(image)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    assert image.grad is not None
    seen = image.grad[0].abs().sum(0) > 0
    rows, columns = seen.any(1).nonzero().flatten(), seen.any(0).nonzero().flatten()
    assert seen[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert rows[0] > 0, "the picture is too small to see the patch's edge"
    assert rows[-1] < size - 1, "the picture is too small to see the patch's edge"
    return len(rows), len(columns)


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70), (4, 142), (5, 286)])
def test_a_logit_sees_the_patch_that_the_paper_names(layers, patch):
    network = build_discriminator("patch", layers=layers, width=1, norm="none")
    assert receptive_field(network, 2 * patch) == (patch, patch)


def test_pixel_sees_one_pixel():
    assert receptive_field(build_discriminator("pixel", width=2, norm="none"), 9) == (1, 1)


def test_image_gives_one_verdict_that_is_the_mean_of_its_patches_and_sees_a_whole_picture():
    network = build_discriminator("image", width=2, norm="none")
    image = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(0), requires_grad=True)
    verdict = network(image)
    torch.testing.assert_close(verdict, network.patches(image).mean((2, 3), keepdim=True))
    verdict.sum().backward()
    assert image.grad is not None
    assert (image.grad.abs().sum(1) > 0).all()


@pytest.mark.parametrize(
    ("layers", "channels"),
    [(1, [64, 128, 1]), (3, [64, 128, 256, 512, 1]), (5, [64, 128, 256, 512, 512, 512, 1])],
)
def test_layers_widen_up_to_eight_times(layers, channels):
    with torch.device("meta"):
        network = build_discriminator("patch", layers=layers)
    convolutions = [part for part in network.modules() if isinstance(part, nn.Conv2d)]
    assert [convolution.out_channels for convolution in convolutions] == channels
    assert [convolution.stride[0] for convolution in convolutions] == [2] * layers + [1, 1]


def test_the_first_layer_has_no_norm():
    network = build_discriminator("patch", norm="batch")
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    assert [norm.num_features for norm in norms] == [128, 256, 512]
