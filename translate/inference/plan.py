"""From what a person names to a list of files to convert. Free of torch."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

from translate import files, images, videos
from translate.errors import NothingToDo, UsageError
from translate.files import natural
from translate.inference.places import Places, ignores_case, require_folder
from translate.inference.shards import Shard

FORMATS = ("keep", "png", "jpg", "webp")
_SHOWN = 3
_SUFFIXES = images.SUFFIXES | images.HEIC_SUFFIXES | videos.IN_FOLDERS


@dataclass(frozen=True, slots=True)
class Job:
    """One picture or video to convert: where it is, where it goes, what is to be said of that.

    `name` is the input's path relative to the folder that was named, in POSIX form: its identity, on every
    machine. With `samples` it goes to so many files, `target` with _1, _2 … at the end of its name.
    `mask` is a picture of what is to be filled, if one was named.
    """

    source: Path
    target: Path
    name: str
    note: str | None = None
    samples: int | None = None
    mask: Path | None = None

    @property
    def targets(self) -> tuple[Path, ...]:
        """The files to write."""
        if self.samples is None:
            return (self.target,)
        stem, suffix = self.target.stem, self.target.suffix
        return tuple(
            self.target.with_name(f"{stem}_{number}{suffix}") for number in range(1, self.samples + 1)
        )


@dataclass(frozen=True)
class Plan(Sequence[Job]):
    """Jobs in order, each made when it is asked for: a hundred thousand take some 20 MB.

    `entries` are the folder that was named and the path below it; `renamed` of these take their format's
    name into their output's; `files` is how many there were before they were shared. `named` is the one
    output's own name, where a file and not a folder was named to write to.
    """

    entries: list[tuple[Path, str]]
    output: Path
    to: str
    samples: int | None
    renamed: frozenset[tuple[Path, str]] = frozenset()
    files: int = 0
    mask: Path | None = None
    named: str | None = None

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> Job: ...
    @overload
    def __getitem__(self, index: slice) -> list[Job]: ...
    def __getitem__(self, index: int | slice) -> Job | list[Job]:
        if isinstance(index, slice):
            return [self._job(entry) for entry in self.entries[index]]
        return self._job(self.entries[index])

    def __iter__(self) -> Iterator[Job]:
        return map(self._job, self.entries)

    @property
    def pictures(self) -> Plan:
        """All that are no videos."""
        return self._those(lambda name: not videos.is_video(name))

    @property
    def videos(self) -> Plan:
        """All that are."""
        return self._those(videos.is_video)

    def _those(self, wanted: Callable[[str], bool]) -> Plan:
        entries = [entry for entry in self.entries if wanted(entry[1])]
        return self if len(entries) == len(self.entries) else replace(self, entries=entries)

    def folders(self) -> set[str]:
        """Where outputs go."""
        return {os.path.join(self.output, os.path.dirname(name)) for _, name in self.entries}  # noqa: PTH118, PTH120

    def _job(self, entry: tuple[Path, str]) -> Job:
        root, name = entry
        target = self.output / name
        suffix = target.suffix
        new, note = (suffix, None) if self.named else self._suffix(suffix)
        if entry in self.renamed and new != suffix:
            target = target.with_name(f"{target.stem}_{suffix[1:]}{new}")
        elif new != suffix:
            target = target.with_suffix(new)
        if self.named:
            target = self.output / self.named
        mask = None if self.mask is None else _mask_of(Path(name), self.mask)
        return Job(root / name, target, Path(name).as_posix(), note, self.samples, mask)

    def _suffix(self, suffix: str) -> tuple[str, str | None]:
        """That of an output, and what is to be said of it."""
        if suffix.lower() in videos.SUFFIXES:
            if suffix.lower() in videos.WRITABLE:
                return suffix, None
            return videos.INSTEAD, f"{suffix} can't be written: saved as {videos.INSTEAD}"
        if self.to != "keep":
            return suffix if images.same_format(suffix, f".{self.to}") else f".{self.to}", None
        if suffix.lower() in images.WRITABLE:
            return suffix, None
        return ".png", f"{suffix or 'a file without suffix'} can't be written: saved as PNG"


def plan(
    inputs: Sequence[str],
    output: Path,
    to: str = "keep",
    samples: int | None = None,
    *,
    on_collision: str = "refuse",
    shard: Shard | None = None,
    mask: Path | None = None,
) -> Plan:
    """Decide every output before any work.

    Names and, for folders and patterns, the tree below them are kept. The suffix changes only when
    `to` says so or the input's format can't be written.

    Args:
        inputs: picture and video files, folders, and glob patterns (`**` for any depth).
        output: the folder to write to; what is found there is not taken as input. Of one video also the file.
        to: the format of the pictures among the outputs, one of `FORMATS`.
        samples: how many outputs for each picture, numbered; None for one under the picture's own name.
        on_collision: of inputs with one output, `a.jpg` and `a.png` as WebP, `refuse` refuses all, `suffix`
            makes `a_jpg.webp` and `a_png.webp`.
        shard: the share to keep, after all has been checked; None keeps everything.
        mask: a mask file for all pictures, or a folder with one of each, under the same name up to the
            suffix; what is found there is not taken as input.

    Raises:
        UsageError: an input or mask that isn't there, two inputs for one output, an output that is an input,
            a file as output that no video is written to.
        NothingToDo: no picture and no video in all the inputs.
        OutputError: the output folder can't be written.
    """
    named = _named(inputs, output)
    output = output if named is None else output.parent
    require_folder(output)
    if mask is not None and not mask.exists():
        raise UsageError(f"{mask}: no such mask file or folder.")
    written = output if named is None else output / named
    entries, inside = _listed(inputs, written, mask)
    if not entries and mask is not None and _listed(inputs, written, None)[0]:
        raise UsageError(
            f"every picture in {', '.join(inputs)} is a mask, by --mask {mask}; keep pictures and masks in "
            "two folders."
        )
    if not entries:
        raise NothingToDo(
            f"no pictures or videos in {', '.join(inputs)} (looked for {', '.join(sorted(_SUFFIXES))})."
        )
    whole = Plan(entries, output, to, samples, files=len(entries), mask=mask, named=named)
    ignoring_case = ignores_case(output)
    if on_collision == "suffix":
        whole = replace(whole, renamed=_colliding(whole, ignoring_case))
    if output.exists():
        _refuse_overwriting(whole, inside)
        _refuse_overwriting_masks(whole)
    _refuse_collisions(whole, ignoring_case, on_collision)
    mine = entries if shard is None else [entry for entry in entries if shard.has(Path(entry[1]).as_posix())]
    return replace(whole, entries=mine)


def _named(inputs: Sequence[str], output: Path) -> str | None:
    """The name of the one file to write, where `output` is one: a video of a video."""
    if output.suffix.lower() not in images.SUFFIXES | videos.SUFFIXES or output.is_dir():
        return None
    one_video = len(inputs) == 1 and videos.is_video(inputs[0]) and not Path(inputs[0]).is_dir()
    if videos.is_video(output) and not one_video:
        raise UsageError(f"{output} is a file, which takes one video as input; name a folder as --output.")
    if one_video and output.suffix.lower() not in videos.WRITABLE:
        raise UsageError(
            f"{output}: videos are written as {', '.join(sorted(videos.WRITABLE))}; change the suffix."
        )
    return output.name if one_video else None


def _listed(
    inputs: Sequence[str], output: Path, mask: Path | None
) -> tuple[list[tuple[Path, str]], set[str]]:
    """The inputs in order, each once, and where those are that were named in the output folder itself.

    Args:
        output: the folder that is written to, or the one file.
    """
    excluded, places = str(output.resolve()), Places()
    masks = "" if mask is None else str(mask.resolve())
    entries: list[tuple[Path, str]] = []
    inside: set[str] = set()
    seen: set[bytes] | None = set() if len(inputs) > 1 or glob.has_magic(inputs[0]) else None
    for text in inputs:
        if Path(text).is_dir() and str(Path(text).resolve()) == excluded:
            raise UsageError(
                f"{text} is input and output, and inputs are never changed; name another --output."
            )
        for root, name in _expand(text):
            source = root / name
            real = places.real(source)
            if masks and (real == masks or real.startswith(masks + os.sep)) and source != Path(text):
                continue
            if real == excluded or real.startswith(excluded + os.sep):
                if source != Path(text):
                    continue  # an earlier output, found in a folder or by a pattern
                inside.add(real)
            if seen is not None:
                mark = hashlib.blake2b(os.fsencode(f"{real}\0{name}"), digest_size=16).digest()
                if mark in seen:
                    continue
                seen.add(mark)
            entries.append((root, name))
    return entries, inside


def _expand(text: str) -> Iterator[tuple[Path, str]]:
    """Folders that were named, and files' paths relative to them."""
    path = Path(text)
    if path.is_dir():
        yield from _below(path, path)
    elif os.path.lexists(path):
        yield path.parent, path.name
    elif glob.has_magic(text):
        yield from _matches(text)
    else:
        raise UsageError(f"{text}: no such file or folder.")


def _below(folder: Path, base: Path) -> Iterator[tuple[Path, str]]:
    return ((base, str(file.relative_to(base))) for file in files.walk(folder, _SUFFIXES))


def _matches(pattern: str) -> Iterator[tuple[Path, str]]:
    base = _before_magic(pattern)
    # pathlib's own patterns would take hidden files, and `**` for folders only.
    matches = map(Path, glob.iglob(pattern, recursive=True))  # noqa: PTH207
    for match in sorted(matches, key=natural):
        if match.is_dir():
            yield from _below(match, base)
        elif match.suffix.lower() in _SUFFIXES:
            yield base, str(match.relative_to(base))


def _mask_of(relative: Path, masks: Path) -> Path:
    """The mask of a picture at `relative`; a file that isn't there where the folder has none of it."""
    if not masks.is_dir():
        return masks
    usual = masks / relative.with_suffix(".png")
    suffixes = dict.fromkeys((relative.suffix, ".png", *sorted(images.SUFFIXES)))
    return next((path for s in suffixes if (path := usual.with_suffix(s)).is_file()), usual)


def _before_magic(pattern: str) -> Path:
    parts = Path(pattern).parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:fixed])


def _refuse_overwriting(plan: Plan, inside: set[str]) -> None:
    """Compare existing outputs with inputs, which are elsewhere but for links and those named `inside`."""
    excluded, places = str(plan.output.resolve()) + os.sep, Places()
    existing = ((target, places.real(target)) for job in plan for target in job.targets if target.exists())
    suspects = {real: target for target, real in existing if not real.startswith(excluded) or real in inside}
    outside = any(real not in inside for real in suspects)
    sources = {real for job in plan if (real := places.real(job.source)) in suspects} if outside else inside
    harmed = [str(target) for real, target in suspects.items() if real in sources]
    if harmed:
        raise UsageError(
            f"the output would overwrite {_counted(harmed, 'input')}: {_some(harmed)}; name another --output."
        )


def _refuse_overwriting_masks(plan: Plan) -> None:
    if plan.mask is None:
        return
    places = Places()
    masks = {places.real(job.mask) for job in plan if job.mask is not None}
    harmed = [str(target) for job in plan for target in job.targets if places.real(target) in masks]
    if harmed:
        raise UsageError(
            f"the output would overwrite {_counted(harmed, 'mask')}: {_some(harmed)}; name another --output."
        )


def _refuse_collisions(plan: Plan, ignoring_case: bool, on_collision: str) -> None:
    clashes = [
        f"{' and '.join(str(job.source) for job in jobs)} → {target}"
        for target, jobs in _clashes(plan, ignoring_case).items()
    ]
    if clashes:
        also = "" if on_collision == "suffix" else ", or --on-collision suffix"
        raise UsageError(
            f"{_counted(clashes, 'output')} would be written twice: {_some(clashes)}; "
            f"rename inputs or convert them into different folders{also}."
        )


def _colliding(plan: Plan, ignoring_case: bool) -> frozenset[tuple[Path, str]]:
    sources = {job.source for jobs in _clashes(plan, ignoring_case).values() for job in jobs}
    return frozenset(entry for entry in (plan.entries if sources else ()) if entry[0] / entry[1] in sources)


def _clashes(plan: Plan, ignoring_case: bool) -> dict[Path, list[Job]]:
    """Outputs that would be written more than once. First by hash, which takes little memory."""

    def mark(target: Path) -> int:
        return hash(str(target).casefold() if ignoring_case else str(target))

    seen: set[int] = set()
    twice: set[int] = set()
    for job in plan:
        for target in job.targets:
            (twice if mark(target) in seen else seen).add(mark(target))
    found: dict[Path, dict[Path, list[Job]]] = {}
    for job in plan if twice else ():
        for target in job.targets:
            if mark(target) in twice:
                spelt = Path(str(target).casefold()) if ignoring_case else target
                found.setdefault(spelt, {}).setdefault(target, []).append(job)
    return {
        next(iter(spellings)): jobs
        for spellings in found.values()
        if len(jobs := [job for group in spellings.values() for job in group]) > 1
    }


def _counted(things: Sequence[str], noun: str) -> str:
    return f"{len(things)} {noun}{'s' if len(things) != 1 else ''}"


def _some(things: Sequence[str]) -> str:
    more = f" and {len(things) - _SHOWN} more" if len(things) > _SHOWN else ""
    return ", ".join(things[:_SHOWN]) + more
