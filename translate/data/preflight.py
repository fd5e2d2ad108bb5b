"""Before the first step: open every file, report all bad ones together, keep the good ones if they fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from translate.data.machine import available_memory
from translate.data.shelf import Shelf
from translate.data.threads import each
from translate.data.transforms import is_grey
from translate.errors import BadImage, DataError

_SHARE = 0.4  # of the available memory, for the cache
_FIRST_GUESS = 32  # pictures after which the size of all can be judged

Pictures = tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The shelves, without what was skipped and filled where they fit in RAM, and sentences for the log.

    `grey` says of how many items the target has no colours.
    """

    shelves: tuple[Shelf, ...]
    notes: tuple[str, ...]
    grey: int = 0


def check(
    shelves: Sequence[Shelf],
    *,
    cache: Literal["auto", "ram", "off"] = "auto",
    skip_corrupt: bool = False,
    progress: bool = True,
) -> Found:
    """Decode every picture once.

    With `cache` "auto" the decoded pictures stay in RAM if all of them take less than 40 % of what is
    available (in a container: of what it has left), judged by the first 32 and watched from there on.

    Raises:
        DataError: files that can't be read, all in one sentence, unless `skip_corrupt`; with `cache`
            "ram", that they don't fit.
    """
    pantry = _Pantry(cache, sum(map(len, shelves)))
    faults: list[tuple[int, int, BadImage]] = []
    kept: list[list[Pictures]] = [[] for _ in shelves]
    grey = 0
    for shelf, position, pictures in _decoded(shelves, progress):
        if isinstance(pictures, BadImage):
            faults.append((shelf, position, pictures))
            continue
        grey += is_grey(pictures[-1])
        if pantry.takes(pictures):
            kept[shelf].append(pictures)
        else:
            kept[shelf].clear()
    notes = pantry.notes()
    if faults:
        # The two halves of an A|B file fail alike where the sides are apart.
        bad = {fault.path: fault.reason for *_, fault in faults}
        if not skip_corrupt:
            raise DataError(
                f"{len(bad)} of the pictures can't be used: {_few(bad)}; repair or remove them, or leave "
                "them out with --set data.skip_corrupt=true."
            )
        notes = (f"left out {len(bad)} pictures that can't be used: {_few(bad)}", *notes)
    left = tuple(
        shelf.without({position for at, position, _ in faults if at == number})
        for number, shelf in enumerate(shelves)
    )
    if pantry.open:
        for shelf, pictures in zip(left, kept, strict=True):
            shelf.keep(pictures)
    return Found(left, notes, grey)


class _Pantry:
    """Decides whether decoded pictures are kept, from what they take and what memory there is."""

    def __init__(self, cache: Literal["auto", "ram", "off"], total: int):
        self._forced = cache == "ram"
        self._budget = 0 if cache == "off" else int(available_memory() * (1.0 if self._forced else _SHARE))
        self.open = cache != "off"
        self._asked = self.open
        self._total = total
        self._count = self._bytes = 0

    def takes(self, pictures: Pictures) -> bool:
        """Count `pictures`; whether to keep them."""
        if not self.open:
            return False
        self._count += 1
        self._bytes += sum({id(picture): picture.nbytes for picture in pictures}.values())
        if self._count >= min(_FIRST_GUESS, self._total) and self._expected() > self._budget:
            self.open = False
            if self._forced:
                raise DataError(
                    f"data.cache=ram needs about {_size(self._expected())}, and {_size(self._budget)} of "
                    "memory are available; use data.cache=auto, or fewer or smaller pictures "
                    "(data.load_size)."
                )
        return self.open

    def notes(self) -> tuple[str, ...]:
        if self.open:
            return (f"{self._count} decoded items are held in RAM ({_size(self._bytes)})",)
        if not self._asked:
            return ()
        return (
            f"decoded pictures would take about {_size(self._expected())} of RAM, over {_SHARE:.0%} of what "
            "is available: they are decoded anew each time",
        )

    def _expected(self) -> int:
        return self._bytes * self._total // max(1, self._count)


def _decoded(shelves: Sequence[Shelf], progress: bool) -> Iterator[tuple[int, int, Pictures | BadImage]]:
    """(shelf, position, pictures or what is wrong), in order."""

    def decode(at: tuple[int, int]) -> Pictures | BadImage:
        try:
            pictures = shelves[at[0]].decode(at[1])
            once = {id(planes): np.ascontiguousarray(planes) for planes in pictures}
            return tuple(once[id(planes)] for planes in pictures)
        except BadImage as error:
            return error

    todo = [(number, i) for number, shelf in enumerate(shelves) for i in range(len(shelf))]
    for at, result in each(decode, todo, label="checking pictures", progress=progress):
        yield *at, result


def _few(bad: dict[Path, str]) -> str:
    named = [f"{path.parent.name}/{path.name} ({reason})" for path, reason in list(bad.items())[:3]]
    return ", ".join(named) + (" …" if len(bad) > 3 else "")


def _size(count: float) -> str:
    return f"{count / 2**20:.0f} MB" if count < 2**30 else f"{count / 2**30:.1f} GB"
