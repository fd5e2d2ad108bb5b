"""Pictures of equal size together, also when others lie between them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

Thing = TypeVar("Thing")

_BATCHES_HELD = 4


class Buckets(Generic[Thing]):
    """Collects things until there are `batch_size` of one size, holding no more than a few batches.

    What comes out depends on what goes in alone, not on time. With a batch of one, everything comes out as
    it goes in.
    """

    def __init__(self, size_of: Callable[[Thing], Hashable], batch_size: int):
        self._size_of = size_of
        self._batch_size = batch_size
        self._held: dict[Hashable, list[Thing]] = {}  # the bucket that was opened first is the first
        self._count = 0

    def add(self, thing: Thing) -> Iterator[list[Thing]]:
        """The batches that are due now."""
        size = self._size_of(thing)
        self._held.setdefault(size, []).append(thing)
        self._count += 1
        if len(self._held[size]) == self._batch_size:
            yield self._take(size)
        elif self._count >= _BATCHES_HELD * self._batch_size:
            yield self._take(next(iter(self._held)))

    def rest(self) -> Iterator[list[Thing]]:
        """What is left at the end."""
        while self._held:
            yield self._take(next(iter(self._held)))

    def _take(self, size: Hashable) -> list[Thing]:
        batch = self._held.pop(size)
        self._count -= len(batch)
        return batch
