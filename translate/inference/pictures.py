"""Kinds of pictures that come from Python: which are pictures at all, and the way back."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from translate.errors import TranslateError, UsageError

PICTURE_CHANNELS = (1, 3)
_BEYOND_RANGE = 2.0  # resampling overshoots 1 a little; 0..255 is a mistake


def as_pil(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def checked_array(array: np.ndarray) -> np.ndarray:
    pixels = array if array.ndim == 3 else array[..., None]
    if (
        array.dtype != np.uint8
        or array.ndim not in (2, 3)
        or pixels.shape[2] not in PICTURE_CHANNELS
        or not array.size
    ):
        raise UsageError(
            f"arrays are pictures as uint8 (H, W, 3) or (H, W), this is {array.dtype} {array.shape}; "
            "convert it, or give a float tensor in [-1, 1]."
        )
    return pixels


def checked_tensor(tensor: Tensor) -> Tensor:
    if tensor.ndim != 4 or not tensor.is_floating_point() or not tensor.numel():
        raise UsageError(
            f"tensors are pictures as float (N, C, H, W) in [-1, 1], this is {str(tensor.dtype)[6:]} "
            f"{tuple(tensor.shape)}; add the batch with image[None], scale bytes with x / 127.5 - 1."
        )
    largest = tensor.detach().abs().amax().item()
    if largest > _BEYOND_RANGE:
        raise UsageError(
            f"tensors are in [-1, 1], this one reaches {largest:g}; scale bytes with x / 127.5 - 1."
        )
    return tensor


def require_finite(out: Tensor, name: str = "") -> None:
    """Refuse an output with NaN or infinity in it.

    Raises:
        TranslateError: naming the picture, if it has a name.
    """
    if not bool(torch.isfinite(out).all()):
        where = f"{name}: " if name else ""
        raise TranslateError(f"{where}the network's output is not finite; input or weights are broken.")
