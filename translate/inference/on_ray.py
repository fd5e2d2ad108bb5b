"""Converting on a Ray cluster: the same functions on files, and the same manifest, in Ray's actors.

What Ray adds to shares by hash: work goes to whoever is free, and dead workers are replaced.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from translate.errors import TranslateError, UsageError
from translate.inference.ahead import Ahead
from translate.inference.manifest import Manifest
from translate.inference.plan import Job, Plan
from translate.inference.work import Result

_TOGETHER = 16  # pictures that a worker is given at a time, more where batches are larger; videos alone
_CPUS = 4  # of a worker without GPU, if as many are there
_DIED = "the worker that converted it died, twice: too little memory, or a file that crashes its decoder"


@dataclass(frozen=True)
class Setup:
    """What a worker needs to know, all of it plain data.

    Args:
        model: the model file, on every node.
        load: arguments of `open_model` besides; the first is the device.
        backend, ahead: see `Translator.use_backend`.
        call: arguments of `folder.convert` and `video.convert` alike; `background` besides.
        output, fingerprint, stamp, check: see `Manifest`.
    """

    model: Path
    load: tuple[Any, ...]
    backend: str
    ahead: Ahead
    call: Mapping[str, Any]
    background: tuple[int, int, int]
    output: Path
    fingerprint: str
    stamp: str
    check: str = "time"


class Worker:
    """Loads the model once, and converts what it is given; each has a manifest of its own."""

    def __init__(self, setup: Setup, number: int, folder: str):
        from translate.inference.loading import open_model

        os.chdir(folder)  # paths are as the command was given them
        self._setup, self._number = setup, number
        self._translator = open_model(setup.model, *setup.load)
        self._translator.use_backend(setup.backend, *setup.ahead)

    def convert(self, jobs: list[Job]) -> list[Result] | TranslateError:
        """What became of them, all pictures or all videos; or the error that ends everything."""
        from translate import videos
        from translate.inference import folder, video

        setup = self._setup
        try:
            with Manifest(
                setup.output,
                setup.fingerprint,
                setup.stamp,
                name=f"ray-{self._number}",
                check=setup.check,
                overwrite=True,
            ) as manifest:
                call = {**setup.call, "manifest": manifest}
                if videos.is_video(jobs[0].source):
                    return list(video.convert(self._translator, jobs, **call))
                return list(folder.convert(self._translator, jobs, background=setup.background, **call))
        except TranslateError as error:
            return type(error)(str(error))  # causes need not survive the way


def convert(
    jobs: Plan,
    setup: Setup,
    manifest: Manifest,
    *,
    workers: int | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Result]:
    """Convert files on the cluster of `RAY_ADDRESS`, or one of this machine's own for the time it takes.

    Every node sees the same model, inputs and outputs under the same paths. Results come as they are ready.
    Until the last one, what the process prints goes to stderr, as Ray's messages do.

    Args:
        manifest: what it knows as finished is skipped.
        workers: how many; None is one for each GPU, without any one for four CPUs.
        stop: once set, what the workers have is finished, and they are given nothing more.

    Raises:
        UsageError: Ray isn't installed or there.
        OutputError, ModelError: as `folder.convert`.
    """
    left: list[Job] = []
    for job in jobs:
        if manifest.finished(job, manifest.state(job)):
            yield Result(job, None, (), None, 0.0, skipped=True)
        else:
            left.append(job)
    if left:
        with redirect_stdout(sys.stderr), _cluster() as ray:  # it prints what happens to its workers
            yield from _spread(ray, _portions(left, setup.call["batch_size"]), setup, workers, stop)


def require_ray() -> None:
    """Refuse to go on without Ray.

    Raises:
        UsageError: with the command that installs it.
    """
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--engine ray needs Ray: pip install 'image-translate[ray]'.")


def _portions(jobs: list[Job], batch_size: int) -> deque[list[Job]]:
    """What a worker is given at a time: pictures enough that decoding and network overlap, or a video."""
    from translate import videos

    together = max(_TOGETHER, 2 * batch_size)
    pictures = [job for job in jobs if not videos.is_video(job.source)]
    clips = [[job] for job in jobs if videos.is_video(job.source)]
    return deque(chain((pictures[i : i + together] for i in range(0, len(pictures), together)), clips))


def _spread(
    ray: Any, portions: deque[list[Job]], setup: Setup, workers: int | None, stop: threading.Event | None
) -> Iterator[Result]:
    """Keep every worker busy, and ask once more for what one died on, file by file."""
    idle = deque(_start(ray, setup, workers, len(portions)))
    busy: dict[Any, tuple[Any, list[Job]]] = {}
    while True:
        while portions and idle and not (stop is not None and stop.is_set()):
            worker, portion = idle.popleft(), portions.popleft()
            busy[worker.convert.remote(portion)] = worker, portion
        if not busy:
            return
        for done in ray.wait(list(busy), timeout=0.5)[0]:
            worker, portion = busy.pop(done)
            idle.append(worker)
            try:
                results = ray.get(done)
            except ray.exceptions.RayActorError:
                if len(portion) == 1:
                    results = [Result(portion[0], _DIED, (), None, 0.0)]
                else:
                    portions.extendleft([job] for job in reversed(portion))
                    continue
            if isinstance(results, TranslateError):
                raise results
            yield from results


def _start(ray: Any, setup: Setup, workers: int | None, portions: int) -> list[Any]:
    """The workers, each with its part of the cluster; one that dies is started again."""
    there = ray.cluster_resources()
    gpus = 0 if setup.load[0] == "cpu" else int(there.get("GPU", 0))
    cpus = max(1, int(there.get("CPU", 1)))
    count = min(workers or gpus or max(1, cpus // _CPUS), portions)
    actor = ray.remote(
        num_cpus=max(1, cpus // count) if workers or gpus else min(_CPUS, cpus),
        num_gpus=min(1, gpus / count),
        max_restarts=-1,
        max_task_retries=1,
    )(Worker)
    return [actor.remote(setup, number, str(Path.cwd())) for number in range(1, count + 1)]


@contextmanager
def _cluster() -> Iterator[Any]:
    require_ray()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    there = os.environ.get("RAY_ADDRESS")
    alone = {} if there else {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ray.init(address=there or "local", log_to_driver=False, logging_level=logging.ERROR, **alone)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"Ray can't be started or reached{f' at {there}' if there else ''}: {error}"
        ) from error
    try:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():  # Ray has put its own in their place
                signal.signal(number, handler)
        yield ray
    finally:
        ray.shutdown()
