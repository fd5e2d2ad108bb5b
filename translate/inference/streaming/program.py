"""A whole network, pass after pass: the same numbers as at once, in as much memory as there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from torch import Tensor

from translate.inference.streaming.bands import Route, Step, peak_bytes, run
from translate.inference.streaming.lowering import lower
from translate.inference.streaming.operators import Convolution, Normalised, Rows
from translate.inference.streaming.record import Recording
from translate.inference.streaming.statistics import Statistics
from translate.inference.streaming.stores import Arena, Store

# Multiplications for each number of a map up to which it is made anew rather than written to a file and read
# back: what a core does while it would write and read four bytes at about 1.3 GB/s.
CHEAP = 300
BAND_BYTES = 2**23  # of the largest map in a band: enough work at once, and what a cache nearly holds
ALIGNED = 8  # rows; two tiles of Winograd's algorithm
PICTURE = 0  # the node of the network's input

Progress = Callable[[int, int], None]


class Program:
    """A recorded network as operations on rows.

    A norm by statistics of the whole map divides the work: one pass from top to bottom for its statistics,
    and after that it is an operation on pixels like others. Maps that later passes look at are stored, unless
    they follow from stored ones without a convolution; where memory is short, also cheap ones (`CHEAP`)
    are made anew.

    Raises:
        Unstreamable: something isn't an operation on rows.
    """

    def __init__(self, recording: Recording):
        self.output = recording.output
        self._nodes = recording.nodes
        self._inputs = {number: node.inputs for number, node in enumerate(recording.nodes)}
        self._used = self._behind([self.output], set())
        self._operators = {number: lower(recording, number) for number in self._used}
        self._norms: dict[int, list[Normalised]] = {}
        self._readers: dict[int, list[int]] = {}
        for number in self._used:
            operator = self._operators[number]
            for source in self._inputs[number]:
                self._readers.setdefault(source, []).append(number)
                if isinstance(operator, Normalised):
                    self._norms.setdefault(source, []).append(operator)

    @cached_property
    def targets(self) -> list[int]:
        """What each pass is for: the inputs of norms, in the order of the norms, then the output."""
        norms = (n for n in self._used if isinstance(self._operators[n], Normalised))
        return [
            *dict.fromkeys(self._inputs[n][0] for n in norms if self._inputs[n][0] != PICTURE),
            self.output,
        ]

    @cached_property
    def work(self) -> dict[int, int]:
        """Multiplications by pass, each counted where it is first needed."""
        seen: set[int] = set()
        work = {}
        for target in self.targets:
            new = [n for n in self._behind([target], seen) if n not in seen]
            seen.update(new)
            work[target] = int(sum((self._operators[n].products + 1) * self._numbers(n) for n in new))
        return work

    def run(
        self,
        picture: Callable[[int, int], Tensor],
        arena: Arena,
        budget: int,
        rows: int | None = None,
        progress: Progress | None = None,
    ) -> Iterator[tuple[Rows, Tensor]]:
        """The output from top to bottom, band by band.

        Args:
            picture: its rows, from and up to, float32 (1, C, rows, W) on the arena's device.
            budget: bytes for the maps and the work on them.
            rows: of what a pass is for, for each band; None is what suits the memory.
            progress: told how many multiplications of how many are done. An exception that it raises ends
                the work, and everything is given back.
        """
        stores: dict[int, Store] = {}
        known: set[int] = set()
        done, total = 0, sum(self.work.values())
        if PICTURE in self._norms:
            self._look_at(picture)
        for target in self.targets:
            if target != self.output and target in known:
                continue
            later = [t for t in self.targets if t > target and (t not in known or t == self.output)]
            active = self._behind([target], set(stores))
            taps = self._taps(active, later, stores, arena)
            route = self._route(target, active, taps, stores)
            height = rows or self._rows(route, budget // 3)
            arena.limit(max(0, budget - peak_bytes(route, height)))
            kept = {number: Store(arena) for number in taps}
            needed = self._sources(later, {*stores, *kept})
            gathered = {n: Statistics() for n in active if n in self._norms and n not in known}
            watched = {n: g for n, g in gathered.items() if n in taps or n == target}
            bands = run(
                route,
                height,
                {PICTURE: picture},
                stores,
                {number for number in stores if number not in needed},
                kept,
                {number: statistics.add for number, statistics in watched.items()},
            )
            for part, made in bands:
                arena.relieve()
                if made is not None and target == self.output:
                    yield part, made
                if progress is not None:
                    progress(done + self.work[target] * part.stop // self._nodes[target].shape[2], total)
            done += self.work[target]
            for number, statistics in watched.items():
                known.add(number)
                for norm in self._norms[number]:
                    norm.statistics = statistics.of_groups(norm.groups)
            self._settle(active, stores, kept, needed)

    def _settle(
        self, active: Iterable[int], stores: dict[int, Store], kept: dict[int, Store], needed: set[int]
    ) -> None:
        stores |= kept
        for number in [number for number in stores if number not in needed]:
            stores.pop(number).close()
        for number in active:
            if isinstance(operator := self._operators[number], Convolution):
                operator.forget()

    def _look_at(self, picture: Callable[[int, int], Tensor]) -> None:
        """The statistics of the picture itself."""
        statistics = Statistics()
        height = self._nodes[PICTURE].shape[2]
        for start in range(0, height, ALIGNED):
            statistics.add(picture(start, min(start + ALIGNED, height)))
        for norm in self._norms[PICTURE]:
            norm.statistics = statistics.of_groups(norm.groups)

    # The graph.

    def _behind(self, targets: Iterable[int], stored: set[int]) -> list[int]:
        """What has to be computed for these, in order; stored maps and the picture are there."""
        found: set[int] = set()
        waiting = [target for target in targets if target != PICTURE and target not in stored]
        while waiting:
            number = waiting.pop()
            if number not in found:
                found.add(number)
                waiting += [n for n in self._inputs[number] if n != PICTURE and n not in stored]
        return sorted(found)

    def _sources(self, targets: Iterable[int], stored: set[int]) -> set[int]:
        """The stored maps that are looked at for these."""
        found = self._behind(targets, stored)
        return {n for number in found for n in self._inputs[number] if n in stored}

    def _taps(self, active: list[int], later: list[int], stores: dict[int, Store], arena: Arena) -> list[int]:
        """Which maps of a pass are stored for later ones."""
        there, inside = set(stores), set(active)
        wanted = set(self._behind(later, there))
        chosen: list[int] = []
        cost: dict[int, float] = {}
        room = arena.free
        for number in active:
            size = self._numbers(number)
            cost[number] = self._operators[number].products + sum(
                cost.get(n, 0.0) * self._numbers(n) / size for n in self._inputs[number]
            )
            outside = any(n in wanted and n not in inside for n in self._readers.get(number, ()))
            if number not in wanted or not outside or self._follows(number, cost[number], {*there, *chosen}):
                continue
            stored = self._nodes[number].bytes
            if stored <= room or cost[number] > CHEAP:
                chosen.append(number)
                cost[number] = 0.0
                room = max(0, room - stored)
        return chosen

    def _follows(self, number: int, cost: float, stored: set[int]) -> bool:
        """Nothing is multiplied to make it from stored maps, which aren't larger than itself."""
        kept = sum(self._nodes[n].bytes for n in self._sources([number], stored))
        return cost == 0 and kept <= self._nodes[number].bytes

    def _route(self, target: int, active: list[int], taps: list[int], stores: dict[int, Store]) -> Route:
        inside = set(active)
        steps = []
        for number in active:
            readers = sum(n in inside for n in self._readers.get(number, ()))
            node, operator = self._nodes[number], self._operators[number]
            kept = number != target and (not operator.cheap or number in taps or readers > 1)
            height = node.shape[2]
            inputs = tuple(self._inputs[number])
            steps.append(Step(number, operator, inputs, height, node.bytes // height, kept))
        return Route(steps, [number for number in taps if number != target])

    def _rows(self, route: Route, most: int) -> int:
        """How many rows of the last node make a band: a few megabytes of the largest map."""
        height = route.steps[-1].height
        largest = max(step.row_bytes * step.height for step in route.steps) / height
        rows = min(height, max(1, int(BAND_BYTES / largest)))
        rows -= rows % ALIGNED if rows > ALIGNED else 0
        while rows > 1 and peak_bytes(route, rows) > most:
            rows = rows // 2
        return rows

    def _numbers(self, number: int) -> int:
        return self._nodes[number].shape.numel()
