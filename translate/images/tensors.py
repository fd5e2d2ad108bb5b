"""Pixels to tensors, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor


def grey(pixels: np.ndarray) -> np.ndarray:
    """uint8 `(H, W, 3)` sRGB to `(H, W, 1)` luma (ITU-R 601-2, rounded as Pillow does)."""
    return np.array(Image.fromarray(pixels).convert("L"))[..., None]


def to_tensor(pixels: np.ndarray) -> Tensor:
    """uint8 `(H, W, C)` or `(H, W)` in 0..255 to float32 `(1, C, H, W)` in [-1, 1]."""
    import torch

    planes = np.ascontiguousarray(pixels if pixels.ndim == 3 else pixels[..., None])
    return torch.tensor(planes).permute(2, 0, 1)[None].to(torch.float32).div_(127.5).sub_(1).contiguous()


def to_pixels(tensor: Tensor) -> np.ndarray:
    """Float `(1, C, H, W)` or `(C, H, W)` in [-1, 1] to uint8 `(H, W, C)`, rounded and clamped."""
    import torch

    planes = tensor.detach()[0] if tensor.ndim == 4 else tensor.detach()
    levels = planes.float().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())
