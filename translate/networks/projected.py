"""A discriminator that sees pictures through a frozen network which real photographs trained."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.networks.backbones import EfficientNetLite
from translate.networks.conditioning import refuse_condition
from translate.networks.layers import Discriminator, needs_bias, norm_layer
from translate.networks.spectral import SpectralConv2d

SMALLEST = 64  # pixels, so that the coarsest features, at a 32nd of it, are more than one place


class ProjectedDiscriminator(Discriminator):
    """Small discriminators on the mixed features of a frozen backbone, one for each of four scales.

    Sauer et al. 2021, "Projected GANs converge faster", §3.2: features at 1/4, 1/8, 1/16 and 1/32 of the size
    are mixed across channels by random 1×1 convolutions, then across scales from coarse to fine by random 3×3
    convolutions and bilinear enlargement. Neither ever learns; they are drawn from torch's generator when the
    network is built, with the variance of their input (He et al. 2015, without the factor for ReLUs, of which
    there are none between), and are in the state dict. The learnt heads are spectrally normalised 4×4
    convolutions down to 1/32 and a 3×3 one to the logits.

    As in the authors' code pictures are enlarged to the backbone's 224 pixels, and heads have batch norm.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to four logits (B, 1, H', W'), finest scale first.

    Args:
        in_channels: 3, or 1 (grey, shown to the backbone as RGB), or 6: two RGB pictures, whose features the
            mixing gets side by side.
        backbone: a name in `backbones.BACKBONES`.
        width: channels of the finest mixed features; coarser ones have 2, 4 and 8 times as many.
        enlarge: a picture whose shorter side has fewer pixels is enlarged to so many; at least 64.
        norm: of the heads.

    Raises:
        UsageError: an unknown backbone, or its package is missing.
    """

    minimum_size = 1

    def __init__(
        self,
        in_channels: int = 3,
        *,
        backbone: str = "efficientnet-lite0",
        width: int = 64,
        enlarge: int = 224,
        norm: str = "batch",
    ):
        super().__init__()
        if in_channels not in (1, 3, 6):
            raise ValueError(
                f"a projected discriminator sees one grey, one or two RGB pictures: 1, 3, 6 channels, not "
                f"{in_channels}"
            )
        if enlarge < SMALLEST:
            raise ValueError(
                f"a projected discriminator enlarges to {SMALLEST} pixels or more, not {enlarge}"
            )
        self.enlarge, self.pictures = enlarge, max(1, in_channels // 3)
        self.backbone = EfficientNetLite(backbone)
        widths = [width * 2**scale for scale in range(4)]
        seen = [width, *widths[:-1]]  # channels after mixing across scales
        for scale in range(4):
            features = self.backbone.channels[scale] * self.pictures
            self.register_buffer(f"across_channels{scale}", _random_kernel(features, widths[scale], 1))
            self.register_buffer(f"across_scales{scale}", _random_kernel(widths[scale], seen[scale], 3))
        self.heads = nn.ModuleList(
            _head([seen[scale], *widths[scale + 1 :]], widths[-1], norm) for scale in range(4)
        )

    def forward(self, image: Tensor, condition: Tensor | None = None) -> list[Tensor]:
        """Logits (B, 1, H', W') of four scales; takes no condition."""
        refuse_condition(condition)
        return [head(features) for head, features in zip(self.heads, self.mixed(image), strict=True)]

    def features(self, image: Tensor, condition: Tensor | None = None) -> list[list[Tensor]]:
        """The mixed features of each scale, then its head's activations, the logits left out."""
        refuse_condition(condition)
        found = []
        for head, features in zip(self.heads, self.mixed(image), strict=True):
            scale = [features]
            for block in list(head.children())[:-1]:
                scale.append(block(scale[-1]))
            found.append(scale)
        return found

    def mixed(self, image: Tensor) -> list[Tensor]:
        """Features after both mixings, (B, C, H', W') of four scales, finest first."""
        found, coarser = [], None
        seen = self._backbone_features(image)
        for scale in reversed(range(4)):
            x = F.conv2d(seen[scale], self.get_buffer(f"across_channels{scale}"))
            if coarser is not None:
                x = x + F.interpolate(coarser, x.shape[2:], mode="bilinear", align_corners=False)
            coarser = F.conv2d(x, self.get_buffer(f"across_scales{scale}"), padding=1)
            found.append(coarser)
        return found[::-1]

    def _backbone_features(self, image: Tensor) -> list[Tensor]:
        shorter = min(image.shape[2:])
        if shorter < self.enlarge:
            height, width = (round(side * self.enlarge / shorter) for side in image.shape[2:])
            image = F.interpolate(image, (height, width), mode="bilinear", align_corners=False)
        if image.shape[1] == 1:
            image = image.expand(-1, 3, -1, -1)
        features = self.backbone(torch.cat(image.chunk(self.pictures, 1)))
        return [torch.cat(scale.chunk(self.pictures), 1) for scale in features]


def _random_kernel(inputs: int, outputs: int, size: int) -> Tensor:
    kernel = torch.empty(outputs, inputs, size, size)
    return nn.init.kaiming_normal_(kernel, nonlinearity="linear")


def _head(widths: list[int], last: int, norm: str) -> nn.Sequential:
    """Blocks that halve between the widths, or one that doesn't where there is one width, and the logits."""
    layers = [
        (SpectralConv2d(narrow, wide, 4, stride=2, padding=1, bias=needs_bias(norm)), wide)
        for narrow, wide in pairwise(widths)
    ] or [(SpectralConv2d(widths[0], last, 3, padding=1, bias=needs_bias(norm)), last)]
    blocks = [
        nn.Sequential(layer, norm_layer(norm)(wide), nn.LeakyReLU(0.2, inplace=True))
        for layer, wide in layers
    ]
    return nn.Sequential(*blocks, SpectralConv2d(last, 1, 3, padding=1))
