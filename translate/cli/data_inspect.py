"""`translate data inspect`: what a data folder holds, and what is wrong with it."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from translate.data.sides import Task
from translate.errors import DataError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from translate.data.inspect import Report, SideReport


def inspect(
    directory: Path,
    /,
    *,
    a: Annotated[str | None, Parameter(name="--a")] = None,
    b: Annotated[str | None, Parameter(name="--b")] = None,
    task: Task | None = None,
    direction: Literal["a2b", "b2a"] = "a2b",
    kind: Literal["paired", "unpaired", "labelled", "captioned"] | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Say what a data folder was recognised as, open every picture, and list what stands in the way.

    Exit code 0: a training would start; 2: it wouldn't, and why.

    Parameters
    ----------
    directory
        The folder: A|B files, two folders, trainA and trainB, a folder a domain or class, or plain pictures;
        any of it in tar files (shards), also named by a pattern such as train-{000..009}.tar.
    a
        Name of the folder with the inputs, where names don't tell; left or right for halves of files.
    b
        Name of the folder with the targets.
    task
        Make the inputs from plain pictures: drawings, with noise, blur or compression, smaller ones, grey.
    direction
        b2a swaps inputs and targets.
    kind
        What a training would need of it: pairs, no pairs, labels or captions; by default what is found.
    json
        Print the report as JSON.
    """
    from rich.console import Console

    from translate.data.inspect import inspect as look

    try:
        report = look(directory, a=a, b=b, task=task, direction=direction, kind=kind, progress=not json)
    except DataError as error:
        if json:
            print(jsonlib.dumps({"usable": False, "root": str(directory), "problems": [str(error)]}))
        raise
    if json:
        print(jsonlib.dumps(report.as_dict()))
    else:
        _show(report, Console(stderr=True, highlight=False))
    return 0 if report.usable else DataError.exit_code


_KINDS = {
    "side-by-side": "A|B files, both sides in one picture",
    "two-folders": "two folders, matched by file name",
    "unpaired": "trainA and trainB, without pairs",
    "domains": "a folder per domain, without pairs",
    "plain": "plain pictures; the inputs are made from them",
    "labelled": "one pool of pictures",
}


def _show(report: Report, console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    console.print(f"[bold]{escape(report.root)}[/]: {escape(_headline(report))}", soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("split", "side", "files", "smallest", "median", "largest", "modes", "formats"):
        table.add_column(column, justify="right" if column == "files" else "left")
    for name, split in report.splits.items():
        if report.kind == "labelled":
            table.add_row(name, "a and b", *_cells(split.a))
        else:
            for letter, side in (("a", split.a), ("b", split.b)):
                table.add_row(name, escape(f"{letter} {side.name}"), *_cells(side))
    console.print(table)
    if report.labels:
        console.print()
        console.print(_classes(report))
    for note in report.notes:
        console.print(f"note: {escape(note)}", soft_wrap=True)
    for problem in report.problems:
        console.print(f"[bold red]problem:[/] {escape(problem)}", soft_wrap=True)
    if report.usable:
        console.print(f"next: {escape(report.command)}", soft_wrap=True)


def _headline(report: Report) -> str:
    if report.kind != "labelled":
        return f"{_KINDS[report.kind]}; a: {report.domains['a']} → b: {report.domains['b']}"
    classes = f"{len(report.labels)} classes" if report.labels else "no labels"
    return f"{_KINDS[report.kind]}; {classes}, {'a caption each' if report.captions else 'no captions'}"


def _classes(report: Report) -> Table:
    """How many pictures each class has in each split."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("class")
    for name in report.splits:
        table.add_column(name, justify="right")
    for label in report.labels:
        table.add_row(escape(label), *(str(split.classes[label]) for split in report.splits.values()))
    return table


def _cells(side: SideReport) -> tuple[str, ...]:
    sizes = (f"{size[0]}×{size[1]}" if size else "–" for size in (side.smallest, side.median, side.largest))
    return str(side.files), *sizes, _counted(side.modes), _counted(side.formats)


def _counted(counts: dict[str, int]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{name} {count}" for name, count in counts.items())
