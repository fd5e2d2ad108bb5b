"""Small data sets that a training can be run on in a moment."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from translate import images


def _picture(random: np.random.Generator, size: int = 20) -> np.ndarray:
    return random.integers(0, 256, (size, size, 3), np.uint8)


@pytest.fixture(scope="session")
def unpaired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven pictures of a, five of b, two of each held out."""
    root, random = tmp_path_factory.mktemp("unpaired"), np.random.default_rng(0)
    for folder, count in {"trainA": 7, "trainB": 5, "testA": 2, "testB": 2}.items():
        for index in range(count):
            images.write(root / folder / f"{index}.png", _picture(random))
    return root


@pytest.fixture(scope="session")
def paired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pairs side by side, b the negative of a, and two held out."""
    root, random = tmp_path_factory.mktemp("paired"), np.random.default_rng(1)
    for folder, count in {"train": 6, "val": 2}.items():
        for index in range(count):
            a = _picture(random)
            images.write(root / folder / f"{index}.png", np.concatenate([a, 255 - a], 1))
    return root


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes with three, two and one picture, and one of each held out."""
    root, random = tmp_path_factory.mktemp("labelled"), np.random.default_rng(2)
    for label, count in {"bay": 3, "grey": 2, "roan": 1}.items():
        for index in range(count):
            images.write(root / "train" / label / f"{index}.png", _picture(random))
        images.write(root / "test" / label / "0.png", _picture(random))
    return root


@pytest.fixture(scope="session")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pairs of a map of three classes and a picture, in two folders, and two held out."""
    root, random = tmp_path_factory.mktemp("maps"), np.random.default_rng(3)
    colours = np.array([[0, 0, 0], [0, 200, 0], [250, 0, 0]], np.uint8)
    for split, count in {"train": 6, "val": 2}.items():
        for index in range(count):
            patches = random.integers(0, 3, (5, 5)).repeat(4, 0).repeat(4, 1)
            images.write(root / split / "labels" / f"{index}.png", colours[patches])
            images.write(root / split / "images" / f"{index}.png", _picture(random))
    return root


@pytest.fixture(scope="session")
def captioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five pictures with three captions between them, and two of them held out."""
    root, random = tmp_path_factory.mktemp("captioned"), np.random.default_rng(3)
    captions = ("a bay horse", "one that is grey", "a roan")
    for folder, count in {"train": 5, "test": 2}.items():
        rows = [{"file_name": f"{index}.png", "text": captions[index % 3]} for index in range(count)]
        for row in rows:
            images.write(root / folder / row["file_name"], _picture(random))
        (root / folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return root
