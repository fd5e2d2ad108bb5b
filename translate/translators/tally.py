"""Numbers that steps measure beside their losses."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Tally(nn.Module):
    """The mean of a number since it was last taken. It moves with its network's device and is never saved."""

    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(()), persistent=False)
        self.register_buffer("count", torch.zeros(()), persistent=False)

    @torch.no_grad()
    def add(self, value: Tensor) -> None:
        """Count a scalar in; nothing waits for the device."""
        self.total += value
        self.count += 1

    def take(self) -> float | None:
        """The mean, None of nothing, and begin anew; this waits for the device."""
        total, count = float(self.total), float(self.count)
        self.total.zero_()
        self.count.zero_()
        return total / count if count else None
