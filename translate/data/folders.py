"""The tree below a data folder, sorted by split and by side, before anybody says what it means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from translate import files, images, tars
from translate.data import naming, samples
from translate.errors import DataError
from translate.files import explain, natural

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+:)/+")  # a path keeps one of the slashes of https://


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of pictures: where it is and every picture below it.

    Of shards, what is one folder here are the pictures of one name in all samples; `path` then is no place.
    """

    path: Path
    files: tuple[Path, ...]
    sampled: bool = False

    def key(self, file: Path) -> Path:
        """What one of the files shares with its partner in another folder."""
        if self.sampled:
            return samples.key(file)
        parts = file.relative_to(self.path).with_suffix("").parts
        # Below a folder it doesn't matter which shard a sample is in.
        shards = [place for place, part in enumerate(parts) if part.lower().endswith(tars.SUFFIX)]
        return Path(*parts[shards[-1] + 1 :]) if shards and shards[-1] + 1 < len(parts) else Path(*parts)


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
    """The splits of a data folder. `lettered`: they are called trainA, trainB, testA …

    `shards` are the tar files whose samples are pictures of it.
    """

    root: Path
    bodies: dict[str, Body]
    lettered: bool = False
    notes: tuple[str, ...] = ()
    shards: tuple[Path, ...] = ()


def scan(root: Path) -> Tree:
    """Read the tree below `root`: folders named as splits, as lettered sides, as sides that hold splits.

    Shards may lie in each of these folders in the place of pictures, or be named as splits, or `root` names
    them itself.

    Raises:
        DataError: `root` is missing, a file, unreadable, or holds no picture.
    """
    _refuse_address(root)
    shards = samples.named(root)
    tree = _by_name(root, shards) if shards else _of_folder(root)
    if not any(body.loose or body.filled() for body in tree.bodies.values()):
        raise DataError(
            f"{root} holds no picture that can be read; supported are {', '.join(sorted(images.SUFFIXES))}, "
            f"also in tar files{_compressed(root)}."
        )
    ordered = {split: tree.bodies[split] for split in ("train", "val", "test") if split in tree.bodies}
    notes, many = tree.notes, len(tree.shards)
    if many:
        notes += (f"pictures are read from {many} tar file{'s' if many > 1 else ''}, where they lie",)
    return replace(tree, bodies=ordered, notes=notes)


def _of_folder(root: Path) -> Tree:
    children = _children(root)
    if any(naming.LETTERED.fullmatch(child.name) for child in children):
        tree = _lettered(root, children)
    elif any(child.name.lower() in naming.SPLITS for child in children):
        tree = _by_split(root, children)
    elif sides := _sides_with_splits(children):
        tree = _by_side(root, sides)
    elif samples.by_split(_shards(root)):
        return _by_name(root, _shards(root))
    else:
        tree = Tree(root, {"train": _body(root)})
    return replace(tree, shards=tuple(files.find(root, (tars.SUFFIX,))))


def _by_name(root: Path, shards: Sequence[Path]) -> Tree:
    """Shards that are all training data, or told apart by the split that their names begin with."""
    splits = samples.by_split(shards) or {"train": sorted(shards, key=natural)}
    bodies = {split: _sampled(root, found) for split, found in splits.items()}
    used = [shard for found in splits.values() for shard in found]
    others = [shard.name for shard in shards if shard not in used]
    notes = (f"not used: {', '.join(others[:8])}{' …' if len(others) > 8 else ''}",) if others else ()
    return Tree(root, bodies, notes=notes, shards=tuple(used))


def _sampled(path: Path, shards: Sequence[Path]) -> Body:
    """A split whose samples are in shards."""
    fields = samples.by_field(shards)
    loose = fields.pop("", ())
    return Body(path, {name: Folder(path / name, found, True) for name, found in fields.items()}, loose)


def _shards(folder: Path) -> list[Path]:
    found = (f for f in folder.iterdir() if f.suffix.lower() == tars.SUFFIX and not f.name.startswith("."))
    return sorted((f for f in found if f.is_file()), key=natural)


def _compressed(root: Path) -> str:
    """A remedy, where there are tar files that can't be read in place."""
    if not root.is_dir():
        return ""
    names = (path.name for path in root.rglob("*"))
    found = next((name for name in names if name.lower().endswith(tars.COMPRESSED)), None)
    return f"; {found} is compressed, decompress it first" if found else ""


def _children(folder: Path) -> list[Path]:
    require_folder(folder)
    try:
        return sorted((c for c in folder.iterdir() if c.is_dir() and not c.name.startswith(".")), key=natural)
    except OSError as error:
        raise DataError(f"{folder} can't be listed ({explain(error)}); check its permissions.") from error


def require_folder(path: Path) -> None:
    """Refuse what is no folder, with what it is instead.

    Raises:
        DataError: it isn't.
    """
    if path.is_dir():
        return
    _refuse_address(path)
    if path.name.lower().endswith(tars.COMPRESSED) and path.exists():
        raise DataError(
            f"{path} is compressed, so nothing in it can be found without reading all of it; decompress it."
        )
    kind = "is a file" if path.exists() else "doesn't exist"
    raise DataError(f"{path} {kind}; give the folder that holds the pictures.")


def _refuse_address(path: Path) -> None:
    if _ADDRESS.match(str(path)) and not path.exists():
        address = _ADDRESS.sub(r"\1//", str(path), count=1)
        raise DataError(
            f"{address} is an address, and pictures and shards are read from disks alone; download it."
        )


def _loose(folder: Path) -> tuple[Path, ...]:
    found = (
        f for f in folder.iterdir() if f.suffix.lower() in images.SUFFIXES and not f.name.startswith(".")
    )
    return tuple(sorted((f for f in found if f.is_file()), key=natural))


def _body(folder: Path) -> Body:
    folders = {child.name: _folder(child) for child in _children(folder)}
    sampled = _sampled(folder, _shards(folder))
    return Body(folder, {**folders, **sampled.folders}, (*_loose(folder), *sampled.loose))


def _folder(path: Path) -> Folder:
    return Folder(path, pictures(path))


def pictures(path: Path) -> tuple[Path, ...]:
    """Every picture below a folder, in files and in shards, which here have one picture a sample.

    Raises:
        DataError: a folder can't be listed, a shard can't be read, or its samples have several pictures.
    """
    found: list[Path] = []
    for file in files.walk(path, images.SUFFIXES | {tars.SUFFIX}):
        if file.suffix.lower() != tars.SUFFIX:
            found.append(file)
            continue
        fields = samples.by_field([file])
        if len(fields) > 1:
            listed = ", ".join(name or "one without a name" for name in fields)
            raise DataError(
                f"{file} has several pictures a sample ({listed}), and its folder is one side or class; put "
                "it into the data folder itself, or into train, val or test."
            )
        found += [picture for there in fields.values() for picture in there]
    return tuple(found)


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
        if not any(_loose(split) or _shards(split) for split in splits):
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
