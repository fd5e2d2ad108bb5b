"""The tree below a data folder, sorted by split and by side, before anybody says what it means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from translate import images
from translate.data import naming
from translate.errors import DataError
from translate.files import explain, natural


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of pictures: where it is and every picture below it."""

    path: Path
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """One split: its folders by name, and the pictures that lie in it directly."""

    path: Path
    folders: dict[str, Folder]
    loose: tuple[Path, ...] = ()

    def filled(self) -> list[str]:
        return [name for name, folder in self.folders.items() if folder.files]


@dataclass(frozen=True, slots=True)
class Tree:
    """The splits of a data folder. `lettered`: they are called trainA, trainB, testA …"""

    root: Path
    bodies: dict[str, Body]
    lettered: bool = False
    notes: tuple[str, ...] = ()


def scan(root: Path) -> Tree:
    """Read the tree below `root`: folders named as splits, as lettered sides, as sides that hold splits.

    Raises:
        DataError: `root` is missing, a file, unreadable, or holds no picture.
    """
    children = _children(root)
    if any(naming.LETTERED.fullmatch(child.name) for child in children):
        tree = _lettered(root, children)
    elif any(child.name.lower() in naming.SPLITS for child in children):
        tree = _by_split(root, children)
    elif sides := _sides_with_splits(children):
        tree = _by_side(root, sides)
    else:
        tree = Tree(root, {"train": _body(root)})
    if not any(body.loose or body.filled() for body in tree.bodies.values()):
        raise DataError(
            f"{root} holds no picture that can be read; supported are {', '.join(sorted(images.SUFFIXES))}."
        )
    ordered = {split: tree.bodies[split] for split in ("train", "val", "test") if split in tree.bodies}
    return replace(tree, bodies=ordered)


def _children(folder: Path) -> list[Path]:
    if not folder.exists():
        raise DataError(f"{folder} doesn't exist; give the folder that holds the pictures.")
    if not folder.is_dir():
        raise DataError(f"{folder} is a file; give the folder that holds the pictures.")
    try:
        return sorted((c for c in folder.iterdir() if c.is_dir() and not c.name.startswith(".")), key=natural)
    except OSError as error:
        raise DataError(f"{folder} can't be listed ({explain(error)}); check its permissions.") from error


def _loose(folder: Path) -> tuple[Path, ...]:
    found = (
        f for f in folder.iterdir() if f.suffix.lower() in images.SUFFIXES and not f.name.startswith(".")
    )
    return tuple(sorted((f for f in found if f.is_file()), key=natural))


def _body(folder: Path) -> Body:
    return Body(folder, {child.name: _folder(child) for child in _children(folder)}, _loose(folder))


def _folder(path: Path) -> Folder:
    return Folder(path, tuple(images.find(path)))


def _by_split(root: Path, children: list[Path]) -> Tree:
    bodies: dict[str, Body] = {}
    others: list[str] = []
    for child in children:
        split = naming.SPLITS.get(child.name.lower())
        if split is None:
            others.append(child.name)
        elif split in bodies:
            twins = f"{bodies[split].path.name} and {child.name}"
            raise DataError(f"{root} holds {twins}, two folders for one split; merge them or remove one.")
        else:
            bodies[split] = _body(child)
    if loose := _loose(root):
        others.append(f"{len(loose)} pictures beside the splits")
    return Tree(root, bodies, notes=(f"not used: {', '.join(others)}",) if others else ())


def _lettered(root: Path, children: list[Path]) -> Tree:
    bodies: dict[str, Body] = {}
    companions: list[str] = []
    for child in children:
        if match := naming.LETTERED.fullmatch(child.name):
            body = bodies.setdefault(match[1].lower(), Body(root, {}))
            body.folders[match[2].upper()] = _folder(child)
        elif naming.COMPANION.fullmatch(child.name):
            companions.append(child.name)
    for split, body in bodies.items():
        for letter in "AB":
            body.folders.setdefault(letter, Folder(root / f"{split}{letter}", ()))
    note = f"kept for evaluation, not trained on: {', '.join(companions)}"
    return Tree(root, bodies, lettered=True, notes=(note,) if companions else ())


def _sides_with_splits(children: list[Path]) -> list[Path]:
    """The children, where each of them holds pictures sorted by split: `A/train`, `A/val`, `B/train` …"""
    if len(children) < 2:
        return []
    for child in children:
        splits = [s for s in _children(child) if s.name.lower() in naming.SPLITS]
        if not any(_loose(split) for split in splits):
            return []
    return children


def _by_side(root: Path, sides: list[Path]) -> Tree:
    bodies: dict[str, Body] = {}
    for side in sides:
        for child in _children(side):
            split = naming.SPLITS.get(child.name.lower())
            if split is not None:
                bodies.setdefault(split, Body(root, {})).folders[side.name] = _folder(child)
    for split, body in bodies.items():
        for side in sides:
            body.folders.setdefault(side.name, Folder(side / split, ()))
    return Tree(root, bodies)
