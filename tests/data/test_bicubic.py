"""MATLAB's bicubic, against the files that MATLAB made, and against a slow loop."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch

from translate.data import bicubic
from translate.data.bicubic import imresize, imresize_batch


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def cubic(x: float) -> float:
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def slow_line(line: list[int], scale: float, mirror: bool) -> list[int]:
    """One line of one channel, pixel by pixel."""
    side, shrink, made = len(line), min(1.0, scale), []
    for o in range(math.ceil(side * scale)):
        centre = (o + 0.5) / scale - 0.5
        reach = math.ceil(2 / shrink) + 1
        total = weight_sum = 0.0
        for place in range(math.floor(centre) - reach, math.floor(centre) + reach + 2):
            weight = cubic((place - centre) * shrink)
            inside = place
            while not 0 <= inside < side:
                inside = (
                    (-1 - inside if inside < 0 else 2 * side - 1 - inside)
                    if mirror
                    else (0 if inside < 0 else side - 1)
                )
            total += weight * line[inside]
            weight_sum += weight
        made.append(min(255, max(0, math.floor(total / weight_sum + 0.5))))
    return made


def slow(pixels: np.ndarray, scale: float, mirror: bool) -> np.ndarray:
    rows = np.array([slow_line(column.tolist(), scale, mirror) for column in pixels.T]).T
    return np.array([slow_line(row.tolist(), scale, mirror) for row in rows])


@pytest.mark.parametrize("scale", [0.25, 0.5, 1 / 3, 0.4, 2, 3, 4, 1.7, 1])
@pytest.mark.parametrize("border", ["symmetric", "replicate"])
def test_equals_a_loop_over_every_pixel(scale, border):
    pixels = noise(17, 12)
    expected = slow(pixels, scale, border == "symmetric")
    assert np.array_equal(imresize(pixels, scale, border=border), expected)


def test_a_picture_smaller_than_the_kernel_is_mirrored_again_and_again():
    assert np.array_equal(imresize(noise(3, 2), 0.25), slow(noise(3, 2), 0.25, True))


@pytest.mark.parametrize("scale", [0.25, 3])
def test_layouts_agree(scale):
    pixels = noise(20, 31, 3)
    interleaved = imresize(pixels, scale)
    planar = imresize(pixels.transpose(2, 0, 1), scale, planar=True)
    assert np.array_equal(planar.transpose(1, 2, 0), interleaved)
    assert planar.flags.c_contiguous
    assert interleaved.flags.c_contiguous
    for channel in range(3):
        assert np.array_equal(imresize(pixels[..., channel], scale), interleaved[..., channel])


@pytest.mark.parametrize(("scale", "tolerance"), [(0.25, 0), (0.5, 0), (2, 0), (4, 0), (1 / 3, 1), (3, 1)])
def test_a_batch_on_a_device_gives_the_same_pixels(scale, tolerance):
    pictures = noise(2, 3, 24, 36)
    expected = np.stack([imresize(picture, scale, planar=True) for picture in pictures])
    made = imresize_batch(torch.from_numpy(pictures), scale).numpy()
    assert np.abs(made.astype(int) - expected).max() <= tolerance


def test_flat_stays_flat_and_sums_are_exact_where_promised():
    assert (imresize(np.full((9, 13, 3), 201, np.uint8), 0.3) == 201).all()
    for scale in (0.25, 0.5, 2, 4):
        assert bicubic.taps(48, scale).weights.dtype == np.float32
    assert bicubic.taps(48, 1 / 3).weights.dtype == np.float64


def test_a_third_of_a_multiple_of_three_is_whole():
    assert [bicubic.scaled(side, 1 / 3) for side in range(3, 3000, 3)] == list(range(1, 1000))
    assert bicubic.scaled(10, 1 / 4) == 3


def test_senseless_arguments():
    with pytest.raises(ValueError, match="positive"):
        imresize(noise(4, 4), 0)
    with pytest.raises(ValueError, match="uint8"):
        imresize(noise(4, 4).astype(float), 2)
    with pytest.raises(ValueError, match="symmetric or replicate"):
        imresize(noise(4, 4), 2, border="wrap")  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "scale"), [("set5", 2), ("set5", 4), ("set14", 4), ("bsd100", 4)])
def test_the_distributed_files(shared_data, name, scale):
    """With the older releases' border in every pixel; with today's, 4 pixels away from the border."""
    pairs = sorted((shared_data / name / f"x{scale}" / "HR").iterdir())
    assert len(pairs) == {"set5": 5, "set14": 14, "bsd100": 100}[name]
    for path in pairs:
        large = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        small = cv2.imread(str(path.parents[1] / "LR" / path.name), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(imresize(large, 1 / scale, border="replicate"), small), path
        made = imresize(large, 1 / scale)
        assert np.array_equal(made[4:-4, 4:-4], small[4:-4, 4:-4]), path
