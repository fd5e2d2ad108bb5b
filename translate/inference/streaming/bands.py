"""One pass over a picture, from top to bottom, a band of rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from translate.inference.streaming.operators import Operator, Rows
from translate.inference.streaming.stores import Store


@dataclass(frozen=True)
class Step:
    """A node of a pass.

    Attributes:
        inputs: the nodes that it is computed from.
        height: of its map.
        row_bytes: of one row of its map.
        kept: it is computed once for each row and keeps what is still to be looked at; the others are
            computed from their inputs whenever they are asked.
    """

    number: int
    operator: Operator
    inputs: tuple[int, ...]
    height: int
    row_bytes: int
    kept: bool


@dataclass(frozen=True)
class Band:
    """A part of a pass: by node the rows to compute, and then the first row that is still needed."""

    compute: Mapping[int, Rows]
    floors: Mapping[int, int]


class Route:
    """Which rows of which nodes are computed when: numbers alone, nothing is computed.

    Every row of a kept node is computed once, when something below asks for it, so neighbouring bands
    share the rows that both look at, however many layers lie between.

    Args:
        steps: in an order in which each follows its inputs; the last is what the pass is for.
        complete: kept nodes of which every row is wanted, also where the last one doesn't look at all.
    """

    def __init__(self, steps: Sequence[Step], complete: Sequence[int] = ()):
        self.steps = steps
        self._complete = complete
        self._done: dict[int, int] = {}

    def bands(self, rows: int) -> Iterator[Band]:
        """Bands that make `rows` rows of the last node each, and one for what is to be completed."""
        target = self.steps[-1]
        self._done = {step.number: 0 for step in self.steps if step.kept}
        for start in range(0, target.height, rows):
            yield self._band({target.number: Rows(start, min(start + rows, target.height))})
        heights = {step.number: step.height for step in self.steps}
        rest = {number: Rows(0, heights[number]) for number in self._complete}
        if any(self._done[number] < rows.stop for number, rows in rest.items()):
            yield self._band(rest)

    def _band(self, wanted: dict[int, Rows]) -> Band:
        compute: dict[int, Rows] = {}
        for step in reversed(self.steps):
            rows = wanted.get(step.number)
            if rows is not None and step.kept:
                rows = Rows(self._done[step.number], rows.stop)
            if rows is None or rows.stop <= rows.start:
                continue
            compute[step.number] = rows
            if step.kept:
                self._done[step.number] = rows.stop
            needed = step.operator.needs(rows)
            for number in step.inputs:
                before = wanted.get(number, needed)
                wanted[number] = Rows(min(before.start, needed.start), max(before.stop, needed.stop))
        return Band(compute, self._floors(compute))

    def _floors(self, compute: Mapping[int, Rows]) -> dict[int, int]:
        floors: dict[int, int] = {}
        target = self.steps[-1]
        for step in reversed(self.steps):
            if step.kept:
                row = self._done[step.number]
            elif step is target:
                row = compute[step.number].stop if step.number in compute else step.height
            else:
                row = floors.get(step.number, step.height)
            ended = row >= step.height
            for number in step.inputs:
                floor = _NEVER if ended else step.operator.first(row)
                floors[number] = min(floors.get(number, _NEVER), floor)
        return floors


_NEVER = 2**62


def peak_bytes(route: Route, height: int) -> int:
    """About what the bands of a pass take at once: rows that are kept, and the largest band's own work."""
    bytes_of = {step.number: step.row_bytes for step in route.steps}
    kept = {step.number: Rows(0, 0) for step in route.steps if step.kept}
    most = 0
    for band in route.bands(height):
        work = max((bytes_of[n] * (rows.stop - rows.start) for n, rows in band.compute.items()), default=0)
        for number, (_, stop) in band.compute.items():
            if number in kept:
                kept[number] = Rows(kept[number].start, stop)
        held = sum((stop - start) * bytes_of[number] for number, (start, stop) in kept.items())
        most = max(most, held + WORK_MAPS * work)
        for number, (_, stop) in kept.items():
            kept[number] = Rows(min(stop, band.floors.get(number, stop)), stop)
    return most


WORK_MAPS = 4  # a band, what is made of it, and what a convolution makes of both in between


class _Kept:
    """The rows of a map that are still to be looked at."""

    def __init__(self) -> None:
        self.start = 0
        self.rows: Tensor | None = None

    def append(self, rows: Tensor) -> None:
        self.rows = rows if self.rows is None else torch.cat([self.rows, rows], 2)

    def between(self, start: int, stop: int) -> Tensor:
        assert self.rows is not None
        return self.rows[:, :, start - self.start : stop - self.start]

    def leave(self, row: int) -> None:
        if self.rows is None or row <= self.start:
            return
        gone = row - self.start
        self.start = min(row, self.start + self.rows.shape[2])
        self.rows = None if gone >= self.rows.shape[2] else self.rows[:, :, gone:]


def run(
    route: Route,
    rows: int,
    sources: Mapping[int, Callable[[int, int], Tensor]],
    stores: Mapping[int, Store],
    disposable: set[int],
    taps: Mapping[int, Store],
    watch: Mapping[int, Callable[[Tensor], None]],
) -> Iterator[tuple[Rows, Tensor | None]]:
    """Make a pass; yields the rows of the last node, band by band, and none where others were completed.

    Args:
        rows: of the last node, for each band.
        sources: rows of inputs that nothing is computed for.
        stores: maps of earlier passes.
        disposable: those of them that no later pass looks at; they go as they are read.
        taps: where maps go that later passes look at.
        watch: told the rows of these nodes, from top to bottom.
    """
    kept = {step.number: _Kept() for step in route.steps if step.kept}
    target = route.steps[-1]
    for band in route.bands(rows):
        last: Tensor | None = None
        made: Tensor | None = None
        passing: dict[int, Tensor] = {}
        for step in route.steps:
            if step.number not in band.compute:
                continue
            wanted = band.compute[step.number]
            needed = step.operator.needs(wanted)
            bands = []
            for number in step.inputs:
                if number in passing:
                    bands.append(passing[number])
                elif number in kept:
                    bands.append(kept[number].between(*needed))
                elif number in stores:
                    bands.append(stores[number].rows(*needed))
                else:
                    bands.append(sources[number](*needed))
            made = step.operator.make(bands, wanted)
            del bands
            for number in step.inputs:
                passing.pop(number, None)  # whoever isn't kept has one reader
            if step.number in taps:
                taps[step.number].append(wanted.start, made)
            if step.number in watch:
                watch[step.number](made)
            if step is target:
                last = made
            elif step.kept:
                kept[step.number].append(made)
            else:
                passing[step.number] = made
        for number, floor in band.floors.items():
            if number in kept:
                kept[number].leave(floor)
            elif number in stores:
                stores[number].leave(floor, forever=number in disposable)
        made = None
        yield band.compute.get(target.number, Rows(target.height, target.height)), last
