"""A whole data set on disk: all of it or nothing."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np

from translate import images
from translate.data.savanna import drawing
from translate.data.savanna.coats import COATS
from translate.data.savanna.plan import Job, Plan, as_json, jobs, make_plan, metadata
from translate.data.savanna.render import Rendering, render_scene
from translate.data.savanna.scene import sample_scene
from translate.errors import OutputError
from translate.files import explain, replacing_folder

RECORD = "savanna.json"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Written:
    """What a data set on disk holds.

    Attributes:
        directory: where it is.
        plan: its parameters.
        folders: pictures in each folder.
        seconds: how long the rendering took; 0 where nothing had to be done.
        existing: it was already there, complete and with the same parameters.
    """

    directory: Path
    plan: Plan
    folders: dict[str, int]
    seconds: float
    existing: bool


def write_dataset(
    directory: str | Path,
    *,
    layout: str = "unpaired",
    pair: str | None = None,
    count: int = 200,
    test_count: int | None = None,
    size: int = 128,
    seed: int = 0,
    overwrite: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> Written:
    """Render a data set into a folder; the same parameters give the same bytes, whatever the workers.

    It grows in a hidden folder beside `directory` and is moved into place when it is whole. A set
    that is already there with the same parameters is left as it is.

    Args:
        directory: the folder to make; it must be new, empty, or hold a data set made by this function.
        layout: `unpaired` (trainA, trainB, testA, testB, testTruth, testMask), `paired` (A|B files
            in train and val) or `labelled` (a folder a coat in train and test, with captions).
        pair: `A:B`, coats, mixes of coats (`horses`, `photo`) or, in the paired layout, `edges` and
            `mask`; None for horses:zebra, edges:photo or all coats, by layout.
        count: training pictures: a side (unpaired), pairs (paired), in all (labelled).
        test_count: held-out pictures, counted the same way; None for a fifth of `count`, at least 10.
        size: pixels a side.
        seed: the series of scenes.
        overwrite: whether a data set with other parameters may be replaced.
        workers: processes; more than one are spawned, so a script needs its `if __name__ == "__main__"`.
        progress: called with the scenes done and their total.

    Raises:
        UsageError: parameters that can't be.
        OutputError: the folder holds something else, or can't be written.
    """
    directory = Path(directory)
    plan = make_plan(layout, pair, count, test_count, size, seed)
    work = jobs(plan)
    folders = dict(Counter(str(Path(name).parent) for job in work for name, _ in job.files))
    if _standing(directory, plan, work, overwrite):
        return Written(directory, plan, folders, 0.0, existing=True)
    start = time.perf_counter()
    with replacing_folder(directory, last=RECORD) as root:
        for folder in folders:
            (root / folder).mkdir(parents=True)
        _render_all(root, plan, work, workers, progress or (lambda done, total: None))
        for name, text in metadata(plan).items():
            (root / name).write_text(text, encoding="utf-8")
        (root / RECORD).write_text(as_json(plan), encoding="utf-8")
    return Written(directory, plan, folders, time.perf_counter() - start, existing=False)


def sensible_workers(plan: Plan) -> int:
    """One process a core, but none that would take longer to start than it saves."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, len(jobs(plan)) // 60))


def _render_all(root: Path, plan: Plan, work: list[Job], workers: int, progress: Progress) -> None:
    render = partial(_render_one, root, plan)
    progress(0, len(work))
    if workers == 1:
        for done, job in enumerate(work, 1):
            render(job)
            progress(done, len(work))
        return
    # Processes, not threads: numpy calls this short spend half their time under the interpreter's lock.
    # Spawned, not forked: the caller may be running threads.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker)
    try:
        for done, _ in enumerate(pool.map(render, work, chunksize=8), 1):
            progress(done, len(work))
    except BrokenProcessPool as error:
        raise OutputError("a rendering process ended before its time; try again with one worker.") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    # Ctrl-C reaches the whole group; the parent alone decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _render_one(root: Path, plan: Plan, job: Job) -> None:
    kinds = {kind for _, what in job.files for kind in what}
    coats = [coat for coat in COATS if coat in kinds]
    rendering = render_scene(sample_scene(plan.seed, job.index), coats, plan.size, edges="edges" in kinds)
    for name, what in job.files:
        pictures = [_picture(rendering, kind) for kind in what]
        pixels = pictures[0] if len(pictures) == 1 else np.concatenate([_rgb(p) for p in pictures], 1)
        (root / name).write_bytes(images.encode(pixels, "PNG"))


def _picture(rendering: Rendering, kind: str) -> np.ndarray:
    if kind == "mask":
        return rendering.mask
    if kind == "classes":
        return drawing.colour_map(rendering.classes)
    if kind == "edges":
        assert rendering.edges is not None, "edges were asked for"
        return rendering.edges
    return rendering.images[kind]


def _rgb(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, 2)


def _standing(directory: Path, plan: Plan, work: list[Job], overwrite: bool) -> bool:
    """Whether the data set is already there; raises where something else is in the way."""
    try:
        if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
            return False
        if not directory.is_dir():
            raise OutputError(f"{directory} is a file; name another folder for the data set.")
        record = directory / RECORD
        if not record.is_file():
            raise OutputError(
                f"{directory} holds other files, which are never overwritten; name another folder."
            )
        same = _parameters(record) == asdict(plan)
        if same and all((directory / name).is_file() for job in work for name, _ in job.files):
            return True
    except OSError as error:
        raise OutputError(f"{directory} can't be read: {explain(error)}") from error
    if overwrite:
        return False
    state = "is incomplete" if same else "was made with other parameters"
    raise OutputError(
        f"the data set in {directory} {state}; name another folder, or replace it with --overwrite."
    )


def _parameters(record: Path) -> object:
    try:
        return json.loads(record.read_text(encoding="utf-8"))
    except ValueError:
        return None
