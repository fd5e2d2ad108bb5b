"""What will be done with every picture, before any of it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from translate.data import naming
from translate.data.prepare import alike
from translate.data.prepare.looks import (
    Looks,
    Maps,
    copies,
    look_at,
    maybe_maps,
    misfits,
    neighbours,
    sides_of_maps,
)
from translate.data.prepare.matching import Matching
from translate.data.prepare.outputs import Maker, Output
from translate.data.prepare.sources import Sample, Source, one_folder, two_folders
from translate.data.prepare.splitting import splits_of
from translate.errors import DataError, UsageError

Duplicates = Literal["exact", "near", "keep"]

SPLITS = ("train", "val", "test")
_SHARE = 0.1  # of val and of test, where nothing is said


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a folder is to be prepared; see `translate data prepare`.

    Attributes:
        match, table: which picture of two folders belongs to which.
        a, b: names of sides in one folder, where they don't tell by themselves.
        layout: one file with both pictures of a pair, or two folders; None as they come, or two folders.
        val, test: a share below 1, or a number of samples; None keeps splits that are there.
        size: of the shorter side, pictures are never enlarged; None leaves them as they are.
        crop: the square in the middle.
        duplicates: which samples are left out: equal ones, also those that look alike, or none.
        alike: in how many bits of 255 the hashes of pictures that look alike differ at most.
        maps: which side holds maps of classes.
    """

    match: Matching = "stem"
    table: Path | None = None
    a: str | None = None
    b: str | None = None
    layout: Literal["combined", "folders"] | None = None
    val: float | None = None
    test: float | None = None
    seed: int = 0
    size: int | None = None
    crop: bool = False
    duplicates: Duplicates = "exact"
    alike: int = alike.ALIKE
    maps: Maps = "auto"


@dataclass(frozen=True, slots=True)
class Planned:
    """A sample with its place: its split, its name there, and its files."""

    sample: Sample
    split: str
    key: str
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Plan:
    """Everything that will be written, and what won't and why.

    Attributes:
        copies: names of samples that are left out as equal to another, and that other's.
        lookalikes: likewise of those that look alike.
        groups: sizes of the groups that look alike and stay in one split, largest first.
    """

    source: Source
    looks: Looks
    samples: tuple[Planned, ...]
    maps: frozenset[str]
    left_out: dict[str, str]
    copies: dict[str, str] = field(default_factory=dict)
    lookalikes: dict[str, str] = field(default_factory=dict)
    groups: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def counts(self) -> dict[str, Counter[str]]:
        """Samples by split; where the sides are no pairs, by side."""
        found: dict[str, Counter[str]] = {}
        for planned in self.samples:
            found.setdefault(planned.split, Counter())[planned.sample.side] += 1
        return {split: found[split] for split in SPLITS if split in found}


def make_plan(folders: Sequence[Path], wishes: Wishes, *, progress: bool = True) -> Plan:
    """Look at every picture of one or two folders and decide what becomes of it.

    Raises:
        DataError: the folders can't be understood, or hold nothing that can be used.
        UsageError: wishes that can't be fulfilled.
    """
    source = _source(folders, wishes)
    looks, bad = look_at(source, progress=progress)
    bad |= misfits(source.samples, looks)
    samples = [s for s in source.samples if not any(str(shot.path) in bad for shot in s.pictures)]
    if not samples:
        few = "; ".join(f"{Path(path).name}: {reason}" for path, reason in list(bad.items())[:3])
        raise DataError(f"none of the pictures can be used ({few}).")
    maps = sides_of_maps(source, samples, looks, wishes.maps)
    kept, splits, facts = _chosen(samples, looks, maps, wishes, source.split)
    names, combined = _names(source, maps), _combined(source, wishes)
    notes = (*source.notes, *_short(splits, kept, wishes, source.split, facts.groups))
    if source.kind == "pairs" and not combined and naming.roles(names) == names[::-1]:
        notes += (f"by its name {names[1]} is taken for the input; --direction b2a trains {names[0]} to it",)
    if wishes.maps == "auto" and wishes.size is not None and source.kind in ("pairs", "halves"):
        notes += tuple(
            f"{side}: pictures of few grey levels, resized as photographs; if they are maps of classes, say "
            f"--maps {side}"
            for side in maybe_maps(source, samples, looks, maps)
        )
    if combined:  # A|B files lie in their split, not in folders below it
        kept = [replace(sample, key=sample.key.replace("/", "-")) for sample in kept]
    made = Maker(names, combined, looks, frozenset(maps), wishes.size, wishes.crop)
    planned = [
        Planned(sample, split, "", tuple(made(sample))) for sample, split in zip(kept, splits, strict=True)
    ]
    return replace(
        facts,
        source=source,
        looks=looks,
        samples=tuple(_named(planned)),
        maps=frozenset(maps),
        left_out={**dict(source.left_out), **bad},
        notes=notes,
    )


def _source(folders: Sequence[Path], wishes: Wishes) -> Source:
    if len(folders) == 2:
        if wishes.a or wishes.b:
            raise UsageError("--a and --b name the sides of one folder; of two, the first is a.")
        return two_folders(folders[0], folders[1], wishes.match, wishes.table)
    if wishes.match != "stem" or wishes.table is not None:
        raise UsageError("--match and --table say what belongs together of two folders; name both.")
    return one_folder(folders[0], wishes.a, wishes.b)


def _chosen(
    samples: list[Sample], looks: Looks, maps: set[str], wishes: Wishes, sorted_already: bool
) -> tuple[list[Sample], list[str], Plan]:
    """The samples that stay, their splits, and which don't."""
    keeps = sorted_already and wishes.val is None and wishes.test is None
    if keeps:
        # What is held out stays: of two equal samples the one in train goes.
        order = {"test": 0, "val": 1, "train": 2}
        samples = sorted(samples, key=lambda sample: order[sample.split])
    same = {} if wishes.duplicates == "keep" else copies(samples, looks)
    kept = [i for i in range(len(samples)) if i not in same]
    left = [samples[i] for i in kept]
    near: dict[int, int] = {}
    if keeps or wishes.duplicates == "near":
        near = _near(
            left, neighbours(left, looks, maps, wishes.alike), everywhere=wishes.duplicates == "near"
        )
    remaining = [i for i in range(len(left)) if i not in near]
    chosen = [left[i] for i in remaining]
    groups = alike.groups(len(chosen), neighbours(chosen, looks, maps, wishes.alike))
    if keeps:
        splits = [sample.split for sample in chosen]
    else:
        splits = splits_of(chosen, groups, _held_out(wishes), wishes.seed)
    facts = Plan(
        Source("plain", ()), {}, (), frozenset(), {},
        {_place(samples[i]): _place(samples[first]) for i, first in same.items()},
        {_place(left[i]): _place(left[first]) for i, first in near.items()},
        tuple(sorted((len(group) for group in groups if len(group) > 1), reverse=True)),
    )  # fmt: skip
    return chosen, splits, facts


def _near(samples: Sequence[Sample], rows: Iterable[alike.Row], *, everywhere: bool) -> dict[int, int]:
    """Samples that are left out because they look like an earlier one that stays, and like which.

    Args:
        everywhere: also in the split of that one.
    """
    splits = np.array([SPLITS.index(sample.split or "train") for sample in samples])
    gone = np.zeros(len(samples), bool)
    found: dict[int, int] = {}
    for i, later in rows:
        if not gone[i]:
            going = later[~gone[later] & (everywhere | (splits[later] != splits[i]))]
            gone[going] = True
            found |= dict.fromkeys(going.tolist(), i)
    return found


def _held_out(wishes: Wishes) -> dict[str, float]:
    if wishes.val is None and wishes.test is None:
        return {"val": _SHARE, "test": _SHARE}
    return {"val": wishes.val or 0, "test": wishes.test or 0}


def _short(
    splits: Sequence[str],
    kept: Sequence[Sample],
    wishes: Wishes,
    sorted_already: bool,
    groups: tuple[int, ...],
) -> Iterator[str]:
    """Notes on splits that are smaller than asked for."""
    if sorted_already and wishes.val is None and wishes.test is None:
        return
    if sorted_already:
        yield "the source's own splits are given up, and all samples split anew"
    for name, share in _held_out(wishes).items():
        wanted = share * len(kept) if share < 1 else share * len({sample.side for sample in kept})
        there = splits.count(name)
        if there < 0.8 * wanted - 1:
            why = f"; groups of up to {groups[0]} look alike and stay together" if groups else ""
            yield f"{name} has {there} samples, {wanted:.0f} were asked for{why}"


def _names(source: Source, maps: set[str]) -> tuple[str, str]:
    """What a pair's files are called: names that tell the input and, of maps, that they are numbers."""
    named = source.sided and all(source.names["ab".index(side)].lower() in naming.LABELS for side in maps)
    if len(maps) == 1 and not named:
        return ("labels", "images") if "a" in maps else ("images", "labels")
    return (source.names[0], source.names[1]) if source.sided else ("a", "b")


def _combined(source: Source, wishes: Wishes) -> bool:
    if source.kind not in ("pairs", "halves"):
        if wishes.layout is not None:
            raise UsageError(f"--layout {wishes.layout} is of pairs, and these are none; leave it out.")
        return False
    return wishes.layout == "combined" or (wishes.layout is None and source.kind == "halves")


def _named(planned: Sequence[Planned]) -> Iterator[Planned]:
    """The samples with names that differ in each split, side and class, also in one case and without dots."""
    taken: set[tuple[str, str, str, str]] = set()
    for one in planned:
        key, number = one.sample.key, 1
        where = (one.split, one.sample.side, one.sample.label or "")
        while (*where, _plain(key)) in taken:
            number += 1
            key = f"{one.sample.key}-{number}"
        taken.add((*where, _plain(key)))
        yield replace(one, key=key)


def _plain(key: str) -> str:
    return key.casefold().replace(".", "_")


def _place(sample: Sample) -> str:
    """Where a sample is, for people."""
    return str(sample.shots[0].path)
