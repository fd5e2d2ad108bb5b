"""Averages of weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


def averaged(module: nn.Module) -> nn.Module:
    """A copy of a module to keep the average of its weights in: in evaluation mode, without gradients."""
    return copy.deepcopy(module).requires_grad_(False).eval()


@torch.no_grad()
def update_average(average: nn.Module, module: nn.Module, decay: float, updates: int) -> None:
    """Move an exponential moving average towards a module's weights; its buffers become the module's.

    θ̄ ← d θ̄ + (1 − d) θ with d = min(decay, (1 + n) / (10 + n)) after n updates, so that the first, random
    weights are forgotten also in short trainings. Decay 0 copies. Nothing waits for the device.

    Args:
        updates: n, how many there were before this one.
    """
    d = min(decay, (1 + updates) / (10 + updates))
    torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
        list(average.parameters()), list(module.parameters()), 1 - d
    )
    for kept, newest in zip(average.buffers(), module.buffers(), strict=True):
        kept.copy_(newest)
