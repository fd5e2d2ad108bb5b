"""Codes: drawn the same everywhere, truncated as resampling does, and on great circles."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
import torch

from translate.errors import UsageError
from translate.inference import latent
from translate.inference.latent import Sampling


def draw(length: int, count: int, seed: int, truncation: float | None = None) -> torch.Tensor:
    return torch.from_numpy(latent.draw(length, count, seed, truncation))


def slerp(start: torch.Tensor, end: torch.Tensor, share: float) -> torch.Tensor:
    return torch.from_numpy(latent.slerp(start.numpy(), end.numpy(), share))


def codes(sampling: Sampling) -> torch.Tensor:
    return torch.from_numpy(sampling.codes(4))


def code(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def test_a_great_circle_in_the_plane_is_what_sine_and_cosine_say():
    for share in (0, 0.25, 0.5, 1):
        angle = share * math.pi / 2
        found = slerp(code(2, 0, 0), code(0, 2, 0), share)
        torch.testing.assert_close(found, code(2 * math.cos(angle), 2 * math.sin(angle), 0))


def test_equal_lengths_stay_and_the_angle_grows_evenly():
    a, b = draw(8, 2, seed=3)
    b = b / b.norm() * a.norm()
    way = [slerp(a, b, step / 6) for step in range(7)]
    torch.testing.assert_close(way[0], a)
    torch.testing.assert_close(way[-1], b)
    for point in way:
        torch.testing.assert_close(point.norm(), a.norm())
    whole = torch.arccos(a @ b / a.norm() ** 2)
    for before, after in pairwise(way):
        torch.testing.assert_close(torch.arccos(before @ after / a.norm() ** 2), whole / 6)
    # Shoemake's formula, which needs equal lengths.
    expected = (torch.sin(whole / 3) * a + torch.sin(2 * whole / 3) * b) / torch.sin(whole)
    torch.testing.assert_close(slerp(a, b, 2 / 3), expected)


def test_other_lengths_change_evenly_while_the_direction_turns_evenly():
    a, b = code(1, 0), code(0, 3)
    found = slerp(a, b, 1 / 3)
    torch.testing.assert_close(found, 5 / 3 * code(math.cos(math.pi / 6), math.sin(math.pi / 6)))


@pytest.mark.parametrize("tilt", [0.0, 1e-300, 1e-14, 1e-9])
def test_parallel_codes_keep_their_direction(tilt):
    a, b = code(1, 2, -2), 2 * code(1, 2, -2) + code(tilt, 0, 0)
    torch.testing.assert_close(slerp(a, b, 0.5), 1.5 * a, atol=1e-8, rtol=0)
    torch.testing.assert_close(slerp(a, a, 0.3), a)


@pytest.mark.parametrize("tilt", [0.0, 1e-14, 1e-9])
def test_between_opposite_codes_half_a_circle_is_gone(tilt):
    a = draw(5, 1, seed=0)[0]
    b = -a + tilt
    way = [slerp(a, b, step / 4) for step in range(5)]
    torch.testing.assert_close(way[0], a)
    torch.testing.assert_close(way[-1], b, atol=1e-8, rtol=0)
    for before, after in pairwise(way):
        torch.testing.assert_close(after.norm(), a.norm())
        torch.testing.assert_close(before @ after / a.norm() ** 2, code(math.sqrt(0.5))[0])
    assert torch.equal(slerp(a, b, 0.5), way[2])


def test_without_a_circle_the_way_is_straight():
    torch.testing.assert_close(slerp(code(2), code(-4), 0.5), code(-1))
    torch.testing.assert_close(slerp(code(0, 0), code(2, 4), 0.25), code(0.5, 1))
    torch.testing.assert_close(slerp(code(0, 0), code(0, 0), 0.25), code(0, 0))


def test_a_single_precision_code_comes_back_as_one():
    assert slerp(torch.ones(3), -torch.ones(3), 0.5).dtype == torch.float32


def test_the_first_codes_of_a_seed_are_the_same_however_many_are_drawn():
    many = draw(3, 100, seed=7)
    for count in (1, 5, 6, 17):
        assert torch.equal(draw(3, count, seed=7), many[:count])
    assert not torch.equal(draw(3, 1, seed=8), many[:1])
    # A change here changes what people's seeds give.
    uniform = np.random.RandomState(7).random_sample(3)
    expected = [NormalDist().inv_cdf(number) for number in uniform]
    assert many[0].tolist() == pytest.approx(expected)
    assert expected == pytest.approx([-1.4304, 0.7719, -0.1550], abs=1e-4)


def test_codes_are_normal():
    numbers = np.sort(draw(8, 5000, seed=1).flatten().numpy())
    normal = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in numbers])
    assert np.abs(np.arange(1, 40001) / 40000 - normal).max() < 1.63 / math.sqrt(40000)  # Kolmogorov, 1 %


@pytest.mark.parametrize("truncation", [0.01, 0.5, 2.0])
def test_truncated_codes_are_distributed_as_resampled_ones(truncation):
    found = np.sort(draw(8, 2500, 1, truncation).flatten().numpy())
    assert np.abs(found).max() <= truncation

    def below(x: float) -> float:
        return 0.5 * math.erfc(-x / math.sqrt(2))

    low, high = below(-truncation), below(truncation)
    conditional = np.array([(below(x) - low) / (high - low) for x in found])
    assert np.abs(np.arange(1, 20001) / 20000 - conditional).max() < 1.63 / math.sqrt(20000)


def test_a_code_only_shrinks_as_the_truncation_tightens():
    plain = draw(8, 20, 5)
    before = plain
    for truncation in (4.0, 1.0, 0.1, 1e-9):
        now = draw(8, 20, 5, truncation)
        assert (now.sign() == plain.sign()).all()
        assert (now.abs() < before.abs()).all()
        before = now
    torch.testing.assert_close(draw(8, 20, 5, 9.0), plain, atol=1e-6, rtol=0)


def test_what_is_asked_for_becomes_codes():
    assert torch.equal(codes(Sampling()), torch.zeros(1, 4))
    first = draw(4, 3, 0).float()
    assert torch.equal(codes(Sampling(count=3)), first)
    assert torch.equal(codes(Sampling(seed=0)), first[:1])
    assert torch.equal(codes(Sampling(2, seed=9, truncation=1)), draw(4, 2, 9, 1).float())
    way = codes(Sampling(5, seed=0, interpolate=True))
    assert way.shape == (5, 4)
    assert way.dtype == torch.float32
    torch.testing.assert_close(way[[0, -1]], first[:2])
    torch.testing.assert_close(way[2], slerp(*draw(4, 2, 0), 0.5).float())
    assert not Sampling().wanted
    assert all(s.wanted for s in (Sampling(1), Sampling(seed=0)))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"count": 0}, "0 samples can't be made; ask for at least 1"),
        ({"seed": -1}, "seed -1: seeds are numbers from 0 to 4294967295"),
        ({"seed": 2**32}, "seeds are numbers from 0 to 4294967295"),
        ({"count": 1, "truncation": 0}, "truncation 0: codes are kept within ± a number above 0"),
        ({"count": 1, "truncation": math.nan}, "truncation nan: codes are kept within"),
        ({"count": 1, "interpolate": True}, "say in how many steps: at least 2 samples"),
        ({"interpolate": True}, "say in how many steps: at least 2 samples"),
        ({"truncation": 1.0}, "without samples or a seed none is drawn; add --seed 0"),
    ],
)
def test_what_makes_no_sense_is_refused(asked, message):
    with pytest.raises(UsageError, match=message):
        Sampling(**asked)
