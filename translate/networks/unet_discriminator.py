"""A discriminator with a verdict for every pixel, made from all around it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from translate.networks.conditioning import refuse_condition
from translate.networks.layers import Discriminator
from translate.networks.spectral import spectral as normalise


class UNetDiscriminator(Discriminator):
    """Three halvings and three bilinear doublings with skip connections that are added.

    Wang et al. 2021, "Real-ESRGAN", §3.3. With width 64 and RGB: 4,376,897 parameters, as the authors'
    own. Spectral normalisation is on all layers but the first and the last.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to logits (B, 1, H, W).

    Args:
        width: channels after the first convolution; the innermost has 8 × width.
        spectral: False leaves the normalisation out.
    """

    minimum_size = 8

    def __init__(self, in_channels: int = 3, *, width: int = 64, spectral: bool = True):
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.first = nn.Conv2d(in_channels, width, 3, padding=1)
        self.down = nn.ModuleList(
            nn.Conv2d(narrow, 2 * narrow, 4, stride=2, padding=1, bias=False) for narrow in widths[:-1]
        )
        self.up = nn.ModuleList(
            nn.Conv2d(2 * narrow, narrow, 3, padding=1, bias=False) for narrow in reversed(widths[:-1])
        )
        self.end = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        self.verdict = nn.Conv2d(width, 1, 3, padding=1)
        if spectral:
            for layers in (self.down, self.up, self.end):
                normalise(layers)

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits (B, 1, H, W); takes no condition."""
        return self.verdict(self.features(image, condition)[0][-1])

    def features(self, image: Tensor, condition: Tensor | None = None) -> list[list[Tensor]]:
        """Activations (B, C, H', W') after all nine layers but the last, in a list of one scale."""
        refuse_condition(condition)
        found = [F.leaky_relu(self.first(image), 0.2)]
        for layer in self.down:
            found.append(F.leaky_relu(layer(found[-1]), 0.2))
        x, skips = found[-1], found[-2::-1]  # skips at H/4, H/2, H
        for layer, skip in zip(self.up, skips, strict=True):
            larger = F.interpolate(x, skip.shape[2:], mode="bilinear", align_corners=False)
            found.append(F.leaky_relu(layer(larger), 0.2))
            x = found[-1] + skip
        for layer in self.end:
            x = F.leaky_relu(layer(x), 0.2)
            found.append(x)
        return [found]
