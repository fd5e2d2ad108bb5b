"""The U-Net generator of pix2pix."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from translate.networks.layers import Generator, blend, check_masked, needs_bias, norm_layer, upsample


class UNet(Generator):
    """Encoder and decoder with skip connections at every scale.

    Isola et al. 2017, "Image-to-image translation with conditional adversarial networks", appendix 6.1.
    With depth 8, width 64, batch norm and RGB it is the paper's U-Net-256: 54.41 M parameters.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to (B, out_channels, H, W) in [-1, 1]; H and W are
    multiples of `size_multiple` = 2**depth.

    Args:
        depth: how often height and width are halved, at least 2.
        width: channels after the first convolution; deeper levels have up to 8 × width.
        dropout: probability in the innermost decoder levels (the paper's only noise), 0 for none.
        upsampling: `transpose` or `resize`.
        masked: see `layers.blend`.
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        depth: int = 8,
        width: int = 64,
        norm: str = "batch",
        dropout: float = 0.5,
        upsampling: str = "transpose",
        masked: bool = False,
    ):
        super().__init__()
        check_masked(masked, in_channels, out_channels)
        self.masked = masked
        if depth < 2:
            raise ValueError(f"a U-Net needs a depth of at least 2, not {depth}")
        self.size_multiple = 2**depth
        self.minimum_size = 2**depth
        make_norm, bias = norm_layer(norm), needs_bias(norm)
        channels = [width * min(2**level, 8) for level in range(depth)]

        encoder: list[nn.Module] = [nn.Conv2d(in_channels, channels[0], 4, stride=2, padding=1, bias=bias)]
        for level in range(1, depth):
            innermost = level == depth - 1
            down = [
                nn.LeakyReLU(0.2),
                nn.Conv2d(channels[level - 1], channels[level], 4, stride=2, padding=1, bias=bias),
            ]
            # One pixel per channel may be left here, and its normalisation would always be zero.
            encoder.append(nn.Sequential(*down, *([] if innermost else [make_norm(channels[level])])))
        self.encoder = nn.ModuleList(encoder)

        decoder = []
        for level in range(depth - 1, 0, -1):
            innermost = level == depth - 1
            inputs = channels[level] if innermost else 2 * channels[level]
            up = [
                nn.ReLU(inplace=True),
                upsample(upsampling, inputs, channels[level - 1], kernel=4, bias=bias),
                make_norm(channels[level - 1]),
            ]
            if dropout and not innermost and level >= 4:
                up.append(nn.Dropout(dropout))
            decoder.append(nn.Sequential(*up))
        self.decoder = nn.ModuleList(decoder)
        self.output = nn.Sequential(
            nn.ReLU(inplace=True),
            upsample(upsampling, 2 * channels[0], out_channels + masked, kernel=4, bias=True),
        )

    def forward(self, image: Tensor) -> Tensor:
        skips = []
        x = image
        for down in self.encoder:
            x = down(x)  # (B, channels[level], H / 2**(level+1), W / 2**(level+1))
            skips.append(x)
        skips.pop()
        for up in self.decoder:
            x = torch.cat([skips.pop(), up(x)], 1)
        return blend(image, self.output(x), self.masked)
