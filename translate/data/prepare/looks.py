"""One look at every picture, and what follows: which can't be used, which are copies, which look alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from pathlib import Path
from typing import Literal

import numpy as np

from translate import images
from translate.colours import distinct
from translate.data import naming
from translate.data.layout import FEW_COLOURS
from translate.data.prepare import alike
from translate.data.prepare.sources import Sample, Shot, Source
from translate.data.shelf import common_shape, region
from translate.data.threads import each
from translate.errors import BadImage

Maps = Literal["auto", "a", "b", "none"]

_GREY = ("1", "L", "I")  # modes of Pillow begin so


@dataclass(frozen=True, slots=True)
class Look:
    """What is remembered of a picture.

    Attributes:
        size: (width, height), upright.
        digest: of its pixels.
        mode: of its file, as Pillow calls it.
        colours: how many, of one that has few and is no JPEG; else 0.
        tinted: whether any of these few is no grey.
        hash: see `alike.hash_of`.
    """

    size: tuple[int, int]
    digest: bytes
    format: str
    mode: str
    colours: int
    tinted: bool
    hash: alike.Hash | None

    @property
    def grey(self) -> bool:
        """Whether its file has no colours."""
        return self.mode.startswith(_GREY)


Looks = Mapping[Shot, Look]


def look_at(source: Source, *, progress: bool) -> tuple[dict[Shot, Look], dict[str, str]]:
    """Open every picture; the second are those that can't be used, and why."""
    shots = list(dict.fromkeys(shot for sample in source.samples for shot in sample.pictures))
    by_path: dict[Path, list[Shot]] = {}
    for shot in shots:
        by_path.setdefault(shot.path, []).append(shot)

    def look(path: Path) -> dict[Shot, Look] | BadImage:
        try:
            picture = images.read(path)
            mode = "" if picture.format == "HEIF" else images.probe(path).mode
            return {shot: _look(shot, picture, mode) for shot in by_path[path]}
        except BadImage as error:
            return error

    looks: dict[Shot, Look] = {}
    bad: dict[str, str] = {}
    for path, result in each(look, list(by_path), label="opening pictures", progress=progress):
        if isinstance(result, BadImage):
            bad[str(path)] = result.reason
        else:
            looks |= result
    return looks, bad


def _look(shot: Shot, picture: images.Picture, mode: str) -> Look:
    pixels = np.ascontiguousarray(region(shot.part, shot.path, picture.pixels))
    height, width = common_shape([shot.path], [pixels.shape[:2]])
    few = picture.format != "JPEG" and distinct(pixels[::4, ::4]).size <= FEW_COLOURS
    colours = distinct(pixels) if few else np.array([], np.int32)
    colours = colours[:0] if colours.size > FEW_COLOURS else colours
    tinted = bool((colours != (colours & 255) * 0x010101).any())
    digest = hashlib.blake2b(pixels.data, digest_size=16)
    digest.update(f"{width}×{height}".encode())
    return Look(
        (width, height), digest.digest(), picture.format, mode,
        colours.size, tinted, alike.hash_of(pixels),
    )  # fmt: skip


def misfits(samples: Sequence[Sample], looks: Looks) -> dict[str, str]:
    """Pairs whose two pictures differ in shape, by the target's path, and how."""
    found = {}
    for sample in samples:
        if len(sample.shots) == 2 and all(shot in looks for shot in sample.shots):
            sizes = [looks[shot].size[::-1] for shot in sample.shots]
            try:
                common_shape([shot.path for shot in sample.shots], sizes)
            except BadImage as error:
                found[str(sample.shots[1].path)] = error.reason
    return found


def sides_of_maps(source: Source, samples: Sequence[Sample], looks: Looks, told: Maps) -> set[str]:
    """Which sides, "a" or "b", hold maps of classes: as told, or palettes, grey so named, or few colours."""
    if told != "auto":
        return {told} - {"none"}
    found = set()
    for place, side in enumerate("ab"):
        there = [looks[shot] for shot in _of_side(source, samples, place, side)]
        name = source.names[place].lower() if source.names else ""
        few = bool(there) and all(look.colours for look in there)
        known = all(look.mode == "P" or (look.mode in ("1", "L") and name in naming.LABELS) for look in there)
        # Of grey pictures only a name tells numbers of classes from a drawing of few levels.
        if few and (known or any(look.colours > 2 and look.tinted for look in there)):
            found.add(side)
    return found


def maybe_maps(source: Source, samples: Sequence[Sample], looks: Looks, maps: set[str]) -> list[str]:
    """Sides that aren't known as maps but may be: three grey levels or more, and few, in every picture."""
    there = {
        side: [looks[shot] for shot in _of_side(source, samples, place, side)]
        for place, side in enumerate("ab")
        if side not in maps
    }
    return [
        side
        for side, found in there.items()
        if found and all(look.colours for look in found) and any(look.colours > 2 for look in found)
    ]


def _of_side(source: Source, samples: Sequence[Sample], place: int, side: str) -> list[Shot]:
    if source.kind in ("pairs", "halves"):
        return [sample.shots[place] for sample in samples]
    return [sample.shots[0] for sample in samples if sample.side == side]


def neighbours(samples: Sequence[Sample], looks: Looks, maps: set[str], most: int) -> Iterator[alike.Row]:
    """Samples that must not be in two splits: each with later ones that look alike, ascending on a side.

    Of pairs one side that looks alike is enough, for either would have been seen. Maps of classes say nothing
    here: streets have the same map. Equal samples belong together whatever they show.
    """
    equal = [(first, np.array([later])) for first, later in sorted(_equal(samples, looks))]
    for side in dict.fromkeys(sample.side for sample in samples):
        places = np.array([i for i, sample in enumerate(samples) if sample.side == side])
        shots = [samples[i].shots for i in places]
        names = "ab" if len(shots[0]) == 2 else [side]
        columns = [
            [None if name in maps else looks[there[k]].hash for there in shots]
            for k, name in enumerate(names)
        ]
        found = ((int(places[i]), places[later]) for i, later in alike.rows_alike(columns, most))
        there = (row for row in equal if samples[row[0]].side == side)
        yield from merge(found, there, key=lambda row: row[0])


def _equal(samples: Sequence[Sample], looks: Looks) -> list[tuple[int, int]]:
    """(first, later) of samples with the same pixels."""
    first: dict[tuple[object, ...], int] = {}
    pairs = []
    for i, sample in enumerate(samples):
        content = (sample.side, sample.label, *(looks[shot].digest for shot in sample.shots))
        pairs += [(first[content], i)] if content in first else []
        first.setdefault(content, i)
    return pairs


def copies(samples: Sequence[Sample], looks: Looks) -> dict[int, int]:
    """Samples with the pixels of an earlier one of `samples`, and which that is."""
    return {later: first for first, later in _equal(samples, looks)}
