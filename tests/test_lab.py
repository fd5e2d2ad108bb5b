"""Lab against scikit-image and OpenCV, and there and back."""

from __future__ import annotations

import warnings

import cv2
import numpy as np
import pytest
import torch
from skimage.color import lab2rgb, rgb2lab

from translate.lab import from_lab, to_lab


@pytest.fixture(scope="module")
def colours() -> np.ndarray:
    """Every sixth level of each channel and all greys, uint8 (1, N, 3)."""
    levels = np.append(np.arange(0, 255, 6), 255)
    grid = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(-1, 3)
    return np.concatenate([grid, np.repeat(np.arange(256), 3).reshape(-1, 3)])[None].astype(np.uint8)


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None] / 127.5 - 1


def joined(pictures: torch.Tensor) -> np.ndarray:
    lightness, ab = to_lab(pictures)
    return torch.cat([(lightness + 1) * 50, ab * 110], 1)[0].permute(1, 2, 0).numpy()


def test_agrees_with_other_libraries(colours):
    made = joined(to_tensor(colours))
    assert np.abs(made - rgb2lab(colours / 255.0)).max() < 2e-3
    opencv = cv2.cvtColor(colours.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    assert np.abs(made - opencv).max() < 0.5  # OpenCV reads its curves from tables


def test_there_and_back_is_exact_in_8_bits(colours):
    pictures = to_tensor(colours)
    back = from_lab(*to_lab(pictures))
    assert (back - pictures).abs().max().item() * 127.5 < 0.05
    assert torch.equal(((back + 1) * 127.5).round(), ((pictures + 1) * 127.5).round())


def test_scales(colours):
    lightness, ab = to_lab(to_tensor(colours))
    assert lightness.min().item() == pytest.approx(-1, abs=1e-4)
    assert lightness.max().item() == pytest.approx(1, abs=1e-4)
    assert ab.min().item() > -0.99
    assert ab.max().item() < 0.9
    assert ab[..., -256:].abs().max().item() < 1e-3  # greys have no colour


def test_impossible_colours_are_clipped():
    lightness, ab = torch.zeros(1, 1, 1, 3), torch.tensor([[[[1.0, -1, 0.5]], [[1.0, -1, -1]]]])
    made = from_lab(lightness, ab)
    values = torch.cat([(lightness + 1) * 50, ab * 110], 1)[0].permute(1, 2, 0).numpy()
    with warnings.catch_warnings(action="ignore"):  # scikit-image says that it clips, too
        expected = lab2rgb(values.astype(float)).clip(0, 1)
    assert np.abs((made[0].permute(1, 2, 0).numpy() + 1) / 2 - expected).max() < 0.01
    assert made.abs().max().item() <= 1


def test_gradients_are_finite_at_black_and_white():
    pictures = torch.tensor([-1.0, 1.0]).view(1, 1, 1, 2).repeat(1, 3, 1, 1).requires_grad_()
    lightness, ab = to_lab(pictures)
    (lightness.sum() + ab.sum() + from_lab(lightness, ab).sum()).backward()
    assert pictures.grad is not None
    assert torch.isfinite(pictures.grad).all()
