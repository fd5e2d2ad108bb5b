"""From a picture to the latent code that a generator could have made it with: BicycleGAN's encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from translate.networks.layers import needs_bias, norm_layer


class LatentEncoder(nn.Module):
    """E of BicycleGAN: a normal distribution over latent codes for each picture.

    Zhu et al. 2017, "Toward multimodal image-to-image translation", §3.2, with the residual encoder of its
    code: a strided convolution, residual blocks that each halve the size, a mean over all places, and two
    linear layers. With depth 4 and 256² pictures the places are 8×8, as there.

    Maps float32 (B, in_channels, H, W) in [-1, 1], H and W at least `minimum_size`, to means and log
    variances, (B, latent) each.

    Args:
        latent: the length of a code; the paper's is 8.
        depth: residual blocks, at least 1; each halves height and width.
        width: channels after the first convolution; deeper ones have up to 4 × width.
        norm: see `layers.norm_layer`.
    """

    def __init__(
        self,
        in_channels: int = 3,
        *,
        latent: int = 8,
        depth: int = 4,
        width: int = 64,
        norm: str = "instance",
    ):
        super().__init__()
        if depth < 1 or latent < 1:
            raise ValueError(
                f"an encoder needs a depth and a latent code of at least 1, not {depth}, {latent}"
            )
        self.latent = latent
        self.minimum_size = 2 ** (depth + 1)  # the last block still sees 2×2 pixels, for its norms
        widths = [width * min(level + 1, 4) for level in range(depth + 1)]
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, width, 4, stride=2, padding=1),
            *(_HalvingBlock(widths[i], widths[i + 1], norm) for i in range(depth)),
            nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.mean = nn.Linear(widths[-1], latent)
        self.log_variance = nn.Linear(widths[-1], latent)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        pooled = self.body(image)  # (B, up to 4 width)
        return self.mean(pooled), self.log_variance(pooled)


def reparameterise(mean: Tensor, log_variance: Tensor, noise: Tensor | None = None) -> Tensor:
    """A sample of N(mean, exp(log_variance)) that gradients pass through: μ + ε · exp(log σ² / 2).

    Kingma & Welling 2014, §2.4. All float (B, latent).

    Args:
        noise: ε, drawn from torch's global generator where not given.
    """
    noise = torch.randn_like(mean) if noise is None else noise
    return mean + noise * torch.exp(log_variance / 2)


class _HalvingBlock(nn.Module):
    """conv(act(norm(conv(act(norm(x)))))) at half the size, and a 1×1 convolution of x beside it."""

    def __init__(self, inputs: int, outputs: int, norm: str):
        super().__init__()
        self.branch = nn.Sequential(
            norm_layer(norm)(inputs),
            nn.LeakyReLU(0.2),
            nn.Conv2d(inputs, inputs, 3, padding=1, bias=needs_bias(norm)),
            norm_layer(norm)(inputs),
            nn.LeakyReLU(0.2),
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.AvgPool2d(2),
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inputs, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x) + self.shortcut(x)
