"""Whole pictures for models that enlarge."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from translate.data.bicubic import imresize
from translate.data.options import DataOptions
from translate.data.whole_pairs import whole_pairs
from translate.errors import DataError


def test_small_pictures_are_made_and_the_rest_is_cut_off(paint, tmp_path):
    large = np.asarray(Image.open(paint("test/1.png", (50, 37), seed=1)))
    paint("train/2.png", (60, 40))
    found = whole_pairs(tmp_path, DataOptions(scale=3, task="downscale"))
    assert (found.split, len(found)) == ("test", 1)
    small, truth = found[0]
    assert np.array_equal(truth, large[:36, :48].transpose(2, 0, 1))
    assert np.array_equal(small, imresize(large[:36, :48], 1 / 3).transpose(2, 0, 1))


def test_pairs_are_taken_as_they_are(paint, tmp_path):
    paint("LR/1.png", (7, 5), seed=2)
    paint("HR/1.png", (29, 21), seed=3)
    found = whole_pairs(tmp_path, DataOptions(scale=4, a="LR", b="HR"))
    assert found.split == "train"  # there is no other
    small, truth = found[0]
    assert np.array_equal(small, np.asarray(Image.open(tmp_path / "LR/1.png")).transpose(2, 0, 1))
    assert np.array_equal(
        truth, np.asarray(Image.open(tmp_path / "HR/1.png")).transpose(2, 0, 1)[:, :20, :28]
    )
    with pytest.raises(
        DataError, match=r"29×21, but its partner .* 2 times as large .*; repair it or take it"
    ):
        whole_pairs(tmp_path, DataOptions(scale=2, a="LR", b="HR"))[0]


def test_grey_is_what_the_file_says(tmp_path):
    ramp = np.tile(np.arange(24, dtype=np.uint8), (24, 1))
    Image.fromarray(ramp).save(tmp_path / "1.png")
    Image.fromarray(np.stack([ramp] * 3, -1)).save(tmp_path / "2.png")
    Image.fromarray(ramp.astype(np.uint16) << 8).save(tmp_path / "3.png")
    found = whole_pairs(tmp_path, DataOptions(scale=2, task="downscale"))
    assert [found.grey(i) for i in range(3)] == [True, False, True]
