"""Discriminators that judge patches."""

from __future__ import annotations

from torch import Tensor, nn

from translate.networks.layers import Discriminator, needs_bias, norm_layer


class PatchGAN(Discriminator):
    """A convolutional classifier of overlapping patches.

    Isola et al. 2017, appendix 6.1.2. `layers` = 3 is the 70×70 PatchGAN (width 64: 2.76 M parameters with
    instance norm and 3 input channels, 2.77 M with batch norm and 6), 1 sees 16×16, 5 sees 286×286 pixels.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to logits (B, 1, H', W').

    Args:
        layers: strided convolutions, at least 1.
        width: channels after the first convolution; deeper ones have up to 8 × width.
    """

    def __init__(self, in_channels: int = 3, *, layers: int = 3, width: int = 64, norm: str = "batch"):
        super().__init__()
        if layers < 1:
            raise ValueError(f"a PatchGAN needs at least 1 layer, not {layers}; `pixel` judges single pixels")
        make_norm, bias = norm_layer(norm), needs_bias(norm)
        self.minimum_size = 3 * 2**layers  # the last two convolutions take a pixel each
        parts: list[nn.Module] = [
            nn.Conv2d(in_channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        channels = width
        for layer in range(1, layers + 1):
            wider = width * min(2**layer, 8)
            stride = 2 if layer < layers else 1
            parts += [
                nn.Conv2d(channels, wider, 4, stride=stride, padding=1, bias=bias),
                make_norm(wider),
                nn.LeakyReLU(0.2, inplace=True),
            ]
            channels = wider
        parts.append(nn.Conv2d(channels, 1, 4, padding=1))
        self.body = nn.Sequential(*parts)

    def forward(self, image: Tensor) -> Tensor:
        return self.body(image)


class PixelGAN(Discriminator):
    """A classifier of single pixels: 1×1 convolutions only (Isola et al. 2017, §3.2, the 1×1 "PixelGAN").

    Maps float32 (B, in_channels, H, W) in [-1, 1] to logits (B, 1, H, W).
    """

    minimum_size = 1

    def __init__(self, in_channels: int = 3, *, width: int = 64, norm: str = "batch"):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, width, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2 * width, 1, bias=needs_bias(norm)),
            norm_layer(norm)(2 * width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * width, 1, 1, bias=needs_bias(norm)),
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.body(image)


class ImageGAN(Discriminator):
    """One verdict for the whole picture: a PatchGAN whose logits are averaged.

    Isola et al. 2017, §3.2 and appendix 6.1.2, run the patch classifier over the picture and average; with
    5 layers the patch is 286×286, the paper's "ImageGAN" for 256² pictures.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to logits (B, 1, 1, 1).
    """

    def __init__(self, in_channels: int = 3, *, layers: int = 5, width: int = 64, norm: str = "batch"):
        super().__init__()
        self.patches = PatchGAN(in_channels, layers=layers, width=width, norm=norm)
        self.minimum_size = self.patches.minimum_size

    def forward(self, image: Tensor) -> Tensor:
        return self.patches(image).mean((2, 3), keepdim=True)
