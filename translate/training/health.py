"""Noticing that a training has gone wrong, without waiting for the device in every step."""

from __future__ import annotations

import torch
from torch import Tensor

from translate.errors import TrainingError


class Health:
    """Remembers the loss terms of recent steps until somebody looks.

    Args:
        patience: after how many steps `record` looks by itself; 1 on a CPU, where looking is free.
    """

    def __init__(self, patience: int):
        self.patience = patience
        self.recent: list[tuple[int, dict[str, Tensor]]] = []

    def record(self, step: int, losses: dict[str, Tensor]) -> None:
        """Keep the detached scalar terms of a step.

        Raises:
            TrainingError: see `check`.
        """
        self.recent.append((step, losses))
        if len(self.recent) >= self.patience:
            self.check()

    def check(self) -> None:
        """Look at everything recorded since the last look.

        Raises:
            TrainingError: a term was infinite or not a number; names the first such term and its step.
        """
        recent, self.recent = self.recent, []
        if not recent:
            return
        values = torch.stack([term.float() for _, losses in recent for term in losses.values()])
        if bool(torch.isfinite(values).all()):
            return
        names = [(step, name) for step, losses in recent for name in losses]
        step, name = next(
            place for place, value in zip(names, values.tolist(), strict=True) if not _finite(value)
        )
        raise TrainingError(
            f"the loss {name} became infinite or not a number at step {step}; the last good state is kept: "
            "start a new run with a smaller optim.lr or training.precision=fp32, "
            "or look for broken pictures with `translate data inspect`"
        )


def _finite(value: float) -> bool:
    return value - value == 0
