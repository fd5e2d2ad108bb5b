"""Converting videos: decoding and encoding in threads, while the network works."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from translate import images, videos
from translate.errors import BadImage, ModelError, OutputError, TranslateError
from translate.files import replacing
from translate.inference import holes
from translate.inference.batch import run
from translate.inference.converter import Condition, Converter
from translate.inference.latent import Sampling
from translate.inference.manifest import Manifest
from translate.inference.plan import Job
from translate.inference.work import PIXELS_WAITING, Result, is_fatal

if TYPE_CHECKING:
    from av import Packet

_MOST_WAITING = 16  # frames on either side of the network
_PACKETS_TOGETHER = 1000  # of sound, where no frame comes for long

Progress = Callable[[Job, int, int | None], object]


class _Stopped(Exception):
    """The user wants no more; the video at hand is given up."""


def convert(
    translator: Converter,
    jobs: Iterable[Job],
    *,
    label: str | None = None,
    text: str | None = None,
    sampling: Sampling | None = None,
    batch_size: int = 1,
    quality: int = 95,
    max_pixels: int = images.MAX_PIXELS,
    manifest: Manifest | None = None,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Convert videos one after the other and yield what became of each, in the order of `jobs`.

    Each frame is a picture of its own to the network. Frames keep their times, sound is copied. An output
    appears whole or not at all. Memory doesn't grow with a video's length: a few frames are waiting on
    either side of the network. For arguments and errors see `folder.convert`; besides:

    Args:
        batch_size: frames that go through the network together.
        max_pixels: larger frames are refused.
        stop: once set, the video at hand is given up, without a result.
        progress: told (job, frames done, of how many, if that is known).
    """
    condition = translator.condition(label, text)
    codes = translator.codes(sampling or Sampling())
    rounds = [None] if codes is None else [codes[i : i + 1] for i in range(len(codes))]
    for job in jobs:
        if stop is not None and stop.is_set():
            return
        started = time.perf_counter()
        state = None if manifest is None else manifest.state(job)
        if manifest is not None and manifest.finished(job, state):
            yield Result(job, None, (), None, time.perf_counter() - started, skipped=True)
            continue
        work = _Work(translator, job, condition, batch_size, quality, max_pixels, stop, progress)
        error = None
        try:
            for number, code in enumerate(rounds):
                work.make(number, code, len(rounds))
        except _Stopped:
            return
        except ModelError:
            raise  # the next video would fare no better
        except TranslateError as problem:
            if isinstance(problem, OutputError) and is_fatal(problem):
                raise
            error = _reason(problem, job)
        seconds = time.perf_counter() - started
        notes = work.notes if error or job.note is None else (*work.notes, job.note)
        if manifest is not None:
            manifest.record(job, state, error, seconds)
        yield Result(job, error, notes, work.size, seconds, frames=work.frames)


def _reason(problem: TranslateError, job: Job) -> str:
    if not isinstance(problem, BadImage):
        return str(problem)
    return problem.reason if problem.path == job.source else f"its mask {problem}"


@dataclass(frozen=True)
class _Shown:
    """A frame as the network takes it."""

    pixels: np.ndarray
    hole: np.ndarray | None


@dataclass(eq=False)
class _Work:
    """One video on its way; `size`, `frames` and `notes` are known afterwards."""

    translator: Converter
    job: Job
    condition: Condition
    batch_size: int
    quality: int
    max_pixels: int
    stop: threading.Event | None
    progress: Progress | None
    size: tuple[int, int] | None = None
    frames: int = 0
    notes: tuple[str, ...] = ()

    def make(self, number: int, code: Condition, rounds: int) -> None:
        """Write output `number`."""
        target = self.job.targets[number]
        videos.require_encoder(target.suffix)
        hole = None if self.job.mask is None else holes.in_file(self.job.mask, self.max_pixels)
        with (
            replacing(target) as temporary,
            ThreadPoolExecutor(1, "decode") as decoder,
            ThreadPoolExecutor(1, "encode") as encoder,
        ):
            reader = decoder.submit(videos.Reader, self.job.source, self.max_pixels).result()
            writing = _Writing(encoder, temporary, target.suffix, self.quality, reader)
            try:
                self.frames = 0
                for batch in _batches(_ahead(decoder, reader, self.batch_size), self.batch_size):
                    if self.stop is not None and self.stop.is_set():
                        raise _Stopped
                    self._convert(batch, hole, code, writing)
                    self._tell(reader, number, rounds)
                writing.close()
            finally:
                decoder.shutdown(cancel_futures=True)
                encoder.shutdown(cancel_futures=True)
                writing.abandon()
                reader.close()
        self.notes = (*reader.notes, *writing.notes)

    def _convert(
        self,
        batch: list[videos.Moment | Packet],
        hole: np.ndarray | None,
        code: Condition,
        writing: _Writing,
    ) -> None:
        moments = [item for item in batch if isinstance(item, videos.Moment)]
        shown = [_Shown(moment.pixels, hole) for moment in moments]
        outputs = iter(run(self.translator, shown, self.condition, code) if shown else ())
        for item in batch:
            if not isinstance(item, videos.Moment):
                writing.copy(item)
                continue
            output = next(outputs)
            if isinstance(output, str):
                raise BadImage(self.job.source, f"frame {self.frames + 1}: {output}")
            writing.add(output, item)
            self.frames += 1
            self.size = item.pixels.shape[1], item.pixels.shape[0]

    def _tell(self, reader: videos.Reader, number: int, rounds: int) -> None:
        if self.progress is None or reader.traits is None:
            return
        of = reader.traits.frames
        done = self.frames if of is None else number * of + min(self.frames, of)
        self.progress(self.job, done, None if of is None else rounds * of)


class _Writing:
    """A writer in a thread of its own, which is opened with the first output, for that says the size."""

    def __init__(self, pool: ThreadPoolExecutor, path, suffix: str, quality: int, reader: videos.Reader):
        self._pool, self._path, self._suffix, self._quality, self._reader = (
            pool,
            path,
            suffix,
            quality,
            reader,
        )
        self._writer: videos.Writer | None = None
        self._early: list[Packet] = []
        self._waiting: deque[Future[None]] = deque()
        self._most = _MOST_WAITING

    @property
    def notes(self) -> tuple[str, ...]:
        return () if self._writer is None else self._writer.notes

    def add(self, output: np.ndarray, moment: videos.Moment) -> None:
        if self._writer is None:
            self._open((output.shape[1], output.shape[0]))
        assert self._writer is not None
        self._submit(self._writer.add, output, moment.time, moment.duration)

    def copy(self, packet: Packet) -> None:
        if self._writer is None:
            self._early.append(packet)
        else:
            self._submit(self._writer.copy, packet)

    def close(self) -> None:
        if self._writer is not None:
            self._submit(self._writer.close)
        while self._waiting:
            self._waiting.popleft().result()

    def abandon(self) -> None:
        """Whatever is still open; in the caller's thread, when the pool's has ended."""
        if self._writer is not None:
            self._writer.abandon()

    def _open(self, size: tuple[int, int]) -> None:
        assert self._reader.traits is not None
        arguments = (self._path, self._suffix, size, self._reader.traits, self._reader.sounds, self._quality)
        self._writer = self._pool.submit(videos.Writer, *arguments).result()
        self._most = _frames_waiting(size[0] * size[1])
        for packet in self._early:
            self._submit(self._writer.copy, packet)
        self._early = []

    def _submit(self, action: Callable[..., None], *arguments: object) -> None:
        self._waiting.append(self._pool.submit(action, *arguments))
        while self._waiting and (len(self._waiting) > self._most or self._waiting[0].done()):
            self._waiting.popleft().result()


def _ahead(
    pool: ThreadPoolExecutor, reader: videos.Reader, batch_size: int
) -> Iterator[videos.Moment | Packet]:
    """Decode in a thread, a few frames before they are wanted, and fewer if they are large."""
    items = iter(reader)
    waiting: deque[Future[videos.Moment | Packet | None]] = deque()
    most = 1
    while True:
        while len(waiting) < most:
            waiting.append(pool.submit(next, items, None))
        item = waiting.popleft().result()
        if item is None:
            return
        if isinstance(item, videos.Moment):
            most = max(batch_size, _frames_waiting(item.pixels.shape[0] * item.pixels.shape[1]))
        yield item


def _frames_waiting(pixels: int) -> int:
    return max(1, min(_MOST_WAITING, PIXELS_WAITING // pixels))


def _batches(
    items: Iterable[videos.Moment | Packet], batch_size: int
) -> Iterator[list[videos.Moment | Packet]]:
    """Frames that go through the network together, and what of the sound lies between them."""
    batch: list[videos.Moment | Packet] = []
    frames = 0
    for item in items:
        batch.append(item)
        frames += isinstance(item, videos.Moment)
        if frames == batch_size or len(batch) == _PACKETS_TOGETHER:
            yield batch
            batch, frames = [], 0
    yield batch
