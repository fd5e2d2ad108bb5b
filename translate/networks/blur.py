"""Halving and doubling without aliasing: a binomial filter goes with every change of resolution.

Zhang 2019, "Making convolutional networks shift-invariant again", with the filters of the CUT generator
(Park et al. 2020): [1, 2, 1] before halving, [1, 3, 3, 1] after doubling.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class BlurDown(nn.Module):
    """Filter by [1, 2, 1]² / 16, reflection padded, and keep every second pixel.

    The filter is a box of two pixels applied twice, so two mean poolings do it, without weights.
    Maps (B, C, H, W), H and W at least 2, to (B, C, ⌈H/2⌉, ⌈W/2⌉).
    """

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (1, 1, 1, 1), "reflect")
        return F.avg_pool2d(F.avg_pool2d(padded, 2, stride=1), 2, stride=2)


class BlurUp(nn.Module):
    """Insert zeros between the pixels and filter by [1, 3, 3, 1]² / 16, edges repeated.

    That is bilinear enlargement: each new pixel takes 3/4 of the nearer neighbour and 1/4 of the other.
    Maps (B, C, H, W) to (B, C, 2H, 2W).
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
