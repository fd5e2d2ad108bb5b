"""Labelled pictures: a folder per class, or `metadata.jsonl` with a label and a caption for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from translate import images
from translate.data import metadata, naming, samples
from translate.data.folders import Body, Tree
from translate.data.metadata import Row
from translate.data.sides import Layout, Side, Split, Wanted
from translate.files import natural

# What both domains of a labelled data set are called: a picture of any class goes in, and comes out.
DOMAIN = "any"

_TELLING = naming.MADE | naming.PHOTOS | {name for names in naming.ORDERED for name in names}

Pictures = Mapping[str, Sequence[Path]]  # by split


def looks_labelled(tree: Tree, main: Body) -> bool:
    """Whether nothing but labels can be meant: `metadata.jsonl` is there, or three folders or more.

    Folders of which two tell an input from a target, such as `edges` and `images`, are sides and no classes.
    """
    named = main.filled()
    telling = [name for name in named if name.lower() in _TELLING]  # few, of however many classes
    if tree.lettered or any(naming.roles(pair) for pair in combinations(telling, 2)):
        return False
    if _sources(tree) or samples.say_something(tree.shards):
        return True
    return len(named) > 2 and not main.loose


def survey(tree: Tree, wanted: Wanted | None) -> Layout:
    """The labelled layout of `tree`; what can be mended is in its `problems`.

    Args:
        wanted: "labelled": every picture needs a label; "captioned": a caption, labels are taken where
            all have one; None: one of both.

    Raises:
        DataError: a metadata file can't be understood.
    """
    pictures = {split: files for split, body in tree.bodies.items() if (files := _below(body))}
    rows: dict[Path, Row] = {}
    for source in _sources(tree):
        rows |= metadata.read(source)
    if tree.shards:
        there = {file for files in pictures.values() for file in files}
        rows |= {path: row for path, row in samples.rows(tree.shards).items() if path in there}
    labels = {path: row.label for path, row in rows.items() if row.label is not None}
    texts = {path: row.text for path, row in rows.items() if row.text is not None}
    problems = _mismatched(tree, pictures, rows) if labels or texts else []
    labels = labels or _folder_names(tree)
    captions = not _lacking(pictures, texts)
    notes = list(tree.notes)

    if wanted == "labelled" or (wanted is None and not captions):
        problems += _label_problems(tree, pictures, rows, labels)
    elif _lacking(pictures, labels) or len(set(labels.values())) < 2:
        labels = {}
    if wanted == "captioned":
        problems += _text_problems(tree, rows)
    elif texts and not captions and not problems:
        bare = _lacking(pictures, texts)
        notes.append(
            f"captions are not used: {_counted(len(bare), 'picture')} without ({_few(bare, tree.root)})"
        )

    counts = _counts(pictures, labels)
    classes = tuple(sorted(counts, key=lambda label: natural(Path(label))))
    if lonely := [label for label in classes if counts[label] == 1]:
        notes.append(f"only one training picture: {', '.join(lonely)}")
    splits, left_out = _splits(pictures, labels, texts if captions else {}, classes)
    domains = {"a": DOMAIN, "b": DOMAIN}
    notes += left_out
    return Layout(tree.root, "labelled", False, domains, splits, tuple(notes), tuple(problems), classes)


def _sources(tree: Tree) -> list[Path]:
    """The metadata files: in the data folder itself, then in the folder of each split, whose rows win."""
    folders = dict.fromkeys([tree.root, *(body.path for body in tree.bodies.values())])
    return [folder / metadata.NAME for folder in folders if (folder / metadata.NAME).exists()]


def _below(body: Body) -> tuple[Path, ...]:
    return (*body.loose, *(file for folder in body.folders.values() for file in folder.files))


def _folder_names(tree: Tree) -> dict[Path, str]:
    """Each picture's label by the folder that it lies in."""
    return {
        file: name
        for body in tree.bodies.values()
        for name, folder in body.folders.items()
        for file in folder.files
    }


def _counts(pictures: Pictures, labels: Mapping[Path, str]) -> Counter[str]:
    """How many training pictures each class has; where nothing is to be trained on, how many at all."""
    counted = pictures.get("train") or [file for files in pictures.values() for file in files]
    return Counter(labels[file] for file in counted if file in labels)


def _mismatched(tree: Tree, pictures: Pictures, rows: Mapping[Path, Row]) -> list[str]:
    """Pictures that no row names, and rows that name no picture."""
    problems = []
    if nameless := _lacking(pictures, rows):
        sources = list(dict.fromkeys(str(row.source) for row in rows.values()))
        listed = " or ".join(sources[:3]) + (" …" if len(sources) > 3 else "")
        problems.append(
            f"{_counted(len(nameless), 'picture')} of {sum(map(len, pictures.values()))} below {tree.root} "
            f"{'have' if len(nameless) > 1 else 'has'} no row in {listed} ({_few(nameless, tree.root)}); "
            "add a row for each, or remove the pictures."
        )
    there = {file for files in pictures.values() for file in files}
    if lost := [path for path in rows if path not in there and not _elsewhere(path)]:
        row = rows[lost[0]]
        problems.append(
            f"{_counted(len(lost), 'row')} of {row.source} name{'' if len(lost) > 1 else 's'} no picture "
            f"(line {row.line}: {_few(lost, row.source.parent)}); add the pictures, or remove the rows."
        )
    return problems


def _elsewhere(path: Path) -> bool:
    """Whether a picture is there, if in no split: it is left out, as hidden ones are."""
    return path.suffix.lower() in images.SUFFIXES and path.is_file()


def _label_problems(
    tree: Tree, pictures: Pictures, rows: Mapping[Path, Row], labels: Mapping[Path, str]
) -> list[str]:
    problems = []
    if any(row.label for row in rows.values()):
        problems += _rows_without("label", rows, tree.root)
    else:
        problems += _empty_classes(tree)
        if bare := _lacking(pictures, labels):
            problems.append(
                f"{_counted(len(bare), 'picture')} in {tree.root} {'have' if len(bare) > 1 else 'has'} no "
                f"label ({_few(bare, tree.root)}); sort them into a folder a class, or write {metadata.NAME} "
                f"beside them, a line for each such as {metadata.EXAMPLE}."
            )
    counts = _counts(pictures, labels)
    if len(counts) == 1 and not problems:
        problems.append(
            f"{tree.root} has one class, {next(iter(counts))}, and a translation between classes needs two; "
            "add the pictures of another."
        )
    return problems


def _empty_classes(tree: Tree) -> list[str]:
    folders = tree.bodies["train"].folders.values() if "train" in tree.bodies else []
    return [
        f"{folder.path} holds no picture, so the class {folder.path.name} has none; put its pictures "
        "there, or remove the folder."
        for folder in folders
        if not folder.files
    ]


def _text_problems(tree: Tree, rows: Mapping[Path, Row]) -> list[str]:
    texts = {row.text for row in rows.values()}
    if len(texts) == 1 and len(rows) > 1 and None not in texts:
        return [
            f"every picture of {tree.root} has the same caption, so there is nothing to learn from captions; "
            "write what tells the pictures apart."
        ]
    if any(texts):
        return _rows_without("text", rows, tree.root)
    return [
        f"{tree.root} has no captions; write {metadata.NAME} beside the pictures, a line for each such as "
        f"{metadata.EXAMPLE}."
    ]


def _rows_without(key: str, rows: Mapping[Path, Row], root: Path) -> list[str]:
    bare = [path for path, row in rows.items() if (row.label if key == "label" else row.text) is None]
    if not bare:
        return []
    first = rows[bare[0]]
    return [
        f"{len(bare)} of {_counted(len(rows), 'row')} have no {key} ({first.place}: "
        f"{_few(bare, root)}); write one for every picture, as in {metadata.EXAMPLE}."
    ]


def _splits(
    pictures: Pictures, labels: Mapping[Path, str], texts: Mapping[Path, str], classes: tuple[str, ...]
) -> tuple[dict[str, Split], list[str]]:
    """The splits, and notes on held-out pictures of classes that no training picture shows."""
    numbers = {label: number for number, label in enumerate(classes)}
    splits, notes = {}, []
    for name, found in pictures.items():
        files = tuple(file for file in found if not classes or labels.get(file) in numbers)
        others = {labels[file] for file in found if file in labels} - numbers.keys()
        if classes and others:
            notes.append(
                f"{name}: {_counted(len(found) - len(files), 'picture')} left out, of classes without "
                f"training pictures: {', '.join(sorted(others))}"
            )
        if files:
            known = tuple(numbers[labels[file]] for file in files) if classes else ()
            side = Side(files, classes=known, texts=tuple(texts[file] for file in files) if texts else ())
            splits[name] = Split(side, side)
    return splits, notes


def _lacking(pictures: Pictures, known: Collection[Path]) -> list[Path]:
    return [file for files in pictures.values() for file in files if file not in known]


def _few(paths: Sequence[Path], root: Path) -> str:
    # A pattern that names shards is above none of them.
    named = [str(path.relative_to(root) if path.is_relative_to(root) else path) for path in paths[:3]]
    return ", ".join(named) + (" …" if len(paths) > 3 else "")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
