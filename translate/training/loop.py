"""The training loop: one function, for every translator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch.nn import functional as F

from translate.config import Recipe, learning_rate_factor
from translate.data import damage
from translate.data.batches import Batch as ByteBatch
from translate.data.batches import to_float, to_one_hot
from translate.lab import to_lab
from translate.training.ema import update_average
from translate.training.growth import grow
from translate.training.health import Health
from translate.training.state import TrainingState
from translate.translators.base import Batch, Losses, Translator, stage_begins


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
        on_save: called at every `checkpoint.every`-th step, at the last of a stage and at the last of all,
            when the losses are known to be finite.
        should_stop: asked after every step.

    Raises:
        TrainingError: a loss is not finite; nothing is saved after it.
    """
    translator, device = state.translator, state.device
    health = Health(patience=1 if device.type == "cpu" else recipe.log.every)
    mixed = torch.autocast(device.type, precision, enabled=precision != torch.float32)

    for images in batches:
        progress = state.step / steps
        grow(state, int(recipe.training.resolutions), state.step, steps)
        batch = to_batch(images, device, progress, shrink=state.shrink)
        parts = batch.split(recipe.training.accumulate)
        factor = state.set_learning_rates(learning_rate_factor(recipe.optim, state.step, steps))

        due = state.due(steps)
        # Parts of a batch keep no graph: it is made again, for one part at a time, which saves the memory.
        whole = len(parts) == 1 and not all(phase.detached for phase in due)
        with mixed, torch.set_grad_enabled(whole):
            outs = [translator(part) for part in parts]
        losses: Losses = {}
        for phase in due:
            total: Losses = {}
            with only(translator, phase.networks):
                for part, out in zip(parts, outs, strict=True):
                    with mixed:
                        fresh = out if whole or phase.detached else translator(part)
                        terms = phase.loss(part, state.replayed(phase, fresh))
                    loss = torch.stack(list(terms.values())).sum() / len(parts)
                    state.scaler.scale(loss).backward()
                    for name, term in terms.items():
                        total[name] = total.get(name, 0) + term.detach() / len(parts)
            state.advance(phase, total, recipe.optim.clip)
            losses |= total
        for name, average in state.averages.items():
            update_average(average, translator.networks[name], recipe.training.ema, state.step)

        state.step += 1
        health.record(state.step, losses)
        on_step(state.step, losses, factor)
        if state.step % recipe.log.every == 0:
            health.check()
            if state.plateau is not None:
                state.plateau.look()
            on_log(state.step)
        last = state.step >= steps or should_stop()
        stage = stage_begins(translator.phases, state.step, state.staged(steps))
        if state.step % recipe.checkpoint.every == 0 or stage or last:
            health.check()
            on_save(state.step)
        if state.step % recipe.log.samples_every == 0 or last:
            on_sample(state.step)
        if last:
            break


def to_batch(images: ByteBatch, device: torch.device, progress: float = 0.0, shrink: int = 1) -> Batch:
    """uint8 (B, C, H, W) in 0 … 255 to float32 in [-1, 1] on the device; bytes travel, floats don't.

    Pending damage is done there first. Maps of classes become one-hot, float32 (B, classes, H, W). With
    `images.lab` a is the lightness of the pictures, (B, 1, H, W), and b their colours, (B, 2, H, W), as
    `translate.lab` has them.

    Args:
        shrink: how many times smaller the pictures become, by the mean of `shrink`² pixels; of a map of
            classes that is each class's share of the area.
    """
    b = to_float(images.b.to(device, non_blocking=True))
    if images.lab:
        a = b
    else:
        a = images.a.to(device, non_blocking=True)
        a = a if images.pending is None else damage.done(a, images.pending)
        a = to_one_hot(a, images.classes_a) if images.classes_a else to_float(a)
    if shrink > 1:
        a, b = F.avg_pool2d(a, shrink), F.avg_pool2d(b, shrink)
    if images.lab:
        a, b = to_lab(b)
    label_a, label_b = (
        None if labels is None else labels.to(device, non_blocking=True)
        for labels in (images.label_a, images.label_b)
    )
    return Batch(a, b, progress, label_a, label_b, images.text_a, images.text_b)


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
