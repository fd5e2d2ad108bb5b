"""Holes for inpainting: brush strokes and boxes."""

from __future__ import annotations

import math
import random

import cv2
import numpy as np

_TRIES = 24


def holes(
    rng: random.Random, size: tuple[int, int], *, share: tuple[float, float] = (0.1, 0.5)
) -> np.ndarray:
    """A mask for a picture of `size` = (height, width): uint8 `(H, W)`, 255 where it is to be filled, else 0.

    Strokes and boxes, one as likely as the other, until a drawn share of the area is reached. Strokes are the
    free-form masks of Yu et al. 2019 (algorithm 1, with the numbers of their code at 256 pixels, here in
    proportion to the shorter side).

    Args:
        share: the least and the greatest part of the area that is covered; kept.

    Raises:
        ValueError: shares that are no range within 0 … 1.
    """
    least, most = share
    if not 0 <= least < most <= 1:
        raise ValueError(f"holes take a share of the area within 0 … 1, least before greatest, not {share}.")
    wanted = rng.uniform(least, most)
    mask = np.zeros(size, np.uint8)
    for _ in range(_TRIES):
        tried = mask.copy()
        (_stroke if rng.random() < 0.5 else _box)(rng, tried)
        if (tried > 0).mean() <= most:
            mask = tried
        if (mask > 0).mean() >= wanted:
            return mask
    return mask if least <= (mask > 0).mean() else _filled_up(mask, least, most)


def _stroke(rng: random.Random, mask: np.ndarray) -> None:
    height, width = mask.shape
    unit = min(height, width) / 256
    thick = max(1, round(rng.uniform(12, 40) * unit))
    reach = math.hypot(height, width) / 8
    middle = 2 * math.pi / 5
    spread = rng.uniform(0, 2 * math.pi / 15)
    x, y = rng.randrange(width), rng.randrange(height)
    turned = 0.0
    for corner in range(rng.randint(4, 12)):
        turn = rng.uniform(middle - spread, middle + spread)
        # Every other one the other way round, so that a stroke goes to and fro.
        turned = 2 * math.pi - turn if corner % 2 == 0 else turn
        length = min(max(rng.gauss(reach, reach / 2), 0), 2 * reach)
        x_to = round(min(max(x + length * math.sin(turned), 0), width - 1))
        y_to = round(min(max(y + length * math.cos(turned), 0), height - 1))
        cv2.line(mask, (x, y), (x_to, y_to), 255, thick)
        cv2.circle(mask, (x_to, y_to), thick // 2, 255, -1)
        x, y = x_to, y_to


def _box(rng: random.Random, mask: np.ndarray) -> None:
    height, width = mask.shape
    high, wide = (max(1, round(side * rng.uniform(0.1, 0.5))) for side in (height, width))
    top, left = rng.randint(0, height - high), rng.randint(0, width - wide)
    mask[top : top + high, left : left + wide] = 255


def _filled_up(mask: np.ndarray, least: float, most: float) -> np.ndarray:
    """Whole rows on top, for shares that drawing didn't meet."""
    for row in range(len(mask)):
        filled = mask.copy()
        filled[: row + 1] = 255
        if (filled > 0).mean() > most:
            break
        mask = filled
        if (mask > 0).mean() >= least:
            break
    return mask
