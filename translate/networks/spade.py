"""The SPADE generator: pictures from label maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.networks.attention import SelfAttention, attended_place
from translate.networks.conditional_norms import SPADE, Conditional
from translate.networks.layers import Generator
from translate.networks.spectral import spectral as normalise_spectrally


class SpadeGenerator(Generator):
    """Residual blocks whose norms take scale and shift from the label map, with doublings between.

    Park et al. 2019, "Semantic image synthesis with spatially-adaptive normalization" (GauGAN), figure 4, in
    its deterministic form, which starts from the label map made small. With the defaults and 19 labels:
    92.5 M parameters. Depth 6 is its code's "more" layers.

    Maps label maps, one-hot float32 (B, in_channels, H, W), to pictures (B, out_channels, H, W) in [-1, 1]; H
    and W are multiples of `size_multiple` = 2**depth. Soft maps, or pictures, work too.

    Args:
        depth: how often the start is doubled, 2 to 6.
        width: channels of the last block; the first have up to 16 × width.
        norm: what SPADE modulates, see `layers.norm_layer`.
        spectral: spectral normalisation of the blocks' convolutions, as in the paper, and of the attention's.
        hidden: channels inside every SPADE.
        attention: self-attention (see `attention.SelfAttention`) behind the last block at a quarter of the
            size, or at 1/n of it, n from 2 to 2**depth.
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        depth: int = 5,
        width: int = 64,
        norm: str = "sync-batch",
        spectral: bool = True,
        hidden: int = 128,
        attention: bool | int = False,
    ):
        super().__init__()
        if not 2 <= depth <= 6:
            raise ValueError(f"this generator doubles its start 2 to 6 times, not {depth}")
        self.size_multiple = 2**depth
        self.minimum_size = 2 ** (depth + 1)  # so that no norm meets a single pixel
        outer = min(depth, 5)
        # How often the size is halved in each block; depth 6 has a doubling between the two middle ones.
        self.levels = [depth, depth - 1, outer - 1, *reversed(range(outer - 1))]
        widths = [width * 2**level for level in reversed(range(outer))]  # 16, 8, 4, 2, 1 times

        def block(inputs: int, outputs: int) -> SpadeBlock:
            return SpadeBlock(inputs, outputs, in_channels, norm=norm, spectral=spectral, hidden=hidden)

        self.start = nn.Conv2d(in_channels, widths[0], 3, padding=1)
        self.head = block(widths[0], widths[0])
        self.middle = nn.ModuleList(block(widths[0], widths[0]) for _ in range(2))
        self.ups = nn.ModuleList(block(widths[i], widths[i + 1]) for i in range(outer - 1))
        self.output = nn.Conv2d(widths[-1], out_channels, 3, padding=1)
        places = {2**level: place for place, level in enumerate(self.levels) if level}
        self.attended = attended_place(attention, places)
        self.attention: nn.Module = nn.Identity()
        if self.attended is not None:
            self.attention = SelfAttention(widths[max(0, self.attended - 2)])
        if spectral:
            normalise_spectrally(self.attention)

    def forward(self, labels: Tensor) -> Tensor:
        small = [side // self.size_multiple for side in labels.shape[2:]]
        x = self.start(F.interpolate(labels, size=small, mode="nearest"))
        before, blocks = self.levels[0], (self.head, *self.middle, *self.ups)
        for place, (block, level) in enumerate(zip(blocks, self.levels, strict=True)):
            # (B, 16 width at first and width in the end, H / 2**level, W / 2**level)
            x = block(x if level == before else _double(x), labels)
            before = level
            if place == self.attended:
                x = self.attention(x)
        return torch.tanh(self.output(F.leaky_relu(x, 0.2)))


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


class SpadeBlock(Conditional):
    """x + conv(act(SPADE(conv(act(SPADE(x)))))).

    Where channels change, SPADE and a 1×1 convolution bring the first x to the others. Park et al. 2019,
    figure 4 (left). Maps float32 (B, inputs, H, W) and a map (B, map_channels, any, any) to (B, outputs, H,
    W).
    """

    def __init__(
        self, inputs: int, outputs: int, map_channels: int, *, norm: str, spectral: bool, hidden: int
    ):
        super().__init__()
        between = min(inputs, outputs)
        self.norms = nn.ModuleList(
            SPADE(channels, map_channels, norm=norm, hidden=hidden) for channels in (inputs, between)
        )
        self.convolutions = nn.ModuleList(
            [nn.Conv2d(inputs, between, 3, padding=1), nn.Conv2d(between, outputs, 3, padding=1)]
        )
        self.shortcut_norm = (
            SPADE(inputs, map_channels, norm=norm, hidden=hidden) if inputs != outputs else None
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()
        if spectral:
            # SPADE's own convolutions stay free.
            normalise_spectrally(self.convolutions)
            normalise_spectrally(self.shortcut)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        kept = x if self.shortcut_norm is None else self.shortcut_norm(x, condition)
        branch = x
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            branch = convolution(F.leaky_relu(norm(branch, condition), 0.2))
        return self.shortcut(kept) + branch
