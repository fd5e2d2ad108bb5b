"""Colours as numbers, their names, and the classes that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from translate.colours import UnknownColour, class_numbers, distinct, from_names, names, packed

COLOURS = np.array([[0, 0, 0], [0, 128, 9], [0, 128, 10], [200, 0, 0], [255, 255, 255]], np.uint8)
NUMBERS = tuple(packed(COLOURS[None])[0].tolist())


@settings(deadline=None, max_examples=50)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3)), elements=st.integers(0, 3))
)
def test_distinct_colours_are_all_of_them(pixels):
    red, green, blue = np.unique(pixels.reshape(-1, 3), axis=0).astype(int).T
    assert distinct(pixels).tolist() == (red * 65536 + green * 256 + blue).tolist()


def test_names():
    assert names((0, 0x010101, 0xFFFFFF)) == ("0", "1", "255")
    assert names((0, 0x00800A)) == ("#000000", "#00800a")
    assert names(()) == ()
    assert packed(COLOURS[None]).tolist() == [[0, 0x008009, 0x00800A, 0xC80000, 0xFFFFFF]]


@given(st.lists(st.integers(0, 0xFFFFFF), max_size=5), st.lists(st.integers(0, 255), max_size=5))
def test_names_can_be_read_back(colours, greys):
    assert from_names(names(colours)) == tuple(colours)
    assert from_names(names([grey * 0x010101 for grey in greys])) == tuple(g * 0x010101 for g in greys)


@given(arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 4)))
def test_every_pixel_has_the_number_of_its_colour(numbers):
    found = class_numbers(COLOURS[numbers], NUMBERS)
    assert found.dtype == np.uint8
    assert np.array_equal(found, numbers)


@pytest.mark.parametrize("strange", [(1, 1, 1), (255, 255, 254), (0, 128, 8), (201, 0, 0)])
def test_a_colour_that_is_no_class_s_is_named(strange):
    pixels = COLOURS[np.zeros((2, 3), int)]
    pixels[1, 1] = strange
    with pytest.raises(UnknownColour, match=f"^#{bytes(strange).hex()}$"):
        class_numbers(pixels, NUMBERS)


def test_a_grey_map_of_numbers_will_do_where_it_can_mean_nothing_else():
    numbers = np.array([[0, 1, 4], [3, 2, 0]], np.uint8)
    drawn = np.repeat(numbers[..., None], 3, 2)
    assert np.array_equal(class_numbers(drawn, NUMBERS, by_number=True), numbers)
    with pytest.raises(UnknownColour, match="#010101"):
        class_numbers(drawn, NUMBERS)
    with pytest.raises(UnknownColour, match="#010101"):
        class_numbers(drawn + np.uint8(1), NUMBERS, by_number=True)
    # Black and white are classes' colours, so here they mean those.
    black_and_white = np.repeat(np.array([[[0], [255]]], np.uint8), 3, 2)
    assert class_numbers(black_and_white, NUMBERS, by_number=True).tolist() == [[0, 4]]
    # Grey levels are classes' names: 3 and 2 are no classes of 0, 7 and 255.
    with pytest.raises(UnknownColour, match="#030303"):
        class_numbers(drawn[1:], (0, 0x070707, 0xFFFFFF), by_number=True)
