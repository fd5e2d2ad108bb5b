"""The different colours of a picture, as numbers 0xrrggbb, and the classes that they stand for in a map.

Free of heavy libraries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


class UnknownColour(ValueError):
    """A map has a colour that is no class's; the message is its name, `#rrggbb`."""


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
    if all(map(_grey, colours)):
        return tuple(str(colour & 255) for colour in colours)
    return tuple(f"#{colour:06x}" for colour in colours)


def from_names(words: Iterable[str]) -> tuple[int, ...]:
    """The colours that `names` gave names to."""
    return tuple(int(word[1:], 16) if word.startswith("#") else int(word) * 0x010101 for word in words)


def class_numbers(pixels: np.ndarray, colours: Sequence[int], *, by_number: bool = False) -> np.ndarray:
    """The class of every pixel of a map, uint8 `(H, W)`.

    Args:
        pixels: uint8 RGB `(H, W, 3)`.
        colours: of the classes in the order of their numbers, ascending, at most 256.
        by_number: a grey map of numbers below the count of classes will do too, where the classes aren't
            grey levels themselves; a map that can be read both ways is read by its colours.

    Raises:
        UnknownColour: naming the first that is no class's.
    """
    wanted = packed(pixels)
    numbers = np.searchsorted(colours, wanted).clip(max=len(colours) - 1)
    strange = np.take(colours, numbers) != wanted
    if not strange.any():
        return numbers.astype(np.uint8)
    if by_number and not all(map(_grey, colours)):
        plain = pixels[..., 0]
        if (pixels == plain[..., None]).all() and plain.max() < len(colours):
            return plain.copy()
    raise UnknownColour(f"#{int(wanted[strange][0]):06x}")


def _grey(colour: int) -> bool:
    return colour == (colour & 255) * 0x010101
