"""Every step against an independent computation, and on a device against the pixels of a worker."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import correlate
from scipy.special import j1
from scipy.stats import kstest, poisson
from skimage import data

from translate.data.degrade import noise
from translate.data.degrade.kernels import Gaussian, Motion, Plateau, Sinc
from translate.data.degrade.steps import (
    Bicubic,
    Blur,
    GaussianNoise,
    Jpeg,
    PoissonNoise,
    Resize,
    apply,
    apply_batch,
)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """uint8 (3, 61, 83), sides that no block divides."""
    return np.ascontiguousarray(data.astronaut()[60:121, 150:233].transpose(2, 0, 1))


def on_device(step, planes: np.ndarray) -> np.ndarray:
    return apply_batch([[step]], torch.from_numpy(planes)[None])[0].numpy()


def difference(step, planes: np.ndarray) -> np.ndarray:
    return np.abs(apply([step], planes).astype(int) - on_device(step, planes))


KERNELS = [
    Gaussian(9, (1.3, 1.3)),
    Gaussian(15, (2.5, 0.7), 0.6),
    Gaussian(11, (2, 1), -0.4, power=0.6),
    Plateau(11, (1.5, 1.5), power=1.6),
    Sinc(13, 1.5),
    Motion(12.5, 0.8),
]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: type(k).__name__)
def test_blur_is_a_correlation_with_a_mirrored_border(photo, kernel):
    weights = kernel.weights()
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert np.allclose(weights, weights[::-1, ::-1], atol=1e-6)  # so it moves nothing
    expected = np.stack([correlate(plane.astype(float), weights, mode="mirror") for plane in photo])
    made = apply([Blur(kernel)], photo)
    assert np.abs(made - expected.clip(0, 255)).max() <= 1
    assert difference(Blur(kernel), photo).max() <= 1


def test_shapes_of_the_kernels():
    line = cv2.getGaussianKernel(21, 2.0)
    whole, own = line @ line.T, Gaussian(21, (2.0, 2.0)).weights()
    assert len(own) < 21  # trimmed
    cut = (21 - len(own)) // 2
    assert np.abs(own - whole[cut : 21 - cut, cut : 21 - cut]).max() < 1e-4
    wide = Gaussian(21, (3, 1)).weights()
    moment = np.arange(len(wide)) - len(wide) // 2
    assert (wide.sum(0) * moment**2).sum() == pytest.approx(9, rel=0.1)
    assert (wide.sum(1) * moment**2).sum() == pytest.approx(1, rel=0.1)
    turned = Gaussian(21, (3, 1), np.pi / 2).weights()
    assert np.allclose(turned, wide.T, atol=1e-6)
    sinc = Sinc(7, 2.0).weights()
    assert sinc[3, 5] / sinc[3, 3] == pytest.approx(2 * j1(2.0 * 2) / (2.0 * 2), rel=1e-4)
    assert (sinc < 0).any()


def test_motion_is_a_line():
    level = Motion(9, 0.0).weights()
    assert level.shape == (11, 11)
    assert level[5].sum() == pytest.approx(1)
    assert level[5, 1:10] == pytest.approx(1 / 9, abs=0.02)
    upright = Motion(9, np.pi / 2).weights()
    assert np.allclose(upright, level.T, atol=1e-6)


@pytest.mark.parametrize("interpolation", ["area", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(30, 41), (61, 40), (90, 110), (7, 200)])
def test_resizing_on_a_device(photo, interpolation, size):
    step = Resize(size, interpolation)
    assert apply([step], photo).shape == (3, *size)
    assert difference(step, photo).max() <= 1


def test_resizing_by_area_is_a_mean(photo):
    even = photo[:, :60, :80]
    made = apply([Resize((30, 40), "area")], even)
    expected = even.reshape(3, 30, 2, 40, 2).mean((2, 4))
    assert np.abs(made - expected).max() <= 0.5


def test_bicubic_on_a_device(photo):
    assert difference(Bicubic(1 / 4), photo).max() == 0
    assert apply([Bicubic(1 / 4)], photo).shape == (3, 16, 21)


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_noise_on_a_device(photo, grey, channels):
    for step in (GaussianNoise(20.0, grey, 12345), PoissonNoise(2.0, grey, noise.TABLE - 7)):
        assert difference(step, photo[:channels]).max() <= 1


def test_gaussian_noise_is_what_it_says():
    flat = np.full((3, 200, 200), 128, np.uint8)
    added = apply([GaussianNoise(20.0, False, 3)], flat).astype(float) - 128
    assert added.std() == pytest.approx(20, rel=0.01)
    assert added.mean() == pytest.approx(0, abs=0.2)
    assert kstest(noise.normals()[:20000], "norm").pvalue > 0.01
    covariance = np.corrcoef(added.reshape(3, -1))
    assert np.abs(covariance - np.eye(3)).max() < 0.02
    beside = np.corrcoef(added[:, :, :-1].ravel(), added[:, :, 1:].ravel())[0, 1]
    assert abs(beside) < 0.02
    grey = apply([GaussianNoise(20.0, True, 3)], flat)
    assert (grey[0] == grey[1]).all()
    assert (grey[0] == grey[2]).all()


@pytest.mark.parametrize("level", [3, 40, 200])
def test_poisson_noise_is_what_it_says(level):
    flat = np.full((1, 300, 300), level, np.uint8)
    counts = apply([PoissonNoise(1.0, False, 17)], flat)
    assert counts.mean() == pytest.approx(level, rel=0.01)
    if level < 200:  # the top of the others' distribution is clipped at white
        assert counts.var() == pytest.approx(level, rel=0.03)
    for count in (level - 2, level, level + 1):
        assert (counts == count).mean() == pytest.approx(poisson.pmf(count, level), abs=0.006)
    stronger = apply([PoissonNoise(2.0, False, 17)], flat).astype(float) - level
    if level == 40:
        assert stronger.std() == pytest.approx(2 * np.sqrt(level), rel=0.02)


def test_noise_goes_round_the_table():
    shape = (1100, 1000, 1)
    whole = noise.window(noise.normals(), 5, shape).ravel()
    assert np.array_equal(whole[: noise.TABLE - 5], noise.normals()[5:])
    assert np.array_equal(whole[noise.TABLE - 5 : noise.TABLE], noise.normals()[:5])
    assert not np.array_equal(noise.window(noise.normals(), 6, (9,)), noise.window(noise.normals(), 7, (9,)))


@pytest.mark.parametrize("quality", [10, 35, 75, 95])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_that_of_pillow_and_nearly_so_on_a_device(photo, quality, channels):
    planes = photo[:channels]
    picture = Image.fromarray(planes[0] if channels == 1 else planes.transpose(1, 2, 0))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    expected = np.atleast_3d(np.asarray(Image.open(file))).transpose(2, 0, 1)
    made = apply([Jpeg(quality)], planes)
    assert np.abs(made.astype(int) - expected).mean() < 0.05
    apart = difference(Jpeg(quality), planes)
    assert apart.mean() < 0.7  # a coefficient in a hundred is next to a tie, and falls the other way
    assert apart.mean() < np.abs(made.astype(int) - planes).mean() / 3


def test_a_picture_thinner_than_the_kernel(photo):
    thin = np.ascontiguousarray(photo[:, :3, :2])
    assert difference(Blur(Gaussian(15, (3.0, 2.0), 0.3)), thin).max() <= 1


def test_crops_stay_as_they_were(photo):
    before = photo.copy()
    for step in (Blur(KERNELS[0]), GaussianNoise(5, True, 0), Jpeg(50), Resize((61, 83), "area")):
        apply([step], photo)
    assert np.array_equal(photo, before)
