"""Inputs that are drawn: damage that each crop of a training gets anew, and a held-out picture once."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import numpy as np

from translate.data.degrade.draws import DRAWS
from translate.data.degrade.masks import holes
from translate.data.degrade.steps import apply
from translate.data.transforms import centre

# Pixels on either side that what is done to a pixel depends on; JPEG begins its blocks at the crop's corner.
_REACH = {"denoise": 0, "deblur": 12, "dejpeg": 0}
HOLES = "inpaint"
_GREY = 128  # in a hole


def drawn(part: str) -> bool:
    """Whether the inputs of a task are damage that is drawn, and not a function of the picture."""
    return part in DRAWS or part == HOLES


def of_file(part: str, planes: np.ndarray, path: Path, size: int) -> np.ndarray:
    """A whole picture, uint8 `(C, H, W)`, with the damage that belongs to the file's name.

    Args:
        size: side of the square in the middle that will be looked at; holes are within it.

    Returns:
        uint8 `(C, H, W)`, with holes `(C + 1, H, W)`, see `with_holes`.
    """
    rng = random.Random(zlib.crc32(path.name.encode()))
    if part != HOLES:
        return apply(DRAWS[part](rng), planes)
    height, width = planes.shape[1:]
    mask = np.zeros((height, width), np.uint8)
    top, left = centre((height, width), size)
    mask[top : top + size, left : left + size] = holes(rng, (size, size))
    return with_holes(planes, mask)


def around(
    part: str, planes: np.ndarray, top: int, left: int, size: int, rng: random.Random
) -> tuple[np.ndarray, int, int]:
    """Damage a window of a picture `(C, H, W)` as the damage of the whole picture would look there.

    Returns:
        A part of the picture, damaged, and (top, left) of the window of `size` in it; see `with_holes`.
    """
    if part == HOLES:
        window = planes[:, top : top + size, left : left + size]
        return with_holes(window, holes(rng, (size, size))), 0, 0
    reach = _REACH[part]
    above, before = min(top, reach), min(left, reach)
    seen = planes[:, top - above : top + size + reach, left - before : left + size + reach]
    return apply(DRAWS[part](rng), seen), above, before


def with_holes(planes: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 `(C, H, W)` with grey holes, and their mask `(H, W)` of 0 and 255 behind it: `(C + 1, H, W)`."""
    return np.concatenate([np.where(mask > 0, np.uint8(_GREY), planes), mask[None]])
