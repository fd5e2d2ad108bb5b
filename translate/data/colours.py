"""The different colours of a picture, as numbers 0xrrggbb. Free of heavy libraries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def packed(pixels: np.ndarray) -> np.ndarray:
    """uint8 RGB `(H, W, 3)` as int32 `(H, W)`, 0xrrggbb."""
    red, green, blue = (pixels[..., c].astype(np.int32) for c in range(3))
    return red << 16 | green << 8 | blue


def distinct(pixels: np.ndarray) -> np.ndarray:
    """The different colours of uint8 RGB `(H, W, 3)`, ascending."""
    line = packed(pixels).ravel()
    # Maps of classes are patches of one colour: without the repetitions there is little left to sort.
    changes = np.flatnonzero(line[1:] != line[:-1]) + 1
    return np.unique(np.concatenate([line[:1], line[changes]]))


def names(colours: Sequence[int]) -> tuple[str, ...]:
    """What people call them: grey levels where all are grey, else `#rrggbb`."""
    if all(colour == (colour & 255) * 0x010101 for colour in colours):
        return tuple(str(colour & 255) for colour in colours)
    return tuple(f"#{colour:06x}" for colour in colours)
