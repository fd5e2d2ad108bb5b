"""Averages of weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel


def averaged(module: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of a module's weights; its buffers follow the newest.

    θ̄ ← d θ̄ + (1 − d) θ with d = min(decay, (1 + n) / (10 + n)) after n updates, so that the first, random
    weights are forgotten also in short trainings. Decay 0 is a plain copy.
    """
    model = AveragedModel(module, multi_avg_fn=_average(decay))
    return model.requires_grad_(False).eval()


def _average(decay: float) -> Callable[..., None]:
    @torch.no_grad()
    def update(averages: list, weights: list, count: torch.Tensor | int) -> None:
        n = int(count)
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
            averages, weights, 1 - min(decay, (1 + n) / (10 + n))
        )

    return update
