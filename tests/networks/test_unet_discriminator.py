"""The U-Net discriminator's layers, one by one."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from translate.networks.catalogue import build_discriminator


def test_it_is_the_chain_of_layers_that_the_paper_draws():
    torch.manual_seed(0)
    network = build_discriminator("unet", width=4).eval()
    image = torch.rand(1, 3, 24, 16) * 2 - 1

    def active(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(layer(x), 0.2)

    def double(x: torch.Tensor) -> torch.Tensor:
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

    x0 = active(network.first, image)
    x1 = active(network.down[0], x0)
    x2 = active(network.down[1], x1)
    x3 = active(network.down[2], x2)
    x4 = active(network.up[0], double(x3)) + x2
    x5 = active(network.up[1], double(x4)) + x1
    x6 = active(network.up[2], double(x5)) + x0
    out = network.verdict(active(network.end[1], active(network.end[0], x6)))
    torch.testing.assert_close(network(image), out)


@pytest.mark.parametrize("size", [(8, 8), (13, 22)])
def test_every_pixel_gets_a_verdict(size):
    assert build_discriminator("unet", width=2)(torch.zeros(1, 3, *size)).shape == (1, 1, *size)


def test_all_layers_but_the_ends_are_normalised():
    network = build_discriminator("unet", width=2)
    layers = {name: part for name, part in network.named_modules() if isinstance(part, nn.Conv2d)}
    assert len(layers) == 10
    plain = {name for name, part in layers.items() if not hasattr(part, "parametrizations")}
    assert plain == {"first", "verdict"}
