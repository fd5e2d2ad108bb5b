"""Converting many files: decoding and encoding in threads, while the network works."""

from __future__ import annotations

import errno
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from translate import images
from translate.errors import BadImage, OutputError, TranslateError
from translate.inference.latent import Sampling
from translate.inference.pictures import require_finite
from translate.inference.plan import Job
from translate.inference.translator import Translator

# Pillow, libjpeg and zlib let go of the interpreter's lock, and the network needs the cores. No tensors in
# these threads: each that runs a parallel torch operation gets a pool of its own, and once there are more
# threads than cores OpenMP puts all of them, the network's too, to sleep at every step: 1.5 times as slow.
_WORKERS = 2
_FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}


@dataclass(frozen=True)
class Result:
    """What became of one job: `error` is None where all of `job.targets` were written.

    `size` is `(width, height)` of the picture in pixels, None where it couldn't be read; `seconds` is
    from the start of its decoding to the end of its last encoding, waiting included.
    """

    job: Job
    error: str | None
    notes: tuple[str, ...]
    size: tuple[int, int] | None
    seconds: float


@dataclass(frozen=True)
class _Decoded:
    job: Job
    started: float
    pixels: np.ndarray | None = None  # uint8 (H, W, 3)
    notes: tuple[str, ...] = ()
    errors: list[str] = field(default_factory=list)

    def result(self, ended: float) -> Result:
        error = self.errors[0] if self.errors else None
        size = None if self.pixels is None else (self.pixels.shape[1], self.pixels.shape[0])
        notes = self.notes if error or self.job.note is None else (*self.notes, self.job.note)
        return Result(self.job, error, notes, size, ended - self.started)


@dataclass(frozen=True)
class _Writing:
    """An output of `item` on its way to the disk; `done` gives an error, or none, and when it was over."""

    item: _Decoded
    done: Future[tuple[str | None, float]]
    last: bool

    def settled(self) -> Iterator[Result]:
        """Wait for it; with the last output of a picture comes the picture's result."""
        error, ended = self.done.result()
        if error is not None:
            self.item.errors.append(error)
        if self.last:
            yield self.item.result(ended)


def convert(
    translator: Translator,
    jobs: Iterable[Job],
    *,
    label: str | None = None,
    text: str | None = None,
    sampling: Sampling | None = None,
    batch_size: int = 1,
    quality: int = 95,
    background: tuple[int, int, int] = (255, 255, 255),
    stop: threading.Event | None = None,
) -> Iterator[Result]:
    """Convert files one after the other and yield what became of each, in the order of `jobs`.

    A file that can't be read, translated or written is a result with an error, and the rest goes on.
    Outputs appear whole or not at all, and replace what was there. Memory doesn't grow with the number of
    jobs: a few pictures are waiting on either side of the network.

    Args:
        label: what to translate into, of a model that has labels.
        text: a caption of it, of a model that asks for one.
        sampling: which of many outputs, of a model that has a latent code; the same for every picture,
            whatever its neighbours. Jobs have as many targets as it has codes.
        batch_size: neighbours of equal size go through the network together.
        background: what shows through transparent pixels, RGB in 0..255.
        stop: once set, the pictures at hand are finished and no new ones begun.

    Raises:
        OutputError: the disk is full or can't be written any more.
        ModelError: the model doesn't take pictures.
        UsageError: a label or a text that the model doesn't know, doesn't take or can't do without, samples
            of a model that makes one output; before any work.
    """
    condition = translator.condition(label, text)
    codes = translator.codes(sampling or Sampling())
    rounds = [None] if codes is None else list(codes.split(1))
    stop = stop or threading.Event()
    ahead = 2 * _WORKERS + batch_size
    with (
        ThreadPoolExecutor(_WORKERS, "decode") as decoders,
        ThreadPoolExecutor(_WORKERS, "encode") as encoders,
    ):
        decoded = _bounded(decoders, jobs, background, ahead)
        writing: deque[_Writing] = deque()
        try:
            for batch in _batches(decoded, batch_size):
                if stop.is_set():
                    break
                readable = batch[0].pixels is not None
                for number, code in enumerate(rounds if readable else rounds[:1], start=1):
                    for item, output in zip(batch, _run(translator, batch, condition, code), strict=True):
                        done = encoders.submit(_finish, item.job.targets[number - 1], output, quality)
                        writing.append(_Writing(item, done, number == len(rounds) or not readable))
                    while len(writing) > ahead:
                        yield from writing.popleft().settled()
            while writing:
                yield from writing.popleft().settled()
        finally:
            decoders.shutdown(cancel_futures=True)
            encoders.shutdown(cancel_futures=True)


def _bounded(
    pool: ThreadPoolExecutor, jobs: Iterable[Job], background: tuple[int, int, int], ahead: int
) -> Iterator[_Decoded]:
    """Decode in threads, at most `ahead` pictures before they are wanted."""
    waiting: deque[Future[_Decoded]] = deque()
    for job in jobs:
        waiting.append(pool.submit(_decode, job, background))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _decode(job: Job, background: tuple[int, int, int]) -> _Decoded:
    started = time.perf_counter()
    try:
        picture = images.read(job.source, background=background)
    except BadImage as error:
        return _Decoded(job, started, errors=[error.reason])
    return _Decoded(job, started, picture.pixels, picture.notes)


def _batches(items: Iterator[_Decoded], batch_size: int) -> Iterator[list[_Decoded]]:
    """Neighbours of equal size together; a picture that couldn't be read is alone."""
    batch: list[_Decoded] = []
    for item in items:
        if batch and (len(batch) == batch_size or not _stackable(batch[0], item)):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _stackable(first: _Decoded, second: _Decoded) -> bool:
    one, other = first.pixels, second.pixels
    return one is not None and other is not None and one.shape == other.shape


def _run(
    translator: Translator, batch: list[_Decoded], condition: Tensor | None, code: Tensor | None
) -> list[np.ndarray | str]:
    """The outputs of a batch, uint8 `(H, W, C)`, or for each the reason why there is none."""
    prepared = [_prepare(translator, item) for item in batch]
    inputs = [x for x in prepared if isinstance(x, Tensor)]
    try:
        made = iter(translator.run(torch.cat(inputs), condition, code).cpu() if inputs else ())
    except TranslateError as error:
        return [str(error) if isinstance(x, Tensor) else x for x in prepared]
    return [_pixels(next(made)) if isinstance(x, Tensor) else x for x in prepared]


def _prepare(translator: Translator, item: _Decoded) -> Tensor | str:
    """What the network takes of a picture, or the reason why there is nothing."""
    if item.pixels is None:
        return item.errors[0]
    try:
        return translator.prepare(item.pixels)
    except BadImage as error:
        return error.reason


def _pixels(output: Tensor) -> np.ndarray | str:
    try:
        require_finite(output)
    except TranslateError as error:
        return str(error)
    return images.to_pixels(output)


def _finish(target: Path, output: np.ndarray | str, quality: int) -> tuple[str | None, float]:
    """Write an output; an error, or none, and when it was over."""
    error = output if isinstance(output, str) else None
    if not isinstance(output, str):
        try:
            images.write(target, output, quality=quality)
        except TranslateError as problem:
            cause = problem.__cause__
            if isinstance(problem, OutputError) and isinstance(cause, OSError) and cause.errno in _FATAL:
                raise
            error = str(problem)
    return error, time.perf_counter()
