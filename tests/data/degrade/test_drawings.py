"""Soft edges and sketches: where the lines are, how dark, and that a crop's drawing is the drawing's crop."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import data

from translate.data.degrade.drawings import sketch, soft_edges


@pytest.mark.parametrize("draw", [soft_edges, sketch])
def test_flat_is_white_and_grey_is_rgb(draw):
    drawn = draw(np.full((20, 30, 3), 90, np.uint8))
    assert drawn.shape == (20, 30, 3)
    assert drawn.dtype == np.uint8
    assert (drawn >= 254).all()
    photo = draw(data.astronaut()[:80, :100])
    assert (photo[..., 0] == photo[..., 1]).all()
    assert photo.std() > 5


def test_soft_edges_are_as_dark_as_the_step_is_steep():
    # A ramp of 10 levels a pixel: 255 - 8 · 10 everywhere.
    ramp = np.repeat(np.tile(np.arange(0, 250, 10, dtype=np.uint8), (20, 1))[..., None], 3, 2)
    assert (np.abs(soft_edges(ramp)[5:-5, 8:-8].astype(int) - 175) <= 1).all()
    step = np.zeros((30, 40, 3), np.uint8)
    step[:, 20:] = 60
    line = soft_edges(step)[15, :, 0].astype(int)
    assert np.argmin(line) in (19, 20)
    # The steepest place of a blurred step: height / (σ √2π), less as pixels are half a pixel away from it.
    assert 255 - line.min() == pytest.approx(8 * 60 / (1.4 * np.sqrt(2 * np.pi)), rel=0.15)
    assert line[:10].min() == 255


def test_sketch_is_luma_over_its_surroundings():
    photo = data.camera()[100:180, 100:200]
    expected = 255.0 * photo / gaussian_filter(photo.astype(float), 5, mode="mirror")
    drawn = sketch(np.dstack([photo] * 3))[20:-20, 20:-20, 0]
    inside = expected[20:-20, 20:-20].clip(0, 255)
    assert np.abs(drawn - inside).mean() < 2


@pytest.mark.parametrize("draw", [soft_edges, sketch])
def test_a_crops_drawing_is_the_drawings_crop(draw):
    photo = data.astronaut()[:160, :160]
    whole = draw(photo)[40:120, 40:120].astype(int)
    alone = draw(np.ascontiguousarray(photo[20:140, 20:140]))[20:100, 20:100]
    assert np.abs(whole - alone).max() <= 1
