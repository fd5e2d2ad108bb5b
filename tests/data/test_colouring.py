"""Photographs and their lightness: what a training, an evaluation and a person who inspects see of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.color import rgb2lab

from translate import images
from translate.data.held_out import held_out
from translate.data.inspect import inspect
from translate.data.loading import load_data
from translate.data.options import DataOptions
from translate.data.sampling import SampleIndex
from translate.data.transforms import greyed

OPTIONS = DataOptions(size=16, load_size=18, task="colorize", cache="off", workers=0)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four pictures to train on, one of them grey, and two held out."""
    random = np.random.default_rng(0)
    for split, count in {"train": 4, "val": 2}.items():
        for i in range(count):
            pixels = random.integers(0, 256, (20, 24, 3), np.uint8)
            picture = greyed(pixels) if (split, i) == ("train", 2) else pixels
            images.write(tmp_path / split / f"{i}.png", picture)
    return tmp_path


def test_grey_of_the_same_lightness():
    colours = np.stack(np.meshgrid(*[np.arange(0, 256, 15, np.uint8)] * 3), -1).reshape(18, -1, 3)
    grey = greyed(colours)
    assert (grey == grey[..., :1]).all()
    # One level of grey is up to 0.5 of L's 100.
    assert np.abs(rgb2lab(grey)[..., 0] - rgb2lab(colours)[..., 0]).max() < 0.26
    levels = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3)
    assert np.array_equal(greyed(levels), levels)


def test_a_training_has_the_targets_alone_and_says_which_are_grey(photos):
    data = load_data(photos, OPTIONS, kind="paired", progress=False)
    assert data.domains == {"a": "grey", "b": photos.name}
    assert "1 of 6 pictures are grey, and teach grey" in data.notes
    assert len(data.train.shelves[0].sides) == 1
    item = data.train[SampleIndex(1, 1, 7)]
    assert item.lab
    assert item.a is item.b
    assert item.b.shape == (3, 16, 16)
    batch = next(data.loader(steps=1))
    assert batch.lab
    assert batch.a is batch.b


def test_an_evaluation_s_inputs_are_grey(photos):
    found = held_out(photos, OPTIONS)
    grey, truth = found.pictures[1]
    assert (grey == grey[:1]).all()
    assert np.array_equal(grey, greyed(truth.transpose(1, 2, 0)).transpose(2, 0, 1))
    assert np.ptp(truth, axis=0).max() > 0


def test_what_inspecting_says(photos):
    report = inspect(photos, task="colorize", progress=False)
    assert report.command.startswith("translate train colorize --data ")
    grey = [note for note in report.notes if "grey among" in note]
    assert grey == [f"train, {photos.name}: 1 of 4 are grey among colour pictures"]
