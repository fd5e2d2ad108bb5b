"""Held-out pictures with their truth, whatever the layout, and the training targets beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from translate.data import naming, transforms
from translate.data.damage import HOLES
from translate.data.folders import Folder, Tree, pictures, scan
from translate.data.layout import Layout, Side, Split, Wanted, recognise
from translate.data.options import DataOptions
from translate.data.pairing import match_names, unmatched_pairs
from translate.data.shelf import Shelf
from translate.errors import BadImage, DataError

if TYPE_CHECKING:
    from torch import Tensor


class WholePictures:
    """Pictures as a model in use is measured on them: centre crops, without chance.

    Args:
        shelf: its sides belong together, position by position; its `short` says how they are resized before.
        size: height and width of the crops; None is the shelf's `short`.
    """

    def __init__(self, shelf: Shelf, size: int | None = None):
        self.shelf, self.size = shelf, size or shelf.short or shelf.least

    def __len__(self) -> int:
        return len(self.shelf)

    @property
    def colours(self) -> tuple[int, ...]:
        """Of the classes, 0xrrggbb, where the first side holds maps of them; empty for pictures."""
        return self.shelf.sides[0].colours

    @property
    def holes(self) -> bool:
        """Whether the first side has holes, and their mask as one more channel."""
        return self.shelf.sides[0].part == HOLES

    def __getitem__(self, i: int) -> tuple[np.ndarray, ...]:
        """Each side's picture at position `i`, uint8 `(C, size, size)`.

        Raises:
            DataError: a file can't be read.
        """
        try:
            pictures = self.shelf[i]
        except BadImage as error:
            raise DataError(f"{error}; repair it or take it out of the folder.") from error
        top, left = transforms.centre(pictures[0].shape[1:], self.size)
        return tuple(transforms.crop(picture, top, left, self.size) for picture in pictures)

    def batches(self, positions: Sequence[int], batch_size: int) -> Iterator[tuple[Tensor, ...]]:
        """Each side's pictures at `positions`, in batches of uint8 `(B, C, size, size)`."""
        import torch

        for start in range(0, len(positions), batch_size):
            items = [self[i] for i in positions[start : start + batch_size]]
            yield tuple(torch.from_numpy(np.stack(side)) for side in zip(*items, strict=True))


@dataclass(frozen=True)
class HeldOut:
    """What a model can be measured on.

    Attributes:
        split: train, val or test.
        pictures: input and truth, and the mask of what may change where the folder has masks.
        training: the targets that were trained on, if they are there.
        masks: whether `pictures` have a third side: 0 outside the mask, grey.
    """

    split: str
    pictures: WholePictures
    training: WholePictures | None
    masks: bool


def held_out(
    root: str | Path,
    options: DataOptions,
    *,
    split: str | None = None,
    kind: Wanted | None = None,
    colours: tuple[int, ...] = (),
) -> HeldOut:
    """Find the held-out pairs of a folder: pairs of any layout, or `testA` with `testTruth`.

    Args:
        root: the data folder.
        options: `size`, `load_size`, `direction`, `task`, `a`, `b` and the channels matter; `auto` is a
            shorter side of `size`.
        split: train, val or test; None is val, or else test.
        kind: see `recognise`; "paired" where the model was trained on pairs.
        colours: of the classes, 0xrrggbb, where the inputs are maps of them; `pictures` then hold numbers.

    Raises:
        DataError: no such split, no truth, or files that don't match.
    """
    options = replace(options, train=False)
    root = Path(root)
    tree = scan(root)
    companions = companions_of(root) if tree.lettered and options.task is None else {}
    if any(kind == "truth" for _, kind in companions):
        return _with_truth(tree, companions, options, split, colours)
    layout = recognise(root, a=options.a, b=options.b, task=options.task, kind=kind)
    name = _chosen(root, list(layout.splits), split)
    if not layout.paired:
        sides = layout.splits[name]
        if layout.kind == "labelled":
            raise DataError(
                f"{root} holds one pool of {len(sides.a.files)} pictures without a truth to compare outputs "
                f"with; give a folder of pairs whose truths are {_asked(layout)}, or compare the outputs "
                f"with pictures of that kind as sets: --sets and {_two_sides(layout)}."
            )
        raise DataError(
            f"{root} holds unpaired pictures ({_some(sides.a)}, {_some(sides.b)}) without a truth to compare "
            "outputs with; give a folder of pairs, or put the true translations of testA into testTruth "
            "under the same file names, or compare the outputs with the targets as sets: --sets."
        )
    sides = layout.directed(options.direction).split(name)
    pictures = _whole((sides.a, sides.b), options, colours)
    return HeldOut(name, pictures, _training(layout, options), masks=False)


@dataclass(frozen=True)
class BothSides:
    """Held-out inputs, and pictures such as the outputs should be; they need not belong together.

    Attributes:
        split: train, val or test.
        training: the targets that were trained on, if they are there.
    """

    split: str
    inputs: WholePictures
    targets: WholePictures
    training: WholePictures | None


def both_sides(
    root: str | Path,
    options: DataOptions,
    *,
    split: str | None = None,
    kind: Wanted | None = None,
    colours: tuple[int, ...] = (),
) -> BothSides:
    """Find held-out pictures of both sides: of unpaired folders testA and testB, whatever their truth.

    Args:
        root, options, split, kind, colours: as in `held_out`.

    Raises:
        DataError: no such split, or one side is empty.
    """
    root, options = Path(root), replace(options, train=False)
    layout = recognise(root, a=options.a, b=options.b, task=options.task, kind=kind)
    if layout.kind == "labelled":
        raise DataError(
            f"{root} holds one pool of pictures, and what is to be compared are outputs and pictures that "
            f"are {_asked(layout)}; say which those are with {_two_sides(layout)}."
        )
    there = [name for name, sides in layout.splits.items() if sides.a.files and sides.b.files]
    name = _chosen(root, there, split, "with pictures of both sides ")
    sides = layout.directed(options.direction).splits[name]
    inputs = _whole((sides.a,), options, colours)
    targets = _cropped((sides.b,), (options.channels_b,), options)
    # Beside the training pictures themselves they would say nothing.
    return BothSides(name, inputs, targets, None if name == "train" else _training(layout, options))


def _with_truth(
    tree: Tree,
    companions: dict[tuple[str, str], Folder],
    options: DataOptions,
    split: str | None,
    colours: tuple[int, ...],
) -> HeldOut:
    splits = [name for name, kind in companions if kind == "truth" and name in tree.bodies]
    name = _chosen(tree.root, splits, split, "with a truth folder ")
    inputs = tree.bodies[name].folders.get("A", Folder(tree.root / f"{name}A", ()))
    truth, masks = companions[name, "truth"], companions.get((name, "mask"))
    sides = list(_matched(inputs, truth))
    if options.direction == "b2a":
        sides.reverse()
    if masks is not None:
        sides.append(_matched(inputs, masks)[1])
    layout = recognise(tree.root, a=options.a, b=options.b, kind="unpaired")
    pictures = _whole(tuple(sides), options, colours)
    return HeldOut(name, pictures, _training(layout, options), masks=masks is not None)


def companions_of(root: Path) -> dict[tuple[str, str], Folder]:
    """Folders such as testTruth and valMask, by (split, "truth" or "mask")."""
    found = {}
    for child in root.iterdir():
        match = naming.COMPANION.fullmatch(child.name)
        if match and child.is_dir():
            found[match[1].lower(), match[2].lower()] = Folder(child, pictures(child))
    return found


def _matched(inputs: Folder, partners: Folder) -> tuple[Side, Side]:
    match = match_names(inputs, partners)
    problems = unmatched_pairs({"": match}, {"": (inputs, partners)})
    if problems:
        raise DataError(problems[0])
    a, b = zip(*match.pairs, strict=True)
    return Side(a), Side(b)


def _chosen(root: Path, there: Sequence[str], wanted: str | None, which: str = "") -> str:
    if wanted is None:
        wanted = next((name for name in ("val", "test") if name in there), None)
        if wanted is None:
            raise DataError(
                f"{root} has no val or test split {which}to measure on; hold some pictures out in a folder "
                "test, or measure on what the model has seen with --split train."
            )
    elif wanted not in there:
        listed = ", ".join(there) or "none"
        raise DataError(f"{root} has no {wanted} split {which}to measure on; there is {listed}.")
    return wanted


def _whole(sides: tuple[Side, ...], options: DataOptions, colours: tuple[int, ...]) -> WholePictures:
    if colours:
        sides = (replace(sides[0], labels=True, colours=colours), *sides[1:])
    channels = (options.channels_a, options.channels_b, 1)[: len(sides)]
    return _cropped(sides, channels, options)


def _cropped(sides: tuple[Side, ...], channels: tuple[int, ...], options: DataOptions) -> WholePictures:
    short = options.load_size if isinstance(options.load_size, int) else options.short
    return WholePictures(Shelf(sides, channels, short, least=options.size), options.size)


def _training(layout: Layout, options: DataOptions) -> WholePictures | None:
    split: Split | None = layout.directed(options.direction).splits.get("train")
    if split is None or not split.b.files:
        return None
    return _cropped((split.b,), (options.channels_b,), options)


def _asked(layout: Layout) -> str:
    asked = ["of the class that --label names"] if layout.labels else []
    return " or ".join(asked + (["what --text asks for"] if layout.captions else []))


def _two_sides(layout: Layout) -> str:
    """How to tell inputs and targets of a pool apart: by its folders, where they are the classes."""
    folders = {name for body in scan(layout.root).bodies.values() for name in body.folders}
    if layout.labels and folders.issuperset(layout.labels):
        return f"--a CLASS --b CLASS, of {', '.join(layout.labels)}"
    return "a folder that has inputs in testA and the targets in testB"


def _some(side: Side) -> str:
    return f"{len(side.files)} in {side.files[0].parent.name}"
