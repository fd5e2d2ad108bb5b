"""Super-resolution: networks whose output is `scale` times as large as their input.

All map float32 (B, in_channels, H, W) in [-1, 1] to (B, out_channels, scale · H, scale · W); none bounds its
output, which a trained network keeps about [-1, 1]. With a scale of 1 they restore pictures of the same size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.networks.layers import Generator, ShuffleConv2d, match_channels, needs_bias, norm_layer

SLOPE = 0.2  # of ESRGAN's leaky ReLUs


class SRResNet(Generator):
    """Residual blocks with batch norm at the small size, then PixelShuffle.

    Ledig et al. 2017, "Photo-realistic single image super-resolution using a GAN", figure 4. With 16 blocks,
    width 64 and scale 4: 1.5 M parameters. PReLUs have one slope for all channels; the last layer is linear.

    Args:
        depth: the number of residual blocks.
        width: channels everywhere.
        scale: 1, 2, 3, 4 or 8; powers of two by doublings.
    """

    channels_last = True
    size_multiple = 1
    minimum_size = 2  # batch norm of a single pixel is nothing

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        depth: int = 16,
        width: int = 64,
        scale: int = 4,
        norm: str = "batch",
    ):
        super().__init__()
        self.scale = scale
        self.head = nn.Sequential(nn.Conv2d(in_channels, width, 9, padding=4), nn.PReLU())
        self.body = nn.Sequential(
            *(_Residual(_normalised_branch(width, norm)) for _ in range(depth)),
            nn.Conv2d(width, width, 3, padding=1, bias=needs_bias(norm)),
            norm_layer(norm)(width),
        )
        enlarge = [
            part
            for factor in _factors(scale)
            for part in (ShuffleConv2d(width, width, factor), nn.PixelShuffle(factor), nn.PReLU())
        ]
        self.tail = nn.Sequential(*enlarge, nn.Conv2d(width, out_channels, 9, padding=4))

    def forward(self, image: Tensor) -> Tensor:
        x = self.head(image)  # (B, width, H, W)
        return self.tail(x + self.body(x))


class EDSR(Generator):
    """SRResNet without normalisation, with ReLUs.

    Lim et al. 2017, "Enhanced deep residual networks for single image super-resolution", figure 3. The
    defaults are its baseline (1,517,571 parameters at scale 4, 1,369,859 at 2); with depth 32, width 256 and
    residual_scale 0.1 it is the paper's EDSR (43 M). The mean of the training pictures isn't subtracted here.

    Args:
        depth: the number of residual blocks.
        width: channels everywhere.
        scale: 1, 2, 3, 4 or 8; powers of two by doublings.
        residual_scale: what the branch of every block is multiplied with.
    """

    channels_last = True
    size_multiple = 1
    minimum_size = 1

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        depth: int = 16,
        width: int = 64,
        scale: int = 4,
        residual_scale: float = 1.0,
    ):
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(in_channels, width, 3, padding=1)
        self.body = nn.Sequential(
            *(_Residual(_plain_branch(width), residual_scale) for _ in range(depth)),
            nn.Conv2d(width, width, 3, padding=1),
        )
        enlarge = [
            part
            for factor in _factors(scale)
            for part in (ShuffleConv2d(width, width, factor), nn.PixelShuffle(factor))
        ]
        self.tail = nn.Sequential(*enlarge, nn.Conv2d(width, out_channels, 3, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        x = self.head(image)  # (B, width, H, W)
        return self.tail(x + self.body(x))


class RRDBNet(Generator):
    """Residual-in-residual dense blocks, then nearest-neighbour enlargement and convolutions.

    Wang et al. 2018, "ESRGAN", figures 3 and 4, as Real-ESRGAN has it (Wang et al. 2021): 16,697,987
    parameters with the defaults (`x4plus`). It always enlarges four times; for scales 2 and 1 the picture's
    pixels are folded into channels first. Names are those of the published weights, which work in [0, 1]:
    pictures are brought there and back.

    Args:
        depth: the number of residual-in-residual blocks.
        width: channels between the blocks.
        growth: channels that every dense layer adds.
        scale: 1, 2 or 4.
    """

    channels_last = True

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        depth: int = 23,
        width: int = 64,
        growth: int = 32,
        scale: int = 4,
    ):
        super().__init__()
        if scale not in (1, 2, 4):
            raise ValueError(f"this network enlarges by 1, 2 or 4, not by {scale}")
        self.scale = scale
        self.size_multiple = self.minimum_size = 4 // scale
        self.conv_first = nn.Conv2d(in_channels * self.size_multiple**2, width, 3, padding=1)
        self.body = nn.Sequential(*(_ResidualInResidual(width, growth) for _ in range(depth)))
        self.conv_body = nn.Conv2d(width, width, 3, padding=1)
        self.conv_up1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_up2 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_hr = nn.Conv2d(width, width, 3, padding=1)
        self.conv_last = nn.Conv2d(width, out_channels, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        folded = F.pixel_unshuffle((image + 1) / 2, self.size_multiple)
        x = self.conv_first(folded)  # (B, width, H · scale / 4, W · scale / 4)
        x = x + self.conv_body(self.body(x))
        for enlarging in (self.conv_up1, self.conv_up2):
            x = F.leaky_relu(enlarging(F.interpolate(x, scale_factor=2, mode="nearest")), SLOPE)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), SLOPE)) * 2 - 1


class SRVGG(Generator):
    """A plain stack of convolutions at the small size, PixelShuffle, and the enlarged input added.

    The compact network of Real-ESRGAN (Wang et al. 2021): 621,424 parameters with the defaults
    (`animevideov3`). Names are those of the published weights, which work in [0, 1]: pictures are brought
    there and back.

    Args:
        depth: convolutions between the first and the last.
        width: channels between them.
        scale: any whole number.
    """

    channels_last = True
    size_multiple = 1
    minimum_size = 1

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        depth: int = 16,
        width: int = 64,
        scale: int = 4,
    ):
        super().__init__()
        if scale < 1:
            raise ValueError(f"a picture is enlarged by 1 or more, not by {scale}")
        self.scale, self.out_channels = scale, out_channels
        layers: list[nn.Module] = [nn.Conv2d(in_channels, width, 3, padding=1), nn.PReLU(width)]
        for _ in range(depth):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.PReLU(width)]
        self.body = nn.Sequential(*layers, ShuffleConv2d(width, out_channels, scale))

    def forward(self, image: Tensor) -> Tensor:
        unit = (image + 1) / 2
        detail = F.pixel_shuffle(self.body(unit), self.scale)  # (B, out_channels, scale · H, scale · W)
        base = match_channels(unit, self.out_channels)
        return (detail + F.interpolate(base, scale_factor=self.scale, mode="nearest")) * 2 - 1


def _factors(scale: int) -> list[int]:
    """A scale as a product of enlargements by 2 or 3.

    Raises:
        ValueError: a scale that isn't 1, 2, 3, 4 or 8.
    """
    factors = {1: [], 2: [2], 3: [3], 4: [2, 2], 8: [2, 2, 2]}
    if scale not in factors:
        raise ValueError(f"this network enlarges by 1, 2, 3, 4 or 8, not by {scale}")
    return factors[scale]


class _Residual(nn.Module):
    """x + scale · branch(x)."""

    def __init__(self, branch: nn.Module, scale: float = 1.0):
        super().__init__()
        self.branch = branch
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.branch(x)


def _normalised_branch(width: int, norm: str) -> nn.Sequential:
    bias = needs_bias(norm)
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1, bias=bias),
        norm_layer(norm)(width),
        nn.PReLU(),
        nn.Conv2d(width, width, 3, padding=1, bias=bias),
        norm_layer(norm)(width),
    )


def _plain_branch(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1),
    )


class _DenseBlock(nn.Module):
    """Five convolutions, each of which sees the outputs of all before it; a fifth of the sum is added."""

    def __init__(self, width: int, growth: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, growth, 3, padding=1)
        self.conv2 = nn.Conv2d(width + growth, growth, 3, padding=1)
        self.conv3 = nn.Conv2d(width + 2 * growth, growth, 3, padding=1)
        self.conv4 = nn.Conv2d(width + 3 * growth, growth, 3, padding=1)
        self.conv5 = nn.Conv2d(width + 4 * growth, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        seen = x
        for convolution in (self.conv1, self.conv2, self.conv3, self.conv4):
            seen = torch.cat([seen, F.leaky_relu(convolution(seen), SLOPE)], 1)
        return x + 0.2 * self.conv5(seen)


class _ResidualInResidual(nn.Module):
    """Three dense blocks in a row; a fifth of what they make of x is added to x."""

    def __init__(self, width: int, growth: int):
        super().__init__()
        self.rdb1 = _DenseBlock(width, growth)
        self.rdb2 = _DenseBlock(width, growth)
        self.rdb3 = _DenseBlock(width, growth)

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))
