"""What there is to prepare: samples, each of one picture or of a pair that stays together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from translate import images, tars
from translate.data import naming, samples
from translate.data.folders import Folder, require_folder
from translate.data.held_out import companions_of
from translate.data.layout import TASKS, survey
from translate.data.prepare.matching import Match, Matching, matched
from translate.data.sides import Layout, Part, Side
from translate.errors import DataError
from translate.files import explain, find, natural

Kind = Literal["pairs", "halves", "unpaired", "labelled", "plain"]


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: a file, or a half of one."""

    path: Path
    part: Part = "whole"


@dataclass(frozen=True, slots=True)
class Sample:
    """What stays together, and what is known of it.

    Attributes:
        key: its name, without a suffix, with the folders that it lay in.
        shots: a pair's two, else one.
        side: "a" or "b" where the sides are no pairs, else empty.
        beside: what is kept for evaluation, "Truth" and "Mask" of an input without pair.
        split: where the source has it, empty where it has no splits.
    """

    key: str
    shots: tuple[Shot, ...]
    side: str = ""
    split: str = ""
    label: str | None = None
    text: str | None = None
    beside: tuple[tuple[str, Shot], ...] = ()

    @property
    def pictures(self) -> tuple[Shot, ...]:
        """All of them."""
        return (*self.shots, *(shot for _, shot in self.beside))


@dataclass(frozen=True, slots=True)
class Source:
    """All samples in natural order.

    Attributes:
        names: the two sides', or empty.
        sided: whether these names tell the sides' roles, so that they are worth keeping.
        left_out: pictures that are in no sample, and why.
    """

    kind: Kind
    samples: tuple[Sample, ...]
    names: tuple[str, ...] = ()
    sided: bool = False
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def split(self) -> bool:
        """Whether the source is sorted into splits."""
        return any(sample.split for sample in self.samples)


def two_folders(a: Path, b: Path, match: Matching, table: Path | None) -> Source:
    """The pictures of two folders as pairs, or with `match` "none" as two sides without pairs.

    Raises:
        DataError: a folder is missing or empty, or nothing matches.
    """
    folders = (_pictures(a), _pictures(b))
    names = (a.resolve().name, b.resolve().name)
    if match == "none" and table is None:
        pool = [
            Sample(_key(path, root), (Shot(path),), side)
            for side, root, files in zip("ab", (a, b), folders, strict=True)
            for path in files
        ]
        return Source("unpaired", tuple(pool), names)
    found: Match = matched((a, b), folders, match, table)
    pairs = tuple(
        Sample(_key(pair[0], a), (Shot(pair[0]), Shot(pair[1])), split=split) for *pair, split in found.pairs
    )
    return Source("pairs", pairs, names, naming.roles(names) is not None, found.left_out)


def one_folder(root: Path, a: str | None, b: str | None) -> Source:
    """The samples of a data folder in any layout; single pictures are a pool without sides.

    Raises:
        DataError: the folder can't be recognised.
    """
    others = find(root, images.HEIC_SUFFIXES) if root.is_dir() else []
    try:
        layout = _recognised(root, a, b)
    except DataError:
        if not others or find(root, images.SUFFIXES | {tars.SUFFIX}):
            raise
        return Source("plain", tuple(_of_others(root, others)))
    kinds: dict[str, Kind] = {"side-by-side": "halves", "two-folders": "pairs", "plain": "plain"}
    kind = kinds.get(layout.kind, "labelled" if layout.kind == "labelled" else "unpaired")
    found = tuple(sample for name in layout.splits for sample in _of_split(layout, name, kind))
    if not found:
        raise DataError(layout.problems[0] if layout.problems else f"{root} holds no picture.")
    alone = [(str(path), "has no partner") for split in layout.splits.values() for path in split.unmatched]
    if kind == "plain":
        found += tuple(_of_others(root, others))
    else:
        alone += [
            (str(path), "HEIC is taken from plain folders, or from two that are matched") for path in others
        ]
    domains = (layout.domains["a"], layout.domains["b"])
    names = () if kind in ("plain", "labelled") else domains
    sided = kind == "pairs" and naming.roles(domains) is not None
    if layout.kind == "unpaired" and root.is_dir():
        found = tuple(_with_companions(found, companions_of(root)))
    whole = list(layout.splits) == ["train"] and not _has_splits(root)
    if whole:
        found = tuple(replace(sample, split="") for sample in found)
    problems = () if alone else layout.problems
    return Source(kind, found, names, sided, tuple(alone), (*layout.notes, *problems))


def _recognised(root: Path, a: str | None, b: str | None) -> Layout:
    try:
        return survey(root, a=a, b=b)
    except DataError as error:
        try:
            return survey(root, task=TASKS[0])
        except DataError:
            raise error from None


def _of_others(root: Path, files: Sequence[Path]) -> Iterator[Sample]:
    """Pictures that no layout knows, for data sets leave their format out."""
    sorted_already = _has_splits(root)
    for path in files:
        split = naming.SPLITS.get(path.relative_to(root).parts[0].lower(), "train")
        yield Sample(_key(path, root), (Shot(path),), split=split if sorted_already else "")


def _of_split(layout: Layout, name: str, kind: Kind) -> list[Sample]:
    split = layout.splits[name]
    strange = {*layout.domains.values(), *layout.labels}
    if kind == "unpaired":
        return [
            Sample(_key(path, layout.root, strange), (Shot(path, side.part),), letter, name)
            for letter, side in (("a", split.a), ("b", split.b))
            for path in side.files
        ]
    sides = [split.b] if kind in ("plain", "labelled") else [split.a, split.b]
    return [
        Sample(
            _key(side_files[0], layout.root, strange),
            tuple(Shot(path, side.part) for path, side in zip(side_files, sides, strict=True)),
            split=name,
            label=_known(sides[0], i, layout.labels),
            text=sides[0].texts[i] if sides[0].texts else None,
        )
        for i, side_files in enumerate(zip(*(side.files for side in sides), strict=True))
    ]


def _with_companions(found: Sequence[Sample], folders: Mapping[tuple[str, str], Folder]) -> Iterator[Sample]:
    """The inputs with the truth and the mask that folders such as testTruth have under their names."""
    known = {
        (split, kind): {folder.key(file).as_posix(): file for file in folder.files}
        for (split, kind), folder in folders.items()
    }
    for sample in found:
        there = ((kind, known.get((sample.split, kind.lower()), {})) for kind in ("Truth", "Mask"))
        beside = tuple((kind, Shot(files[sample.key])) for kind, files in there if sample.key in files)
        yield replace(sample, beside=beside) if sample.side == "a" else sample


def _known(side: Side, i: int, labels: Sequence[str]) -> str | None:
    return labels[side.classes[i]] if side.classes else None


def _has_splits(root: Path) -> bool:
    """Whether what is all training data says so, by a folder called train or the like."""
    if not root.is_dir():
        return False
    words = (child.name for child in root.iterdir() if not child.name.startswith("."))
    return any(word.lower() in naming.SPLITS or naming.LETTERED.fullmatch(word) for word in words)


def _key(path: Path, root: Path, strange: frozenset[str] | set[str] = frozenset()) -> str:
    """A sample's name: without what says split, side, class, shard or format."""
    inside = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
    *folders, name = inside.parts
    sharded = any(folder.lower().endswith(tars.SUFFIX) for folder in path.parts[:-1])
    kept = [
        folder
        for folder in folders
        if folder.lower() not in naming.SPLITS
        and not naming.LETTERED.fullmatch(folder)
        and folder not in strange
        and not folder.lower().endswith(tars.SUFFIX)
    ]
    stem = samples.key(Path(name)) if sharded else Path(name).with_suffix("")
    return "/".join((*kept, str(stem)))


def _pictures(folder: Path) -> list[Path]:
    """What a folder has, also what data sets leave out and a preparation can turn into something else."""
    require_folder(folder)
    try:
        found = find(folder, images.SUFFIXES | images.HEIC_SUFFIXES)
    except OSError as error:
        raise DataError(f"{folder} can't be listed ({explain(error)}); check its permissions.") from error
    if not found:
        raise DataError(f"{folder} holds no picture that can be read.")
    return sorted(found, key=natural)
