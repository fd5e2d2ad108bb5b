"""PSNR and SSIM on Y against scikit-image, and against the published table of bicubic upscaling."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch
from skimage import data
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from translate.data.bicubic import imresize
from translate.errors import UsageError
from translate.metrics.superres import luma, protocols, resolved


def to_float(levels: np.ndarray) -> torch.Tensor:
    """uint8 (H, W) or (H, W, C) to float (1, C, H, W)."""
    planes = np.atleast_3d(levels).transpose(2, 0, 1)[None]
    return torch.from_numpy(planes.astype(np.float32)) / 127.5 - 1


def photo_and_noisy() -> tuple[np.ndarray, np.ndarray]:
    photo = data.astronaut()[100:160, 150:230]
    noise = np.random.default_rng(0).normal(0, 12, photo.shape)
    return photo, (photo + noise).clip(0, 255).astype(np.uint8)


def reference(x: np.ndarray, y: np.ndarray, **options) -> tuple[float, float]:
    similarity = structural_similarity(
        y, x, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, **options
    )
    return peak_signal_noise_ratio(y, x, data_range=255), similarity


def test_agrees_with_scikit_image():
    photo, noisy = photo_and_noisy()
    made = resolved(to_float(noisy), to_float(photo), border=3)
    x, y = (p[3:-3, 3:-3].astype(float) for p in (noisy, photo))
    on_y = reference(*(rgb2ycbcr(p / 255)[..., 0] for p in (x, y)))
    on_rgb = reference(x, y, channel_axis=2)
    assert (made.psnr_y.item(), made.ssim_y.item()) == pytest.approx(on_y, abs=1e-5)
    assert (made.psnr_rgb.item(), made.ssim_rgb.item()) == pytest.approx(on_rgb, abs=1e-5)


def test_grey_is_its_own_luma():
    photo, noisy = (p[..., 1] for p in photo_and_noisy())
    made = resolved(to_float(noisy), to_float(photo), border=4)
    expected = reference(*(p[4:-4, 4:-4].astype(float) for p in (noisy, photo)))
    assert (made.psnr_y.item(), made.ssim_y.item()) == pytest.approx(expected, abs=1e-5)
    assert torch.equal(made.psnr_y, made.psnr_rgb)
    as_rgb = resolved(*(to_float(np.dstack([p] * 3)) for p in (noisy, photo)), border=4)
    assert as_rgb.psnr_y.item() - made.psnr_y.item() == pytest.approx(20 * math.log10(255 / 219), abs=1e-3)


def test_luma_of_the_corners():
    corners = torch.tensor([[0.0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]])
    expected = [16, 235, 81.481, 144.553, 40.966]  # BT.601
    assert luma(corners[..., None, None]).flatten().tolist() == pytest.approx(expected, abs=1e-4)


def test_pictures_are_rounded_and_clipped_to_8_bits():
    photo = to_float(photo_and_noisy()[0])
    made = resolved(photo + 0.9 / 255, photo, border=2)
    assert made.psnr_y.tolist() == [math.inf]
    assert made.ssim_y.item() == pytest.approx(1)
    bright = to_float(np.full((30, 30, 3), 255, np.uint8))
    assert resolved(bright * 3, bright, border=0).psnr_rgb.tolist() == [math.inf]


def test_the_border_is_left_out_and_not_more():
    photo = to_float(photo_and_noisy()[0])
    framed = photo.clone()
    framed[..., :4, :], framed[..., -4:, :], framed[..., :4], framed[..., -4:] = 1, 1, 1, 1
    assert resolved(framed, photo, border=4).psnr_y.tolist() == [math.inf]
    assert resolved(framed, photo, border=3).psnr_y.item() < 30


def test_every_picture_counts_on_its_own():
    photo, noisy = (to_float(p) for p in photo_and_noisy())
    together = resolved(torch.cat([noisy, photo]), torch.cat([photo, photo]), border=0)
    assert together.psnr_y.tolist() == [resolved(noisy, photo, border=0).psnr_y.item(), math.inf]


@pytest.mark.parametrize("channels", [1, 3])
def test_protocols_name_what_is_measured(channels):
    names = protocols(channels, 4)
    photo = torch.zeros(1, channels, 32, 32)
    assert set(names) == set(vars(resolved(photo, photo, border=4)))
    assert all("4 pixels of border left out" in name and "8-bit" in name for name in names.values())
    assert ("Y (BT.601" in names["psnr_y"]) == (channels == 3)
    assert ("RGB" in names["ssim_rgb"]) == (channels == 3)


def test_refusals():
    with pytest.raises(UsageError, match="19×19 is the least"):
        resolved(torch.zeros(1, 3, 18, 40), torch.zeros(1, 3, 18, 40), border=4)
    with pytest.raises(UsageError, match="one shape"):
        resolved(torch.zeros(1, 3, 40, 40), torch.zeros(1, 1, 40, 40), border=4)
    with pytest.raises(UsageError, match="2 channels"):
        resolved(torch.zeros(1, 2, 40, 40), torch.zeros(1, 2, 40, 40), border=4)


# Published with the files (Huang, Singh and Ahuja 2015).
@pytest.mark.parametrize(
    ("name", "scale", "psnr", "ssim"),
    [
        ("set5", 2, 33.66, 0.9299),
        ("set5", 4, 28.42, 0.8104),
        ("set14", 4, 26.00, 0.7027),
        pytest.param("bsd100", 4, 25.96, 0.6675, marks=pytest.mark.slow),
    ],
)
def test_bicubic_upscaling_gives_the_published_table(shared_data, name, scale, psnr, ssim):
    values = []
    for path in sorted((shared_data / name / f"x{scale}" / "HR").iterdir()):
        large = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        small = cv2.imread(str(path.parents[1] / "LR" / path.name), cv2.IMREAD_UNCHANGED)
        pair = (to_float(p[..., ::-1].copy() if p.ndim == 3 else p) for p in (imresize(small, scale), large))
        made = resolved(*pair, border=scale)
        values.append((made.psnr_y.item(), made.ssim_y.item()))
    means = np.mean(values, 0)
    assert means[0] == pytest.approx(psnr, abs=0.02)
    assert means[1] == pytest.approx(ssim, abs=0.001)
