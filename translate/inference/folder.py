"""Converting many files: decoding and encoding in threads, while the network works."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from translate import images
from translate.inference.batch import run
from translate.inference.buckets import Buckets
from translate.inference.converter import Converter
from translate.inference.latent import Sampling
from translate.inference.manifest import Manifest
from translate.inference.plan import Job
from translate.inference.work import PIXELS_WAITING, Frame, Result, Work, Writer, read

# Pillow, libjpeg and zlib let go of the interpreter's lock, and the network needs the cores. No tensors in
# these threads: each that runs a parallel torch operation gets a pool of its own, and once there are more
# threads than cores OpenMP puts all of them, the network's too, to sleep at every step: 1.5 times as slow.
_WORKERS = 2

__all__ = ["Result", "convert"]


def convert(
    translator: Converter,
    jobs: Iterable[Job],
    *,
    label: str | None = None,
    text: str | None = None,
    sampling: Sampling | None = None,
    batch_size: int = 1,
    quality: int = 95,
    background: tuple[int, int, int] = (255, 255, 255),
    max_pixels: int = images.MAX_PIXELS,
    manifest: Manifest | None = None,
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
        batch_size: pictures of equal size that are near each other go through the network together.
        background: what shows through transparent pixels, RGB in 0..255; where the output's format holds
            transparency, what the network sees in place of pixels that can't be seen.
        max_pixels: larger pictures, and animations of more pixels in all, are refused.
        manifest: what it knows as finished is skipped, and what becomes of the rest is written there.
        stop: once set, the pictures at hand are finished and no new ones begun.

    Raises:
        OutputError: the disk is full or can't be written any more.
        ModelError: the model doesn't take pictures.
        UsageError: a label or a text that the model doesn't know, doesn't take or can't do without, samples
            of a model that makes one output; before any work. A mask for a model that takes none.
    """
    condition = translator.condition(label, text)
    codes = translator.codes(sampling or Sampling())
    rounds = [None] if codes is None else [codes[i : i + 1] for i in range(len(codes))]
    ahead = 2 * _WORKERS + batch_size
    with (
        ThreadPoolExecutor(_WORKERS, "decode") as decoders,
        ThreadPoolExecutor(_WORKERS, "encode") as encoders,
    ):
        writer = Writer(encoders, quality, ahead)
        waiting: deque[Work] = deque()
        try:
            reading = partial(
                read,
                background=background,
                max_pixels=max_pixels,
                rounds=len(rounds),
                manifest=manifest,
                fills=translator.card.mask,
            )
            for batch in _batches(_bounded(decoders, reading, jobs, ahead), waiting, batch_size):
                if stop is not None and stop.is_set():
                    break
                for number, code in enumerate(rounds if batch else ()):
                    outputs = run(translator, batch, condition, code)
                    for frame, output in zip(batch, outputs, strict=True):
                        writer.add(frame, number, output)
                yield from _settled(waiting, manifest)
            yield from _settled(waiting, manifest, all_begun=True)
        finally:
            decoders.shutdown(cancel_futures=True)
            encoders.shutdown(cancel_futures=True)


def _bounded(
    pool: ThreadPoolExecutor, reading: Callable[[Job], Work], jobs: Iterable[Job], ahead: int
) -> Iterator[Work]:
    """Decode in threads, at most `ahead` files before they are wanted, and few if they are large."""
    waiting: deque[Future[Work]] = deque()
    expected = PIXELS_WAITING // 2  # of the next ones; neighbours are mostly alike
    for job in jobs:
        waiting.append(pool.submit(reading, job))
        while len(waiting) > min(ahead, max(1, PIXELS_WAITING // max(1, expected))):
            work = waiting.popleft().result()
            expected = max(work.pixels(), expected // 2)
            yield work
    while waiting:
        yield waiting.popleft().result()


def _batches(works: Iterator[Work], waiting: deque[Work], batch_size: int) -> Iterator[list[Frame]]:
    """What goes through the network together; an empty list for a file with nothing for the network."""
    buckets: Buckets[Frame] = Buckets(lambda frame: frame.pixels.shape, batch_size)
    for work in works:
        waiting.append(work)
        if not work.frames:
            yield []
        for frame in work.frames:
            yield from buckets.add(frame)
    yield from buckets.rest()


def _settled(waiting: deque[Work], manifest: Manifest | None, *, all_begun: bool = False) -> Iterator[Result]:
    """What is over, from the first on; with `all_begun` wait for what is on its way, and leave the rest."""
    while waiting and (all_begun or waiting[0].over()):
        work = waiting.popleft()
        if not work.begun():
            continue
        result = work.result()
        if manifest is not None and not result.skipped:
            manifest.record(result.job, work.state, result.error, result.seconds)
        yield result
