"""What `translate convert` says: progress and a summary for people, JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from translate.inference.converter import Converter
    from translate.inference.folder import Result
    from translate.inference.plan import Job
    from translate.inference.shards import Shard


@dataclass(frozen=True)
class Summary:
    """What a conversion came to; `seconds` without loading the model. Frames of videos count as pictures.

    `files` are this process's, `shard` says which of how many shares they are, if any.
    """

    files: int
    done: int
    skipped: int
    failed: int
    seconds: float
    pictures_per_second: float
    interrupted: bool
    shard: str | None


@dataclass
class Tally:
    """Counts that don't grow with the number of files, and the failures, which do."""

    files: int
    videos: int = 0
    shard: Shard | None = None
    done: int = 0
    made: int = 0
    skipped: int = 0
    failures: list[tuple[Path, str]] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        if result.skipped:
            self.skipped += 1
        elif result.error is None:
            self.done += 1
            self.made += 1 if result.frames is None else result.frames
        else:
            self.failures.append((result.job.source, result.error))
        for note in result.notes:
            self.notes[note] = self.notes.get(note, 0) + 1

    def summary(self, seconds: float, *, interrupted: bool) -> Summary:
        unfinished = self.done + self.skipped + len(self.failures) < self.files
        return Summary(
            files=self.files,
            done=self.done,
            skipped=self.skipped,
            failed=len(self.failures),
            seconds=round(seconds, 3),
            pictures_per_second=round(self.made / seconds, 2) if seconds else 0.0,
            interrupted=interrupted and unfinished,
            shard=None if self.shard is None else str(self.shard),
        )


class Watch:
    """Shows how far everything is, and a large picture or a video, which take long."""

    def __init__(self, total: int, console: Console, quiet: bool, translator: Converter):
        from rich import progress

        columns = (
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(),
        )
        self._bar = progress.Progress(*columns, console=console, disable=quiet, transient=True)
        self._task = self._bar.add_task("converting", total=total, rate="")
        self._large = self._bar.add_task("a large picture", total=100, rate="", visible=False)
        self._frames = self._bar.add_task("", total=None, rate="", visible=False)
        self._video: Path | None = None
        translator.progress = None if quiet else self._part

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def step(self) -> None:
        """A file is over."""
        self._bar.update(self._frames, visible=False)
        self._bar.update(self._task, advance=1, rate=self._rate(self._task))

    def frame(self, job: Job, done: int, of: int | None) -> None:
        """A video is so far."""
        name = job.source.name
        if self._video != job.source:
            self._video = job.source
            self._bar.reset(self._frames, description=name, total=of, rate="")
        self._bar.update(self._frames, completed=done, visible=True, rate=self._rate(self._frames))

    def _part(self, done: int, of: int) -> None:
        self._bar.update(self._large, completed=100 * done // max(1, of), visible=done < of)

    def _rate(self, task: TaskID) -> str:
        speed = self._bar.tasks[task].finished_speed or self._bar.tasks[task].speed
        return f"{speed:.1f}/s" if speed else ""


def as_dict(result: Result) -> dict:
    """What `--json` says of a file."""
    width, height = result.size or (None, None)
    targets = [str(target) for target in result.job.targets]
    many = {} if result.job.samples is None else {"outputs": [] if result.error else targets}
    frames = {} if result.frames is None else {"frames": result.frames}
    return {
        "input": str(result.job.source),
        "output": None if result.error else targets[0],
        **many,
        "status": "failed" if result.error else "skipped" if result.skipped else "done",
        "error": result.error,
        "notes": result.notes,
        "width": width,
        "height": height,
        **frames,
        "seconds": round(result.seconds, 4),
    }


def print_json(content: dict, stream: TextIO) -> None:
    """One line, at once."""
    import json

    stream.write(json.dumps(content) + "\n")
    stream.flush()


def report(console: Console, tally: Tally, summary: Summary, output: Path, quiet: bool) -> None:
    """Say at the end what came of it; failures also when quiet."""

    def say(text: str, style: str = "") -> None:
        console.print(text, style=style, markup=False)

    if not quiet:
        _say_notes(tally.notes.items(), say)
        say(
            f"{summary.done} of {summary.files} converted to {output} "
            f"in {summary.seconds:.1f} s ({summary.pictures_per_second:.1f}/s)"
        )
        if summary.skipped:
            say(f"{summary.skipped} skipped, finished by an earlier run; --overwrite converts them again")
    if summary.interrupted:
        given_up = ", a video at hand given up" if tally.videos else ""
        say(
            f"interrupted: the picture at hand was finished{given_up}; "
            "run the same command again for the rest"
        )
    if tally.failures:
        say(f"{summary.failed} failed:", "red")
        for path, reason in tally.failures:
            say(f"  {path}: {reason}")


def _say_notes(notes: Iterable[tuple[str, int]], say) -> None:
    for note, count in notes:
        say(f"note: {note} ({count} file{'s' if count != 1 else ''})")
