"""Any size in: padding by reflection to what a network takes, which is cropped off the output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def padded_length(length: int, multiple: int, minimum: int) -> int:
    """The smallest multiple of `multiple` that is at least `length` and `minimum` (all in pixels)."""
    return -(-max(length, minimum) // multiple) * multiple


def pad(x: Tensor, height: int, width: int) -> Tensor:
    """Continue pictures to the right and below by reflection: (B, C, H, W) to (B, C, height, width).

    Reflections repeat where the picture is smaller than the padding (torch's own padding refuses that);
    the top left corner stays where it is, and with it the grid of strided convolutions.
    """
    import torch

    for dim, length in ((-2, height), (-1, width)):
        if length > x.shape[dim]:
            x = x.index_select(dim, torch.from_numpy(reflected(x.shape[dim], length)).to(x.device))
    return x


def pad_array(x: np.ndarray, height: int, width: int) -> np.ndarray:
    """As `pad`, an array."""
    for dim, length in ((-2, height), (-1, width)):
        if length > x.shape[dim]:
            x = np.take(x, reflected(x.shape[dim], length), dim)
    return x


def reflected(length: int, total: int) -> np.ndarray:
    """Indices 0, 1, …, length − 1, length − 2, …, 1, 0, 1, … of shape (total,): a ball between two walls."""
    if length == 1:
        return np.zeros(total, np.int64)
    period = 2 * (length - 1)
    phase = np.arange(total) % period
    return np.minimum(phase, period - phase)
