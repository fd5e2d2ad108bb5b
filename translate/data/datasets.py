"""Data sets of pairs, of unpaired and of labelled pictures: a `SampleIndex` in, uint8 crops out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from translate.data import damage, transforms
from translate.data.layout import TASKS, Direction, Layout, Side
from translate.data.sampling import SampleIndex
from translate.data.shelf import Shelf
from translate.errors import BadImage, UsageError

if TYPE_CHECKING:
    from torch import Tensor


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
    skip_corrupt: bool = False
    seed: int = 0
    train: bool = True

    def __post_init__(self):
        if isinstance(self.load_size, int) and self.load_size < self.size:
            raise UsageError(
                f"data.load_size={self.load_size} is smaller than the crop data.size={self.size}; "
                "make it at least as large."
            )

    @property
    def short(self) -> int | None:
        """Pixels of the shorter side before the crop; None where the pictures stay as they are."""
        if self.load_size == "full":
            return None
        if not self.train:
            return self.size
        return round(self.size * 286 / 256) if self.load_size == "auto" else self.load_size


class Batch(NamedTuple):
    """Inputs and targets, uint8 `(B, C, size, size)` in 0..255; see `to_float`. With a scale a is smaller.

    Labels are int64 `(B,)` and texts are B strings, each None where the data have none. Of maps of classes
    `a` is `(B, 1, size, size)` and holds numbers below `classes_a`; see `to_one_hot`.
    """

    a: Tensor
    b: Tensor
    label_a: Tensor | None = None
    label_b: Tensor | None = None
    text_a: tuple[str, ...] | None = None
    text_b: tuple[str, ...] | None = None
    classes_a: int = 0


class Item(NamedTuple):
    """One input and one target, uint8 `(C, size, size)`, and what is known of them."""

    a: np.ndarray
    b: np.ndarray
    label_a: int | None = None
    label_b: int | None = None
    text_a: str | None = None
    text_b: str | None = None
    classes_a: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """What stands for an item that can't be made; a loader process can't hand over the exception itself."""

    sentence: str


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
                views = self._views(shelf[at.a], shelf.sides, rng)
                a, b = views if len(views) == 2 else (self._degraded(views[0], rng), views[0])
                return Item(self._coloured(a, shelf.sides[0], rng), b, classes_a=len(shelf.sides[0].colours))
            crops = []
            for shelf, position in zip(self.shelves, (at.a, at.b), strict=True):
                (picture,) = self._views(shelf[position], shelf.sides, rng)
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
        return _stack(items)

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
    ) -> tuple[np.ndarray, ...]:
        """The same window of each of `pictures`, of which the second may be larger: geometry, and damage."""
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
        views = []
        for picture, side, times in zip(pictures, sides, (1, scale), strict=False):
            y, x = top * times, left * times
            if options.train and damage.drawn(side.part):
                picture, y, x = damage.around(side.part, picture, y, x, size, rng)
            views.append(transforms.crop(picture, y, x, size * times, flip=flip, turns=turns))
        return tuple(views)

    def _degraded(self, crop: np.ndarray, rng: random.Random) -> np.ndarray:
        """What a bad camera and two websites make of a target."""
        from translate.data.degrade import draws, steps

        size = (self.options.size, self.options.size)
        return steps.apply(draws.realistic(rng, size, self.options.scale), crop)

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
    if options.degradation == "realistic" and chosen.a.part == "downscale":
        # The targets alone: inputs are made of their crops.
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


def collate(items: Sequence[Item | Fault]) -> Batch | Fault:
    """Items as one batch, uint8; a fault among them stands for the whole batch."""
    good: list[Item] = []
    for item in items:
        if isinstance(item, Fault):
            return item
        good.append(item)
    return _stack(good)


def _stack(items: Sequence[Item]) -> Batch:
    import torch

    a, b, *known, classes = zip(*items, strict=True)
    label_a, label_b = (None if None in labels else torch.tensor(labels) for labels in known[:2])
    text_a, text_b = (None if None in texts else texts for texts in known[2:])
    a, b = (torch.from_numpy(np.stack(side)) for side in (a, b))
    return Batch(a, b, label_a, label_b, text_a, text_b, classes[0])


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
