"""What a model that fills holes is told besides the picture: where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from translate import images
from translate.errors import BadImage, UsageError

_HALF = 128  # of a byte's values, from which on a mask is white
_BLACK = (0, 0, 0)
NONE = (
    "the model fills holes, and the picture has none: give a mask of its size, white where it is to be "
    "filled (--mask), or make that part of the picture transparent"
)


def in_file(path: str | Path, max_pixels: int = images.MAX_PIXELS) -> np.ndarray:
    """The holes that a mask file shows, bool `(1, 1, H, W)`: white, from 128 on; transparent is black.

    Raises:
        BadImage: the file can't be read.
    """
    return _white(images.read(path, background=_BLACK, max_pixels=max_pixels).pixels)


def in_alpha(alpha: np.ndarray | None) -> np.ndarray | None:
    """The holes that a picture's own transparency is, bool `(1, 1, H, W)`; None where it has none.

    A pixel that anything shows through has no colour of its own, so it is filled.

    Args:
        alpha: uint8 or uint16 `(H, W)`, as `images.read` and `read_original` give it.
    """
    if alpha is None:
        return None
    hole = alpha < np.iinfo(alpha.dtype).max
    return hole[None, None] if hole.any() else None


def of(mask: object) -> np.ndarray:
    """The holes that a mask of any kind shows, bool `(N, 1, H, W)`, with N = 1 where it is a picture.

    Args:
        mask: a file or PIL image, white where there is a hole; an array `(H, W)` of bool, or uint8 as a
            picture; one `(N, 1, H, W)` of bool, of uint8 from 128 on, or of float from 0.5 on.

    Raises:
        BadImage: a file or PIL image that can't be read.
        UsageError: no kind of mask.
    """
    if isinstance(mask, str | Path):
        return in_file(mask)
    if isinstance(mask, Image.Image):
        return _white(images.from_pil(mask, background=_BLACK))
    if isinstance(mask, np.ndarray) and mask.ndim == 2 and mask.dtype == np.bool_:
        return mask[None, None]
    grey = isinstance(mask, np.ndarray) and (mask.ndim == 2 or (mask.ndim == 3 and mask.shape[2] in (1, 3)))
    if isinstance(mask, np.ndarray) and mask.dtype == np.uint8 and grey:
        return _white(np.broadcast_to(mask if mask.ndim == 3 else mask[..., None], (*mask.shape[:2], 3)))
    if isinstance(mask, np.ndarray) and mask.ndim == 4 and mask.shape[1] == 1 and mask.dtype.kind in "bfu":
        least = {"b": 1, "f": 0.5, "u": _HALF}[mask.dtype.kind]
        if mask.dtype.kind != "u" or mask.dtype == np.uint8:
            return mask >= least
    raise UsageError(
        "a mask is a picture file, a PIL image, an array (H, W) of bool or uint8, or a tensor (N, 1, H, W) "
        f"of bool, uint8 or float in 0 … 1, not {_said(mask)}."
    )


def require_size(hole: np.ndarray, size: tuple[int, int], name: str) -> None:
    """Refuse a mask of another size than the picture's, (height, width).

    Raises:
        BadImage: naming both sizes.
    """
    height, width = hole.shape[-2:]
    if (height, width) != size:
        raise BadImage(
            name,
            f"its mask is {width}×{height} pixels, and the picture, upright, is {size[1]}×{size[0]}; make "
            "them equal",
        )


def plane(hole: np.ndarray) -> np.ndarray:
    """Holes, bool `(N, 1, H, W)`, as the network takes them: float32, 1 in a hole, −1 elsewhere."""
    return np.where(hole, np.float32(1), np.float32(-1))


def _white(pixels: np.ndarray) -> np.ndarray:
    return images.grey(np.ascontiguousarray(pixels))[None, None, ..., 0] >= _HALF


def _said(mask: object) -> str:
    if isinstance(mask, np.ndarray):
        return f"{mask.dtype} {mask.shape}"
    return f"a {type(mask).__name__}"
