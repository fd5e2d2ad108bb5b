"""Inputs that are drawn: damage that each crop of a training gets anew, and a held-out picture once."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from translate.data.degrade.draws import DRAWS, Steps
from translate.data.degrade.masks import holes
from translate.data.degrade.steps import apply, apply_batch
from translate.data.transforms import centre

if TYPE_CHECKING:
    from torch import Tensor

# Pixels on either side that what is done to a pixel depends on; JPEG begins its blocks at the crop's corner.
_REACH = {"denoise": 0, "deblur": 12, "dejpeg": 0}
HOLES = "inpaint"
_GREY = 128  # in a hole


@dataclass(frozen=True, slots=True)
class Pending:
    """Damage that is drawn and not yet done to a crop, and what comes after it.

    Attributes:
        steps: what happens to the crop, which is wider by `reach` on each side than what stays of it.
        flip, turns: what then happens to the rest, see `transforms.crop`.
    """

    steps: Steps
    reach: int = 0
    flip: bool = False
    turns: int = 0


def drawn(part: str) -> bool:
    """Whether the inputs of a task are damage that is drawn, and not a function of the picture."""
    return part in DRAWS or part == HOLES


def of_file(part: str, planes: np.ndarray, path: Path, size: int) -> np.ndarray:
    """A whole picture, uint8 `(C, H, W)`, with the damage that belongs to the file's name.

    Args:
        size: side of the square in the middle that will be looked at; holes are within it.

    Returns:
        uint8 `(C, H, W)`, with holes `(C + 1, H, W)`, see `with_holes`.
    """
    rng = random.Random(zlib.crc32(path.name.encode()))
    if part != HOLES:
        return apply(DRAWS[part](rng), planes)
    height, width = planes.shape[1:]
    mask = np.zeros((height, width), np.uint8)
    top, left = centre((height, width), size)
    mask[top : top + size, left : left + size] = holes(rng, (size, size))
    return with_holes(planes, mask)


def around(
    part: str, planes: np.ndarray, top: int, left: int, size: int, rng: random.Random
) -> tuple[np.ndarray, int, int]:
    """Damage a window of a picture `(C, H, W)` as the damage of the whole picture would look there.

    Returns:
        A part of the picture, damaged, and (top, left) of the window of `size` in it; see `with_holes`.
    """
    if part == HOLES:
        window = planes[:, top : top + size, left : left + size]
        return with_holes(window, holes(rng, (size, size))), 0, 0
    reach = _REACH[part]
    above, before = min(top, reach), min(left, reach)
    seen = planes[:, top - above : top + size + reach, left - before : left + size + reach]
    return apply(DRAWS[part](rng), seen), above, before


def with_holes(planes: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 `(C, H, W)` with grey holes, and their mask `(H, W)` of 0 and 255 behind it: `(C + 1, H, W)`."""
    return np.concatenate([np.where(mask > 0, np.uint8(_GREY), planes), mask[None]])


def awaiting(
    part: str, planes: np.ndarray, top: int, left: int, size: int, rng: random.Random
) -> tuple[np.ndarray, Pending]:
    """The same damage as `around`'s, drawn but not done, and what it is to be done to.

    Returns:
        The window with `reach` pixels around it, `(C, size + 2 reach, size + 2 reach)`: beyond the picture's
        border its mirror image, as a blur sees it.
    """
    reach, (height, width) = _REACH[part], planes.shape[1:]
    rows, columns = (
        _mirrored(start - reach, start + size + reach, side) for start, side in ((top, height), (left, width))
    )
    return np.ascontiguousarray(planes[:, rows][:, :, columns]), Pending(DRAWS[part](rng), reach)


def done(pictures: Tensor, pending: Sequence[Pending]) -> Tensor:
    """Do the damage to clean crops, uint8 `(B, C, H, W)`, on their device; see `apply_batch` for how exactly.

    Args:
        pending: each crop's.
    """
    import torch

    damaged = apply_batch([own.steps for own in pending], pictures)
    kept = []
    for picture, own in zip(damaged, pending, strict=True):
        inner = picture[:, own.reach : picture.shape[1] - own.reach, own.reach : picture.shape[2] - own.reach]
        kept.append(torch.rot90(inner.flip(2) if own.flip else inner, own.turns, (1, 2)))
    return torch.stack(kept)


def _mirrored(start: int, stop: int, side: int) -> np.ndarray:
    """Which pixels of a side stand from `start` to `stop`, mirrored without the outermost pixel."""
    period = max(1, 2 * (side - 1))
    places = np.arange(start, stop) % period
    return np.minimum(places, period - places)
