"""Data sets of pairs, of unpaired and of labelled pictures: a `SampleIndex` in, uint8 crops out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from translate.data import damage, transforms
from translate.data.batches import Batch, Fault, Item, stack
from translate.data.damage import Pending
from translate.data.layout import TASKS, Layout, Side
from translate.data.options import DataOptions
from translate.data.sampling import SampleIndex
from translate.data.shelf import Shelf
from translate.errors import BadImage, UsageError


class PictureDataset:
    """Crops of a split, for `DataLoader`: `dataset[SampleIndex]`, or `dataset[i]` for the i-th item.

    An int gives the same crop at every call; whole pictures (`options.train` False) have no chance in them.

    Made by `paired_dataset`, `unpaired_dataset` and `labelled_dataset`.

    Args:
        shelves: one shelf with both sides for pairs, or a shelf for each side: twice the same for labelled
            pictures, where a and b are drawn from one pool.
        options: crop, augmentation.
    """

    def __init__(self, shelves: tuple[Shelf, ...], options: DataOptions):
        self.shelves, self.options = shelves, options

    @property
    def paired(self) -> bool:
        return len(self.shelves) == 1

    @property
    def lab(self) -> bool:
        """Whether the inputs are the lightness of the targets, which are there alone; see `Batch`."""
        return self.options.task == "colorize" and len(self.shelves) == len(self.shelves[0].sides) == 1

    def __len__(self) -> int:
        """Pairs, or the pictures of the larger side."""
        return max(len(shelf) for shelf in self.shelves)

    @property
    def sizes(self) -> tuple[int, int | None]:
        """What `Schedule` wants as `size` and `size_b`."""
        return len(self.shelves[0]), None if self.paired else len(self.shelves[1])

    @property
    def classes(self) -> tuple[int, ...]:
        """The class of each picture on side b, where the data have labels."""
        return self.shelves[-1].sides[-1].classes

    def __getitem__(self, at: SampleIndex | int) -> Item | Fault:
        """Crops of the pictures at `at`; a `Fault` where a file can't be read."""
        if not isinstance(at, SampleIndex):
            at = self._at(at)
        rng = random.Random(at.seed)
        try:
            if self.paired:
                shelf = self.shelves[0]
                views, pending = self._views(shelf[at.a], shelf.sides, rng)
                if self.lab:
                    return Item(views[0], views[0], lab=True)
                if len(views) == 1:
                    realistic, pending = self._degraded(views[0], rng)
                    views = (realistic, views[0])
                a, b = views
                a = self._coloured(a, shelf.sides[0], rng)
                return Item(a, b, classes_a=len(shelf.sides[0].colours), pending=pending)
            crops = []
            for shelf, position in zip(self.shelves, (at.a, at.b), strict=True):
                (picture,), _ = self._views(shelf[position], shelf.sides, rng)
                crops.append(self._coloured(picture, shelf.sides[0], rng))
            known = (*self._known("classes", at), *self._known("texts", at))
            return Item(crops[0], crops[1], *known, classes_a=len(self.shelves[0].sides[0].colours))
        except BadImage as error:
            return Fault(str(error))

    def names(self, i: int) -> tuple[str, str]:
        """File names of the i-th input and target, as `dataset[i]` gives them."""
        at = self._at(i)
        return self.shelves[0].files(at.a)[0].name, self.shelves[-1].files(at.b)[-1].name

    def batch(self, positions: Sequence[int]) -> Batch:
        """The pictures at `positions` as one batch, the same at every call: for sample sheets.

        Raises:
            BadImage: one of them can't be read.
        """
        items: list[Item] = []
        for position in positions:
            item = self[position]
            if isinstance(item, Fault):
                raise BadImage(self.shelves[0].files(position % len(self.shelves[0]))[0], item.sentence)
            items.append(item)
        return stack(items)

    def _at(self, i: int) -> SampleIndex:
        """Where the i-th item is. Beside a labelled picture stands one of another class, of each in turn."""
        a, b = i % len(self.shelves[0]), i % len(self.shelves[-1])
        if self.paired or self.shelves[0] is not self.shelves[1]:
            return SampleIndex(a, b, i)
        others = sorted(set(self.classes) - {self.classes[a]}) if self.classes else []
        if not others:
            return SampleIndex(a, (a + 1) % len(self.shelves[0]), i)
        wanted = others[i % len(others)]
        there = [position for position, number in enumerate(self.classes) if number == wanted]
        return SampleIndex(a, there[i % len(there)], i)

    def _known(self, what: Literal["classes", "texts"], at: SampleIndex) -> tuple[Any, Any]:
        """The labels, or the texts, of both pictures at `at`."""
        a, b = (getattr(shelf.sides[0], what) for shelf in self.shelves)
        return (a[at.a], b[at.b]) if a and b else (None, None)

    def _views(
        self, pictures: tuple[np.ndarray, ...], sides: tuple[Side, ...], rng: random.Random
    ) -> tuple[tuple[np.ndarray, ...], Pending | None]:
        """The same window of each of `pictures`, of which the second may be larger: geometry, and damage.

        Damage of an input that is left to the device comes with them; the input is what it is to be done to.
        """
        options = self.options
        if options.train and (options.rotate or options.zoom):
            labels = tuple(side.labels for side in sides)
            seed = rng.getrandbits(32)
            pictures = transforms.tilt(pictures, labels, rotate=options.rotate, zoom=options.zoom, seed=seed)
        scale = options.scale if len(pictures) == 2 else 1
        shape, size = pictures[0].shape[1:], options.size // scale
        if options.train:
            top, left = transforms.somewhere(shape, size, rng)
        else:
            top, left = transforms.centre(shape, size)
        flip = options.train and options.flip and rng.random() < 0.5
        turns = rng.randrange(4) if options.train and options.quarter_turns else 0
        views, pending = [], None
        for place, (picture, side, times) in enumerate(zip(pictures, sides, (1, scale), strict=False)):
            y, x = top * times, left * times
            if options.train and damage.drawn(side.part):
                if self._left_to_device and place == 0 and side.part != damage.HOLES:
                    view, drawn = damage.awaiting(side.part, picture, y, x, size, rng)
                    views.append(view)
                    pending = replace(drawn, flip=flip, turns=turns)
                    continue
                picture, y, x = damage.around(side.part, picture, y, x, size, rng)
            views.append(transforms.crop(picture, y, x, size * times, flip=flip, turns=turns))
        return tuple(views), pending

    @property
    def _left_to_device(self) -> bool:
        return self.paired and self.options.train and self.options.degrade_on == "device"

    def _degraded(self, crop: np.ndarray, rng: random.Random) -> tuple[np.ndarray, Pending | None]:
        """What a bad camera and two websites make of a target."""
        from translate.data.degrade import draws, steps

        size = (self.options.size, self.options.size)
        drawn = draws.realistic(rng, size, self.options.scale)
        return (crop, Pending(drawn)) if self._left_to_device else (steps.apply(drawn, crop), None)

    def _coloured(self, picture: np.ndarray, side: Side, rng: random.Random) -> np.ndarray:
        # Class numbers and drawings have no light that could change, and damage is to be all that differs.
        if not self.options.train or not self.options.colour or side.labels or side.part in TASKS:
            return picture
        return transforms.jitter(picture, self.options.colour, rng.getrandbits(32))


def paired_dataset(layout: Layout, split: str, *, options: DataOptions) -> PictureDataset:
    """Pairs of `split`; `layout` is as recognised, the direction is applied here.

    Raises:
        DataError: the split isn't there.
        UsageError: pairs of two scales that are to be resized.
    """
    chosen = layout.directed(options.direction).split(split)
    if options.scale > 1 and options.short is not None and chosen.a.part != "downscale":
        raise UsageError(
            f"pairs whose targets are data.scale={options.scale} times as large are taken as they are; set "
            "data.load_size=full."
        )
    if chosen.a.part == "colorize" or (options.degradation, chosen.a.part) == ("realistic", "downscale"):
        # The targets alone: inputs are made of their crops, or on the device.
        shelf = Shelf((chosen.b,), (options.channels_b,), options.short, least=options.size)
        return PictureDataset((shelf,), options)
    return PictureDataset((_shelf((chosen.a, chosen.b), options),), options)


def unpaired_dataset(layout: Layout, split: str, *, options: DataOptions) -> PictureDataset:
    """The two sides of `split`, each on its own; pairs serve too, and are taken apart.

    Raises:
        DataError: the split isn't there.
    """
    chosen = layout.directed(options.direction).split(split)
    a = _shelf((chosen.a,), options)
    b = _shelf((chosen.b,), options, channels=(options.channels_b,))
    return PictureDataset((a, b), options)


def labelled_dataset(layout: Layout, split: str, *, options: DataOptions) -> PictureDataset:
    """Pictures of `split` with their labels and captions; a and b are both drawn from all of them.

    Raises:
        DataError: the split isn't there.
        UsageError: the two sides are to have different channels.
    """
    if options.channels_a != options.channels_b:
        raise UsageError(
            f"data.channels_a={options.channels_a} and data.channels_b={options.channels_b} differ, but "
            "pictures with labels or captions are one pool for both sides; make them equal."
        )
    shelf = _shelf((layout.split(split).a,), options)
    return PictureDataset((shelf, shelf), options)


def _shelf(sides: tuple[Side, ...], options: DataOptions, channels: tuple[int, ...] = ()) -> Shelf:
    channels = channels or (options.channels_a, options.channels_b)[: len(sides)]
    return Shelf(sides, channels, options.short, scale=options.scale, least=options.size, fresh=options.train)
