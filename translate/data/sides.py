"""What a data folder was recognised as: its splits, their sides, and what is known of each picture."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from translate.errors import DataError

Kind = Literal["side-by-side", "two-folders", "unpaired", "domains", "plain", "labelled"]
Wanted = Literal["paired", "unpaired", "labelled", "captioned"]
Task = Literal[
    "edges", "soft-edges", "sketch", "denoise", "deblur", "dejpeg", "downscale", "colorize", "inpaint"
]
Part = Literal["whole", "left", "right"] | Task
Direction = Literal["a2b", "b2a"]


@dataclass(frozen=True, slots=True)
class Side:
    """One side's files and what of each file is meant: all of it, a half, or what a task makes of it.

    Attributes:
        labels: the pictures hold class numbers, which must never be interpolated.
        colours: of maps of classes, the colour of each class, 0xrrggbb, by the class's number; else empty.
        classes: of labelled data, each file's position in `Layout.labels`; else empty.
        texts: of data with captions, each file's own; else empty.
    """

    files: tuple[Path, ...]
    part: Part = "whole"
    labels: bool = False
    colours: tuple[int, ...] = ()
    classes: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()

    def without(self, positions: Collection[int]) -> Side:
        """This side without the files at `positions` and what is known of them."""
        left = [i for i in range(len(self.files)) if i not in set(positions)]
        return replace(
            self,
            files=tuple(self.files[i] for i in left),
            classes=tuple(self.classes[i] for i in left if self.classes),
            texts=tuple(self.texts[i] for i in left if self.texts),
        )


@dataclass(frozen=True, slots=True)
class Split:
    """Train, val or test.

    Paired: `a.files[i]` belongs to `b.files[i]`; unpaired: any two lengths; labelled: both are the same
    pictures, of all classes.
    """

    a: Side
    b: Side
    unmatched: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """What a folder was recognised as.

    Attributes:
        root: the folder.
        kind: how it is laid out.
        paired: whether the two sides of a split are pairs.
        domains: the sides' names, by "a" and "b", for people and for the model's card.
        splits: those of "train", "val", "test" that are there; a flat folder is all "train".
        notes: what a person should know.
        problems: what must be mended before training, each one sentence; empty from `recognise`.
        labels: of labelled data, the classes of the training pictures in natural order.
    """

    root: Path
    kind: Kind
    paired: bool
    domains: dict[str, str]
    splits: dict[str, Split]
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def split(self, name: str) -> Split:
        """The split called `name`; a DataError that lists what is there otherwise."""
        if name not in self.splits:
            raise DataError(
                f"{self.root} has no {name} split, only {', '.join(self.splits)}; add a folder {name}."
            )
        return self.splits[name]

    @property
    def held_out(self) -> str | None:
        """The split to measure on while training: val, else test, else None."""
        return next((name for name in ("val", "test") if name in self.splits), None)

    @property
    def captions(self) -> bool:
        """Whether every picture has a caption."""
        return bool(self.splits) and all(split.a.texts for split in self.splits.values())

    def directed(self, direction: Direction) -> Layout:
        """The same layout, with the sides swapped for b2a."""
        if direction == "a2b":
            return self
        splits = {name: replace(split, a=split.b, b=split.a) for name, split in self.splits.items()}
        return replace(self, splits=splits, domains={"a": self.domains["b"], "b": self.domains["a"]})
