"""The training loop: one function, for every translator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch

from translate.config import Recipe, learning_rate_factor
from translate.data.datasets import Batch as ByteBatch
from translate.data.datasets import to_float
from translate.training.ema import update_average
from translate.training.health import Health
from translate.training.state import TrainingState
from translate.translators.base import Batch, Losses, Translator


def train(
    state: TrainingState,
    recipe: Recipe,
    batches: Iterable[ByteBatch],
    *,
    steps: int,
    precision: torch.dtype,
    on_step: Callable[[int, Losses, float], None],
    on_log: Callable[[int], None],
    on_sample: Callable[[int], None],
    on_save: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> None:
    """Train until `steps` steps are taken in all, or until asked to stop.

    Args:
        state: changed in place; its `step` says where to go on.
        batches: from the step after `state.step` on; uint8 (B, C, H, W).
        precision: of autocast; float32 switches it off.
        on_step: gets the step just taken, its detached loss terms (still on the device) and the factor
            that the learning rates were scaled with.
        on_log: called at every `log.every`-th step; values may be waited for here.
        on_sample: called at every `log.samples_every`-th and at the last step.
        on_save: called at every `checkpoint.every`-th and at the last step, when the losses are known
            to be finite.
        should_stop: asked after every step.

    Raises:
        TrainingError: a loss is not finite; nothing is saved after it.
    """
    translator, device = state.translator, state.device
    health = Health(patience=1 if device.type == "cpu" else recipe.log.every)
    mixed = torch.autocast(device.type, precision, enabled=precision != torch.float32)

    for images in batches:
        batch = to_batch(images, device)
        factor = learning_rate_factor(recipe.optim, state.step, steps)
        state.set_learning_rates(factor)

        with mixed:
            out = translator(batch)
        losses: Losses = {}
        for phase in translator.phases:
            if state.step % phase.every:
                continue
            with only(translator, phase.networks):
                with mixed:
                    terms = phase.loss(batch, state.replayed(phase, out))
                torch.stack(list(terms.values())).sum().backward()
                state.optimizers[phase.name].step()
                state.optimizers[phase.name].zero_grad(set_to_none=True)
            losses |= {name: term.detach() for name, term in terms.items()}
        for name, average in state.averages.items():
            update_average(average, translator.networks[name], recipe.training.ema, state.step)

        state.step += 1
        health.record(state.step, losses)
        on_step(state.step, losses, factor)
        if state.step % recipe.log.every == 0:
            health.check()
            on_log(state.step)
        last = state.step >= steps or should_stop()
        if state.step % recipe.checkpoint.every == 0 or last:
            health.check()
            on_save(state.step)
        if state.step % recipe.log.samples_every == 0 or last:
            on_sample(state.step)
        if last:
            break


def to_batch(images: ByteBatch, device: torch.device) -> Batch:
    """uint8 (B, C, H, W) in 0 … 255 to float32 in [-1, 1] on the device; bytes travel, floats don't."""
    return Batch(*(to_float(side.to(device, non_blocking=True)) for side in images))


@contextmanager
def only(translator: Translator, names: tuple[str, ...]) -> Iterator[None]:
    """Let gradients reach these networks' weights alone."""
    others = [network for name, network in translator.networks.items() if name not in names]
    for network in others:
        network.requires_grad_(False)
    try:
        yield
    finally:
        for network in others:
            network.requires_grad_(True)
