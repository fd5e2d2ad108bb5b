"""L1, PSNR and SSIM against scikit-image, and against what they must be by their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from translate.errors import UsageError
from translate.metrics.fidelity import fidelity, protocols


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """Three real pictures, (3, 3, 96, 120), float in [-1, 1]."""
    crops = [p[100:196, 150:270] for p in (data.astronaut(), data.coffee(), data.chelsea())]
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 127.5 - 1


def _worsened(pictures: torch.Tensor) -> torch.Tensor:
    """Another fault in each: noise, blur, and a shift of light."""
    noise = torch.randn(pictures[0].shape, generator=torch.Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(pictures[1:2], 5, 1, 2)[0]
    return torch.stack([pictures[0] + 0.15 * noise, blurred, pictures[2] * 0.8 + 0.1]).clamp(-1, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_agrees_with_scikit_image(pictures, channels):
    truth = pictures[:, :channels]
    outputs = _worsened(pictures)[:, :channels]
    values = fidelity(outputs, truth)
    for i in range(3):
        x, y = (((p[i].double() + 1) / 2).numpy() for p in (outputs, truth))
        assert float(values.l1[i]) == pytest.approx(np.abs(x - y).mean(), rel=1e-5)
        assert float(values.psnr[i]) == pytest.approx(peak_signal_noise_ratio(y, x, data_range=1), rel=1e-6)
        ssim = structural_similarity(
            y,
            x,
            channel_axis=0,
            data_range=1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        assert float(values.ssim[i]) == pytest.approx(ssim, abs=5e-5)


def test_constant_difference_has_a_closed_form():
    # x = 0.5, y = 0.75 on [0, 1]: SSIM is its luminance term, (2·x·y + c₁) / (x² + y² + c₁), c₁ = 0.01².
    outputs, truth = torch.full((2, 3, 16, 16), 0.0), torch.full((2, 3, 16, 16), 0.5)
    values = fidelity(outputs, truth)
    assert values.l1.tolist() == [0.25, 0.25]
    assert values.psnr.tolist() == pytest.approx([-20 * math.log10(0.25)] * 2)
    assert values.ssim.tolist() == pytest.approx([(0.75 + 1e-4) / (0.25 + 0.5625 + 1e-4)] * 2, abs=1e-3)


def test_equal_pictures(pictures):
    values = fidelity(pictures, pictures.clone())
    assert values.l1.tolist() == [0, 0, 0]
    assert values.psnr.tolist() == [math.inf] * 3
    assert values.ssim.tolist() == pytest.approx([1, 1, 1])


def test_values_beyond_the_range_count_as_its_ends(pictures):
    bright = pictures + 0.5
    assert torch.equal(fidelity(bright, pictures).l1, fidelity(bright.clamp(-1, 1), pictures).l1)


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 4), st.integers(11, 40), st.integers(11, 40), st.integers(0, 2**16))
def test_every_picture_is_measured_on_its_own(count, height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    x, y = (torch.rand(count, 3, height, width, generator=generator) * 2 - 1 for _ in range(2))
    together = fidelity(x, y)
    for i in range(count):
        alone = fidelity(x[i : i + 1], y[i : i + 1])
        for name in ("l1", "psnr", "ssim"):
            assert float(getattr(together, name)[i]) == pytest.approx(float(getattr(alone, name)), abs=1e-5)


def test_order_of_output_and_truth_does_not_matter(pictures):
    there, back = fidelity(_worsened(pictures), pictures), fidelity(pictures, _worsened(pictures))
    assert torch.allclose(there.ssim, back.ssim, atol=1e-6)
    assert torch.allclose(there.psnr, back.psnr)


def test_protocols_say_colour_range_and_window():
    rgb, grey = protocols(3), protocols(1)
    assert rgb["psnr"] == "PSNR in dB, RGB, range [0, 1], mean over pictures"
    assert "Gaussian 11x11, sigma 1.5" in rgb["ssim"]
    assert grey["l1"] == "L1, grey, range [0, 1], mean over pictures"


@pytest.mark.parametrize(
    ("outputs", "targets", "says"),
    [
        (torch.zeros(1, 3, 16, 16), torch.zeros(1, 1, 16, 16), "one shape"),
        (torch.zeros(3, 16, 16), torch.zeros(3, 16, 16), "(B, C, H, W)"),
        (torch.zeros(0, 3, 16, 16), torch.zeros(0, 3, 16, 16), "(B, C, H, W)"),
        (torch.zeros(1, 3, 10, 16), torch.zeros(1, 3, 10, 16), "16×10 pixels are smaller"),
        (torch.full((1, 3, 16, 16), math.nan), torch.zeros(1, 3, 16, 16), "NaN"),
    ],
)
def test_what_cannot_be_measured_is_refused(outputs, targets, says):
    with pytest.raises(UsageError, match=says.replace("(", r"\(").replace(")", r"\)")):
        fidelity(outputs, targets)
