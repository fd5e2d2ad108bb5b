"""How a picture goes through a network: whole, in bands with the same result, or in tiles with nearly it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from translate.errors import TranslateError, UsageError
from translate.inference.streaming import memory
from translate.inference.streaming.approximate import by_tiles
from translate.inference.streaming.operators import Rows
from translate.inference.streaming.program import Program, Progress
from translate.inference.streaming.record import Recording, Unstreamable, record
from translate.inference.streaming.stores import Arena, Tier
from translate.inference.watching import watched

Tile = Literal["auto", "whole", "exact", "approximate"]
SMALL = 2**20  # pixels of a picture up to which nobody asks whether it fits
HOLES = 0.75  # of the memory that is there, what maps may take; the rest is lost between them
SIDES = (4096, 3072, 2048, 1536, 1024, 768, 512, 384, 256)  # of approximate tiles


class Sizes:
    """Runs a network on pictures of any size.

    Args:
        network: from (B, C, H, W) in its own range to (B, C', scale · H, scale · W).
        tile: `whole` is one call; `exact` gives the same result in bands (`streaming.program`);
            `approximate` nearly the same in tiles (`streaming.approximate`); `auto` is `whole` where that
            is estimated to fit into the memory, else, and where it doesn't after all, `exact`.
        max_memory: bytes, or words such as `2GB`, that the process may take, on a GPU there; None is a share
            of what is free. The picture itself and its result come on top.

    Raises:
        UsageError: another `tile`, or no amount of memory.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        multiple: int,
        tile: Tile = "auto",
        max_memory: int | str | None = None,
    ):
        if tile not in get_args(Tile):
            raise UsageError(f"unknown tile {tile!r}; choose one of {', '.join(get_args(Tile))}")
        self.tile: Tile = tile
        self._network, self._device, self._multiple = network, device, multiple
        self._most = None if max_memory is None else memory.parse_bytes(max_memory)
        self._fitting: dict[tuple[int, ...], bool] = {}

    def streams(self, shape: Sequence[int], told: tuple, coded: Mapping[str, Tensor]) -> bool:
        """Whether pictures of this shape (B, C, H, W) are computed in bands."""
        return self.tile == "exact" or (self.tile == "auto" and not self._fits(tuple(shape), told, coded))

    def run(
        self,
        x: Tensor,
        told: tuple,
        coded: Mapping[str, Tensor],
        progress: Progress | None = None,
        engine: Callable[..., Tensor] | None = None,
    ) -> Tensor:
        """The network on float32 (B, C, H, W), on the device, in multiples of what it takes.

        A batch for which there is too little memory is halved before a picture is taken apart.

        Args:
            told, coded: what the network is called with besides, for each picture.
            progress: told what share of the work is done, of a picture of more than `SMALL` pixels or one
                that doesn't go through as a whole. An exception that it raises ends the work.
            engine: what whole pictures are given to instead of the network.

        Raises:
            Unstreamable: bands are needed, and the network has a layer that can't be computed in bands.
            TranslateError: too little memory, or too little room for the temporary file.
        """
        if self.tile == "approximate":
            return torch.cat([self._approximate(*one, progress) for one in _each(x, told, coded)])
        failed: Exception | None = None
        if not self.streams(x.shape, told, coded):
            try:
                with self._told(x, progress, engine):
                    return (engine or self._network)(x, *told, **coded)
            except (RuntimeError, MemoryError) as error:
                alone = self.tile != "auto" and len(x) == 1
                if alone or not memory.is_out_of_memory(error):
                    raise
                failed = error.with_traceback(None)  # the frames hold the maps that there was no room for
            self._fitting[tuple(x.shape)] = False
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
        if len(x) > 1 and self.tile != "exact":
            halves = _parts(x, told, coded, (len(x) + 1) // 2)
            return torch.cat([self.run(*half, progress, engine) for half in halves])
        try:
            return torch.cat([self._banded(*one, progress) for one in _each(x, told, coded)])
        except Unstreamable:
            if failed is not None:
                raise failed from None
            raise

    def bands(
        self,
        shape: Sequence[int],
        picture: Callable[[int, int], Tensor],
        told: tuple,
        coded: Mapping[str, Tensor],
        progress: Progress | None = None,
    ) -> Iterator[tuple[Rows, Tensor]]:
        """The output of one picture, (1, C, H, W), from top to bottom.

        Args:
            picture: its rows, from and up to, on the device.
        """
        program = Program(self._recording(shape, told, coded))
        free = memory.budget(self._device, self._most)
        budget = int(HOLES * free)
        tiers = [Tier(self._device, budget)]
        guard = memory.Guard(memory.taken_memory() + free) if self._device.type == "cpu" else None
        if self._device.type != "cpu":
            host = torch.device("cpu")
            tiers.append(Tier(host, memory.budget(host, None)))
        with Arena(self._device, tiers, guard) as arena:
            yield from program.run(picture, arena, budget, progress=progress)

    def _told(
        self, x: Tensor, progress: Progress | None, engine: Callable[..., Tensor] | None
    ) -> AbstractContextManager[None]:
        if progress is None or engine is not None or x.shape[0] * x.shape[2] * x.shape[3] < SMALL:
            return nullcontext()
        return watched(self._network, progress)

    def _banded(
        self, x: Tensor, told: tuple, coded: Mapping[str, Tensor], progress: Progress | None
    ) -> Tensor:
        output: Tensor | None = None
        for rows, band in self.bands(x.shape, lambda i, j: x[:, :, i:j], told, coded, progress):
            if output is None:
                scale = band.shape[3] // x.shape[3]
                output = band.new_empty(1, band.shape[1], scale * x.shape[2], band.shape[3])
            output[:, :, rows.start : rows.stop] = band
        assert output is not None
        return output

    def _approximate(
        self, x: Tensor, told: tuple, coded: Mapping[str, Tensor], progress: Progress | None
    ) -> Tensor:
        budget = memory.budget(self._device, self._most)
        sides = [side // self._multiple * self._multiple for side in SIDES]
        fitting = (side for side in sides if self._whole((1, x.shape[1], side, side), told, coded) <= budget)
        side = next(fitting, max(sides[-1], self._multiple))
        scale = int(getattr(self._network, "scale", 1))

        def network(tile: Tensor) -> Tensor:
            return self._network(tile, *told, **coded)

        return by_tiles(network, x, side, self._multiple, scale, progress)

    def _fits(self, shape: tuple[int, ...], told: tuple, coded: Mapping[str, Tensor]) -> bool:
        batch, _, height, width = shape
        if shape not in self._fitting:
            small = self._most is None and batch * height * width <= SMALL
            budget = 0 if small else memory.budget(self._device, self._most)
            self._fitting[shape] = small or self._whole(shape, told, coded) <= budget
        return self._fitting[shape]

    def _whole(self, shape: tuple[int, ...], told: tuple, coded: Mapping[str, Tensor]) -> int:
        one = (1, *shape[1:])
        return shape[0] * memory.whole_bytes(self._recording(one, told, coded), self._device)

    def _recording(self, shape: Sequence[int], told: tuple, coded: Mapping[str, Tensor]) -> Recording:
        first = {name: value[:1] for name, value in coded.items()}
        told = tuple(value[:1] for value in told)
        try:
            return record(self._network, tuple(shape), self._device, *told, **first)
        except TranslateError:
            raise
        except Exception as error:  # whatever another library's network does with a picture without content
            raise Unstreamable("", f"something that can't be followed ({type(error).__name__})") from error


def _each(
    x: Tensor, told: tuple, coded: Mapping[str, Tensor]
) -> Iterator[tuple[Tensor, tuple[Any, ...], dict[str, Tensor]]]:
    """One picture at a time, with what is told of it."""
    return _parts(x, told, coded, 1)


def _parts(
    x: Tensor, told: tuple, coded: Mapping[str, Tensor], size: int
) -> Iterator[tuple[Tensor, tuple[Any, ...], dict[str, Tensor]]]:
    """So many pictures at a time."""
    for i in range(0, len(x), size):
        part = slice(i, i + size)
        yield (
            x[part],
            tuple(value[part] for value in told),
            {name: value[part] for name, value in coded.items()},
        )
