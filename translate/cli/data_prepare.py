"""`translate data prepare`: any folder, or two, made into a data set that trains."""

from __future__ import annotations

import json as jsonlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from translate.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from translate.data.prepare import Report, ShardSize

_LISTED = 8
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def prepare(
    folder: Path,
    partner: Path | None = None,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    match: Literal["stem", "order", "none"] = "stem",
    table: Path | None = None,
    layout: Literal["combined", "folders"] | None = None,
    val: float | None = None,
    test: float | None = None,
    seed: int = 0,
    size: int | None = None,
    crop: Annotated[bool, Parameter(negative=())] = False,
    duplicates: Literal["exact", "near", "keep"] = "exact",
    alike: int = 48,
    maps: Literal["auto", "a", "b", "none"] = "auto",
    shards: str | None = None,
    a: Annotated[str | None, Parameter(name="--a")] = None,
    b: Annotated[str | None, Parameter(name="--b")] = None,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Make a data set of one folder, or of two: matched, split, resized, without copies.

    Every picture is looked at first. What can't be used is left out and listed, and the exit code is then 1.
    Pictures that look alike never come into two splits. Nothing is overwritten.

    Parameters
    ----------
    folder
        The inputs, or the only folder: any layout, labelled pictures, or plain ones.
    partner
        The targets.
    output
        The folder to make.
    match
        Which pictures of two folders belong together: those of the same name, or in the same order; none is
        two sides without pairs.
    table
        A CSV file that says it: columns a and b with the pictures' names, and split if you like.
    layout
        combined puts both pictures of a pair beside each other into one file. [default: as they come]
    val
        To hold out: a share below 1, or a number of samples. [default: the folder's own splits, or 0.1]
    test
        Likewise, to measure on at the end.
    seed
        Of the split: the same seed gives the same.
    size
        Pixels of the shorter side, the target's; smaller pictures are not enlarged.
    crop
        Cut out the square in the middle.
    duplicates
        What to leave out: pictures with equal pixels, also those that look alike, or nothing.
    alike
        How far apart two pictures may be and look alike, in bits of 255; fewer is stricter.
    maps
        Which side holds maps of classes, that is numbers, never to be mixed when resized.
    shards
        Write tar files, WebDataset's shards: of so many samples (1000), or of so many bytes (500MB).
    a
        Name of the subfolder with the inputs, where names don't tell; left or right for halves of files.
    b
        Name of the subfolder with the targets.
    dry_run
        Only say what would be done; with --json every file.
    json
        Print the report as JSON.
    quiet
        No progress and no closing words; what is left out is listed all the same.
    """
    from rich.console import Console

    from translate.data.prepare import Wishes
    from translate.data.prepare import prepare as make

    _check(val, test, size, alike)
    wishes = Wishes(
        match=match, table=table, a=a, b=b, layout=layout, val=val, test=test, seed=seed,
        size=size, crop=crop, duplicates=duplicates, alike=alike, maps=maps,
    )  # fmt: skip
    folders = [folder] if partner is None else [folder, partner]
    report = make(
        folders, output, wishes, shards=_shards(shards), dry_run=dry_run, progress=not (json or quiet)
    )
    if json:
        said = report.as_dict()
        if not dry_run:
            del said["files"]
        print(jsonlib.dumps(said))
    _show(report, Console(stderr=True, highlight=False, soft_wrap=True), quiet=quiet)
    return int(bool(report.left_out))


def _check(val: float | None, test: float | None, size: int | None, alike: int) -> None:
    for name, share in (("--val", val), ("--test", test)):
        if share is not None and (not 0 <= share < float("inf") or (share >= 1 and share != int(share))):
            raise UsageError(f"{name} {share:g}: give a share below 1, such as 0.1, or a number of samples.")
    if size is not None and size < 1:
        raise UsageError(f"--size must be at least 1, but it is {size}.")
    if not 0 <= alike < 100:
        raise UsageError(f"--alike must be from 0 to 99, but it is {alike}: other pictures differ in 100.")


def _shards(text: str | None) -> ShardSize | None:
    """`1000` samples, or `500MB`."""
    from translate.data.prepare import ShardSize

    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?", text.strip(), re.IGNORECASE)
    number = float(match[1]) if match else 0
    if match is None or number <= 0 or (not match[2] and not match[3] and number != int(number)):
        raise UsageError(
            f"--shards {text}: give a number of samples, such as 1000, or a size, such as 500MB."
        )
    if not match[2] and not match[3]:
        return ShardSize(samples=int(number))
    unit = _UNITS[match[2].lower()]
    if (match[3] or "").lower() == "ib":
        unit = 1024 ** list(_UNITS.values()).index(unit)
    return ShardSize(bytes=int(number * unit))


def _show(report: Report, console: Console, *, quiet: bool) -> None:
    from rich.markup import escape
    from rich.table import Table

    def listed(heading: str, lines: dict[str, str], between: str) -> None:
        if lines:
            console.print(f"{len(lines)} {heading}:")
            for path, other in list(lines.items())[:_LISTED]:
                console.print(f"  {escape(path)}{between}{escape(other)}")
            if len(lines) > _LISTED:
                console.print(f"  … and {len(lines) - _LISTED} more: --json")

    if not quiet:
        done = "would be written to" if report.dry_run else "written to"
        console.print(f"{_what(report)} {done} [bold]{escape(report.output)}[/]")
        table = Table(box=None, pad_edge=False, header_style="dim")
        sides = sorted({side for counts in report.splits.values() for side in counts})
        table.add_column("split")
        for side in sides:
            table.add_column(side or "samples", justify="right")
        for name, counts in report.splits.items():
            table.add_row(name, *(str(counts.get(side, 0)) for side in sides))
        console.print(table)
        for note in (*_remarks(report), *report.notes):
            console.print(f"note: {escape(note)}")
        if report.dry_run:
            files = {f"{file['split']}/{file['name']}": ", ".join(file["from"]) for file in report.files}
            listed("files", files, " ← ")
        listed("left out, with the same pixels as another", report.copies, " = ")
        listed("left out, which look like another", report.lookalikes, " ≈ ")
    listed("left out", report.left_out, ": ")
    if not quiet and not report.dry_run:
        console.print(f"next: {escape(report.command)}")


def _what(report: Report) -> str:
    count = sum(sum(counts.values()) for counts in report.splits.values())
    kinds = {"pairs": "pairs", "halves": "pairs", "unpaired": "pictures of two sides"}
    return f"{count} {kinds.get(report.kind, 'pictures')}"


def _remarks(report: Report) -> list[str]:
    sizes = ", ".join(f"{size} ({count})" for size, count in list(report.sizes.items())[:4])
    more = f" and {len(report.sizes) - 4} other sizes" if len(report.sizes) > 4 else ""
    remarks = [f"sizes: {sizes}{more}"]
    if report.copied:
        remarks.append(f"{report.copied} of {len(report.files)} files are copied as they are")
    if report.maps:
        remarks.append(f"{' and '.join(report.maps)}: maps of classes, resized by the nearest pixel")
    if report.groups:
        many, largest = len(report.groups), report.groups[0]
        groups = (
            f"{many} groups of up to {largest}, each of them" if many > 1 else f"a group of {largest}, all"
        )
        remarks.append(f"{sum(report.groups)} samples look like another, in {groups} in one split")
    return remarks
