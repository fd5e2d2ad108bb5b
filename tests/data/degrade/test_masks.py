"""Holes keep to their share of the area, and are drawn from the generator alone."""

from __future__ import annotations

import random

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translate.data.degrade.masks import holes


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(16, 200), st.integers(16, 200))
def test_the_share_is_kept(seed, height, width):
    mask = holes(random.Random(seed), (height, width))
    assert mask.shape == (height, width)
    assert set(np.unique(mask)) == {0, 255}
    assert 0.1 <= (mask > 0).mean() <= 0.5


@pytest.mark.parametrize("share", [(0.3, 0.35), (0.0, 0.02), (0.9, 0.99), (0.5, 0.55)])
def test_narrow_shares_are_kept_too(share):
    for seed in range(20):
        mask = holes(random.Random(seed), (64, 64), share=share)
        assert share[0] <= (mask > 0).mean() <= share[1]


def test_a_seed_is_a_mask_and_masks_differ():
    masks = [holes(random.Random(seed), (64, 64)) for seed in range(50)]
    assert all(np.array_equal(holes(random.Random(i), (64, 64)), mask) for i, mask in enumerate(masks))
    assert len({mask.tobytes() for mask in masks}) == 50
    shares = [(mask > 0).mean() for mask in masks]
    assert max(shares) - min(shares) > 0.25
    everywhere = np.mean(masks, 0) / 255
    assert everywhere[8:-8, 8:-8].min() > 0
    # Strokes are no boxes: some outlines have corners that are not square.
    filled = [cv2.boundingRect(mask)[2] * cv2.boundingRect(mask)[3] / (mask > 0).sum() for mask in masks]
    assert max(filled) > 1.5


def test_senseless_shares():
    with pytest.raises(ValueError, match="within 0"):
        holes(random.Random(0), (8, 8), share=(0.5, 0.2))
