"""`translate data get`: from the name of a public data set to a folder that trains."""

from __future__ import annotations

import json as jsonlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.console import Console

    from translate.data.public.getting import Got


def get(
    name: str,
    directory: Path | None = None,
    /,
    *,
    address: Annotated[list[str] | None, Parameter(negative="")] = None,
    cards: Annotated[list[Path] | None, Parameter(negative="")] = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    keep_archive: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Download a public data set, check it, unpack it, and say how to train on it.

    Ctrl-C keeps what has come; the same call goes on there. A second call does nothing.

    Parameters
    ----------
    name
        One of `translate data list`.
    directory
        The folder to make. [default: datasets/NAME]
    address
        A mirror or a file here, instead of the card's addresses; may be repeated: they are tried in turn, and
        each belongs to the archive of its name. A folder, or an address that ends in /, holds archives.
    cards
        A folder with more cards, NAME.yaml; may be repeated.
    force
        Make the folder anew where an earlier call made it. Folders with anything else are never touched.
    keep_archive
        Leave what was downloaded beside the folder.
    json
        Print what is there as JSON.
    quiet
        No progress and no closing words.
    """
    from rich.console import Console

    from translate.data.public.cards import find_card
    from translate.data.public.getting import get as get_set
    from translate.data.public.getting import remains

    console = Console(stderr=True, quiet=quiet, highlight=False)
    card = find_card(name, cards or ())
    directory = directory or Path("datasets") / card.name
    with _Bar(console) as bar:
        try:
            got = get_set(
                card,
                directory,
                addresses=address or (),
                force=force,
                keep_archive=keep_archive,
                progress=bar.update,
                say=bar.say,
                bar=not quiet,
            )
        except KeyboardInterrupt:
            bar.stop()
            there = ", ".join(map(str, remains(card, directory)))
            goes_on = f"; the same call goes on with {there}" if there else ""
            Console(stderr=True, highlight=False).print(f"interrupted{goes_on}", markup=False, soft_wrap=True)
            return 130
    for text in _in_words(got):
        console.print(text, markup=False, soft_wrap=True)
    if json:
        print(jsonlib.dumps(_summary(got)))
    return 0


class _Bar:
    """A progress bar that appears with the first report; one for each thing that is done."""

    def __init__(self, console: Console):
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=console.quiet or not console.is_terminal,
        )
        self._doing = ""
        self._task = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)

    def update(self, what: str, done: int, total: int | None) -> None:
        if what != self._doing or self._task is None:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._progress.start()
            self._doing = what
            self._task = self._progress.add_task(what, total=total, completed=done, rate="")
        speed = self._progress.tasks[0].speed
        rate = f"{speed / 1e6:.1f} MB/s" if speed else ""
        self._progress.update(self._task, completed=done, total=total, rate=rate)


def _in_words(got: Got) -> list[str]:
    counts = ", ".join(f"{folder} {count:,}" for folder, count in got.pictures.items())
    already = " is already there" if got.existing else ""
    lines = [f"{got.card.name}{already} in {got.directory}: {counts}."]
    if not got.existing:
        said = {"licence": got.card.licence, "cite": got.card.citation}
        lines += (
            ["; ".join(f"{label}: {text}" for label, text in said.items() if text)]
            if any(said.values())
            else []
        )
        lines += [f"{path} stays." for path in got.kept]
    lines += [f"problem: {problem}" for problem in got.problems]
    return [*lines, f"next: {shlex.join(got.card.command(got.directory))}"]


def _summary(got: Got) -> dict[str, object]:
    return {
        "name": got.card.name,
        "directory": str(got.directory),
        "pictures": got.pictures,
        "existing": got.existing,
        "kept": [str(path) for path in got.kept],
        "problems": list(got.problems),
        "command": got.card.command(got.directory),
    }
