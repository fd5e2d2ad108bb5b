"""The whole of a preparation, and what there is to say of it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from translate.data.layout import SIDE_BY_SIDE
from translate.data.prepare.planning import Plan, Wishes, make_plan
from translate.data.prepare.writing import ShardSize, places, require_room, write_set

_HALVES = ["--a", "left", "--b", "right"]  # what two pictures higher than wide don't tell by their shape


@dataclass(frozen=True)
class Report:
    """What was done, or with `dry_run` would be.

    Attributes:
        output: the folder.
        kind: what the source is: "pairs", "halves" (A|B files), "unpaired", "labelled" or "plain".
        splits: samples of each split; of two sides without pairs, each side's.
        sizes: the widths and heights of the files, and how many have them.
        copied: files that are the source's, byte by byte.
        maps: sides that hold maps of classes, which are resized by the nearest pixel.
        left_out: what can't be used, and why.
        copies, lookalikes: samples that are left out for another, and which that is.
        groups: sizes of the groups that look alike and stay in one split.
        files: what will be written, with the files that it is made of.
        command: what to run next.
    """

    output: str
    dry_run: bool
    kind: str
    splits: dict[str, dict[str, int]]
    sizes: dict[str, int]
    copied: int
    maps: tuple[str, ...]
    left_out: dict[str, str]
    copies: dict[str, str]
    lookalikes: dict[str, str]
    groups: tuple[int, ...]
    notes: tuple[str, ...]
    files: tuple[dict[str, Any], ...]
    command: str

    def as_dict(self) -> dict[str, Any]:
        """Everything, as plain types for JSON."""
        return asdict(self)


def prepare(
    folders: Sequence[Path],
    output: Path,
    wishes: Wishes,
    *,
    shards: ShardSize | None = None,
    dry_run: bool = False,
    progress: bool = True,
) -> Report:
    """Make a data set of one folder, or of two that belong together.

    Nothing is overwritten, and nothing is left behind when it is interrupted.

    Args:
        folders: a data folder of any layout, or the inputs' and the targets'.
        output: the folder to make; new or empty.
        shards: write tar files of samples, of that size, in the way of WebDataset.
        dry_run: only say what would be done.
        progress: bars on stderr for large sets.

    Raises:
        DataError: the folders can't be understood, or hold nothing that can be used.
        UsageError: wishes that can't be fulfilled.
        OutputError: the folder holds something, or can't be written.
    """
    require_room(output, folders)
    plan = make_plan(folders, wishes, progress=progress)
    report = _report(output, plan, shards, dry_run)
    if not dry_run:
        write_set(output, plan, shards, _record(report, folders, wishes, shards), progress=progress)
    return report


def _report(output: Path, plan: Plan, shards: ShardSize | None, dry_run: bool) -> Report:
    outputs = [output for planned in plan.samples for output in planned.outputs]
    sizes = Counter("{}×{}".format(*out.size) for out in outputs)
    asked = ["--task", "edges"] if plan.source.kind == "plain" else []  # single pictures train for a task
    narrow = any(len(out.pieces) == 2 and out.size[0] < SIDE_BY_SIDE * out.size[1] for out in outputs)
    files = tuple(
        {"split": folder, "name": name, "from": list(dict.fromkeys(str(p.shot.path) for p in out.pieces))}
        for planned, where in places(plan, sharded=shards is not None)
        for (folder, name), out in zip(where, planned.outputs, strict=True)
    )
    return Report(
        str(output), dry_run, plan.source.kind,
        {name: dict(counts) for name, counts in plan.counts().items()},
        dict(sizes.most_common()), sum(out.copied for out in outputs), tuple(sorted(plan.maps)),
        plan.left_out, plan.copies, plan.lookalikes, plan.groups, plan.notes, files,
        shlex.join(["translate", "data", "inspect", str(output), *(_HALVES if narrow else asked)]),
    )  # fmt: skip


def _record(
    report: Report, folders: Sequence[Path], wishes: Wishes, shards: ShardSize | None
) -> dict[str, Any]:
    """What is written beside the pictures: how they came about."""
    asked = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(wishes).items()}
    said = {
        key: value
        for key, value in report.as_dict().items()
        if key not in ("files", "dry_run", "output", "command")
    }
    sharded = None if shards is None else asdict(shards)
    return {"folders": [str(folder) for folder in folders], "wishes": asked, "shards": sharded, **said}
