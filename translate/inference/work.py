"""One file on its way: decoded, taken apart into pictures for the network, put together, written."""

from __future__ import annotations

import errno
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from translate import images
from translate.errors import BadImage, OutputError, TranslateError
from translate.inference import holes
from translate.inference.manifest import Manifest, State
from translate.inference.plan import Job

PIXELS_WAITING = 32_000_000  # on either side of the network, besides those that are being read or written
_NO_HOLE = "its mask shows no hole, white from 128 of 255 on, so nothing was filled"
_FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}


@dataclass(frozen=True)
class Result:
    """What became of one job: `error` is None where all of `job.targets` were written, or `skipped`.

    `size` is `(width, height)` of the picture in pixels, None where it wasn't or couldn't be read; `seconds`
    is from the start of its decoding to the end of its last encoding, waiting included. `frames` are those of
    a video.
    """

    job: Job
    error: str | None
    notes: tuple[str, ...]
    size: tuple[int, int] | None
    seconds: float
    skipped: bool = False
    frames: int | None = None


@dataclass(eq=False)
class Work:
    """A job from its decoding to its result; `rounds` are the outputs to be made of it."""

    job: Job
    rounds: int
    started: float
    state: State | None = None
    original: images.Original | None = None
    made: list[list[np.ndarray | str]] = field(default_factory=list)  # of each round, in the frames' order
    errors: list[str] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    writing: list[Future[tuple[str | None, float]]] = field(default_factory=list)
    unmade: list[int] = field(default_factory=list)  # of each round, how many frames the network hasn't made
    ended: float = 0.0
    skipped: bool = False

    def pixels(self) -> int:
        """How many it has in memory, in all its frames."""
        return sum(frame.pixels.shape[0] * frame.pixels.shape[1] for frame in self.frames)

    def begun(self) -> bool:
        """Whether the network is through with it, or had nothing to do."""
        return len(self.writing) == (self.rounds if self.frames else 0)

    def over(self) -> bool:
        """Whether `result` needn't wait."""
        return self.begun() and all(future.done() for future in self.writing)

    def result(self) -> Result:
        """Wait for the outputs.

        Raises:
            OutputError: the disk is full or can't be written any more.
        """
        for future in self.writing:
            error, self.ended = future.result()
            if error is not None:
                self.errors.append(error)
        error = self.errors[0] if self.errors else None
        first = None if self.original is None else self.original.frames[0].pixels
        size = None if first is None else (first.shape[1], first.shape[0])
        notes = () if self.original is None else self.original.notes
        if not (error or self.skipped or self.job.note is None):
            notes = (*notes, self.job.note)
        return Result(self.job, error, notes, size, self.ended - self.started, self.skipped)


@dataclass(eq=False)
class Frame:
    """One picture of a file; most files have one."""

    work: Work
    number: int
    pixels: np.ndarray  # uint8 or uint16 (H, W, 3)
    hole: np.ndarray | None = None  # bool (1, 1, H, W)


def read(
    job: Job,
    background: tuple[int, int, int],
    max_pixels: int,
    rounds: int,
    manifest: Manifest | None = None,
    *,
    fills: bool = False,
) -> Work:
    """Decode a file, unless it is finished already; without frames where there is nothing to do.

    Args:
        fills: the model fills holes; without a mask those are the file's transparent pixels. What was filled
            is opaque in the output.
    """
    work = Work(job, rounds, time.perf_counter())
    if manifest is not None:
        work.state = manifest.state(job)
        work.skipped = manifest.finished(job, work.state)
    if not work.skipped:
        try:
            to = images.format_of_suffix(job.target.suffix)
            work.original = images.read_original(job.source, to, background=background, max_pixels=max_pixels)
            if fills or job.mask is not None:
                found = _holes(job, work.original, to, max_pixels)
                work.original = _filled(work.original, found, kept=job.mask is not None)
            else:
                found = [None] * len(work.original.frames)
            frames = work.original.frames
            work.frames = [
                Frame(work, number, frame.pixels, hole)
                for number, (frame, hole) in enumerate(zip(frames, found, strict=True))
            ]
            work.made = [[""] * len(frames) for _ in range(rounds)]
            work.unmade = [len(frames)] * rounds
        except BadImage as error:
            work.errors.append(error.reason if error.path == job.source else f"its mask {error}")
    work.ended = time.perf_counter()
    return work


def _holes(job: Job, original: images.Original, to: str, max_pixels: int) -> list[np.ndarray | None]:
    """Of each frame what the file's mask, or else its own transparency, leaves open; all None for nothing."""
    if job.mask is not None:
        return [holes.in_file(job.mask, max_pixels)] * len(original.frames)
    if to in images.HOLDING_ALPHA:
        found = [holes.in_alpha(frame.alpha) for frame in original.frames]
    else:
        found = [holes.in_alpha(images.read(job.source, max_pixels=max_pixels).alpha)]
    if all(hole is None for hole in found):
        return found
    return [
        np.zeros((1, 1, *frame.pixels.shape[:2]), bool) if hole is None else hole
        for frame, hole in zip(original.frames, found, strict=True)
    ]


def _filled(original: images.Original, found: list[np.ndarray | None], *, kept: bool) -> images.Original:
    """What is filled can be seen: opaque there, and elsewhere as it was if that is `kept`."""
    frames = []
    for frame, hole in zip(original.frames, found, strict=True):
        alpha = frame.alpha if kept else None
        if alpha is not None and hole is not None and hole.shape[2:] == alpha.shape:
            alpha = np.where(hole[0, 0], np.iinfo(alpha.dtype).max, alpha).astype(alpha.dtype)
        frames.append(replace(frame, alpha=alpha))
    filled = any(hole is not None and hole.any() for hole in found)
    notes = original.notes if filled or not kept else (*original.notes, _NO_HOLE)
    return replace(original, frames=tuple(frames), notes=notes)


class Writer:
    """Encodes and writes what the network made in threads, and waits while `most` files are on their way.

    Fewer if they are large.
    """

    def __init__(self, pool: ThreadPoolExecutor, quality: int, most: int):
        self._pool = pool
        self._quality = quality
        self._most = most
        self._writing: deque[tuple[Future[tuple[str | None, float]], int]] = deque()

    def add(self, frame: Frame, number: int, output: np.ndarray | str) -> None:
        """Take an output, uint8 or uint16 `(H, W, C)`, of round `number`, or the reason why there is none.

        With the last of a file's frames its writing begins.
        """
        work = frame.work
        work.made[number][frame.number] = output
        work.unmade[number] -= 1
        if work.unmade[number]:
            return
        outputs, work.made[number] = work.made[number], []
        assert work.original is not None
        target = work.job.targets[number]
        future = self._pool.submit(_finish, target, outputs, work.original, self._quality)
        work.writing.append(future)
        self._writing.append((future, sum(made.size // 3 for made in outputs if not isinstance(made, str))))
        while len(self._writing) > self._most or self._pixels() > PIXELS_WAITING:
            self._writing.popleft()[0].result()

    def _pixels(self) -> int:
        return sum(pixels for future, pixels in self._writing if not future.done())


def _finish(
    target: Path, outputs: Sequence[np.ndarray | str], original: images.Original, quality: int
) -> tuple[str | None, float]:
    """Write an output; an error, or none, and when it was over."""
    error = next((output for output in outputs if isinstance(output, str)), None)
    if error is None:
        made = [output for output in outputs if not isinstance(output, str)]
        try:
            images.write_like(target, made, original, quality=quality)
        except TranslateError as problem:
            if isinstance(problem, OutputError) and is_fatal(problem):
                raise
            error = str(problem)
    return error, time.perf_counter()


def is_fatal(problem: OutputError) -> bool:
    """Whether nothing else could be written either: the disk is full or broken."""
    return isinstance(problem.__cause__, OSError) and problem.__cause__.errno in _FATAL
