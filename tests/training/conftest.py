"""Small data sets that a training can be run on in a moment, and one batch to train on again and again."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from translate import images
from translate.config import Recipe
from translate.data.batches import Batch as ByteBatch
from translate.training.loop import train
from translate.training.state import TrainingState, new_state
from translate.translators.catalogue import build_translator


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
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures in one folder, of two sizes, and two held out."""
    root, random = tmp_path_factory.mktemp("photos"), np.random.default_rng(3)
    for split, count in {"train": 6, "val": 2}.items():
        for index in range(count):
            images.write(root / split / f"{index}.png", _picture(random, 20 + 5 * (index % 2)))
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


@pytest.fixture(scope="session")
def same_batch() -> Callable[[Recipe], ByteBatch]:
    """Four soft pictures, with their colours turned round and inverted as targets; labels if it has any.

    Maps have three classes, and where the targets are larger every so many pixels are the input.
    """

    def make(recipe: Recipe) -> ByteBatch:
        size, labels = recipe.data.size, len(recipe.data.labels)
        coarse = torch.rand(4, 3, 4, 4, generator=torch.Generator().manual_seed(1)) * 2 - 1
        a = F.interpolate(coarse, (size, size), mode="bilinear", align_corners=True)
        sides = [((side + 1) * 127.5).round().to(torch.uint8) for side in (a, -0.8 * a.roll(1, 1))]
        sides[0] = sides[0][:, :, :: recipe.data.scale, :: recipe.data.scale]
        classes = [(torch.arange(4) + side) % labels for side in (0, 1)] if labels else []
        if recipe.data.classes_a:  # which colour is strongest
            return ByteBatch(sides[0].argmax(1, keepdim=True).to(torch.uint8), sides[1], classes_a=3)
        if recipe.kind == "captioned":
            texts = [("as it is",) * 4, ("turned round",) * 4]
            return ByteBatch(*sides, text_a=texts[0], text_b=texts[1])
        if recipe.translator == "colorize":
            return ByteBatch(sides[1], sides[1], lab=True)
        if recipe.translator == "inpaint":  # the middle is to be filled
            mask = torch.zeros_like(sides[1][:, :1])
            mask[..., size // 4 : 3 * size // 4, size // 4 : 3 * size // 4] = 255
            return ByteBatch(torch.cat([sides[1], mask], 1), sides[1])
        return ByteBatch(*sides, *classes)

    return make


@pytest.fixture(scope="session")
def new_training() -> Callable[[Recipe], TrainingState]:
    """A recipe's translator with weights that are always the same."""

    def make(recipe: Recipe) -> TrainingState:
        torch.manual_seed(0)
        return new_state(build_translator(recipe), recipe, torch.device("cpu"))

    return make


@pytest.fixture(scope="session")
def train_on_it(same_batch) -> Callable[[TrainingState, Recipe, int], list[dict[str, float]]]:
    """Go on with a training on that batch alone; gives every step's loss terms."""

    def run(state: TrainingState, recipe: Recipe, steps: int) -> list[dict[str, float]]:
        seen: list[dict[str, float]] = []
        train(
            state,
            recipe,
            itertools.repeat(same_batch(recipe)),
            steps=state.step + steps,
            precision=torch.float32,
            on_step=lambda step, losses, factor: seen.append(
                {name: float(term) for name, term in losses.items()}
            ),
            on_log=lambda step: None,
            on_sample=lambda step: None,
            on_save=lambda step: None,
            should_stop=lambda: False,
        )
        return seen

    return run
