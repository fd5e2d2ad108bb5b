"""What folder names tell: splits, sides, and which folders hold class numbers."""

from __future__ import annotations

import re
from pathlib import Path

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}

# trainA, train_B, testTruth …: a split and a side in one name.
LETTERED = re.compile(r"(train|val|test)_?(A|B)", re.IGNORECASE)
COMPANION = re.compile(r"(train|val|test)_?(Truth|Mask)", re.IGNORECASE)

LABELS = frozenset(
    {"label", "labels", "mask", "masks", "segmentation", "annotation", "annotations", "classes"}
)
MADE = LABELS | {"edge", "edges", "sketch", "sketches", "lines", "depth", "normals", "grey", "gray"}
PHOTOS = frozenset({"image", "images", "photo", "photos", "picture", "pictures", "real"})
ORDERED = (
    ("a", "b"),
    ("input", "target"),
    ("inputs", "targets"),
    ("input", "output"),
    ("inputs", "outputs"),
    ("source", "target"),
    ("lr", "hr"),
    ("low", "high"),
    ("before", "after"),
)

_HORSE2ZEBRA = re.compile(r"([^\W\d]+?)(?:2|_to_|-to-)([^\W\d]+)")


def name_of(root: Path) -> str:
    """What a data folder is called; of shards, what their folder is."""
    path = root.resolve()
    return path.parent.name if path.suffix.lower() == ".tar" and not path.is_dir() else path.name


def roles(names: tuple[str, str]) -> tuple[str, str] | None:
    """The two names as (input a, target b), or None where they don't tell.

    The made or labelled side is a, the photo b; "input", "source", "LR", "before" are a.
    """
    first, second = (name.lower() for name in names)
    if (first, second) in ORDERED or (first in MADE and second in PHOTOS):
        return names
    if (second, first) in ORDERED or (second in MADE and first in PHOTOS):
        return names[1], names[0]
    return None


def are_pairs(names: tuple[str, str]) -> bool:
    """Whether names alone say that the pictures belong together; `A` and `B` don't: both kinds use them."""
    return roles(names) is not None and {name.lower() for name in names} != {"a", "b"}


def domains_of(folder: str) -> tuple[str, str] | None:
    """("horse", "zebra") from "horse2zebra", the usual name of a data set with trainA and trainB."""
    match = _HORSE2ZEBRA.fullmatch(folder)
    return (match[1], match[2]) if match else None
