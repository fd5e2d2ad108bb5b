"""Pixels to floats, arrays or tensors, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor


def grey(pixels: np.ndarray) -> np.ndarray:
    """uint8 or uint16 `(H, W, 3)` sRGB to `(H, W, 1)` luma (ITU-R 601-2, rounded as Pillow does)."""
    if pixels.dtype == np.uint16:
        return np.rint(pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint16)[..., None]
    return np.array(Image.fromarray(pixels).convert("L"))[..., None]


def eight_bits(pixels: np.ndarray) -> np.ndarray:
    """uint8 of uint8, or the upper bytes of uint16."""
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)


def to_floats(pixels: np.ndarray) -> np.ndarray:
    """uint8 or uint16 `(H, W, C)` or `(H, W)`, all of its range, to float32 `(1, C, H, W)` in [-1, 1]."""
    planes = np.moveaxis(pixels if pixels.ndim == 3 else pixels[..., None], 2, 0)
    floats = planes[None].astype(np.float32, order="C")
    floats /= np.iinfo(pixels.dtype).max / 2
    floats -= 1
    return floats


def to_tensor(pixels: np.ndarray) -> Tensor:
    """As `to_floats`, a tensor."""
    import torch

    return torch.from_numpy(to_floats(pixels))


def to_pixels(picture: Tensor | np.ndarray, *, bits: int = 8) -> np.ndarray:
    """Float `(1, C, H, W)` or `(C, H, W)` in [-1, 1] to uint8, or of 16 bits uint16, `(H, W, C)`; clamped."""
    planes = picture[0] if picture.ndim == 4 else picture
    return _of_array(planes, bits) if isinstance(planes, np.ndarray) else _of_tensor(planes, bits)


def _of_array(planes: np.ndarray, bits: int) -> np.ndarray:
    largest, kind = (255, np.uint8) if bits == 8 else (65535, np.uint16)
    levels = planes.astype(np.float32)
    levels += 1
    levels *= largest / 2
    np.clip(np.rint(levels, out=levels), 0, largest, out=levels)
    return np.ascontiguousarray(np.moveaxis(levels.astype(kind), 0, 2))


def _of_tensor(planes: Tensor, bits: int) -> np.ndarray:
    import torch

    planes = planes.detach()
    largest, kind = (255, torch.uint8) if bits == 8 else (65535, torch.int32)
    levels = planes.float().add(1).mul_(largest / 2).round_().clamp_(0, largest).to(kind)
    pixels = np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())
    return pixels if bits == 8 else pixels.astype(np.uint16)
