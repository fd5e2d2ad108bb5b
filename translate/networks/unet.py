"""The U-Net generator of pix2pix."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from translate.networks.attention import SelfAttention, attended_place
from translate.networks.conditional_norms import Condition
from translate.networks.convolutions import HalvingConv2d
from translate.networks.layers import Generator, blend, check_masked, needs_bias, norm_layer, upsample
from translate.networks.spectral import spectral as normalise_spectrally

EMBEDDING_MAPS = 32  # hundreds of maps would make the first, largest convolution the dearest


class UNet(Generator):
    """Encoder and decoder with skip connections at every scale.

    Isola et al. 2017, "Image-to-image translation with conditional adversarial networks", appendix 6.1.
    With depth 8, width 64, batch norm and RGB it is the paper's U-Net-256: 54.41 M parameters.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to (B, out_channels, H, W) in [-1, 1]; H and W are
    multiples of `size_multiple` = 2**depth.

    A condition and a latent code are concatenated to the input as constant maps, as StarGAN's labels (Choi et
    al. 2018, §3.2) and BicycleGAN's z (Zhu et al. 2017, "add_to_input") are; embeddings as 32 learnt
    combinations of their numbers. The first convolution has no normalisation that would subtract constants
    again, and the skip connections carry them to every scale.

    Args:
        depth: how often height and width are halved, at least 2.
        width: channels after the first convolution; deeper levels have up to 8 × width.
        norm: see `layers.norm_layer`.
        dropout: probability in the innermost decoder levels (the paper's only noise), 0 for none.
        upsampling: see `layers.upsample`.
        masked: see `layers.blend`.
        classes: labels that the condition, int64 (B,), chooses from; 0 for none.
        embedding: numbers of the condition, float (B, embedding), where it isn't a label; 0 for none.
        latent: numbers of a latent code, float (B, latent); 0 for none.
        attention: self-attention in the encoder (see `attention.SelfAttention`) at a quarter of the size, or
            at 1/n of it, n from 2 to 2**depth.
        spectral: spectral normalisation of every layer, as SAGAN's generator has it.
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
        classes: int = 0,
        embedding: int = 0,
        latent: int = 0,
        attention: bool | int = False,
        spectral: bool = False,
    ):
        super().__init__()
        check_masked(masked, in_channels, out_channels)
        self.masked = masked
        self.classes, self.embedding, self.latent = classes, embedding, latent
        self.condition = Condition(classes, embedding, latent)
        maps = EMBEDDING_MAPS if embedding else self.condition.size
        self.maps = nn.Linear(self.condition.size, maps) if embedding else nn.Identity()
        if depth < 2:
            raise ValueError(f"a U-Net needs a depth of at least 2, not {depth}")
        self.size_multiple = 2**depth
        self.minimum_size = 2**depth
        make_norm, bias = norm_layer(norm), needs_bias(norm)
        channels = [width * min(2**level, 8) for level in range(depth)]

        first = nn.Conv2d(in_channels + maps, channels[0], 4, stride=2, padding=1, bias=bias)
        encoder: list[nn.Module] = [first]
        for level in range(1, depth):
            innermost = level == depth - 1
            down = [
                nn.LeakyReLU(0.2),
                HalvingConv2d(channels[level - 1], channels[level], bias=bias),
            ]
            # One pixel per channel may be left here, and its normalisation would always be zero.
            encoder.append(nn.Sequential(*down, *([] if innermost else [make_norm(channels[level])])))
        self.encoder = nn.ModuleList(encoder)
        self.attended = attended_place(attention, {2 ** (level + 1): level for level in range(depth)})
        self.attention = nn.Identity() if self.attended is None else SelfAttention(channels[self.attended])

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

        if spectral:
            normalise_spectrally(self)

    def forward(self, image: Tensor, condition: Tensor | None = None, latent: Tensor | None = None) -> Tensor:
        vector = self.condition(image, condition, latent)
        x = image if vector is None else _with_maps(image, self.maps(vector))
        skips = []
        for level, down in enumerate(self.encoder):
            x = down(x)  # (B, channels[level], H / 2**(level+1), W / 2**(level+1))
            if level == self.attended:
                x = self.attention(x)
            skips.append(x)
        skips.pop()
        for up in self.decoder:
            x = torch.cat([skips.pop(), up(x)], 1)
        return blend(image, self.output(x), self.masked)


def _with_maps(image: Tensor, values: Tensor) -> Tensor:
    """(B, C, H, W) and (B, N) -> (B, C + N, H, W)."""
    return torch.cat([image, values[:, :, None, None].expand(-1, -1, *image.shape[2:])], 1)
