"""Lattices are found with their amplitude, by Parseval; real pictures have none beyond those of others."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from translate.errors import UsageError
from translate.metrics.spectrum import (
    PERIODS,
    SIDE,
    azimuthal,
    lattice_amplitude,
    lattice_excess,
    spectra,
    spectral_distance,
)

AT = torch.arange(64)


@pytest.fixture(scope="module")
def photographs() -> tuple[torch.Tensor, torch.Tensor]:
    """Crops of two real pictures, 40 of each, (40, 3, 64, 64) float in [-0.9, 0.9]."""
    data = pytest.importorskip("skimage.data")
    sets = []
    for picture in (data.coffee(), data.chelsea()):
        pixels = torch.from_numpy(picture.copy()).permute(2, 0, 1).float()[None] / 127.5 - 1
        crops = F.unfold(pixels[:, :, :300, :430], 64, stride=46)[0].T.reshape(-1, 3, 64, 64)
        sets.append(0.9 * crops[:40])
    both = torch.cat(sets)
    return both[::2], both[1::2]


def noise(count: int, seed: int = 0) -> torch.Tensor:
    return 0.2 * torch.randn(count, 3, 64, 64, generator=torch.Generator().manual_seed(seed))


DOWN, ACROSS = torch.tensor([0.9, 0.1, -0.7, -0.3]), torch.tensor([1.0, 1.0, 0.0, -2.0])
LATTICES = {
    "checkerboard": ((AT[:, None] + AT) % 2 * 2 - 1.0, 2),
    "stripes": ((AT % 2 * 2 - 1.0).expand(64, -1), 2),
    "cells of 4": (torch.outer(DOWN.repeat(16), ACROSS.repeat(16)), 4),
}


@pytest.mark.parametrize("name", LATTICES)
def test_a_lattice_is_found_with_its_amplitude(name):
    lattice, period = LATTICES[name]
    pictures = (0.2 * lattice).expand(2, 3, 64, 64)
    # On [0, 1] the pattern is half as strong; by Parseval its power is its variance.
    expected = 0.1 * float(lattice.std(correction=0))
    assert lattice_amplitude(spectra(pictures), period) == pytest.approx(expected, rel=1e-6)
    assert lattice_amplitude(spectra(pictures), 4) == pytest.approx(expected, rel=1e-6)


def test_a_pattern_of_period_4_alone_is_none_of_period_2():
    wave = 0.2 * torch.cos(2 * math.pi * AT / 4).expand(1, 1, 64, 64)
    found = spectra(wave)
    assert lattice_amplitude(found, 2) == pytest.approx(0, abs=1e-6)
    assert lattice_amplitude(found, 4) == pytest.approx(0.1 / math.sqrt(2), rel=1e-6)
    assert float(found.power[0, 8]) == pytest.approx(0.1**2 / 4, rel=1e-6)


def test_what_has_no_lattice_has_no_amplitude():
    waves = 0.5 * torch.cos(2 * math.pi * 5 * AT / 32)[:, None] * torch.cos(2 * math.pi * 3 * AT / 32)
    assert lattice_amplitude(spectra(waves.expand(1, 1, 64, 64)), 4) == pytest.approx(0, abs=1e-6)
    assert lattice_amplitude(spectra(torch.full((1, 1, 64, 64), 0.3)), 4) == 0


@pytest.mark.parametrize(("amplitude", "least"), [(0.02, 2), (0.05, 8), (0.1, 14)])
@pytest.mark.parametrize("period", PERIODS)
def test_a_lattice_stands_out_from_real_pictures(photographs, period, amplitude, least):
    some, others = photographs
    board = ((AT[:, None] * 2 // period + AT * 2 // period) % 2 * 2 - 1.0) * amplitude
    none = lattice_excess(spectra(some), spectra(others), period).mean
    found = lattice_excess(spectra(some + board), spectra(others), period).mean
    assert abs(none) < 1
    assert found > (least if period == 2 else least / 2)
    # The other period doesn't see it.
    other = next(one for one in PERIODS if one != period)
    assert abs(lattice_excess(spectra(some + board), spectra(others), other).mean) < 1.5


def test_transposed_convolutions_of_uneven_overlap_stand_out_more_than_even_ones(photographs):
    """A kernel of 3 at stride 2 covers pixels one, two or four times (Odena et al. 2016)."""
    some, others = photographs
    half = F.interpolate(some, scale_factor=0.5, mode="bilinear", antialias=True)
    uneven = F.conv_transpose2d(
        half, torch.full((3, 1, 3, 3), 4 / 9), stride=2, padding=1, output_padding=1, groups=3
    )
    even = F.conv_transpose2d(half, torch.full((3, 1, 4, 4), 4 / 16), stride=2, padding=1, groups=3)
    excess = [lattice_excess(spectra(side), spectra(others), 2).mean for side in (uneven, even)]
    assert excess[0] > 10
    assert excess[1] < excess[0] - 6


def test_the_power_of_white_noise_is_flat_and_adds_up():
    found = spectra(noise(60))
    # Less its weighted mean at frequency 0, what stays is the variance times the window's gain.
    window = torch.hann_window(SIDE, dtype=torch.float64)
    gain = float((window.square().sum() / window.sum().square()) ** 2)
    np.testing.assert_allclose(azimuthal(found)[2:].numpy(), 0.1**2 * gain, rtol=0.06)
    assert spectral_distance(found, spectra(noise(60, seed=1))).mean < 0.3


def test_one_window_by_numpy():
    picture = noise(1)[:, :1, :SIDE, :SIDE]
    x = (picture[0, 0].double().numpy() + 1) / 2
    window = np.hanning(SIDE + 1)[:-1]
    weight = np.outer(window, window) / window.sum() ** 2
    power = np.abs(np.fft.fft2((x - x.mean()) * weight)) ** 2
    found = spectra(picture)
    np.testing.assert_allclose(found.power.numpy(), power, rtol=1e-4, atol=1e-12)
    expected = []
    for radius in range(1, 17):
        ring = [
            power[u, v]
            for u in range(SIDE)
            for v in range(SIDE)
            if round(math.hypot(min(u, SIDE - u), min(v, SIDE - v))) == radius
        ]
        expected.append(np.mean(ring))
    np.testing.assert_allclose(azimuthal(found).numpy(), expected, rtol=1e-4)


def test_a_factor_is_a_distance_in_decibels():
    found = spectra(noise(4))
    brighter = spectra(0.5 * noise(4))
    assert spectral_distance(brighter, found).mean == pytest.approx(20 * math.log10(2), rel=1e-3)
    assert spectral_distance(found, found).mean == 0
    assert [lattice_excess(brighter, found, period).mean for period in PERIODS] == pytest.approx(
        [0, 0], abs=1e-2
    )


def test_parts_add_up_to_the_whole():
    pictures = noise(7)
    whole, parts = spectra(pictures), spectra(pictures[:5]) + spectra(pictures[5:])
    assert parts.pictures == 7
    torch.testing.assert_close(parts.power, whole.power)
    protocol = lattice_excess(parts, whole, 4).protocol
    assert "lattice of period 4" in protocol
    assert "windows of 32x32 pixels that overlap by half, Hann; 7 outputs, 7 real" in protocol


def test_pictures_without_a_spectrum():
    with pytest.raises(UsageError, match=r"at least 32×32 pixels, these are \(1, 3, 31, 64\)"):
        spectra(torch.zeros(1, 3, 31, 64))
    with pytest.raises(UsageError, match="NaN"):
        spectra(torch.full((1, 3, 32, 32), torch.nan))
    with pytest.raises(ValueError, match="period divides 32"):
        lattice_amplitude(spectra(torch.zeros(1, 1, 32, 32)), 3)
