"""Where maps wait until they are needed: in memory as far as they may, beyond that in a nameless file."""

from __future__ import annotations

import errno
import tempfile
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch
from torch import Tensor

from translate.errors import TranslateError
from translate.files import NO_ROOM, temporary_folder
from translate.inference.streaming.memory import Guard


@dataclass
class Tier:
    """Memory of a device that maps may take."""

    device: torch.device
    room: int
    used: int = 0


@dataclass
class _Block:
    """Rows of a map, (1, C, rows, W): in a tier, or in the file at `place`."""

    start: int
    stop: int
    shape: torch.Size
    dtype: torch.dtype
    bytes: int
    tensor: Tensor | None = None
    tier: Tier | None = None
    place: int = -1


class Arena:
    """Room for the maps of one picture, given back when it closes.

    Blocks go into the first tier that has room, and into a temporary file where none has: by plain writes and
    reads, so that no page of it counts as the program's memory. The file has no name, so nothing is left of
    it, however the program ends.

    Args:
        device: where blocks are computed and wanted.
        tiers: memory to fill, in this order.
        guard: asked now and then whether the process takes too much; then less is left to the first tier.
        folder: for the file; None is TMPDIR, or /var/tmp, which is rarely a disk in memory as /tmp may be.
    """

    def __init__(
        self,
        device: torch.device,
        tiers: list[Tier],
        guard: Guard | None = None,
        folder: Path | None = None,
    ):
        self.device = device
        self.tiers = tiers
        self.written = 0  # bytes that went to the file
        self._guard = guard
        self._withheld = 0
        self._folder = folder
        self._file: BinaryIO | None = None
        self._end = 0
        self._held: dict[int, _Block] = {}
        self._gaps: dict[int, list[int]] = defaultdict(
            list
        )  # places of the file that are free again, by size

    def __enter__(self) -> Arena:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def free(self) -> int:
        """Bytes that still fit into memory."""
        return sum(max(0, tier.room - tier.used) for tier in self.tiers)

    def put(self, block: _Block, tensor: Tensor) -> None:
        for tier in self.tiers:
            if tier.used + block.bytes <= tier.room:
                tier.used += block.bytes
                block.tensor, block.tier = tensor.to(tier.device), tier
                self._held[id(block)] = block
                return
        with _explained(self._folder):
            self._write(block, tensor)

    def get(self, block: _Block) -> Tensor:
        if block.tensor is not None:
            return block.tensor.to(self.device)
        assert self._file is not None
        tensor = torch.empty(block.shape, dtype=block.dtype)
        with _explained(self._folder):
            self._file.seek(block.place)
            view = _bytes_of(tensor)
            while len(view):
                done = self._file.readinto(view)  # type: ignore
                if not done:
                    raise OSError(errno.EIO, "the temporary file ends too early")
                view = view[done:]
        return tensor.to(self.device)

    def drop(self, block: _Block) -> None:
        if block.tier is not None:
            block.tier.used -= block.bytes
            block.tensor = block.tier = None
            del self._held[id(block)]
        elif block.place >= 0:
            self._gaps[block.bytes].append(block.place)
            block.place = -1

    def limit(self, room: int) -> None:
        """Leave no more than that to the first tier; what is too much there goes elsewhere."""
        tier = self.tiers[0]
        tier.room = max(0, room - self._withheld)
        for block in list(self._held.values()):
            if tier.used <= tier.room:
                break
            if block.tier is tier and block.tensor is not None:
                tensor = block.tensor
                self.drop(block)
                self.put(block, tensor)

    def relieve(self) -> None:
        """Withhold from the first tier what the process has taken too much."""
        excess = 0 if self._guard is None else self._guard.excess()
        if excess and self.tiers[0].room:
            asked = self.tiers[0].room + self._withheld
            self._withheld += min(excess, self.tiers[0].room)
            self.limit(asked)

    def _write(self, block: _Block, tensor: Tensor) -> None:
        if self._file is None:
            folder = temporary_folder(self._folder)
            self._file = cast(BinaryIO, tempfile.TemporaryFile(buffering=0, dir=folder))  # noqa: SIM115
        gaps = self._gaps[block.bytes]
        block.place = gaps.pop() if gaps else self._end
        if block.place == self._end:
            self._end += block.bytes
        self._file.seek(block.place)
        view = _bytes_of(tensor.cpu().contiguous())
        self.written += len(view)
        while len(view):
            view = view[self._file.write(view) :]


@dataclass
class Store:
    """One map, written from top to bottom once and read from top to bottom in one pass or several."""

    arena: Arena
    blocks: deque[_Block] = field(default_factory=deque)
    _at_hand: dict[int, Tensor] = field(default_factory=dict)

    def append(self, start: int, tensor: Tensor) -> None:
        stop = start + tensor.shape[2]
        # A view would keep alive what it is cut from.
        whole = tensor if tensor.untyped_storage().nbytes() == tensor.nbytes else tensor.clone()
        block = _Block(start, stop, whole.shape, whole.dtype, whole.nbytes)
        self.arena.put(block, whole)
        self.blocks.append(block)

    def rows(self, start: int, stop: int) -> Tensor:
        """(1, C, stop − start, W), a view where one block has them all."""
        parts = []
        for block in self.blocks:
            if block.start < stop and start < block.stop:
                if block.start not in self._at_hand:
                    self._at_hand[block.start] = self.arena.get(block)
                tensor = self._at_hand[block.start]
                parts.append(tensor[:, :, max(0, start - block.start) : stop - block.start])
        return parts[0] if len(parts) == 1 else torch.cat(parts, 2)

    def leave(self, row: int, *, forever: bool) -> None:
        """Rows above this one aren't read again in this pass, or in none."""
        for block in self.blocks:
            if block.stop > row:
                break
            self._at_hand.pop(block.start, None)
        while forever and self.blocks and self.blocks[0].stop <= row:
            self.arena.drop(self.blocks.popleft())

    def close(self) -> None:
        self._at_hand.clear()
        while self.blocks:
            self.arena.drop(self.blocks.popleft())


def _bytes_of(tensor: Tensor) -> memoryview:
    return memoryview(cast(Any, tensor.numpy())).cast("B")


@contextmanager
def _explained(folder: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = "its folder"
        with suppress(OSError):
            where = str(temporary_folder(folder))
        full = error.errno in NO_ROOM
        remedy = "; set TMPDIR to a folder with more room, or allow more memory" if full else ""
        raise TranslateError(
            f"the temporary file of this picture's maps, in {where}, can't be used: {error.strerror}{remedy}."
        ) from error
