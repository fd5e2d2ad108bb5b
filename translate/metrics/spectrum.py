"""Checkerboards and other things that a spectrum shows: what transposed convolutions leave in pictures.

Pictures are float `(B, 1 or 3, H, W)` in [-1, 1], clamped, measured on [0, 1] and each channel by itself, as
sums over pictures that can be added up (`Spectra`), so that no more than a batch is held at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from translate.errors import UsageError
from translate.metrics.evaluate import Score
from translate.metrics.fidelity import to_unit

SIDE = 32  # pixels, of the windows
PERIODS = (2, 4)  # of the lattices that one and two layers of stride 2 leave
_STEP = SIDE // 2
_GAP, _REACH = 2, 3  # bins: a Hann window spreads a frequency to those beside it, and no further
_TINY = 1e-20


@dataclass(frozen=True)
class Spectra:
    """The mean power spectrum of windows, over pictures.

    Attributes:
        power: float64 (32, 32), |Σ w·x·e^(−2πi(ux + vy)/32)|² / (Σ w)², mean over windows, channels and
            pictures; a wave of amplitude a has a²/4 at its frequency and at the opposite one.
        pictures: how many.
    """

    power: Tensor
    pictures: int

    def __add__(self, other: Spectra) -> Spectra:
        count = self.pictures + other.pictures
        return Spectra((self.power * self.pictures + other.power * other.pictures) / count, count)


def spectra(pictures: Tensor) -> Spectra:
    """The mean power spectrum of pictures (Welch 1967: windows of 32 pixels that overlap by half, Hann).

    Args:
        pictures: float (B, 1 or 3, H, W) in [-1, 1], at least 32 pixels high and wide.

    Raises:
        UsageError: no such pictures.
    """
    if pictures.ndim != 4 or not pictures.numel() or min(pictures.shape[-2:]) < SIDE:
        raise UsageError(
            f"spectra are of pictures (B, C, H, W) of at least {SIDE}×{SIDE} pixels, these are "
            f"{tuple(pictures.shape)}."
        )
    x = to_unit(pictures).double()
    if not torch.isfinite(x).all():
        raise UsageError("pictures to compare hold NaN or infinity; the model or its input is broken.")
    windows = x.unfold(2, SIDE, _STEP).unfold(3, SIDE, _STEP)  # (B, C, rows, columns, 32, 32)
    hann = torch.hann_window(SIDE, periodic=True, dtype=torch.float64, device=x.device)
    weight = hann[:, None] * hann / hann.sum().square()
    # Less its mean, a window has nothing at frequency 0 that could reach the others.
    power = torch.fft.fft2((windows - windows.mean((-2, -1), keepdim=True)) * weight).abs().square()
    return Spectra(power.mean((0, 1, 2, 3)).cpu(), len(pictures))


def lattice_amplitude(found: Spectra, period: int) -> float:
    """The root mean square of what repeats every `period` pixels in both directions, on [0, 1].

    By Parseval's theorem: the root of the power summed over the frequencies that are multiples of 1/period,
    but 0. Odena et al. 2016, "Deconvolution and checkerboard artifacts", show such lattices. Real pictures
    have some power there, too: compare with theirs.
    """
    return math.sqrt(sum(float(found.power[u, v]) for u, v in _multiples(period)))


def lattice_excess(outputs: Spectra, real: Spectra, period: int) -> Score:
    """How much more a lattice of this period stands out in outputs than in real pictures, in dB.

    How far a frequency stands out is its power over the mean power of the ring of frequencies about it, 2
    and 3 bins away, so that neither noise nor (but for a few dB) blur counts. The mean of that over the
    frequencies that are multiples of 1/period, those of shorter periods left out, is taken of both sets: 0 dB
    where they are alike.

    Args:
        period: 2 or 4, in pixels; transposed convolutions of stride 2 leave these (Odena et al. 2016).
    """
    shorter = {one for other in range(2, period) if period % other == 0 for one in _multiples(other)}
    frequencies = [one for one in _multiples(period) if one not in shorter]
    ratio = [
        sum(float(side.power[one]) / (_around(side.power, one) + _TINY) for one in frequencies)
        for side in (outputs, real)
    ]
    return Score(
        10 * math.log10((ratio[0] + _TINY) / (ratio[1] + _TINY)),
        outputs.pictures,
        f"lattice of period {period}, in dB over the real pictures: power at its frequencies against that "
        f"around them, {_how(outputs, real)}",
    )


def spectral_distance(outputs: Spectra, real: Spectra) -> Score:
    """The mean absolute difference of azimuthally averaged power spectra, in dB; 0 where they are alike.

    Durall et al. 2020, "Watch your up-convolution: CNN based generative deep neural networks are failing to
    reproduce spectral distributions", eq. 3 to 5, here of windows and as a number instead of a curve.
    """
    ours, theirs = (10 * torch.log10(azimuthal(side) + _TINY) for side in (outputs, real))
    return Score(
        float((ours - theirs).abs().mean()),
        outputs.pictures,
        f"spectral distance: mean absolute difference in dB of azimuthally averaged power, 1 to "
        f"{SIDE // 2} cycles a window, {_how(outputs, real)}",
    )


def azimuthal(found: Spectra) -> Tensor:
    """The mean power at a distance of 1, 2, … 16 cycles a window from frequency 0, rounded: float64 (16,)."""
    cycles = torch.fft.fftfreq(SIDE, 1 / SIDE, dtype=torch.float64)
    radius = torch.hypot(cycles[:, None], cycles).round()
    return torch.stack([found.power[radius == r].mean() for r in range(1, SIDE // 2 + 1)])


def _multiples(period: int) -> list[tuple[int, int]]:
    """Bins of the frequencies that are multiples of 1/period in both directions, but 0."""
    if period < 2 or SIDE % period:
        raise ValueError(f"a lattice's period divides {SIDE} and is at least 2; this is {period}.")
    bins = range(0, SIDE, SIDE // period)
    return [(u, v) for u in bins for v in bins if u or v]


def _around(power: Tensor, centre: tuple[int, int]) -> float:
    offsets = range(-_REACH, _REACH + 1)
    ring = [(i, j) for i in offsets for j in offsets if max(abs(i), abs(j)) >= _GAP]
    values = [float(power[(centre[0] + i) % SIDE, (centre[1] + j) % SIDE]) for i, j in ring]
    return sum(values) / len(values)


def _how(outputs: Spectra, real: Spectra) -> str:
    return (
        f"windows of {SIDE}x{SIDE} pixels that overlap by half, Hann; {outputs.pictures} outputs, "
        f"{real.pictures} real"
    )
