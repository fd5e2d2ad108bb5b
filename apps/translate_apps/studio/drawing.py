"""From what was drawn on a canvas to what a model was trained on."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from translate.weights.card import Card
from translate_apps.studio.shelf import Offer

CANVAS = 512  # pixels of a side
_TASKS = ("edges", "soft-edges", "sketch")  # of trainings whose inputs are lines on white
_LINE_DOMAINS = ("edges", "sketch", "lines", "contours", "drawing")
_LINES = 1.5  # pixels of a line at the size of the training


@dataclass(frozen=True)
class Paper:
    """What a model wants drawn.

    Attributes:
        kind: `lines` on white, `classes` in their colours, or `holes` painted over a picture.
        side: pixels of the model's own pictures.
        colours: of the brush, `#rrggbb`; the first of classes is the ground.
        brush: its width on the canvas, in pixels.
        values: of classes, what the model calls `colours`, 0xrrggbb: maps are often nearly black.
    """

    kind: str
    side: int
    colours: tuple[str, ...]
    brush: int
    values: tuple[int, ...] = ()

    @property
    def hint(self) -> str:
        """What to do, for people."""
        return {
            "lines": "Draw lines; the result follows every stroke.",
            "classes": "Paint areas in the colours of the palette; the result follows every stroke.",
            "holes": "Drop a picture and paint over what is to be filled.",
        }[self.kind]


def paper(offer: Offer) -> Paper | None:
    """What a model wants drawn, or None of one that wants photographs."""
    card = offer.card
    side = int(card.recipe.get("data", {}).get("size") or 256)
    if card.mask:
        return Paper("holes", side, ("#ff3b6b",), 40)
    if card.classes:
        return Paper("classes", side, _shown(card.colours), 28, card.colours)
    if card.recipe.get("data", {}).get("task") in _TASKS or _of_lines(card):
        return Paper("lines", side, ("#000000",), max(2, round(_LINES * CANVAS / side)))
    return None


def ground(paper: Paper) -> np.ndarray:
    """An empty canvas, uint8 RGBA `(CANVAS, CANVAS, 4)`: white, or of classes the first one's colour."""
    colour = paper.colours[0] if paper.kind == "classes" else "#ffffff"
    return np.asarray(Image.new("RGBA", (CANVAS, CANVAS), colour))


def drawn(paper: Paper, composite: np.ndarray) -> np.ndarray:
    """A canvas, uint8 RGBA `(H, W, 4)`, as the model's picture, uint8 RGB `(side, side, 3)`.

    What nobody painted is white, or of classes the first one's colour. A brush's soft edge lies between two
    classes, so every pixel becomes the nearest.
    """
    ground = paper.colours[0] if paper.kind == "classes" else "#ffffff"
    image = Image.fromarray(composite, "RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", image.size, ground), image).convert("RGB")
    if paper.kind == "lines":
        return np.asarray(flat.resize((paper.side, paper.side), Image.Resampling.BOX))
    pixels = np.asarray(flat.resize((paper.side, paper.side), Image.Resampling.NEAREST))
    palette = np.array([_rgb(int(colour[1:], 16)) for colour in paper.colours], np.int32)
    values = np.array([_rgb(value) for value in paper.values], np.uint8)
    distance = ((pixels[:, :, None].astype(np.int32) - palette) ** 2).sum(3)
    return values[distance.argmin(2)]


def with_holes(background: np.ndarray, layers: list[np.ndarray]) -> np.ndarray | None:
    """A picture, uint8 RGBA `(H, W, 4)`, transparent where a layer was painted; None where nothing was."""
    painted = np.zeros(background.shape[:2], bool)
    for layer in layers:
        painted |= layer[..., 3] > 0
    if not painted.any():
        return None
    alpha = np.where(painted, 0, 255).astype(np.uint8)
    return np.dstack([background[..., :3], alpha])


def _shown(colours: Sequence[int]) -> tuple[str, ...]:
    """Colours to paint classes with: their own, or hues around the circle where those are grey."""
    if any(len(set(_rgb(colour))) > 1 for colour in colours):
        return tuple(f"#{colour:06x}" for colour in colours)
    hues = (colorsys.hsv_to_rgb(n / len(colours), 0.6, 0.9 if n % 2 else 0.65) for n in range(len(colours)))
    return tuple("#" + "".join(f"{round(255 * part):02x}" for part in hue) for hue in hues)


def _of_lines(card: Card) -> bool:
    return card.source in _LINE_DOMAINS


def _rgb(colour: int) -> tuple[int, int, int]:
    return colour >> 16, colour >> 8 & 255, colour & 255
