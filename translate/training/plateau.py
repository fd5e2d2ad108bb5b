"""Lowering the learning rates when the generators stop improving."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import ReduceLROnPlateau


class Plateau:
    """A factor for the learning rates that is halved when a loss has stopped falling.

    What is watched is the mean of the generators' loss between two looks; after `patience` looks without a
    new minimum the factor is halved. Torch's own scheduler does it, on a rate of 1 that trains nothing.

    Args:
        patience: looks without improvement, at least 1.
    """

    def __init__(self, patience: int):
        self._rate = SGD([nn.Parameter(torch.zeros(()))], lr=1.0)
        self._scheduler = ReduceLROnPlateau(self._rate, factor=0.5, patience=patience)
        self.total, self.count = torch.zeros(()), 0

    @property
    def factor(self) -> float:
        return float(self._rate.param_groups[0]["lr"])

    def record(self, loss: Tensor) -> None:
        """Count a step's loss in, a detached scalar; nothing waits for the device."""
        self.total, self.count = self.total.to(loss.device) + loss, self.count + 1

    def look(self) -> None:
        """Compare the mean since the last look with the best one so far."""
        if self.count:
            self._scheduler.step(float(self.total) / self.count)
        self.total, self.count = torch.zeros(()), 0

    def state_dict(self) -> dict:
        scheduler = {
            key: value
            for key, value in self._scheduler.state_dict().items()
            if isinstance(value, bool | int | float | str)
        }
        return {"factor": self.factor, "scheduler": scheduler, "total": self.total, "count": self.count}

    def load_state_dict(self, state: dict) -> None:
        self._rate.param_groups[0]["lr"] = state["factor"]
        self._scheduler.load_state_dict(state["scheduler"])
        self.total, self.count = state["total"], state["count"]
