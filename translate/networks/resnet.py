"""Residual generators: the ResNet of CycleGAN, and a light one for CPUs and browsers."""

from __future__ import annotations

from torch import Tensor, nn

from translate.networks.convolutions import FewOutputsConv2d, WinogradConv2d
from translate.networks.layers import Generator, blend, check_masked, needs_bias, norm_layer, upsample


class ResNet(Generator):
    """Two halvings, residual blocks, two doublings.

    Johnson et al. 2016 as CycleGAN uses it (Zhu et al. 2017, appendix 7.2). With 9 blocks, width 64,
    instance norm and RGB: 11.38 M parameters.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to (B, out_channels, H, W) in [-1, 1]; H and W are
    multiples of `size_multiple` = 4.

    Args:
        depth: the number of residual blocks.
        width: channels after the first convolution; the blocks have 4 × width.
        masked: see `layers.blend`.
    """

    size_multiple = 4
    minimum_size = 8  # the 7×7 kernel's reflection needs 4, the blocks' 2 at a quarter of the size

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        depth: int = 9,
        width: int = 64,
        norm: str = "instance",
        dropout: float = 0.0,
        upsampling: str = "transpose",
        masked: bool = False,
    ):
        super().__init__()
        check_masked(masked, in_channels, out_channels)
        make_norm, bias = norm_layer(norm), needs_bias(norm)
        self.masked = masked
        self.encoder = nn.Sequential(
            nn.Conv2d(in_channels, width, 7, padding=3, padding_mode="reflect", bias=bias),
            make_norm(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=bias),
            make_norm(2 * width),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1, bias=bias),
            make_norm(4 * width),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(*(ResidualBlock(4 * width, norm, dropout) for _ in range(depth)))
        self.decoder = nn.Sequential(
            upsample(upsampling, 4 * width, 2 * width, kernel=3, bias=bias),
            make_norm(2 * width),
            nn.ReLU(inplace=True),
            upsample(upsampling, 2 * width, width, kernel=3, bias=bias),
            make_norm(width),
            nn.ReLU(inplace=True),
            FewOutputsConv2d(width, out_channels + masked, 7, padding_mode="reflect"),
        )

    def forward(self, image: Tensor) -> Tensor:
        x = self.encoder(image)  # (B, 4 width, H/4, W/4)
        x = self.blocks(x)
        return blend(image, self.decoder(x), self.masked)


class ResidualBlock(nn.Module):
    """x + norm(conv(relu(norm(conv(x))))), reflection padded; float32 (B, C, H, W) to the same."""

    def __init__(self, channels: int, norm: str, dropout: float = 0.0):
        super().__init__()
        make_norm, bias = norm_layer(norm), needs_bias(norm)
        self.branch = nn.Sequential(
            WinogradConv2d(channels, channels, padding_mode="reflect", bias=bias),
            make_norm(channels),
            nn.ReLU(inplace=True),
            *([nn.Dropout(dropout)] if dropout else []),
            WinogradConv2d(channels, channels, padding_mode="reflect", bias=bias),
            make_norm(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


class MobileResNet(Generator):
    """A residual generator of depthwise-separable convolutions, for CPUs and browsers.

    The shape is CycleGAN's ResNet; every 3×3 convolution is split into a depthwise and a pointwise one
    (Howard et al. 2017, MobileNets, eq. 5), the 7×7 ones at both ends are 3×3, and enlargement is
    nearest-neighbour, which leaves no checkerboard.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to (B, out_channels, H, W) in [-1, 1]; H and W are
    multiples of `size_multiple` = 4.

    Args:
        depth: the number of residual blocks.
        width: channels after the first convolution; the blocks have 4 × width.
        masked: see `layers.blend`.
    """

    size_multiple = 4
    minimum_size = 8

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        depth: int = 6,
        width: int = 32,
        norm: str = "instance",
        masked: bool = False,
    ):
        super().__init__()
        check_masked(masked, in_channels, out_channels)
        make_norm, bias = norm_layer(norm), needs_bias(norm)
        self.masked = masked
        self.encoder = nn.Sequential(
            nn.Conv2d(in_channels, width, 3, padding=1, padding_mode="reflect", bias=bias),
            make_norm(width),
            nn.ReLU(inplace=True),
            *_separable(width, 2 * width, norm, stride=2),
            nn.ReLU(inplace=True),
            *_separable(2 * width, 4 * width, norm, stride=2),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(*(MobileBlock(4 * width, norm) for _ in range(depth)))
        self.decoder = nn.Sequential(
            nn.Conv2d(4 * width, 2 * width, 1, bias=bias),
            nn.Upsample(scale_factor=2, mode="nearest"),
            *_separable(2 * width, 2 * width, norm),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * width, width, 1, bias=bias),
            nn.Upsample(scale_factor=2, mode="nearest"),
            *_separable(width, width, norm),
            nn.ReLU(inplace=True),
            FewOutputsConv2d(width, out_channels + masked, 3, padding_mode="reflect"),
        )

    def forward(self, image: Tensor) -> Tensor:
        x = self.encoder(image)  # (B, 4 width, H/4, W/4)
        x = self.blocks(x)
        return blend(image, self.decoder(x), self.masked)


class MobileBlock(nn.Module):
    """x + two separable convolutions with a ReLU between; float32 (B, C, H, W) to the same."""

    def __init__(self, channels: int, norm: str):
        super().__init__()
        self.branch = nn.Sequential(
            *_separable(channels, channels, norm),
            nn.ReLU(inplace=True),
            *_separable(channels, channels, norm),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def _separable(inputs: int, outputs: int, norm: str, stride: int = 1) -> list[nn.Module]:
    """A depthwise 3×3 and a pointwise convolution, normalised once, after both."""
    return [
        nn.Conv2d(inputs, inputs, 3, stride=stride, padding=1, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=needs_bias(norm)),
        norm_layer(norm)(outputs),
    ]
