"""How pictures become crops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from translate.data.layout import Direction
from translate.errors import UsageError


@dataclass(frozen=True, slots=True)
class DataOptions:
    """How pictures become crops; the names are those of the recipe's `data` section.

    Attributes:
        size: side of the square crops, in pixels.
        load_size: what the shorter side is resized to before a random crop; "auto" is 286/256 of `size`, and
            "full" leaves the pictures as they are.
        scale: how many times as large the target is: its crop has `size`, the input's `size` / `scale`.
        direction: "b2a" swaps the sides, here and nowhere else.
        task: how inputs are made from a plain folder, see `layout.TASKS`.
        degradation: of the inputs that the task "downscale" makes: "bicubic", of whole pictures, or
            "realistic", of each crop anew, see `degrade.draws.realistic`.
        degrade_on: where damage that is drawn for a training's inputs is done: "workers", by whoever makes
            the crops, or "device", by whoever takes the batches, see `Batch.pending`. "auto" is "workers".
        a, b: names of the folders, where they don't tell by themselves.
        channels_a, channels_b: 3, or 1 for grey, of input and target (after the swap).
        classes_a: the inputs (after the swap) are maps of classes, and arrive as the classes' numbers.
        batch_size: items a batch.
        flip: mirror half of the training crops.
        quarter_turns: turn the training crops by 0, 1, 2 or 3 quarter turns.
        colour: strength of the colour jitter, on the input of pairs and on both sides of unpaired data.
        rotate, zoom: turn by up to so many degrees and by a factor of up to 1 + zoom; pairs alike.
        workers: loader processes; "auto" is none where the pictures are in RAM.
        cache: "ram" and "off", or "auto": in RAM where they fit.
        check: open every picture before the first step; False for sets so large that this takes too long, of
            which nothing is kept in RAM, and the first picture that can't be read ends the training.
        skip_corrupt: leave out what can't be read instead of stopping.
        seed: with the step it determines every batch.
        train: False for whole, unaugmented pictures: shorter side to `size`, centre crop.
    """

    size: int = 256
    load_size: int | Literal["auto", "full"] = "auto"
    scale: int = 1
    direction: Direction = "a2b"
    task: str | None = None
    degradation: Literal["bicubic", "realistic"] = "bicubic"
    degrade_on: Literal["auto", "workers", "device"] = "auto"
    a: str | None = None
    b: str | None = None
    channels_a: int = 3
    channels_b: int = 3
    classes_a: bool = False
    batch_size: int = 1
    flip: bool = True
    quarter_turns: bool = False
    colour: float = 0.0
    rotate: float = 0.0
    zoom: float = 0.0
    workers: int | Literal["auto"] = "auto"
    cache: Literal["auto", "ram", "off"] = "auto"
    check: bool = True
    skip_corrupt: bool = False
    seed: int = 0
    train: bool = True

    def __post_init__(self):
        if isinstance(self.load_size, int) and self.load_size < self.size:
            raise UsageError(
                f"data.load_size={self.load_size} is smaller than the crop data.size={self.size}; "
                "make it at least as large."
            )
        if not self.check and (self.skip_corrupt or self.cache == "ram"):
            wanted = "data.skip_corrupt" if self.skip_corrupt else "data.cache=ram"
            raise UsageError(f"{wanted} needs the check of every picture; leave data.check=false out.")

    @property
    def short(self) -> int | None:
        """Pixels of the shorter side before the crop; None where the pictures stay as they are."""
        if self.load_size == "full":
            return None
        if not self.train:
            return self.size
        return round(self.size * 286 / 256) if self.load_size == "auto" else self.load_size
