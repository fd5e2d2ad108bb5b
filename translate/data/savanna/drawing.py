"""Geometry as drawings: a map of flat colours and a line drawing, neither of which knows the coat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from translate.data.savanna import anatomy, markings
from translate.data.savanna.landscape import ANIMAL, GROUND, HILLS, ROCK, SKY, TREE

if TYPE_CHECKING:
    from translate.data.savanna.render import Surface

Bytes = NDArray[np.uint8]

CLASS_COLOURS: dict[int, tuple[int, int, int]] = {
    SKY: (120, 180, 240),
    HILLS: (120, 110, 150),
    GROUND: (150, 190, 90),
    ANIMAL: (230, 60, 50),
    TREE: (30, 100, 50),
    ROCK: (130, 130, 130),
}


def classes_with_animals(classes: Bytes, mask: Bytes) -> Bytes:
    """The landscape's classes (S, S), with ANIMAL where the mask covers half a pixel or more."""
    return np.where(mask >= 128, np.uint8(ANIMAL), classes)


def colour_map(classes: Bytes) -> Bytes:
    """Classes (S, S) as a picture of flat colours, (S, S, 3) uint8."""
    return np.array([CLASS_COLOURS[i] for i in range(len(CLASS_COLOURS))], np.uint8)[classes]


def line_drawing(classes: Bytes, surface: Surface, supersample: int) -> Bytes:
    """Outlines, creases and the borders of mane, hooves and eyes as dark lines on white.

    Args:
        classes: (R, R) landscape classes at the supersampled size.
        surface: what is seen of the animals at that size.
        supersample: R over the size of the answer.

    Returns:
        (R / supersample, R / supersample) uint8.
    """
    side = classes.shape[0]
    label = classes.astype(np.int32)
    label.ravel()[surface.pixels] = 100 + 16 * surface.owner + _regions(surface)
    depth = np.full((side, side), np.nan, np.float32)
    depth.ravel()[surface.pixels] = surface.depth

    ink = np.zeros((side, side), bool)
    for axis in (0, 1):
        differs = np.diff(label, axis=axis) != 0
        jump = np.abs(np.diff(depth, axis=axis)) > 0.07
        _mark(ink, differs | jump, axis)
    blocks = ink.reshape(side // supersample, supersample, -1, supersample).mean((1, 3))
    return (255 * (1 - np.minimum(blocks * 1.25, 1)) + 0.5).astype(np.uint8)


def _regions(surface: Surface) -> NDArray[np.int32]:
    marks, body = surface.marks, surface.body
    region = (marks[:, markings.HAIR] > 0.5) * 1 + (marks[:, markings.HOOF] > 0.5) * 2
    for number, (centre, radius) in enumerate(((anatomy.EYE, 0.03), (anatomy.NOSTRIL, 0.022))):
        away = np.abs(body) * np.array([0, 0, 1]) + body * np.array([1, 1, 0]) - np.asarray(centre)
        region = np.where((away**2).sum(1) < radius**2, 4 + 4 * number, region)
    return region.astype(np.int32)


def _mark(ink: NDArray[np.bool_], differs: NDArray[np.bool_], axis: int) -> None:
    """Ink both sides of every border found along an axis."""
    first = [slice(None), slice(None)]
    second = [slice(None), slice(None)]
    first[axis], second[axis] = slice(None, -1), slice(1, None)
    ink[tuple(first)] |= differs
    ink[tuple(second)] |= differs
