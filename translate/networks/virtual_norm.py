"""Virtual batch norm: batch norm by a batch that stays the same."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class VirtualBatchNorm2d(nn.Module):
    """Normalises each picture by a reference batch and itself; Salimans et al. 2016, §3.4.

    The first R = `references` pictures of every batch are the reference. They are normalised by their own
    mean μ_r and variance σ_r² over pictures and places; each other picture by the mean and variance of the
    reference and itself together, R + 1 pictures that count alike:

        μ = (R μ_r + μ_x) / (R + 1),  σ² = (R (σ_r² + (μ_r − μ)²) + σ_x² + (μ_x − μ)²) / (R + 1)

    So a picture's activations don't depend on its neighbours. Then a learnt scale and shift. The statistics
    are computed in float32 at least. Maps (R + B, C, H, W) to the same; `reference.WithReference` puts the
    reference there.

    Attributes:
        references: R; 0 until there is a reference.
    """

    def __init__(self, channels: int, *, affine: bool = True, eps: float = 1e-5):
        super().__init__()
        self.references, self.eps = 0, eps
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        count = self.references
        if not 0 < count < len(x):
            raise RuntimeError(
                "virtual batch norm needs a reference batch before its pictures; see WithReference"
            )
        full = x.to(torch.promote_types(x.dtype, torch.float32))
        reference, pictures = full[:count], full[count:]
        variance_r, mean_r = torch.var_mean(reference, (0, 2, 3), correction=0, keepdim=True)  # (1, C, 1, 1)
        variance_x, mean_x = torch.var_mean(pictures, (2, 3), correction=0, keepdim=True)  # (B, C, 1, 1)
        mean = (count * mean_r + mean_x) / (count + 1)
        spread_r, spread_x = variance_r + (mean_r - mean).square(), variance_x + (mean_x - mean).square()
        variance = (count * spread_r + spread_x) / (count + 1)
        means = torch.cat([mean_r.expand(count, -1, -1, -1), mean])
        variances = torch.cat([variance_r.expand(count, -1, -1, -1), variance])
        scales = (variances + self.eps).rsqrt()
        if self.weight is None or self.bias is None:
            return ((x - means) * scales).to(x.dtype)
        scales = scales * self.weight[:, None, None]
        return ((x - means) * scales + self.bias[:, None, None]).to(x.dtype)
