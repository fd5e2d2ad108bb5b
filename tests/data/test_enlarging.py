"""Inputs that are smaller than their targets: made from photographs, or there already."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from translate.data.bicubic import imresize
from translate.data.datasets import paired_dataset
from translate.data.degrade import draws, steps
from translate.data.layout import recognise
from translate.data.loading import load_data
from translate.data.options import DataOptions
from translate.data.sampling import SampleIndex
from translate.errors import DataError, UsageError

MADE = DataOptions(size=24, load_size="full", scale=4, task="downscale", quarter_turns=True, workers=0)


@pytest.fixture
def photos(paint, tmp_path: Path) -> Path:
    """Four pictures of noise whose sides are no multiples of the scale."""
    for i in range(4):
        paint(f"photos/{i}.png", (50 + i, 43), seed=i)
    return tmp_path / "photos"


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def turned(planes: np.ndarray) -> list[bytes]:
    """The eight ways in which a square can lie."""
    ways = [np.rot90(side, k, axes=(1, 2)) for side in (planes, planes[:, :, ::-1]) for k in range(4)]
    return [np.ascontiguousarray(way).tobytes() for way in ways]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_inputs_are_the_reduced_photograph_in_the_target_s_window(photos, scale):
    options = DataOptions(size=24, load_size="full", scale=scale, task="downscale", quarter_turns=True)
    dataset = paired_dataset(recognise(photos, task="downscale"), "train", options=options)
    whole = pixels(photos / "1.png")
    large = whole[: 43 - 43 % scale, : 51 - 51 % scale]
    small, size = imresize(large, 1 / scale), 24 // scale
    # Where each target lies, in each of the eight ways: the input is to lie there, in the same way.
    expected = {}
    for y in range(small.shape[0] - size + 1):
        for x in range(small.shape[1] - size + 1):
            target = large[y * scale :, x * scale :][:24, :24].transpose(2, 0, 1)
            source = small[y:, x:][:size, :size].transpose(2, 0, 1)
            expected |= dict(zip(turned(target), turned(source), strict=True))
    for seed in range(60):
        item = dataset[SampleIndex(1, 1, seed)]
        assert (item.a.shape, item.b.shape) == ((3, size, size), (3, 24, 24))
        assert expected[item.b.tobytes()] == item.a.tobytes()


def test_all_eight_ways_occur(photos):
    dataset = paired_dataset(recognise(photos, task="downscale"), "train", options=MADE)
    corner = pixels(photos / "0.png")
    seen = {}
    for seed in range(4000):
        target = dataset[SampleIndex(0, 0, seed)].b
        for y in range(0, 17, 4):
            for x in range(0, 25, 4):
                ways = turned(corner[y : y + 24, x : x + 24].transpose(2, 0, 1))
                if target.tobytes() in ways:
                    seen[ways.index(target.tobytes())] = True
        if len(seen) == 8:
            return
    raise AssertionError(f"only {sorted(seen)}")


def test_batches_are_a_function_of_seed_and_step_whatever_the_cache(photos):
    def batches(start: int, **changes):
        data = load_data(photos, replace(MADE, batch_size=2, **changes), kind="paired")
        return list(islice(data.loader(start), 3))

    one, other = batches(0, cache="ram"), batches(0, cache="off")
    later = batches(2, cache="ram")
    for first, second in ((one[0], other[0]), (one[2], other[2]), (one[2], later[0])):
        assert first.a.shape == (2, 3, 6, 6)
        assert first.b.shape == (2, 3, 24, 24)
        assert (first.a == second.a).all()
        assert (first.b == second.b).all()


def test_photographs_can_be_shrunk_first(photos):
    options = DataOptions(size=24, load_size=31, scale=4, task="downscale", train=True)
    data = load_data(photos, options, kind="paired")
    small, large = data.train.shelves[0][0]
    assert large.shape[1:] == (28, 36)  # 31 × 36, less what 4 leaves over
    assert np.array_equal(small, imresize(large, 1 / 4, planar=True))


def test_pairs_of_two_scales_are_cropped_alike(paint, tmp_path):
    for i in range(2):
        large = pixels(paint(f"HR/{i}.png", (61, 48), seed=i))  # one column that no input pixel covers
        (tmp_path / "LR").mkdir(exist_ok=True)
        Image.fromarray(np.ascontiguousarray(large[::4, :60:4])).save(tmp_path / "LR" / f"{i}.png")
    options = DataOptions(size=16, load_size="full", scale=4, flip=False)
    dataset = paired_dataset(recognise(tmp_path, kind="paired"), "train", options=options)
    for seed in range(20):
        item = dataset[SampleIndex(1, 1, seed)]
        assert np.array_equal(item.b[:, ::4, ::4], item.a)


def test_held_out_pictures_are_their_middle(photos):
    options = DataOptions(
        size=24, load_size="full", scale=4, task="downscale", quarter_turns=True, train=False
    )
    item = paired_dataset(recognise(photos, task="downscale"), "train", options=options)[2]
    large = pixels(photos / "2.png")[:40, :52]
    assert np.array_equal(item.b, large[8:32, 12:36].transpose(2, 0, 1))
    assert np.array_equal(item.a, imresize(large, 1 / 4)[2:8, 3:9].transpose(2, 0, 1))


def test_what_is_too_small_is_named_and_can_be_left_out(photos, paint):
    paint("photos/small.png", (23, 60))
    with pytest.raises(DataError, match=r"small\.png \(23×60 is smaller than the crops of data\.size 24\)"):
        load_data(photos, MADE, kind="paired")
    data = load_data(photos, replace(MADE, skip_corrupt=True), kind="paired")
    assert len(data.train) == 4


def test_pairs_of_another_scale_are_named(paint, tmp_path):
    for side, size in (("HR", (48, 48)), ("LR", (24, 24))):
        paint(f"{side}/1.png", size)
    options = DataOptions(size=24, load_size="full", scale=4)
    message = (
        r"HR/1\.png \(48×48, but its partner 1\.png is 24×24: .* to be 4 times as large \(data\.scale\)\)"
    )
    with pytest.raises(DataError, match=message):
        load_data(tmp_path, options, kind="paired")
    with pytest.raises(DataError, match=r"to be of one size \(data\.scale\)"):
        load_data(tmp_path, DataOptions(size=24, load_size="full"), kind="paired")
    with pytest.raises(
        UsageError, match=r"data\.scale=4 times as large are taken as they are; set data\.load"
    ):
        load_data(tmp_path, DataOptions(size=24, load_size=48, scale=4), kind="paired")


def test_small_and_large_pictures_are_not_all_taken_for_targets(paint, tmp_path):
    for side in ("HR", "LR"):
        paint(f"{side}/1.png")
    with pytest.raises(
        DataError, match=r"holds HR, LR; say with --b .* or name both sides, --a NAME --b NAME"
    ):
        recognise(tmp_path, task="downscale")
    layout = recognise(tmp_path, task="downscale", b="HR")
    assert (layout.domains, len(layout.split("train").b.files)) == ({"a": "small", "b": "HR"}, 1)


def test_full_size_works_for_pictures_of_one_size_too(paint, tmp_path):
    for side in "AB":
        paint(f"train/{side}/1.png", (40, 30), seed=3)
    options = DataOptions(size=16, load_size="full")
    item = paired_dataset(recognise(tmp_path, kind="paired"), "train", options=options)[SampleIndex(0, 0, 5)]
    whole = pixels(tmp_path / "train/A/1.png").transpose(2, 0, 1)
    windows = [whole[:, y : y + 16, x : x + 16] for y in range(15) for x in range(25)]
    assert np.array_equal(item.a, item.b)
    assert any(np.array_equal(item.a, w) or np.array_equal(item.a[:, :, ::-1], w) for w in windows)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_realistic_inputs_are_made_of_their_target_s_crop(photos, scale):
    options = replace(MADE, scale=scale, degradation="realistic", flip=False, quarter_turns=False)
    dataset = paired_dataset(recognise(photos, task="downscale"), "train", options=options)
    whole = pixels(photos / "3.png").transpose(2, 0, 1)
    for seed in range(5):
        item = dataset[SampleIndex(3, 3, seed)]
        assert item.a.shape == (3, 24 // scale, 24 // scale)
        rng = random.Random(seed)
        top, left = rng.randint(0, 43 - 24), rng.randint(0, 53 - 24)
        assert np.array_equal(item.b, whole[:, top : top + 24, left : left + 24])
        assert np.array_equal(item.a, steps.apply(draws.realistic(rng, (24, 24), scale), item.b))
    assert dataset.names(3) == ("3.png", "3.png")


def test_realistic_batches_are_a_function_of_seed_and_step(photos):
    options = replace(MADE, batch_size=2, degradation="realistic")
    one, other, later = (
        list(islice(load_data(photos, replace(options, **changes), kind="paired").loader(start), count))
        for start, count, changes in ((0, 3, {}), (0, 3, {"workers": 2, "cache": "off"}), (2, 1, {}))
    )
    for first, second in ((one[0], other[0]), (one[2], other[2]), (one[2], later[0])):
        assert (first.a == second.a).all()
        assert (first.b == second.b).all()
