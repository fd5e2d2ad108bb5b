"""Scores over pictures, and the baselines."""

from __future__ import annotations

import json
import math

import pytest
import torch

from translate import images
from translate.errors import UsageError
from translate.metrics.evaluate import (
    change_outside,
    change_outside_score,
    copy_input,
    mean_picture,
    score,
    summarise,
)
from translate.metrics.fidelity import fidelity


def _noise(count: int, seed: int = 0, channels: int = 3) -> torch.Tensor:
    return torch.rand(count, channels, 24, 20, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_cutting_into_batches_changes_nothing():
    x, y = _noise(5), _noise(5, seed=1)
    whole = score(x, y)
    parts = summarise([fidelity(x[:4], y[:4]), fidelity(x[4:], y[4:])], 3)
    for name in ("l1", "psnr", "ssim"):
        assert getattr(parts, name).mean == pytest.approx(getattr(whole, name).mean, abs=1e-5)
        assert getattr(parts, name).pictures == 5


def test_mean_of_psnr_leaves_out_equal_pictures_and_says_so():
    x, y = _noise(3), _noise(3, seed=1)
    y[1] = x[1]
    scores = score(x, y)
    expected = fidelity(x, y).psnr[[0, 2]].double().mean()
    assert scores.psnr.mean == pytest.approx(float(expected))
    assert (scores.psnr.pictures, scores.psnr.left_out) == (2, 1)
    assert "infinite" in scores.psnr.reason
    assert (scores.l1.pictures, scores.ssim.pictures, scores.l1.reason) == (3, 3, "")


def test_scores_are_json_even_where_all_pictures_are_equal():
    x = _noise(2)
    told = json.loads(json.dumps(score(x, x).as_dict(), allow_nan=False))
    assert told["psnr"]["mean"] is None
    assert told["psnr"]["left_out"] == 2
    assert told["ssim"]["mean"] == pytest.approx(1)
    assert told["l1"]["protocol"].startswith("L1, RGB, range [0, 1]")


def test_no_pictures_have_no_score():
    with pytest.raises(UsageError, match="no picture"):
        summarise([], 3)


def test_copy_of_the_input():
    grey, rgb = _noise(2, channels=1), _noise(2)
    assert copy_input(rgb, 3) is rgb
    assert torch.equal(copy_input(grey, 3)[:, 2:], grey)
    pixels = images.to_pixels(rgb[:1])
    as_read = images.to_tensor(images.grey(pixels))
    assert torch.allclose(copy_input(rgb[:1], 1), as_read, atol=1.6 / 127.5)
    with pytest.raises(UsageError, match="4 channels"):
        copy_input(_noise(1, channels=4), 3)


def test_mean_picture():
    pictures = _noise(7)
    mean = mean_picture([pictures[:4], pictures[4:]])
    assert mean.shape == (1, 3, 24, 20)
    assert torch.allclose(mean, pictures.mean(0, keepdim=True), atol=1e-6)
    with pytest.raises(UsageError, match="no training picture"):
        mean_picture([])


def test_mean_picture_beats_every_other_constant_answer_in_squared_error():
    pictures = _noise(6)
    mean = mean_picture([pictures]).expand_as(pictures)
    error = ((mean - pictures) ** 2).mean()
    assert error < ((mean + 0.01 - pictures) ** 2).mean()
    assert error < ((mean - 0.01 - pictures) ** 2).mean()


def test_change_outside_the_mask_sees_nothing_inside_it():
    inputs, masks = torch.zeros(2, 3, 8, 8), torch.full((2, 1, 8, 8), -1.0)
    masks[:, :, :4] = 1.0
    masks[:, :, 4] = -0.99  # the animal's soft edge belongs to it
    outputs = inputs.clone()
    outputs[:, :, :5] = 1.0
    assert change_outside(outputs, inputs, masks).tolist() == [0, 0]
    outputs[0, :, 5:] = 0.5  # a quarter of [0, 1], on every pixel outside
    outputs[1, 0, 5:] = 0.5  # in one channel of three
    assert change_outside(outputs, inputs, masks).tolist() == pytest.approx([0.25, 0.25 / 3])


def test_change_outside_a_mask_of_everything_is_left_out():
    inputs, masks = torch.zeros(2, 3, 8, 8), torch.full((2, 1, 8, 8), -1.0)
    masks[0] = 1.0
    values = change_outside(inputs + 0.2, inputs, masks)
    assert math.isnan(values[0])
    told = change_outside_score([values])
    assert told.mean == pytest.approx(0.1)
    assert (told.pictures, told.left_out) == (1, 1)


def test_change_outside_compares_a_grey_input_with_a_colour_output():
    inputs, masks = torch.zeros(1, 1, 8, 8), torch.full((1, 1, 8, 8), -1.0)
    assert change_outside(torch.full((1, 3, 8, 8), 0.5), inputs, masks).tolist() == [0.25]
