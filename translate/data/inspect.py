"""What a data folder holds and what is wrong with it, from opening every file."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from translate import images
from translate.colours import distinct, names
from translate.data.layout import FEW_COLOURS, TASKS, Direction, Layout, Part, Side, Split, Wanted, survey
from translate.data.naming import name_of, roles
from translate.data.shelf import common_shape, region
from translate.data.threads import each
from translate.errors import BadImage

_SMALL = 256
_LISTED = 24
_RESTORING = ("superres", ("--scale", "1"))
# What to train for a task, where it isn't pix2pix.
_RECIPES = {
    "downscale": ("superres", ()),
    "colorize": ("colorize", ()),
    "inpaint": ("inpaint", ()),
    **dict.fromkeys(("denoise", "deblur", "dejpeg"), _RESTORING),
}
_SMALL_ONES = ("lr", "low")  # names of inputs that say what is to be done with them
_ONE_WAY = ("downscale", "colorize", "inpaint")  # no recipe takes away what these add
_PATCH = 64  # pixels: with less of them for each colour, on average, a picture is noise and no map


@dataclass(frozen=True, slots=True)
class SideReport:
    """One side of a split; sizes are (width, height), of a half where the side is one.

    `classes`: where all pictures are maps of few colours, how many files each colour is in, by its name.
    """

    name: str
    files: int
    part: Part
    labels: bool
    smallest: tuple[int, int] | None
    median: tuple[int, int] | None
    largest: tuple[int, int] | None
    modes: dict[str, int]
    formats: dict[str, int]
    grey: int
    below_256: int
    notes: dict[str, int]
    classes: dict[str, int]


@dataclass(frozen=True, slots=True)
class SplitReport:
    """A split: its sides, what can't be read (path: reason), and pairs that lack or misfit a partner.

    Of labelled data both sides are the same pictures; `classes` says how many there are of each class.
    """

    a: SideReport
    b: SideReport
    unreadable: dict[str, str]
    unmatched: tuple[str, ...]
    misfits: dict[str, str]
    rescaled: int
    classes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """A data folder: what it was recognised as, its splits, remarks, obstacles, and what to run next.

    `labels` are the classes that a training would know, `captions` whether every picture has a text.
    """

    root: str
    kind: str
    paired: bool
    direction: Direction
    domains: dict[str, str]
    splits: dict[str, SplitReport]
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    command: str
    labels: tuple[str, ...] = ()
    captions: bool = False

    @property
    def usable(self) -> bool:
        """Whether a training would start."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Everything, as plain types for JSON."""
        return {"usable": self.usable, **asdict(self)}


@dataclass(frozen=True, slots=True)
class _Seen:
    """One side of one file, decoded and forgotten."""

    size: tuple[int, int]
    mode: str
    format: str
    grey: bool
    notes: tuple[str, ...]
    colours: tuple[int, ...]  # of a map of few, else empty


_Looks = dict[tuple[Path, Part], _Seen | BadImage]


def inspect(
    root: str | Path,
    *,
    a: str | None = None,
    b: str | None = None,
    task: str | None = None,
    direction: Direction = "a2b",
    kind: Wanted | None = None,
    progress: bool = True,
) -> Report:
    """Recognise `root` and open every picture that belongs to it.

    Args:
        root, a, b, task, kind: see `layout.recognise`.
        direction: the sides are reported as a training in this direction would see them.
        progress: a bar on stderr for large sets.

    Raises:
        DataError: the folder can't be recognised at all.
    """
    found = survey(root, a=a, b=b, task=task, kind=kind)
    layout = found.directed(direction)
    looks = _look_at_all(layout, progress)
    splits = {name: _split_report(layout, split, looks) for name, split in layout.splits.items()}
    problems = (*layout.problems, *(p for name, report in splits.items() for p in _problems(name, report)))
    if (
        found.kind == "two-folders"
        and a is None
        and b is None
        and roles((found.domains["a"], found.domains["b"])) is None
    ):
        a, b = found.domains["a"], found.domains["b"]  # a training must be told what was assumed here
    if direction == "b2a" and task in _ONE_WAY:
        goes = f"leave --direction out, as the recipe {_RECIPES[task][0]} has it"
        problems += (f"No recipe learns the reverse of --task {task}; {goes}.",)
    options = [*_option("a", a), *_option("b", b), *_option("task", task)]
    options += ["--direction", "b2a"] if direction == "b2a" else []
    return Report(
        str(root), layout.kind, layout.paired, direction, layout.domains, splits,
        (*layout.notes, *_notes(layout, splits)), problems, _command(layout, splits, options, task),
        layout.labels, layout.captions,
    )  # fmt: skip


def _look_at_all(layout: Layout, progress: bool) -> _Looks:
    wanted: dict[Path, list[Part]] = {}
    for split in layout.splits.values():
        for side in (split.a, split.b):
            for path in side.files:
                wanted.setdefault(path, []).append(side.part)

    def look(path: Path) -> dict[Part, _Seen | BadImage]:
        try:
            mode, picture = images.probe(path).mode, images.read(path)
        except BadImage as error:
            return dict.fromkeys(wanted[path], error)
        return {part: _seen(part, path, mode, picture) for part in wanted[path]}

    results = each(look, list(wanted), label="opening pictures", progress=progress)
    return {(path, part): seen for path, parts in results for part, seen in parts.items()}


def _seen(part: Part, path: Path, mode: str, picture: images.Picture) -> _Seen | BadImage:
    try:
        pixels = region(part, path, picture.pixels)
        height, width = common_shape([path], [pixels.shape[:2]])
    except BadImage as error:
        return error
    thin = pixels[::4, ::4]
    grey = bool((thin[..., 0] == thin[..., 1]).all() and (thin[..., 1] == thin[..., 2]).all())
    few = picture.format != "JPEG" and distinct(thin).size <= FEW_COLOURS
    colours = tuple(distinct(pixels).tolist()) if few and part not in TASKS else ()
    colours = colours if len(colours) <= min(FEW_COLOURS, width * height // _PATCH) else ()
    return _Seen((width, height), mode, picture.format, grey, picture.notes, colours)


def _split_report(layout: Layout, split: Split, looks: _Looks) -> SplitReport:
    bad = {
        p: s
        for side in (split.a, split.b)
        for p in side.files
        if isinstance(s := looks[p, side.part], BadImage)
    }
    misfits, rescaled = _compare(split, looks) if layout.paired else ({}, 0)
    return SplitReport(
        _side_report(layout.domains["a"], split.a, looks),
        _side_report(layout.domains["b"], split.b, looks),
        {str(path): error.reason for path, error in bad.items()},
        tuple(map(str, split.unmatched)),
        misfits,
        rescaled,
        {label: split.a.classes.count(number) for number, label in enumerate(layout.labels)},
    )


def _side_report(name: str, side: Side, looks: _Looks) -> SideReport:
    seen = [s for path in side.files if isinstance(s := looks[path, side.part], _Seen)]
    sizes = sorted((s.size for s in seen), key=lambda size: size[0] * size[1])
    return SideReport(
        name=name,
        files=len(side.files),
        part=side.part,
        labels=side.labels,
        smallest=sizes[0] if sizes else None,
        median=sizes[len(sizes) // 2] if sizes else None,
        largest=sizes[-1] if sizes else None,
        modes=dict(Counter(s.mode for s in seen).most_common()),
        formats=dict(Counter(s.format for s in seen).most_common()),
        grey=sum(s.grey for s in seen),
        below_256=sum(min(s.size) < _SMALL for s in seen),
        notes=dict(Counter(note for s in seen for note in s.notes).most_common()),
        classes=_classes(seen),
    )


def _classes(seen: Sequence[_Seen]) -> dict[str, int]:
    counts = Counter(colour for s in seen for colour in s.colours)
    if not all(s.colours for s in seen) or not 1 < len(counts) <= FEW_COLOURS:
        return {}
    colours = sorted(counts)
    return dict(zip(names(colours), (counts[colour] for colour in colours), strict=True))


def _compare(split: Split, looks: _Looks) -> tuple[dict[str, str], int]:
    """Pairs of different shape, (path of the target: why), and how many differ in scale alone."""
    misfits: dict[str, str] = {}
    rescaled = 0
    for path_a, path_b in zip(split.a.files, split.b.files, strict=True):
        a, b = looks[path_a, split.a.part], looks[path_b, split.b.part]
        if isinstance(a, BadImage) or isinstance(b, BadImage) or a.size == b.size:
            continue
        try:
            common_shape([path_a, path_b], [a.size[::-1], b.size[::-1]])
            rescaled += 1
        except BadImage as error:
            misfits[str(path_b)] = error.reason
    return misfits, rescaled


def _problems(name: str, report: SplitReport) -> list[str]:
    problems = []
    if report.unreadable:
        problems.append(
            f"{len(report.unreadable)} of the pictures in {name} can't be used: {_few(report.unreadable)}; "
            "repair or remove them, or train with --set data.skip_corrupt=true."
        )
    if report.misfits:
        problems.append(
            f"{len(report.misfits)} pairs in {name} differ in shape: {_few(report.misfits)}; crop one to the "
            "other, or train with --set data.skip_corrupt=true."
        )
    return problems


def _few(reasons: dict[str, str]) -> str:
    named = [f"{Path(path).name} ({reason})" for path, reason in list(reasons.items())[:3]]
    return ", ".join(named) + (" …" if len(reasons) > 3 else "")


def _notes(layout: Layout, splits: dict[str, SplitReport]) -> list[str]:
    notes = []
    if layout.kind == "side-by-side":
        halves = {side: layout.domains[side] for side in "ab"}
        notes.append(
            f"the input a is the {halves['a']} half, the target b the {halves['b']}; --direction swaps them"
        )
    for name, split in splits.items():
        if split.rescaled:
            notes.append(f"{split.rescaled} pairs in {name} differ in scale: both are resized alike")
        if layout.kind == "labelled":
            notes += [f"{name}: {text}" for text in _side_notes(split.a)]
            continue
        for side in (split.a, split.b):
            notes += [f"{name}, {side.name}: {text}" for text in _side_notes(side)]
    return notes


def _side_notes(side: SideReport) -> list[str]:
    notes = [f"{count}× {note}" for note, count in side.notes.items()]
    if side.labels:
        notes.append("class numbers, resized without interpolation")
    if side.classes:
        listed = ", ".join(list(side.classes)[:_LISTED]) + (" …" if len(side.classes) > _LISTED else "")
        notes.append(f"usable as maps of {len(side.classes)} classes: {listed}")
    elif not side.labels and 0 < side.grey < side.files and side.part != "colorize":
        notes.append(f"{side.grey} of {side.files} are grey among colour pictures")
    if side.below_256:
        notes.append(
            f"{side.below_256} of {side.files} are smaller than {_SMALL} pixels; train with a smaller --size"
        )
    return notes


def _from_maps(split: SplitReport) -> bool:
    """Whether pictures are to be made of maps of classes; two colours alone may as well be a drawing."""
    known = split.a.labels or len(split.a.classes) > 2
    return bool(split.a.classes) and known and not split.b.classes


def _times(splits: dict[str, SplitReport]) -> int:
    """How many times as large as their inputs the targets are, 2, 3 or 4; else 0."""

    def sizes(side: SideReport, times: int = 1) -> list[tuple[int, int]]:
        return [(times * s[0], times * s[1]) for s in (side.smallest, side.median, side.largest) if s]

    known = (n for n in (2, 3, 4) if all(sizes(s.a, n) == sizes(s.b) for s in splits.values()))
    return next(known, 0)


def _option(name: str, value: str | None) -> list[str]:
    return [] if value is None else [f"--{name}", value]


def _command(layout: Layout, splits: dict[str, SplitReport], options: Sequence[str], task: str | None) -> str:
    if layout.kind == "labelled":
        recipe = "stargan" if layout.labels else "text"
    elif task in _RECIPES and "--direction" not in options:  # restoring goes one way
        recipe, more = _RECIPES[task]
        options = [*options, *more]
    elif layout.paired and layout.domains["a"].lower() in _SMALL_ONES and (times := _times(splits)):
        recipe = "superres"
        options = ["--a", layout.domains["a"], "--b", layout.domains["b"], "--scale", str(times)]
    elif layout.paired:
        recipe = "spade" if all(_from_maps(split) for split in splits.values()) else "pix2pix"
    else:
        recipe = "cyclegan"
    name = name_of(layout.root)
    return shlex.join(["translate", "train", recipe, "--data", str(layout.root), "--name", name, *options])
