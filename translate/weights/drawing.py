"""What a model wants drawn, by its card: lines, areas of classes or holes."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from translate.weights.card import Card

_TASKS = ("edges", "soft-edges", "sketch")  # of trainings whose inputs are lines on white
_LINE_WORDS = r"\b(edges?|sketch(es)?|lines?|contours?|drawings?)\b"  # of domains
_LINE = 1.5  # pixels of a line at the size of the training
_AREA, _HOLE = 0.06, 0.08  # of a sheet's side, a brush that fills


@dataclass(frozen=True)
class Paper:
    """What a model wants drawn.

    Attributes:
        kind: `lines` on white, `classes` in their colours, or `holes` painted over a picture.
        side: pixels of the model's own pictures.
        colours: to draw with, `#rrggbb`. Of lines the paper's comes first, of classes that of the ground.
        names: of the colours, for people.
        values: of classes, what the model calls `colours`, 0xrrggbb: maps are often nearly black.
        brush: its width as a share of the sheet's side.
    """

    kind: Literal["lines", "classes", "holes"]
    side: int
    colours: tuple[str, ...]
    names: tuple[str, ...]
    brush: float
    values: tuple[int, ...] = ()


def paper(card: Card) -> Paper | None:
    """What a model wants drawn, or None of one that wants photographs."""
    data = card.recipe.get("data") or {}
    side = int(data.get("size") or 256)
    if card.mask:
        return Paper("holes", side, ("#ff3b6b",), ("Hole",), _HOLE)
    if card.classes:
        names = tuple(f"class {name}" for name in card.classes)
        return Paper("classes", side, _shown(card.colours), names, _AREA, card.colours)
    if data.get("task") in _TASKS or re.search(_LINE_WORDS, card.source.lower().replace("_", " ")):
        return Paper("lines", side, ("#ffffff", "#000000"), ("Eraser", "Pencil"), _LINE / side)
    return None


def _shown(colours: Sequence[int]) -> tuple[str, ...]:
    """Colours to paint classes with: their own, or hues around the circle where those are grey."""
    if any(len({colour >> 16, colour >> 8 & 255, colour & 255}) > 1 for colour in colours):
        return tuple(f"#{colour:06x}" for colour in colours)
    hues = (colorsys.hsv_to_rgb(n / len(colours), 0.6, 0.9 if n % 2 else 0.65) for n in range(len(colours)))
    return tuple("#" + "".join(f"{round(255 * part):02x}" for part in hue) for hue in hues)
