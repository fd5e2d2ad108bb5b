"""What is drawn: the same for a seed, within the ranges that the page names, at their rates."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data

from translate.data.bicubic import imresize
from translate.data.degrade import draws
from translate.data.degrade.kernels import Gaussian, Motion, Plateau, Sinc
from translate.data.degrade.steps import Blur, GaussianNoise, Jpeg, PoissonNoise, Resize, apply, apply_batch

MANY = 600


@pytest.fixture(scope="module")
def crop() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[60:124, 150:214].transpose(2, 0, 1))


@pytest.fixture(scope="module")
def drawn() -> list[draws.Steps]:
    return [draws.realistic(random.Random(seed), (64, 96), 4) for seed in range(MANY)]


def test_classical_is_matlabs(crop):
    made = apply(draws.classical(4), crop)
    assert np.array_equal(made, imresize(crop, 1 / 4, planar=True))


@pytest.mark.parametrize("name", [*draws.DRAWS, "realistic"])
def test_a_seed_is_a_degradation(crop, name):
    def draw(seed: int) -> draws.Steps:
        rng = random.Random(seed)
        return draws.realistic(rng, (64, 64), 2) if name == "realistic" else draws.DRAWS[name](rng)

    assert draw(3) == draw(3)
    assert draw(3) != draw(9)
    assert np.array_equal(apply(draw(3), crop), apply(draw(3), crop))
    assert not np.array_equal(apply(draw(3), crop), apply(draw(9), crop))


def test_realistic_ends_at_the_right_size(drawn, crop):
    for steps in drawn[:40]:
        size = (64, 96)
        for step in steps:
            size = step.size if isinstance(step, Resize) else size
        assert size == (16, 24)
    assert apply(draws.realistic(random.Random(1), (64, 64), 4), crop).shape == (3, 16, 16)
    with pytest.raises(ValueError, match="4 times smaller"):
        draws.realistic(random.Random(0), (63, 64), 4)


def test_realistic_keeps_to_the_published_order(drawn):
    letters = {Blur: "b", Resize: "r", GaussianNoise: "n", PoissonNoise: "n", Jpeg: "j"}
    pattern = re.compile("brnj" + "b?rn" + "(rb?j|jrb?)")
    words = ["".join(letters[type(step)] for step in steps) for steps in drawn]
    assert all(pattern.fullmatch(word) for word in words)
    assert np.mean([word[4] == "b" for word in words]) == pytest.approx(0.8, abs=0.05)
    assert np.mean([word.endswith("j") for word in words]) == pytest.approx(0.5, abs=0.06)


def test_realistic_keeps_to_the_published_ranges(drawn):
    firsts = [steps[0].kernel for steps in drawn]
    assert np.mean([isinstance(k, Sinc) for k in firsts]) == pytest.approx(0.1, abs=0.035)
    assert np.mean([isinstance(k, Gaussian) and k.separable for k in firsts]) == pytest.approx(
        0.405, abs=0.06
    )
    assert np.mean([isinstance(k, Plateau) for k in firsts]) == pytest.approx(0.135, abs=0.045)
    sigmas = [sigma for k in firsts if not isinstance(k, Sinc) for sigma in k.sigmas]
    assert 0.2 <= min(sigmas) < 0.3
    assert 2.9 < max(sigmas) <= 3
    sides = np.array([steps[1].size for steps in drawn]) / (64, 96)
    assert 0.13 < sides.min() < 0.2  # whole pixels, rounded down
    assert 1.4 < sides.max() <= 1.5
    assert np.mean(sides[:, 1] < 1) == pytest.approx(0.7, abs=0.06)
    noises = [steps[2] for steps in drawn]
    assert np.mean([step.grey for step in noises]) == pytest.approx(0.4, abs=0.06)
    strengths = [step.sigma for step in noises if isinstance(step, GaussianNoise)]
    assert len(strengths) == pytest.approx(MANY / 2, abs=40)
    assert 1 <= min(strengths) < 2
    assert 29 < max(strengths) <= 30
    scales = [step.scale for step in noises if isinstance(step, PoissonNoise)]
    assert 0.05 <= min(scales) < 0.15
    assert 2.9 < max(scales) <= 3
    qualities = {steps[3].quality for steps in drawn}
    assert (min(qualities), max(qualities)) == (30, 95)


def test_denoise_deblur_dejpeg_keep_to_their_ranges():
    rngs = [random.Random(seed) for seed in range(MANY)]
    sigmas = [draws.denoise(rng)[0].sigma for rng in rngs]
    assert 0 <= min(sigmas) < 1
    assert 54 < max(sigmas) <= 55
    photons = [isinstance(draws.denoise(rng, poisson=0.25)[0], PoissonNoise) for rng in rngs]
    assert np.mean(photons) == pytest.approx(0.25, abs=0.05)
    assert {draws.denoise(rng, sigma=(25, 25))[0].sigma for rng in rngs} == {25}
    kernels = [draws.deblur(rng)[0].kernel for rng in rngs]
    lengths = [kernel.length for kernel in kernels if isinstance(kernel, Motion)]
    widths = [kernel.sigmas[0] for kernel in kernels if isinstance(kernel, Gaussian)]
    assert len(lengths) + len(widths) == MANY
    assert len(lengths) == pytest.approx(MANY / 2, abs=40)
    assert min(lengths) >= 3
    assert max(lengths) <= 21
    assert min(widths) >= 0.5
    assert max(widths) <= 4
    qualities = {draws.dejpeg(rng)[0].quality for rng in rngs}
    assert (min(qualities), max(qualities)) == (10, 95)


def test_a_batch_on_a_device_gives_nearly_the_same(crop):
    """The bounds are those that docs/restoration.md states."""
    steps = [draws.realistic(random.Random(seed), (64, 64), 2) for seed in range(40)]
    batch = torch.from_numpy(crop).expand(40, -1, -1, -1)
    expected = np.stack([apply(own, crop) for own in steps]).astype(int)
    apart = np.abs(apply_batch(steps, batch).numpy() - expected).mean((1, 2, 3))
    assert apart.mean() < 2.5
    assert apart.max() < 7
    # Were two degradations mixed up, they would be this far apart.
    assert np.abs(np.roll(expected, 1, 0) - expected).mean() > 8
    without = [[step for step in own if not isinstance(step, Jpeg)] for own in steps]
    expected = np.stack([apply(own, crop) for own in without]).astype(int)
    assert np.abs(apply_batch(without, batch).numpy() - expected).mean((1, 2, 3)).max() < 1


def test_the_page_names_every_task():
    page = (Path(__file__).resolve().parents[3] / "docs" / "restoration.md").read_text(encoding="utf-8")
    for name in (*draws.DRAWS, "classical", "realistic"):
        assert f"`{name}`" in page
