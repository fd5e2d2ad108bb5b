"""The U-Net's layers, counted against the paper's list (Isola et al. 2017, appendix 6.1)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from translate.networks.catalogue import build_generator

pytestmark = pytest.mark.usefixtures("one_thread")


def test_channels_are_the_paper_s():
    with torch.device("meta"):
        network = build_generator("unet", depth=8)
    encoder = [part for part in network.encoder.modules() if isinstance(part, nn.Conv2d)]
    assert [layer.out_channels for layer in encoder] == [64, 128, 256, 512, 512, 512, 512, 512]
    decoder = [part for part in network.modules() if isinstance(part, nn.ConvTranspose2d)]
    # Each but the innermost gets as many channels again by its skip connection.
    assert [layer.in_channels for layer in decoder] == [512, 1024, 1024, 1024, 1024, 512, 256, 128]
    assert [layer.out_channels for layer in decoder] == [512, 512, 512, 512, 256, 128, 64, 3]


@pytest.mark.parametrize(("depth", "count"), [(8, 3), (7, 2), (6, 1), (5, 0), (2, 0)])
def test_dropout_sits_in_the_inner_levels_of_the_decoder(depth, count):
    with torch.device("meta"):
        network = build_generator("unet", depth=depth, width=2)
    assert [any(isinstance(part, nn.Dropout) for part in level) for level in network.decoder] == [
        0 < place <= count for place in range(depth - 1)
    ]


def test_neither_end_nor_the_innermost_level_of_the_encoder_is_normalised():
    with torch.device("meta"):
        network = build_generator("unet", depth=5, width=2, norm="batch")
    normed = [any(isinstance(part, nn.BatchNorm2d) for part in level.modules()) for level in network.encoder]
    assert normed == [False, True, True, True, False]
    assert not any(isinstance(part, nn.BatchNorm2d) for part in network.output.modules())
