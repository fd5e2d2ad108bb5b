"""Inputs that are damage, drawn for every crop, and drawings of whole pictures."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from PIL import Image

from translate.config import schema
from translate.data.datasets import paired_dataset, unpaired_dataset
from translate.data.degrade import draws
from translate.data.degrade.drawings import sketch, soft_edges
from translate.data.degrade.steps import apply
from translate.data.held_out import held_out
from translate.data.inspect import inspect
from translate.data.layout import TASKS, recognise
from translate.data.loading import load_data
from translate.data.options import DataOptions
from translate.data.sampling import SampleIndex
from translate.data.sides import Task
from translate.data.whole_pairs import whole_pairs

DAMAGES = ("denoise", "deblur", "dejpeg")
OPTIONS = DataOptions(size=24, load_size="full", workers=0)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four smooth pictures, 50 × 43."""
    for i in range(4):
        noise = np.random.default_rng(i).integers(0, 256, (43, 50, 3), np.uint8)
        for split in ("train", "test"):
            (tmp_path / "photos" / split).mkdir(parents=True, exist_ok=True)
            Image.fromarray(cv2.GaussianBlur(noise, (0, 0), 1.5)).save(
                tmp_path / "photos" / split / f"{i}.png"
            )
    return tmp_path / "photos"


def pixels(photos: Path, i: int) -> np.ndarray:
    return np.asarray(Image.open(photos / f"test/{i}.png")).transpose(2, 0, 1)


def test_the_schema_knows_the_tasks_of_the_data():
    assert set(get_args(schema.Task)) == set(get_args(Task)) == set(TASKS)


@pytest.mark.parametrize("task", DAMAGES)
def test_every_crop_is_damaged_anew_and_the_same_for_its_seed(photos, task):
    dataset = paired_dataset(recognise(photos, task=task), "train", options=OPTIONS)
    items = [dataset[SampleIndex(1, 1, seed)] for seed in range(8)]
    again = [dataset[SampleIndex(1, 1, seed)] for seed in range(8)]
    whole = pixels(photos, 1)
    windows = {whole[:, y : y + 24, x : x + 24].tobytes() for y in range(20) for x in range(27)}
    windows |= {whole[:, y : y + 24, x : x + 24][..., ::-1].tobytes() for y in range(20) for x in range(27)}
    strengths = set()
    for item, same in zip(items, again, strict=True):
        assert item.b.tobytes() in windows  # the target is untouched
        assert np.array_equal(item.a, same.a)
        assert item.a.flags.c_contiguous
        strengths.add(round(float(np.abs(item.a.astype(float) - item.b).mean()), 3))
    assert len(strengths) > 6


def test_blur_sees_beyond_the_crop(photos):
    """A crop's damage is the crop of the whole picture's, also at the crop's border."""
    options = replace(OPTIONS, flip=False)
    dataset = paired_dataset(recognise(photos, task="deblur"), "train", options=options)
    for seed in range(12):
        rng = random.Random(seed)
        top, left = rng.randint(0, 19), rng.randint(0, 26)
        whole = apply(draws.deblur(rng), pixels(photos, 2))
        expected = whole[:, top : top + 24, left : left + 24]
        assert np.array_equal(dataset[SampleIndex(2, 2, seed)].a, expected)


def test_batches_are_a_function_of_seed_and_step_whatever_the_cache(photos):
    def batches(start: int, **changes):
        options = replace(OPTIONS, task="denoise", batch_size=2, quarter_turns=True, **changes)
        return list(islice(load_data(photos, options, kind="paired").loader(start), 3))

    one, other, later = batches(0, cache="ram"), batches(0, cache="off"), batches(2, workers=1)
    for first, second in ((one[0], other[0]), (one[2], other[2]), (one[2], later[0])):
        assert (first.a == second.a).all()
        assert (first.b == second.b).all()
    assert (one[0].a != one[0].b).any()


def test_a_picture_is_kept_once(photos):
    data = load_data(photos, replace(OPTIONS, task="dejpeg", cache="ram"), kind="paired")
    first, second = data.train.shelves[0][0]
    assert first is second
    assert data.held_out is not None
    first, second = data.held_out.shelves[0][0]
    assert (first != second).any()


@pytest.mark.parametrize("task", DAMAGES)
def test_held_out_pictures_have_one_damage_each_wherever_they_are_met(photos, task):
    options = replace(OPTIONS, task=task, train=False)
    whole, _ = whole_pairs(photos, options)[1]
    assert whole.shape == (3, 43, 50)
    assert (whole != pixels(photos, 1)).any()
    assert np.array_equal(whole_pairs(photos, options, split="train")[1][0], whole)
    sheet = paired_dataset(recognise(photos, task=task), "test", options=options)[1]
    assert np.array_equal(sheet.a, whole[:, 9:33, 13:37])
    assert np.array_equal(sheet.b, pixels(photos, 1)[:, 9:33, 13:37])
    measured, truth = held_out(photos, options).pictures[1]
    assert np.array_equal(measured, sheet.a)
    assert np.array_equal(truth, sheet.b)
    others = [whole_pairs(photos, options)[i] for i in range(4)]
    strengths = {round(float(np.abs(small.astype(float) - large).mean()), 3) for small, large in others}
    assert len(strengths) == 4


def test_colour_jitter_leaves_damage_alone(photos):
    layout = recognise(photos, task="denoise")
    plain = paired_dataset(layout, "train", options=OPTIONS)[SampleIndex(0, 0, 7)]
    shaken = paired_dataset(layout, "train", options=replace(OPTIONS, colour=0.5))[SampleIndex(0, 0, 7)]
    assert np.array_equal(plain.a, shaken.a)


def test_grey_inputs_and_colour_targets(photos):
    options = replace(OPTIONS, channels_a=1)
    for split, train in (("train", True), ("test", False)):
        item = paired_dataset(recognise(photos, task="dejpeg"), split, options=replace(options, train=train))[
            0
        ]
        assert (item.a.shape, item.b.shape) == ((1, 24, 24), (3, 24, 24))


def test_sides_swapped_and_sides_apart(photos):
    layout = recognise(photos, task="denoise", kind="unpaired")
    swapped = paired_dataset(layout, "train", options=replace(OPTIONS, direction="b2a"))[SampleIndex(0, 0, 7)]
    straight = paired_dataset(layout, "train", options=OPTIONS)[SampleIndex(0, 0, 7)]
    assert np.array_equal(swapped.b, straight.a)
    apart = unpaired_dataset(layout, "train", options=OPTIONS)[SampleIndex(0, 0, 7)]
    assert (apart.a != apart.b).any()


@pytest.mark.parametrize(("task", "drawing"), [("soft-edges", soft_edges), ("sketch", sketch)])
def test_drawings_are_of_the_whole_picture(photos, task, drawing):
    item = paired_dataset(recognise(photos, task=task), "test", options=replace(OPTIONS, train=False))[2]
    drawn = drawing(np.ascontiguousarray(pixels(photos, 2).transpose(1, 2, 0))).transpose(2, 0, 1)
    assert np.array_equal(item.a, drawn[:, 9:33, 13:37])


def test_inspecting_says_what_to_train(photos):
    report = inspect(photos, task="denoise")
    assert report.domains == {"a": "noisy", "b": "photos"}
    assert report.command.endswith("--task denoise --scale 1")
    assert report.command.startswith("translate train superres --data ")
    assert any("damaged anew for every crop" in note for note in report.notes)
    assert inspect(photos, task="sketch").command.startswith("translate train pix2pix --data ")
    assert inspect(photos, task="deblur", direction="b2a").command.startswith("translate train pix2pix ")
