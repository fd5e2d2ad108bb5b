"""What a loader hands out: items, batches of them, and batches as the networks take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from translate.data.damage import Pending


class Batch(NamedTuple):
    """Inputs and targets, uint8 `(B, C, size, size)` in 0..255; see `to_float`. With a scale a is smaller.

    Labels are int64 `(B,)` and texts are B strings, each None where the data have none. Of maps of classes
    `a` is `(B, 1, size, size)` and holds numbers below `classes_a`; see `to_one_hot`. With `lab` the input is
    the target's lightness, and `a` the target itself: one tensor, from which the device takes both. Where
    damage is pending, each item's own, `a` is what it is to be done to, wider by its reach: `damage.done`.
    """

    a: Tensor
    b: Tensor
    label_a: Tensor | None = None
    label_b: Tensor | None = None
    text_a: tuple[str, ...] | None = None
    text_b: tuple[str, ...] | None = None
    classes_a: int = 0
    lab: bool = False
    pending: tuple[Pending, ...] | None = None


class Item(NamedTuple):
    """One input and one target, uint8 `(C, size, size)`, and what is known of them."""

    a: np.ndarray
    b: np.ndarray
    label_a: int | None = None
    label_b: int | None = None
    text_a: str | None = None
    text_b: str | None = None
    classes_a: int = 0
    lab: bool = False
    pending: Pending | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What stands for an item that can't be made; a loader process can't hand over the exception itself."""

    sentence: str


def collate(items: Sequence[Item | Fault]) -> Batch | Fault:
    """Items as one batch, uint8; a fault among them stands for the whole batch."""
    good: list[Item] = []
    for item in items:
        if isinstance(item, Fault):
            return item
        good.append(item)
    return stack(good)


def stack(items: Sequence[Item]) -> Batch:
    """Items as one batch, uint8."""
    import torch

    a, b, *known, classes, lab, pending = zip(*items, strict=True)
    label_a, label_b = (None if None in labels else torch.tensor(labels) for labels in known[:2])
    text_a, text_b = (None if None in texts else texts for texts in known[2:])
    targets = torch.from_numpy(np.stack(b))
    # Inputs that are still the targets are one tensor with them.
    inputs = targets if all(item.a is item.b for item in items) else torch.from_numpy(np.stack(a))
    awaited = None if None in pending else pending
    return Batch(inputs, targets, label_a, label_b, text_a, text_b, classes[0], lab[0], awaited)


def to_float(pictures: Tensor) -> Tensor:
    """uint8 `(B, C, H, W)` in 0..255 to float32 in [-1, 1], on the device where it is."""
    import torch

    return pictures.to(torch.float32).div_(127.5).sub_(1)


def to_one_hot(maps: Tensor, classes: int) -> Tensor:
    """Class numbers, uint8 `(B, 1, H, W)`, to float32 `(B, classes, H, W)` of zeros and ones."""
    import torch

    planes = torch.zeros(len(maps), classes, *maps.shape[2:], device=maps.device)
    return planes.scatter_(1, maps.long(), 1.0)


def to_colours(maps: Tensor, colours: Sequence[int]) -> Tensor:
    """Class numbers, uint8 `(B, 1, H, W)`, as pictures to look at, uint8 `(B, 3, H, W)`.

    Args:
        colours: each class's, 0xrrggbb.
    """
    import torch

    table = torch.tensor([[c >> 16, c >> 8 & 255, c & 255] for c in colours], dtype=torch.uint8)
    return table.to(maps.device)[maps[:, 0].long()].permute(0, 3, 1, 2)
