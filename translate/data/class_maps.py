"""Maps of classes: pictures of few colours, of which each stands for a class.

A grey index map, a palette picture and a map in colours are one thing here, because all arrive as sRGB: the
classes are the colours, and their numbers are the places of those in ascending order, without gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from translate import images
from translate.colours import distinct
from translate.data.layout import TASKS
from translate.data.shelf import region
from translate.data.sides import Layout, Side
from translate.data.threads import each
from translate.errors import BadImage, DataError

_MOST = 256  # what a byte can number


def with_classes(layout: Layout, side: Literal["a", "b"], *, progress: bool = True) -> Layout:
    """`layout` with the classes of one of its sides, found in the pictures of all splits.

    Files that can't be read are passed over here.

    Raises:
        DataError: the side is no map of classes.
    """
    sides = {name: split.a if side == "a" else split.b for name, split in layout.splits.items()}
    if layout.kind == "labelled" or any(found.part in TASKS for found in sides.values()):
        made = "one pool without sides" if layout.kind == "labelled" else "inputs made from pictures"
        raise DataError(f"{layout.root} gives {made}, and no maps of classes; set data.classes_a=false.")
    colours = _colours(layout.root, list(sides.values()), progress)
    splits = {
        name: replace(split, **{side: replace(sides[name], labels=True, colours=colours)})
        for name, split in layout.splits.items()
    }
    return replace(layout, splits=splits)


def _colours(root: Path, sides: Sequence[Side], progress: bool) -> tuple[int, ...]:
    """Every colour in the pictures of `sides`, ascending."""

    def look(at: tuple[Path, Side]) -> np.ndarray:
        path, side = at
        try:
            return distinct(region(side.part, path, images.read(path).pixels))
        except BadImage:
            return np.array([], np.int32)

    colours: set[int] = set()
    files = [(file, side) for side in sides for file in side.files]
    for (path, _), there in each(look, files, label="finding classes", progress=progress):
        colours |= set(there.tolist())
        if len(colours) > _MOST:
            raise DataError(
                f"{path.parent} holds no maps of classes: over {_MOST} colours up to {path.name}, which has "
                f"{len(there)}; save maps without smoothing, as PNG and not as JPEG, or set "
                "data.classes_a=false."
            )
    if len(colours) == 1:
        raise DataError(
            f"The maps of classes in {root} have one colour in all, so one class; a map needs two at least."
        )
    return tuple(sorted(colours))
