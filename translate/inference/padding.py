"""Any size in: padding by reflection to what a network takes, which is cropped off the output."""

from __future__ import annotations

import torch
from torch import Tensor


def padded_length(length: int, multiple: int, minimum: int) -> int:
    """The smallest multiple of `multiple` that is at least `length` and `minimum` (all in pixels)."""
    return -(-max(length, minimum) // multiple) * multiple


def pad(x: Tensor, height: int, width: int) -> Tensor:
    """Continue pictures to the right and below by reflection: (B, C, H, W) to (B, C, height, width).

    Reflections repeat where the picture is smaller than the padding (torch's own padding refuses that);
    the top left corner stays where it is, and with it the grid of strided convolutions.
    """
    for dim, length in ((-2, height), (-1, width)):
        if length > x.shape[dim]:
            x = x.index_select(dim, reflected(x.shape[dim], length).to(x.device))
    return x


def reflected(length: int, total: int) -> Tensor:
    """Indices 0, 1, …, length − 1, length − 2, …, 1, 0, 1, … of shape (total,): a ball between two walls."""
    if length == 1:
        return torch.zeros(total, dtype=torch.long)
    period = 2 * (length - 1)
    phase = torch.arange(total) % period
    return torch.minimum(phase, period - phase)
