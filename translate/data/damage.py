"""Inputs that are drawn: damage that each crop of a training gets anew, and a held-out picture once."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import numpy as np

from translate.data.degrade.draws import DRAWS
from translate.data.degrade.steps import apply

# Pixels on either side that what is done to a pixel depends on; JPEG begins its blocks at the crop's corner.
_REACH = {"denoise": 0, "deblur": 12, "dejpeg": 0}


def drawn(part: str) -> bool:
    """Whether the inputs of a task are damage that is drawn, and not a function of the picture."""
    return part in DRAWS


def of_file(part: str, planes: np.ndarray, path: Path) -> np.ndarray:
    """A whole picture, uint8 `(C, H, W)`, with the damage that belongs to the file's name."""
    return apply(DRAWS[part](random.Random(zlib.crc32(path.name.encode()))), planes)


def around(
    part: str, planes: np.ndarray, top: int, left: int, size: int, rng: random.Random
) -> tuple[np.ndarray, int, int]:
    """Damage a window of a picture `(C, H, W)` as the damage of the whole picture would look there.

    Returns:
        A part of the picture, damaged, and (top, left) of the window of `size` in it.
    """
    reach = _REACH[part]
    above, before = min(top, reach), min(left, reach)
    seen = planes[:, top - above : top + size + reach, left - before : left + size + reach]
    return apply(DRAWS[part](rng), seen), above, before
