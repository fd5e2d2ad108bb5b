"""A generator over a Laplacian pyramid: colours are translated small, details are kept and weighted."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.networks.blur import BlurDown, BlurUp
from translate.networks.layers import Generator, match_channels, needs_bias, norm_layer

SLOPE = 0.01  # LPTN's leaky ReLUs are torch's default ones


class LaplacianPyramid(Generator):
    """Residual blocks on the smallest level of a Laplacian pyramid, and a predicted mask for every band.

    Liang et al. 2021, "High-resolution photorealistic image translation in real-time: a Laplacian pyramid
    translation network" (LPTN), §3: the low level is translated by residual blocks, the band above it gets a
    mask from what it, the low level and its translation say, and this mask is enlarged and refined
    for each finer band; band + mask · band are put together again. The pyramid is that of Burt & Adelson
    1983, on which also Denton et al. 2015 (LAPGAN) build. Its filters here are those of `blur`, and the
    masks are refined by 1×1 convolutions before they meet their bands.

    Nearly all work is done on small pictures, so it is the cheapest generator for large ones; it changes
    colours and contrast, not shapes. Put together, the output is cut off at −1 and 1.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to (B, out_channels, H, W) in [-1, 1]; H and W are
    multiples of `size_multiple` = 2**levels. If the channels differ, the bands' mean over channels is used
    for each.

    Args:
        depth: residual blocks on the low level; the masks have 3.
        width: channels of the blocks.
        levels: bands of the pyramid, at least 1.
        norm: after the first convolution of the low level, see `layers.norm_layer`.
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        depth: int = 5,
        width: int = 64,
        levels: int = 3,
        norm: str = "instance",
    ):
        super().__init__()
        if levels < 1:
            raise ValueError(f"a pyramid needs at least 1 level, not {levels}")
        self.out_channels = out_channels
        self.size_multiple = 2**levels
        self.minimum_size = 2 ** (levels + 1)
        self.shrink, self.enlarge = BlurDown(), BlurUp()
        narrow = max(width // 4, 1)
        self.low = nn.Sequential(
            nn.Conv2d(in_channels, narrow, 3, padding=1, bias=needs_bias(norm)),
            norm_layer(norm)(narrow),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(narrow, width, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            *(_Residual(width) for _ in range(depth)),
            nn.Conv2d(width, narrow, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(narrow, out_channels, 3, padding=1),
        )
        self.mask = nn.Sequential(
            nn.Conv2d(2 * in_channels + out_channels, width, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            *(_Residual(width) for _ in range(3)),
            nn.Conv2d(width, out_channels, 3, padding=1),
        )
        self.refine = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(out_channels, narrow, 1), nn.LeakyReLU(SLOPE), nn.Conv2d(narrow, out_channels, 1)
            )
            for _ in range(levels - 1)
        )

    def forward(self, image: Tensor) -> Tensor:
        bands, low = self.split(image, len(self.refine) + 1)
        translated = torch.tanh(match_channels(low, self.out_channels) + self.low(low))
        coarsest = bands.pop()
        mask = self.mask(torch.cat([coarsest, self.enlarge(low), self.enlarge(translated)], 1))
        picture = self._join(translated, coarsest, mask)
        for refine in self.refine:
            mask = refine(self.enlarge(mask))
            picture = self._join(picture, bands.pop(), mask)
        return F.hardtanh(picture)

    def split(self, image: Tensor, levels: int) -> tuple[list[Tensor], Tensor]:
        """Bands, finest first, and what is left of the picture, 2**levels times smaller."""
        bands = []
        for _ in range(levels):
            smaller = self.shrink(image)
            bands.append(image - self.enlarge(smaller))
            image = smaller
        return bands, image

    def _join(self, smaller: Tensor, band: Tensor, mask: Tensor) -> Tensor:
        return self.enlarge(smaller) + match_channels(band, self.out_channels) * (1 + mask)


class _Residual(nn.Module):
    """x + conv(act(conv(x)))."""

    def __init__(self, width: int):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)
