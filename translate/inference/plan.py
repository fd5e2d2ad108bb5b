"""From what a person names to a list of files to convert. Free of torch."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from translate import images
from translate.errors import NothingToDo, OutputError, UsageError
from translate.files import natural

FORMATS = ("keep", "png", "jpg", "webp")
_SHOWN = 3


@dataclass(frozen=True)
class Job:
    """One picture to convert: where it is, where it goes, what is to be said of that.

    With `samples` it goes to so many files, `target` with _1, _2 … at the end of its name.
    """

    source: Path
    target: Path
    note: str | None = None
    samples: int | None = None

    @property
    def targets(self) -> tuple[Path, ...]:
        """The files to write."""
        if self.samples is None:
            return (self.target,)
        stem, suffix = self.target.stem, self.target.suffix
        return tuple(
            self.target.with_name(f"{stem}_{number}{suffix}") for number in range(1, self.samples + 1)
        )


def plan(inputs: Sequence[str], output: Path, to: str = "keep", samples: int | None = None) -> list[Job]:
    """Decide every output before any work.

    Names and, for folders and patterns, the tree below them are kept. The suffix changes only when
    `to` says so or the input's format can't be written.

    Args:
        inputs: picture files, folders, and glob patterns (`**` for any depth).
        output: the folder to write to; what is found there is not taken as input.
        to: the format of the outputs, one of `FORMATS`.
        samples: how many outputs for each picture, numbered; None for one under the picture's own name.

    Raises:
        UsageError: an input that isn't there, two inputs for one output, an output that is an input.
        NothingToDo: no picture in all the inputs.
        OutputError: the output folder can't be written.
    """
    _require_folder(output)
    excluded = output.resolve()
    jobs: dict[tuple[Path, Path], Job] = {}
    for text in inputs:
        if Path(text).is_dir() and Path(text).resolve() == excluded:
            raise UsageError(
                f"{text} is input and output, and inputs are never changed; name another --output."
            )
        for source, relative in _expand(text):
            real = _real(source)
            if excluded in real.parents and source != Path(text):
                continue  # an earlier output, found in a folder or by a pattern
            job = replace(_job(source, output / relative, to), samples=samples)
            jobs[real, job.target] = job
    if not jobs:
        raise NothingToDo(
            f"no pictures in {', '.join(inputs)} (looked for {', '.join(sorted(images.SUFFIXES))})."
        )
    _refuse_overwriting(list(jobs.values()), {real for real, _ in jobs})
    _refuse_collisions(jobs.values())
    return list(jobs.values())


def _expand(text: str) -> Iterator[tuple[Path, Path]]:
    """Sources and their paths relative to what the person named."""
    path = Path(text)
    if path.is_dir():
        yield from ((file, file.relative_to(path)) for file in images.find(path))
    elif os.path.lexists(path):
        yield path, Path(path.name)
    elif glob.has_magic(text):
        yield from _matches(text)
    else:
        raise UsageError(f"{text}: no such file or folder.")


def _matches(pattern: str) -> Iterator[tuple[Path, Path]]:
    base = _before_magic(pattern)
    # pathlib's own patterns would take hidden files, and `**` for folders only.
    matches = map(Path, glob.iglob(pattern, recursive=True))  # noqa: PTH207
    for match in sorted(matches, key=natural):
        if match.is_dir():
            yield from ((file, file.relative_to(base)) for file in images.find(match))
        elif match.suffix.lower() in images.SUFFIXES:
            yield match, match.relative_to(base)


def _before_magic(pattern: str) -> Path:
    parts = Path(pattern).parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:fixed])


def _job(source: Path, target: Path, to: str) -> Job:
    suffix = source.suffix
    if to != "keep":
        return Job(source, target if images.same_format(suffix, f".{to}") else target.with_suffix(f".{to}"))
    if suffix.lower() in images.WRITABLE:
        return Job(source, target)
    kind = suffix or "a file without suffix"
    return Job(source, target.with_suffix(".png"), f"{kind} can't be written: saved as PNG")


def _require_folder(output: Path) -> None:
    existing = output
    while not os.path.lexists(existing):
        existing = existing.parent
    if not existing.is_dir():
        raise OutputError(
            f"{existing} is not a folder, so nothing can be written to {output}; name another --output."
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f"{existing} can't be written; change its permissions or name another --output.")


def _refuse_overwriting(jobs: Sequence[Job], sources: set[Path]) -> None:
    targets = [target for job in jobs for target in job.targets]
    harmed = [str(target) for target in targets if target.exists() and _real(target) in sources]
    if harmed:
        raise UsageError(
            f"the output would overwrite {_counted(harmed, 'input')}: {_some(harmed)}; name another --output."
        )


def _refuse_collisions(jobs: Iterable[Job]) -> None:
    by_target: dict[Path, list[Path]] = {}
    for job in jobs:
        for target in job.targets:
            by_target.setdefault(target, []).append(job.source)
    clashes = [
        f"{' and '.join(map(str, sources))} → {target}"
        for target, sources in by_target.items()
        if len(sources) > 1
    ]
    if clashes:
        raise UsageError(
            f"{_counted(clashes, 'output')} would be written twice: {_some(clashes)}; "
            "rename inputs or convert them into different folders."
        )


def _real(path: Path) -> Path:
    # A link that leads in a circle has no end; its folder does.
    return path.parent.resolve() / path.name if path.is_symlink() and not path.exists() else path.resolve()


def _counted(things: Sequence[str], noun: str) -> str:
    return f"{len(things)} {noun}{'s' if len(things) != 1 else ''}"


def _some(things: Sequence[str]) -> str:
    more = f" and {len(things) - _SHOWN} more" if len(things) > _SHOWN else ""
    return ", ".join(things[:_SHOWN]) + more
