"""Training steps without a run around them."""

from __future__ import annotations

import itertools

import torch

from translate.config import Recipe
from translate.data.batches import Batch
from translate.training.loop import train
from translate.training.state import TrainingState


def take_steps(state: TrainingState, recipe: Recipe, batch: Batch, count: int = 1) -> None:
    """So many steps on one batch, in float32; nothing is logged or saved."""
    train(
        state,
        recipe,
        itertools.repeat(batch),
        steps=state.step + count,
        precision=torch.float32,
        on_step=lambda *_: None,
        on_log=lambda _: None,
        on_sample=lambda _: None,
        on_save=lambda _: None,
        should_stop=lambda: False,
    )
