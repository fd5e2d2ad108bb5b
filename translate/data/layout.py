"""Recognise what a data folder holds, or say in one sentence what is wrong with it.

Recognised are: A|B files (both sides in one picture), two folders matched by file name, `trainA` and
`trainB`, a folder per domain, a plain folder whose inputs are made by a task, and labelled pictures. Each
may be flat or sorted into `train`, `val` and `test`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

from translate import images
from translate.colours import distinct
from translate.data import labelled, naming
from translate.data.folders import Body, Folder, Tree, scan
from translate.data.pairing import Match, match_names, unmatched_pairs
from translate.data.sides import Direction, Kind, Layout, Part, Side, Split, Task, Wanted
from translate.errors import BadImage, DataError

__all__ = ["TASKS", "Direction", "Kind", "Layout", "Part", "Side", "Split", "Wanted", "recognise", "survey"]

TASKS: tuple[Part, ...] = get_args(Task)
# Of the domain that a task makes, where it has another than the task.
_NAMES = {
    "downscale": "small",
    "denoise": "noisy",
    "deblur": "blurred",
    "dejpeg": "jpeg",
    "colorize": "grey",
    "inpaint": "holes",
}
_MADE_ANEW = dict.fromkeys(
    ("denoise", "deblur", "dejpeg"),
    "inputs are damaged anew for every crop, held-out pictures each in one way",
) | {"inpaint": "holes are cut anew into every crop, into held-out pictures by their file names"}

# Two pictures beside each other are 2:1 or wider; a wide photo, 16:9, is 1.78:1.
SIDE_BY_SIDE = 1.9
_PROBED = 32
FEW_COLOURS = 64  # of a map of classes that isn't said to be one


def recognise(
    root: str | Path,
    *,
    a: str | None = None,
    b: str | None = None,
    task: str | None = None,
    kind: Wanted | None = None,
) -> Layout:
    """Recognise a data folder.

    Args:
        root: the folder.
        a, b: names of the folders that hold the inputs and the targets, where names don't tell; "left"
            and "right" for the halves of A|B files whose shape doesn't tell.
        task: how the inputs are made from a plain folder of targets; one of `TASKS`.
        kind: what is needed: "paired", "unpaired" (pairs are taken apart), "labelled" (every picture with its
            class) or "captioned" (every picture with a text). None takes what is found.

    Raises:
        DataError: one sentence: what is wrong, where, and the remedy.
    """
    layout = survey(root, a=a, b=b, task=task, kind=kind)
    if layout.problems:
        raise DataError(layout.problems[0])
    return layout


def survey(
    root: str | Path,
    *,
    a: str | None = None,
    b: str | None = None,
    task: str | None = None,
    kind: Wanted | None = None,
) -> Layout:
    """Like `recognise`, but what can be mended is listed in `problems` instead of raised."""
    tree = scan(Path(root))
    if kind in ("labelled", "captioned"):
        return _labelled(tree, kind, a or b or task)
    if task is not None:
        return _made(tree, a, b, task)
    main = _main(tree)
    if kind is None and a is None and b is None and labelled.looks_labelled(tree, main):
        found = _labelled(tree, None, None)
        hint = "taken for classes; to train between two of the folders, say --a NAME --b NAME"
        return replace(found, notes=(*found.notes, hint)) if len(main.filled()) > 1 else found
    wanted = None if kind is None else kind == "paired"
    halves = {a, b} == {"left", "right"} and not {"left", "right"} <= main.folders.keys()
    if halves or (main.loose and len(main.filled()) < 2 and a is None and b is None):
        return _side_by_side(tree, wanted is not False, swapped=a == "right", told=halves)
    return _two_folders(tree, _choose(main, a, b), wanted, told=a is not None or b is not None)


def _labelled(tree: Tree, wanted: Wanted | None, side: str | None) -> Layout:
    if side is not None:
        raise DataError(
            f"{side!r} names a side, and pictures with labels or captions are one pool without sides; leave "
            "--a, --b and --task out."
        )
    layout = labelled.survey(tree, wanted)
    return replace(layout, problems=(*layout.problems, *_no_training(tree, layout.splits)))


def _main(tree: Tree) -> Body:
    """The split that decides what the folder is: train, or the first that holds anything."""
    bodies = [tree.bodies["train"], *tree.bodies.values()] if "train" in tree.bodies else tree.bodies.values()
    return next(body for body in bodies if body.loose or body.filled())


def _made(tree: Tree, a: str | None, b: str | None, task: str) -> Layout:
    if task not in TASKS:
        raise DataError(f"There is no task {task!r}; choose one of {', '.join(TASKS)}.")
    if a is not None:
        raise DataError(
            f"--a has no use with --task {task}, which makes the inputs; name the targets with --b."
        )
    main = _main(tree)
    named = main.filled()
    if b is not None:
        _require_folder(main, b)
    elif tree.lettered or any(name.lower() in naming.MADE for name in named) or _are_sides(named):
        there = ", or name both sides, --a NAME --b NAME" if task == "downscale" else ""
        raise DataError(
            f"{main.path} holds {', '.join(named)}; say with --b which are the targets of --task {task}"
            f"{there}."
        )
    splits = {}
    for name, body in tree.bodies.items():
        folders = body.folders.values() if b is None else [f for n, f in body.folders.items() if n == b]
        files = (*(body.loose if b is None else ()), *(file for folder in folders for file in folder.files))
        if files:
            splits[name] = Split(Side(files, cast(Part, task)), Side(files))
    domains = {"a": _NAMES.get(task, task), "b": b or naming.name_of(tree.root)}
    notes = tree.notes
    if task in _MADE_ANEW:
        notes += (_MADE_ANEW[task],)
    return Layout(tree.root, "plain", True, domains, splits, notes, _no_training(tree, splits))


def _are_sides(names: Sequence[str]) -> bool:
    return len(names) == 2 and naming.are_pairs((names[0], names[1]))


def _side_by_side(tree: Tree, paired: bool, *, swapped: bool, told: bool) -> Layout:
    splits, notes, problems = {}, list(tree.notes), []
    for name, body in tree.bodies.items():
        if body.filled():
            notes.append(f"not used: {', '.join(body.filled())} in {body.path}")
        if not body.loose:
            continue
        problems += _not_halves(body, told)
        left, right = Side(body.loose, "left"), Side(body.loose, "right")
        splits[name] = Split(right, left) if swapped else Split(left, right)
    domains = {"a": "right", "b": "left"} if swapped else {"a": "left", "b": "right"}
    problems += _no_training(tree, splits)
    return Layout(tree.root, "side-by-side", paired, domains, splits, tuple(notes), tuple(problems))


def _not_halves(body: Body, told: bool) -> list[str]:
    """What keeps the pictures of `body` from being A|B files, judged by up to `_PROBED` headers."""
    sizes: dict[Path, tuple[int, int]] = {}
    for file in _spread(body.loose):
        with suppress(BadImage):
            sizes[file] = images.probe(file).size
    if not sizes:
        return [f"None of the first pictures in {body.path} can be read; check the files."]
    single = [file for file, (width, height) in sizes.items() if width < SIDE_BY_SIDE * height and not told]
    if 2 * len(single) > len(sizes):
        width, height = sizes[single[0]]
        raise DataError(
            f"{body.path} holds single pictures ({single[0].name} is {width}×{height}) and no A|B files with "
            "two sides; put inputs and targets into two folders, or make the inputs with --task edges (if "
            "they are A|B after all: --a left --b right)."
        )
    problems = [
        f"{file} is {width}×{height}, not an A|B file like those beside it; take it out of the folder."
        for file, (width, height) in sizes.items()
        if file in single
    ]
    problems += [
        f"{file} is {width} pixels wide, which can't be halved; A|B files hold two pictures of equal width."
        for file, (width, _) in sizes.items()
        if width % 2 and file not in single
    ]
    return problems


def _spread(files: Sequence[Path]) -> list[Path]:
    step = max(1, len(files) // _PROBED)
    return list(files[::step][:_PROBED])


def _choose(main: Body, a: str | None, b: str | None) -> tuple[str, str]:
    """The names of the folders that hold the inputs and the targets."""
    named = main.filled()
    for name in (a, b):
        if name is not None:
            _require_folder(main, name)
    if a is not None and b is not None:
        if a == b:
            raise DataError(f"--a and --b both name {a}; the two sides need two folders.")
        return a, b
    if a is not None or b is not None:
        rest = [name for name in named if name not in (a, b)]
        if len(rest) != 1:
            raise DataError(f"{main.path} holds {', '.join(named)}; name both sides: --a NAME --b NAME.")
        return (a, rest[0]) if a is not None else (rest[0], str(b))
    if len(named) > 2:
        listed = ", ".join(named[:8]) + ("…" if len(named) > 8 else "")
        raise DataError(f"{main.path} holds {len(named)} folders ({listed}); choose two: --a NAME --b NAME.")
    # One filled folder beside one that is empty is a data set with an empty side, not a folder too few.
    two = named if len(named) == 2 else list(main.folders)
    if len(two) != 2:
        raise DataError(
            f"{main.path} holds pictures only in {named[0]}, but a translation has two sides; add the other "
            f"side's folder, give {main.folders[named[0]].path} if that is the data set, or use --task edges."
        )
    return naming.roles((two[0], two[1])) or (two[0], two[1])


def _require_folder(main: Body, name: str) -> None:
    if name not in main.folders:
        there = f"there are {', '.join(main.folders)}" if main.folders else "there are none"
        raise DataError(f"{main.path} has no folder {name!r}; {there}.")


def _two_folders(tree: Tree, names: tuple[str, str], wanted: bool | None, *, told: bool) -> Layout:
    notes, problems = list(tree.notes), []
    sides: dict[str, tuple[Folder, Folder]] = {}
    for split, body in tree.bodies.items():
        here = [body.folders.get(name, Folder(body.path / name, ())) for name in names]
        empty = next((folder for folder in here if not folder.files), None)
        if empty is None:
            sides[split] = (here[0], here[1])
        elif split == "train":
            problems.append(f"{empty.path} holds no picture, so one side is empty; put its pictures there.")
        else:
            notes.append(f"{split} is left out: {empty.path} holds no picture")
    matches = {split: match_names(*folders) for split, folders in sides.items()}
    paired = _are_pairs(tree, names, wanted, list(matches.values()))
    if paired:
        problems += unmatched_pairs(matches, sides)
        if not told and naming.roles(names) is None and not tree.lettered:
            _say_assumed(names, wanted, tree, notes, problems)
    elif wanted is None and matches and all(match.complete for match in matches.values()):
        notes.append("all file names match: usable as pairs too")
    splits = {split: _split(names, sides[split], matches[split], paired) for split in sides}
    problems += _no_training(tree, splits) if not problems else []
    kind: Kind = "two-folders" if paired else "unpaired" if tree.lettered else "domains"
    told_by_root = (
        naming.domains_of(naming.name_of(tree.root)) if tree.lettered and names == ("A", "B") else None
    )
    domains = told_by_root or names
    return Layout(
        tree.root, kind, paired, {"a": domains[0], "b": domains[1]}, splits, tuple(notes), tuple(problems)
    )


def _are_pairs(tree: Tree, names: tuple[str, str], wanted: bool | None, matches: list[Match]) -> bool:
    if wanted is not None:
        return wanted
    if tree.lettered:
        return False
    return naming.are_pairs(names) or (bool(matches) and all(match.complete for match in matches))


def _say_assumed(
    names: tuple[str, str], wanted: bool | None, tree: Tree, notes: list[str], problems: list[str]
) -> None:
    """Pairs whose folder names don't tell the input from the target: a guess could waste a training."""
    if wanted:
        problems.append(
            f"{tree.root}: the names {names[0]} and {names[1]} don't tell the input from the target; "
            f"say it with --a NAME --b NAME."
        )
    else:
        notes.append(
            f"taken by the alphabet: a is {names[0]}, b is {names[1]}; to train, say --a NAME --b NAME"
        )


def _split(names: tuple[str, str], folders: tuple[Folder, Folder], match: Match, paired: bool) -> Split:
    files = tuple(zip(*match.pairs, strict=True)) if paired else tuple(f.files for f in folders)
    files = files or ((), ())
    a, b = (Side(f, labels=_holds_labels(n, f)) for n, f in zip(names, files, strict=True))
    return Split(a, b, match.unmatched if paired else ())


def _holds_labels(name: str, files: tuple[Path, ...]) -> bool:
    """Class numbers: a palette, or grey in a folder named so, of few values; judged by the first picture."""
    try:
        mode = images.probe(files[0]).mode if files else ""
        if not (mode == "P" or (mode in ("1", "L") and name.lower() in naming.LABELS)):
            return False
        pixels = images.read(files[0])
    except BadImage:
        return False
    # A JPEG of a label map has grey between its classes already: interpolating can't harm it further.
    return pixels.format != "JPEG" and distinct(pixels.pixels).size <= FEW_COLOURS


def _no_training(tree: Tree, splits: dict[str, Split]) -> tuple[str, ...]:
    """A train folder that is there and empty; a missing one matters only to those who train."""
    if "train" in tree.bodies and "train" not in splits:
        return (f"{tree.bodies['train'].path} holds no picture to train on; put the pictures there.",)
    return ()
