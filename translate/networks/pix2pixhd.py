"""The coarse-to-fine generator of pix2pixHD."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.networks.attention import SelfAttention, attended_place
from translate.networks.convolutions import FewOutputsConv2d
from translate.networks.layers import Generator, needs_bias, norm_layer, upsample
from translate.networks.resnet import ResidualBlock

DOUBLING = 3  # modules


class Pix2PixHD(Generator):
    """A global generator at half the size, and a local enhancer around it at the full one.

    Wang et al. 2018, "High-resolution image synthesis and semantic manipulation with conditional GANs", §3.2
    and figure 3. The global one, `coarse`, is a ResNet with more halvings; its last features, not its
    picture, are added to the enhancer's. The paper trains `coarse` alone first: that is this network with
    enhancer=False and twice the width, whose weights fit (but for the last layer, which is left behind).

    Maps float32 (B, in_channels, H, W) in [-1, 1] to (B, out_channels, H, W) in [-1, 1].

    Args:
        depth: residual blocks of the global generator.
        width: channels at the full size; the global generator under an enhancer has twice as many.
        halvings: how often the global generator halves its input.
        enhancer: with the local enhancer; without it, the global generator works at the full size.
        local_blocks: residual blocks of the enhancer.
        norm: see `layers.norm_layer`.
        upsampling: see `layers.upsample`.
        attention: self-attention in the global generator (see `attention.SelfAttention`), after its blocks or
            on its way back: at a quarter of the picture's size (at half of it where there is none), or at
            1/n of it, n from 2 to `size_multiple`.
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        depth: int = 9,
        width: int = 32,
        halvings: int = 4,
        enhancer: bool = True,
        local_blocks: int = 3,
        norm: str = "instance",
        upsampling: str = "transpose",
        attention: bool | int = False,
    ):
        super().__init__()
        if halvings < 1:
            raise ValueError(f"the global generator needs at least 1 halving, not {halvings}")
        self.size_multiple = 2 ** (halvings + enhancer)
        # At the bottom the blocks' reflection needs two pixels, at the top the 7×7 kernel's needs four.
        self.minimum_size = max(2 * self.size_multiple, 4 * (1 + enhancer))
        shrunk = 1 + enhancer  # so many times smaller than the picture is what the global generator sees
        self.coarse = _coarse(in_channels, width * shrunk, depth, halvings, norm, upsampling)
        # Counted in doublings that are still to come.
        places = {shrunk * 2**left: left for left in range(halvings + 1) if shrunk * 2**left > 1}
        self.attended = attended_place(attention, places)
        self.attention: nn.Module = nn.Identity()
        if self.attended is not None:
            self.attention = SelfAttention(width * shrunk * 2**self.attended)
        self.down = self.up = None
        if enhancer:
            make_norm, bias = norm_layer(norm), needs_bias(norm)
            self.down = nn.Sequential(*_first(in_channels, width, norm), *_halving(width, norm))
            self.up = nn.Sequential(
                *(ResidualBlock(2 * width, norm) for _ in range(local_blocks)),
                upsample(upsampling, 2 * width, width, kernel=3, bias=bias),
                make_norm(width),
                nn.ReLU(inplace=True),
            )
        self.output = FewOutputsConv2d(width, out_channels, 7, padding_mode="reflect")

    def forward(self, image: Tensor) -> Tensor:
        if self.down is None or self.up is None:
            return torch.tanh(self.output(self._global(image)))
        small = F.avg_pool2d(image, 3, stride=2, padding=1, count_include_pad=False)
        features = self.down(image) + self._global(small)  # (B, 2 width, H/2, W/2)
        return torch.tanh(self.output(self.up(features)))

    def _global(self, image: Tensor) -> Tensor:
        if self.attended is None:
            return self.coarse(image)
        place = len(self.coarse) - DOUBLING * self.attended
        return self.coarse[place:](self.attention(self.coarse[:place](image)))


def _coarse(
    in_channels: int, width: int, depth: int, halvings: int, norm: str, upsampling: str
) -> nn.Sequential:
    """The global generator up to its last features: (B, in_channels, H, W) to (B, width, H, W)."""
    widths = [width * 2**level for level in range(halvings + 1)]
    layers = _first(in_channels, width, norm)
    for channels in widths[:-1]:
        layers += _halving(channels, norm)
    layers += [ResidualBlock(widths[-1], norm) for _ in range(depth)]
    for channels in reversed(widths[:-1]):
        layers += [
            upsample(upsampling, 2 * channels, channels, kernel=3, bias=needs_bias(norm)),
            norm_layer(norm)(channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def _first(in_channels: int, width: int, norm: str) -> list[nn.Module]:
    bias = needs_bias(norm)
    return [
        nn.Conv2d(in_channels, width, 7, padding=3, padding_mode="reflect", bias=bias),
        norm_layer(norm)(width),
        nn.ReLU(inplace=True),
    ]


def _halving(channels: int, norm: str) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1, bias=needs_bias(norm)),
        norm_layer(norm)(2 * channels),
        nn.ReLU(inplace=True),
    ]
