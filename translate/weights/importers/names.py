"""What the names of other tools' files say. Free of torch."""

from __future__ import annotations

import re
from pathlib import Path

SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".pkl")
_SIDES = {"a2b": "A", "b2a": "B"}
# EPOCH_net_G.pth, or _G_A and _G_B of a two-way model.
_NAME = re.compile(r"(?P<epoch>\w+)_net_(?P<network>[A-Z])(?:_(?P<side>[AB]))?")
# horse2zebra, label2photo; also beside other words, as in facades_label2photo_pretrained.
_PAIR = re.compile(r"([a-z]{2,})2([a-z]{2,})")
_METHODS = ("pix2pixhd", "img2imgturbo", "im2im")


def epoch(path: Path) -> str | None:
    """`latest`, `200` …, where the name says it."""
    named = _NAME.fullmatch(path.stem)
    return named["epoch"] if named else None


def direction(path: Path) -> str:
    """`b2a` of a `…_net_G_B` file, else `a2b`."""
    named = _NAME.fullmatch(path.stem)
    return "b2a" if named and named["side"] == "B" else "a2b"


def other_direction(path: Path) -> Path:
    """The file of the same training and epoch that goes the other way, whether it exists or not."""
    this, other = ("_B", "_A") if direction(path) == "b2a" else ("_A", "_B")
    return path.with_name(f"{path.stem.removesuffix(this)}{other}{path.suffix}")


def in_folder(folder: Path, wanted: str) -> Path | None:
    """The latest generator for a direction in a folder of checkpoints; None where there is none."""
    candidates = [f"latest_net_G_{_SIDES[wanted]}.pth", *(["latest_net_G.pth"] if wanted == "a2b" else [])]
    return next((folder / name for name in candidates if (folder / name).is_file()), None)


def domains(name: str) -> tuple[str, str] | None:
    """The two sides that a data set or experiment is named for: `horse2zebra` is horse and zebra."""
    for word in re.split(r"[^a-z0-9]+", name.lower()):
        pair = _PAIR.fullmatch(word)
        if pair and pair[1] != pair[2] and word not in _METHODS:
            return pair[1], pair[2]
    return None
