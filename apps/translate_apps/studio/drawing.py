"""From what was drawn on a canvas to what a model was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from translate.weights.drawing import Paper

CANVAS = 512  # pixels of a side
HINTS = {
    "lines": "Draw lines; the result follows every stroke.",
    "classes": "Paint areas in the palette's colours, best on an example; the result follows every stroke.",
    "holes": "Drop a picture and paint over what is to be filled.",
}


def brush_size(paper: Paper) -> int:
    """Pixels of the canvas, half a brush's width: Gradio's sizes are radii."""
    return max(1, round(paper.brush * CANVAS / 2))


def ground(paper: Paper) -> np.ndarray:
    """An empty canvas, uint8 RGBA `(CANVAS, CANVAS, 4)`: white, or of classes the first one's colour."""
    return np.asarray(Image.new("RGBA", (CANVAS, CANVAS), paper.colours[0]))


def drawn(paper: Paper, composite: np.ndarray) -> np.ndarray:
    """A canvas, uint8 RGBA `(H, W, 4)`, as the model's picture, uint8 RGB `(side, side, 3)`.

    What nobody painted is white, or of classes the first one's colour. A brush's soft edge lies between two
    classes, so every pixel becomes the nearest; a map that was put on the canvas may have the model's own.
    """
    image = Image.fromarray(composite, "RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", image.size, paper.colours[0]), image).convert("RGB")
    if paper.kind == "lines":
        return np.asarray(flat.resize((paper.side, paper.side), Image.Resampling.BOX))
    pixels = np.asarray(flat.resize((paper.side, paper.side), Image.Resampling.NEAREST))
    values = np.array([_rgb(value) for value in paper.values], np.uint8)
    shown = [int(colour[1:], 16) for colour in paper.colours]
    return values[_nearest(pixels, [*shown, *paper.values]) % len(values)]


def coloured(paper: Paper, pixels: np.ndarray) -> np.ndarray:
    """A model's map, uint8 RGB `(H, W, 3)`, as a canvas in the colours of the brush."""
    shown = np.array([_rgb(int(colour[1:], 16)) for colour in paper.colours], np.uint8)
    # Enlarged here, for a browser would do it with soft edges, whose colours may be another class's.
    sheet = Image.fromarray(shown[_nearest(pixels, paper.values)])
    return np.asarray(sheet.resize((CANVAS, CANVAS), Image.Resampling.NEAREST))


def with_holes(background: np.ndarray, layers: list[np.ndarray]) -> np.ndarray | None:
    """A picture, uint8 RGBA `(H, W, 4)`, transparent where a layer was painted; None where nothing was."""
    painted = np.zeros(background.shape[:2], bool)
    for layer in layers:
        painted |= layer[..., 3] > 0
    if not painted.any():
        return None
    alpha = np.where(painted, 0, 255).astype(np.uint8)
    return np.dstack([background[..., :3], alpha])


def _nearest(pixels: np.ndarray, colours: Sequence[int]) -> np.ndarray:
    """The number of the colour, 0xrrggbb, that is nearest to each pixel of uint8 `(H, W, 3)`."""
    palette = np.array([_rgb(colour) for colour in colours], np.int32)
    return ((pixels[:, :, None].astype(np.int32) - palette) ** 2).sum(3).argmin(2)


def _rgb(colour: int) -> tuple[int, int, int]:
    return colour >> 16, colour >> 8 & 255, colour & 255
