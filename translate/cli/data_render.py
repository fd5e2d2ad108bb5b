"""`translate data render`: write the built-in data set, savanna."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from translate.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from translate.data.savanna import Written

NAMES = ("savanna",)


def render(
    name: str,
    directory: Path,
    /,
    *,
    layout: Literal["unpaired", "paired", "labelled"] = "unpaired",
    pair: str | None = None,
    count: int = 200,
    test_count: int | None = None,
    size: int = 128,
    seed: int = 0,
    workers: int | None = None,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Render a data set: animals on grassland, in any coat, with the true translation of every scene.

    Parameters
    ----------
    name
        The data set; `savanna` is the only one.
    directory
        The folder to make. Nothing is left there when the rendering is interrupted.
    layout
        unpaired: trainA, trainB, testA, testB, and testA's truth and masks. paired: A|B in one file.
        labelled: a folder a coat, with captions.
    pair
        A:B, two of chestnut, black, grey, palomino, piebald, zebra, giraffe, horses (the first five
        mixed), photo (all mixed) and, for paired, edges and mask. [default: horses:zebra,
        edges:photo, or all coats, by layout]
    count
        Training pictures: a side (unpaired), pairs (paired), in all (labelled).
    test_count
        Held-out pictures, counted the same way. [default: a fifth of the count, at least 10]
    size
        Pixels a side.
    seed
        Which series of scenes; the same parameters give the same bytes.
    workers
        Processes. [default: one a core, fewer for small sets]
    overwrite
        Replace a savanna data set that was made with other parameters.
    json
        Print what was written as JSON.
    quiet
        No progress and no closing words.
    """
    from rich.console import Console

    if name not in NAMES:
        raise UsageError(f"there is no data set {name!r} to render; there is {', '.join(NAMES)}.")
    if workers is not None and workers < 1:
        raise UsageError(f"--workers must be at least 1, but it is {workers}.")
    console = Console(stderr=True, quiet=quiet, highlight=False)
    from translate.data.savanna import write_dataset
    from translate.data.savanna.dataset import sensible_workers
    from translate.data.savanna.plan import make_plan

    if workers is None:
        workers = sensible_workers(make_plan(layout, pair, count, test_count, size, seed))
    with _Bar(console) as bar:
        written = write_dataset(
            directory,
            layout=layout,
            pair=pair,
            count=count,
            test_count=test_count,
            size=size,
            seed=seed,
            overwrite=overwrite,
            workers=workers,
            progress=bar.update,
        )
    console.print(_in_words(written), markup=False, soft_wrap=True)
    if json:
        print(jsonlib.dumps(_summary(written)))


class _Bar:
    """A progress bar that appears with the first report."""

    def __init__(self, console: Console):
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("rendering"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("scenes, {task.fields[rate]}/s"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=console.quiet,
        )
        self._task = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._task is not None:
            self._progress.stop()

    def update(self, done: int, total: int) -> None:
        if self._task is None:
            self._progress.start()
            self._task = self._progress.add_task("", total=total, rate="–")
        speed = self._progress.tasks[0].speed
        self._progress.update(self._task, completed=done, rate=f"{speed:.0f}" if speed else "–")


def _in_words(written: Written) -> str:
    total = sum(written.folders.values())
    folders = ", ".join(f"{folder} {count}" for folder, count in written.folders.items())
    if written.existing:
        return f"{written.directory} is already there with these parameters: {total} pictures ({folders})."
    return f"{total} pictures in {written.directory} in {written.seconds:.1f} s ({folders})."


def _summary(written: Written) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "directory": str(written.directory),
        "pictures": sum(written.folders.values()),
        "folders": written.folders,
        "seconds": round(written.seconds, 2),
        "existing": written.existing,
        "parameters": asdict(written.plan),
    }
