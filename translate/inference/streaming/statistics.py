"""Mean and variance of maps that are seen a band at a time."""

from __future__ import annotations

import torch
from torch import Tensor


class Statistics:
    """Each channel's count, mean and sum of squared deviations, merged band by band in float64.

    Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", eq. 2.1: no difference of
    large sums is ever taken, so a mean that is large beside the deviations costs no digits.
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean: Tensor | None = None
        self._squares: Tensor | None = None

    def add(self, band: Tensor) -> None:
        """float (1, C, rows, W)."""
        count = band.shape[2] * band.shape[3]
        mean = band.mean((2, 3), keepdim=True)
        deviations = band - mean
        # What rounding left in the mean of float32, the mean of the deviations says.
        rest = deviations.mean((2, 3)).double().flatten()
        squares = deviations.square_().sum((2, 3)).double().flatten() - count * rest**2
        mean = mean.double().flatten() + rest
        if self._mean is None or self._squares is None:
            self._count, self._mean, self._squares = count, mean, squares
            return
        total = self._count + count
        apart = mean - self._mean
        self._squares = self._squares + squares + apart**2 * (self._count * count / total)
        self._mean = self._mean + apart * (count / total)
        self._count = total

    def of_groups(self, groups: int) -> tuple[Tensor, Tensor]:
        """Mean and variance of each group of neighbouring channels, for every channel: float32 (C,) each."""
        assert self._mean is not None
        assert self._squares is not None
        means = self._mean.view(groups, -1)
        mean = means.mean(1, keepdim=True)
        variance = (self._squares.view(groups, -1) / self._count + (means - mean) ** 2).mean(1, keepdim=True)
        return tuple(x.expand_as(means).flatten().to(torch.float32) for x in (mean, variance))  # type: ignore
