"""Codes for models that make many outputs: drawn from a seed, truncated, on the way from one to another."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from translate.errors import UsageError
from translate.weights.card import Card

_NORMAL = NormalDist()
_SEEDS = 2**32


@dataclass(frozen=True)
class Sampling:
    """Which of a model's many outputs are wanted.

    Nothing set is one output, of the mean code 0. The i-th code of a seed is always the same, however many
    are drawn and whatever the pictures are, so that the outputs of a folder with the same number go together.

    Args:
        count: how many outputs for a picture; None for one, the seed's first.
        seed: which codes; None is 0.
        truncation: draw from N(0, 1) between ± this: closer to the mean code, and to each other. That is the
            distribution of resampling every number beyond it (Brock et al. 2019, "BigGAN", §3.1).
        interpolate: the way from the seed's first code to its second, in `count` equal steps.

    Raises:
        UsageError: numbers out of range, or options that need others.
    """

    count: int | None = None
    seed: int | None = None
    truncation: float | None = None
    interpolate: bool = False

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise UsageError(f"{self.count} samples can't be made; ask for at least 1.")
        if self.seed is not None and not 0 <= self.seed < _SEEDS:
            raise UsageError(f"seed {self.seed}: seeds are numbers from 0 to {_SEEDS - 1}.")
        if self.truncation is not None and not self.truncation > 0:
            raise UsageError(f"truncation {self.truncation:g}: codes are kept within ± a number above 0.")
        if self.interpolate and (self.count or 0) < 2:
            raise UsageError("to interpolate, say in how many steps: at least 2 samples (--samples N).")
        if self.truncation is not None and self.count is None and self.seed is None:
            raise UsageError(
                "truncation is of drawn codes, and without samples or a seed none is drawn; add --seed 0."
            )

    @property
    def wanted(self) -> bool:
        """Whether anything is asked for that a model with one output hasn't got."""
        return self != Sampling()

    def codes(self, length: int) -> np.ndarray:
        """Codes of `length` numbers, float32 (N, length)."""
        if self.count is None and self.seed is None:
            return np.zeros((1, length), np.float32)
        seed, count = self.seed or 0, self.count or 1
        if not self.interpolate:
            return draw(length, count, seed, self.truncation).astype(np.float32)
        start, end = draw(length, 2, seed, self.truncation)
        way = [slerp(start, end, step / (count - 1)) for step in range(count)]
        return np.stack(way).astype(np.float32)

    def codes_for(self, card: Card) -> np.ndarray | None:
        """The codes for a model, float32 (N, card.latent); None for one that takes none.

        Raises:
            UsageError: something is asked for, and the model makes one output for a picture.
        """
        if card.latent:
            return self.codes(card.latent)
        if self.wanted:
            raise UsageError(
                "the model makes one output for a picture, as it has no latent code, so there is nothing to "
                "sample; leave samples, seed, truncation and interpolation out."
            )
        return None


def draw(length: int, count: int, seed: int, truncation: float | None = None) -> np.ndarray:
    """`count` codes from N(0, 1), each number within ± `truncation`; float64 (count, length).

    By the inverse of the distribution function: each code stays the same code, only smaller, as the
    truncation is tightened.
    """
    # numpy promises the numbers of this generator for good; more of them never change the first ones.
    share = np.random.RandomState(seed).random_sample((count, length))
    if truncation is not None:
        below = _NORMAL.cdf(-truncation)
        share = below + share * (1 - 2 * below)
    share = share.clip(np.finfo(np.float64).tiny, np.nextafter(1, 0))  # 0 would be −∞, and 1 rounded up ∞
    drawn = np.array([_NORMAL.inv_cdf(number) for number in share.flat]).reshape(share.shape)
    return drawn if truncation is None else drawn.clip(-truncation, truncation)


def slerp(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """The point at `share` of the great circle from one code to another; float (Z,) each.

    The direction turns at a steady rate (Shoemake 1985, "Animating rotation with quaternion curves", §3.3),
    the length changes evenly: between codes of the same length it stays what it is, where a straight line
    would come closer to 0 than any code drawn from N(0, 1) does (White 2016, "Sampling generative networks",
    §2.1). Of the half circles between opposite codes one is taken, always the same. In one dimension, or
    from 0, there is no circle, and the way is straight.

    Args:
        share: 0 for `start` … 1 for `end`.
    """
    a, b = start.astype(np.float64), end.astype(np.float64)
    norm = np.linalg.norm
    lengths = norm(a), norm(b)
    if len(a) == 1 or not min(lengths) > 0:
        return (a + share * (b - a)).astype(start.dtype)
    a, b = a / lengths[0], b / lengths[1]
    angle = 2 * np.arctan2(norm(a - b), norm(a + b))  # exact also where the cosine is nearly ±1
    across = b - (a @ b) * a
    if not norm(across) > 1e-12:  # parallel, where it is not needed, or opposite, where any will do
        axis = np.zeros_like(a)
        axis[np.abs(a).argmin()] = 1
        across = axis - (a @ axis) * a
    direction = np.cos(share * angle) * a + np.sin(share * angle) * across / norm(across)
    return (direction * (lengths[0] + share * (lengths[1] - lengths[0]))).astype(start.dtype)
