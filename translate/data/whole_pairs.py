"""Small pictures and their large ones, each as it is: what models that enlarge are measured on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from translate import images
from translate.data.layout import recognise
from translate.data.options import DataOptions
from translate.data.shelf import Shelf
from translate.errors import BadImage, DataError

_GREY = ("1", "L", "I")  # modes of Pillow begin so: 1, L, LA, I;16


@dataclass(frozen=True)
class WholePairs:
    """Pairs of pictures of any size, the second `scale` times as large.

    Attributes:
        split: train, val or test.
    """

    split: str
    shelf: Shelf

    def __len__(self) -> int:
        return len(self.shelf)

    def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Input uint8 `(C, H, W)` and truth uint8 `(C, scale · H, scale · W)`.

        Raises:
            DataError: a file can't be read, or its partner isn't `scale` times as large.
        """
        try:
            small, large = self.shelf[i]
        except BadImage as error:
            raise DataError(f"{error}; repair it or take it out of the folder.") from error
        return small, large

    def grey(self, i: int) -> bool:
        """Whether the truth's file is a grey one; a file in colours that are all grey is not."""
        return images.probe(self.shelf.files(i)[1]).mode.startswith(_GREY)


def whole_pairs(root: str | Path, options: DataOptions, *, split: str | None = None) -> WholePairs:
    """Find pairs of two scales in a folder, or make the small ones of `options.task` downscale.

    What no whole pixel of the small picture covers is cut off the large one.

    Args:
        root: the data folder.
        options: `scale`, `task`, `a`, `b`, `direction` and the channels matter.
        split: train, val or test; None is val, or else test, or else all that there is.

    Raises:
        DataError: no such split, or the folder doesn't hold such pairs.
    """
    options = replace(options, train=False)
    layout = recognise(root, a=options.a, b=options.b, task=options.task, kind="paired")
    sides = layout.directed(options.direction).split(split or layout.held_out or "train")
    channels = (options.channels_a, options.channels_b)
    shelf = Shelf((sides.a, sides.b), channels, None, scale=options.scale)
    return WholePairs(split or layout.held_out or "train", shelf)
