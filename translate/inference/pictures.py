"""Kinds of pictures that come from Python: which are pictures at all, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from translate import images
from translate.errors import TranslateError, UsageError
from translate.inference import holes

if TYPE_CHECKING:
    from torch import Tensor

PICTURE_CHANNELS = (1, 3)
_BEYOND_RANGE = 2.0  # resampling overshoots 1 a little; 0..255 is a mistake


def translated(
    image: str | Path | Image.Image | np.ndarray,
    pixels: Callable[[np.ndarray, str, np.ndarray | None], np.ndarray],
    hole: np.ndarray | None,
    *,
    fills: bool,
) -> Image.Image | np.ndarray:
    """A file or PIL image to a PIL image, an array to an array, by way of its pixels.

    Args:
        pixels: makes `(H, W, C)` of `(H, W, 1 or 3)`, the picture's name, and its holes.
        fills: what is transparent is a hole, where no other is given.

    Raises:
        BadImage, UsageError: see `Translator.__call__`; and what `pixels` raises.
    """
    if isinstance(image, np.ndarray):
        out = pixels(checked_array(image), "", hole)
        return out[..., 0] if image.ndim == 2 and out.shape[2] == 1 else out
    of_file = isinstance(image, str | Path)
    picture = images.read(image) if of_file else images.picture_from_pil(image)
    name = str(image) if of_file else getattr(image, "filename", "") or "the picture"
    if hole is None and fills:
        hole = holes.in_alpha(picture.alpha)
    return _as_pil(pixels(picture.pixels, name, hole))


def _as_pil(pixels: np.ndarray) -> Image.Image:
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


def require_finite(out: Tensor | np.ndarray, name: str = "") -> None:
    """Refuse an output with NaN or infinity in it.

    Raises:
        TranslateError: naming the picture, if it has a name.
    """
    if not bool((out - out == 0).all()):  # infinity less infinity is no number either
        where = f"{name}: " if name else ""
        raise TranslateError(f"{where}the network's output is not finite; input or weights are broken.")
