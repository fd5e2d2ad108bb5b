"""Resizing, edges, crops and augmentation, against independent references."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from translate.data import transforms


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize("size", [(20, 30), (33, 50), (66, 99)])
def test_shrinking_equals_pillows_antialiased_bicubic(size):
    pixels = noise(67, 100)
    expected = np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BICUBIC))
    assert np.abs(transforms.resize(pixels, size).astype(int) - expected).max() <= 1


def test_shrinking_takes_a_half_of_a_wider_picture():
    pixels = noise(60, 120)
    assert np.array_equal(
        transforms.resize(pixels[:, 60:], (30, 30)), transforms.resize(pixels[:, 60:].copy(), (30, 30))
    )


def test_enlarging_keeps_flat_and_linear_pictures():
    assert (transforms.resize(np.full((10, 10, 3), 77, np.uint8), (23, 31)) == 77).all()
    ramp = np.tile(np.arange(0, 240, 8, dtype=np.uint8)[None, :, None], (30, 1, 3))
    larger = transforms.resize(ramp, (60, 60))[:, 6:-6, 0].astype(int)
    assert (np.abs(np.diff(larger[0]) - 4) <= 1).all()


@pytest.mark.parametrize("size", [(13, 19), (70, 110)])
def test_class_numbers_are_never_mixed(size):
    labels = np.where(noise(40, 60) > 127, 7, 200).astype(np.uint8)
    assert set(np.unique(transforms.resize(labels, size, labels=True))) == {7, 200}


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 600))
def test_fitted_keeps_the_aspect(height, width, short):
    high, wide = transforms.fitted((height, width), short)
    assert min(high, wide) == short
    assert abs(high * width - wide * height) <= max(height, width)


def test_edges_are_black_lines_on_white_where_the_step_is():
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, 30:] = 255
    drawn = transforms.edges(pixels)
    assert set(np.unique(drawn)) == {0, 255}
    assert (drawn == 0).mean() < 0.1
    assert set(np.nonzero(drawn[20, :, 0] == 0)[0]) <= {28, 29, 30, 31}
    assert np.array_equal(drawn, transforms.edges(pixels))


def test_planar_and_grey():
    pixels = noise(8, 9)
    assert np.array_equal(transforms.planar(pixels, 3), pixels.transpose(2, 0, 1))
    grey = transforms.planar(pixels, 1)
    assert grey.shape == (1, 8, 9)
    assert np.abs(grey[0].astype(int) - np.asarray(Image.fromarray(pixels).convert("L"))).max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("flip", [False, True])
def test_crop_is_slicing(channels, flip):
    planes = noise(20, 30, channels).transpose(2, 0, 1).copy()
    expected = planes[:, 3:13, 7:17]
    made = transforms.crop(planes, 3, 7, 10, flip=flip)
    assert np.array_equal(made, expected[..., ::-1] if flip else expected)
    made[:] = 0
    assert planes.any()


def test_windows_reach_every_corner():
    rng = random.Random(0)
    places = {transforms.somewhere((5, 6), 4, rng) for _ in range(300)}
    assert places == {(top, left) for top in range(2) for left in range(3)}
    assert transforms.centre((5, 8), 4) == (0, 2)


def test_tilt_moves_pictures_alike():
    a = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (3, 64, 1))
    turned_a, turned_b = transforms.tilt((a, 255 - a), (False, False), rotate=30, zoom=0.3, seed=5)
    assert np.abs(turned_a.astype(int) + turned_b - 255).max() <= 1
    assert np.abs(turned_a.astype(int) - a).mean() > 5
    again, _ = transforms.tilt((a, a), (False, False), rotate=30, zoom=0.3, seed=5)
    assert np.array_equal(turned_a, again)
    other, _ = transforms.tilt((a, a), (False, False), rotate=30, zoom=0.3, seed=6)
    assert not np.array_equal(turned_a, other)


@pytest.mark.parametrize("labels", [(True, False), (False, True), (True, True)])
def test_tilt_keeps_class_numbers_and_their_place(labels):
    disc = np.hypot(*np.mgrid[-32:32, -32:32]) < 20
    disc[:, :32] = False
    numbers = np.where(disc, 200, 7).astype(np.uint8)[None]
    turned = transforms.tilt((numbers, numbers), labels, rotate=40, zoom=0.2, seed=3)
    for picture, is_labels in zip(turned, labels, strict=True):
        assert picture.shape == (1, 64, 64)
        if is_labels:
            assert set(np.unique(picture)) == {7, 200}
    assert ((turned[0] > 100) != (turned[1] > 100)).mean() < 0.01
    assert not np.array_equal(turned[0], numbers)


@pytest.mark.parametrize("channels", [1, 3])
def test_jitter_is_seeded_and_keeps_the_shape(channels):
    planes = noise(16, 17, channels).transpose(2, 0, 1).copy()
    one = transforms.jitter(planes, 0.4, 1)
    assert one.shape == planes.shape
    assert one.flags["C_CONTIGUOUS"]
    assert np.array_equal(one, transforms.jitter(planes, 0.4, 1))
    assert not np.array_equal(one, transforms.jitter(planes, 0.4, 2))
    assert not np.array_equal(one, planes)
