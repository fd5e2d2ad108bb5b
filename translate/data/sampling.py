"""Which pictures make up which step: a pure function of seed and step, so a resume has nothing to restore."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from translate.errors import DataError

_SIDE_A, _SIDE_B, _SEEDS = range(3)


class SampleIndex(NamedTuple):
    """One item of a batch: positions in the two sides (equal for pairs) and the seed of its augmentation."""

    a: int
    b: int
    seed: int


class Schedule:
    """The batches of a training, as lists of `SampleIndex`; a batch sampler for `DataLoader`.

    Every epoch is a fresh permutation, cut into `size // batch_size` batches; what is left over waits
    for the next epoch's permutation. The b side of unpaired data (`size_b` given) follows permutations
    of its own, repeated with fresh ones where it is shorter; so does a where it is the shorter one.

    Where the pictures of side b have classes, a class is drawn for each item, every one as likely, and then
    a picture of it: a rare class is asked for as often as any other.

    Args:
        size: pictures on side a, or pairs.
        batch_size: items a batch.
        seed: seed of the training; with the step it determines everything.
        start_step: steps already taken; the first batch given is that of step `start_step`.
        steps: total number of steps of the training, counted from 0; None for ever.
        shuffle: False for the files' own order.
        size_b: pictures on side b where the sides are independent; None for pairs.
        classes_b: the class of each picture on side b; empty for none.

    Raises:
        DataError: fewer pictures than a batch needs.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int,
        start_step: int = 0,
        steps: int | None = None,
        shuffle: bool = True,
        size_b: int | None = None,
        classes_b: Sequence[int] = (),
    ):
        self.size = max(size, size_b or 0)
        if min(size, size if size_b is None else size_b) < 1:
            raise DataError("There are no pictures to train on; check the data folder.")
        if self.size < batch_size:
            raise DataError(
                f"The data set has {self.size} {'pairs' if size_b is None else 'pictures a side'}, fewer "
                f"than one batch of {batch_size}; set data.batch_size to at most {self.size}."
            )
        self.batch_size, self.seed, self.start_step, self.steps = batch_size, seed, start_step, steps
        self._size_a, self._size_b, self._shuffle = size, size_b, shuffle
        self.steps_per_epoch = self.size // batch_size
        self._by_class = np.argsort(classes_b, kind="stable")
        self._class_sizes = np.unique(classes_b, return_counts=True)[1]
        self._epoch = lru_cache(maxsize=1)(self._plan)

    def __iter__(self) -> Iterator[list[SampleIndex]]:
        step = self.start_step
        while self.steps is None or step < self.steps:
            yield self.batch(step)
            step += 1

    def batch(self, step: int) -> list[SampleIndex]:
        """The batch of `step`, whatever was asked for before."""
        epoch, turn = divmod(step, self.steps_per_epoch)
        a, b, seeds = self._epoch(epoch)
        rows = slice(turn * self.batch_size, (turn + 1) * self.batch_size)
        return [SampleIndex(*row) for row in zip(*(x[rows].tolist() for x in (a, b, seeds)), strict=True)]

    def _plan(self, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The epoch's order on both sides and its seeds, each `(size,)`."""
        a = self._order(_SIDE_A, self._size_a, epoch)
        if self._size_b is None:
            b = a
        elif self._shuffle and len(self._by_class):
            b = self._balanced(epoch)
        else:
            b = self._order(_SIDE_B, self._size_b, epoch)
        seeds = np.random.default_rng((self.seed, epoch, _SEEDS)).integers(2**63, size=self.size)
        return a, b, seeds

    def _balanced(self, epoch: int) -> np.ndarray:
        draw = np.random.default_rng((self.seed, epoch, _SIDE_B))
        classes = draw.integers(len(self._class_sizes), size=self.size)
        starts = np.cumsum(self._class_sizes) - self._class_sizes
        return self._by_class[starts[classes] + draw.integers(self._class_sizes[classes])]

    def _order(self, side: int, length: int, epoch: int) -> np.ndarray:
        rounds = range(-(-self.size // length))
        if not self._shuffle:
            return np.concatenate([np.arange(length) for _ in rounds])[: self.size]
        orders = (np.random.default_rng((self.seed, epoch, side, k)).permutation(length) for k in rounds)
        return np.concatenate(list(orders))[: self.size]
