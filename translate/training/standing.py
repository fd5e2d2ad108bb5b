"""Standing statistics: what batch norm of averaged weights needs in place of running averages."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from translate.config import Recipe
from translate.data.loading import TrainingData
from translate.training.loop import to_batch
from translate.training.state import TrainingState


def serving(state: TrainingState, recipe: Recipe, data: TrainingData) -> Mapping[str, nn.Module]:
    """The averaged generators as model files have them, by name.

    With `training.standing`, copies of them with standing statistics (Brock et al. 2019, BigGAN, experimental
    details): a batch norm's running averages belong to the newest weights, not to the averaged ones. So the
    copies see the first `training.standing` pictures of the training, as the sample sheet passes them
    (CycleGAN's on their way back, too), in batches as large as the training's, which they normalise by their
    own statistics; then every batch norm gets mean and variance of all that it saw. Dropout is off.

    A function of the state and the recipe: the training's networks and random numbers are left alone.
    """
    asked, size = recipe.training, recipe.part_size
    if not asked.standing:
        return state.averages
    generators = {name: copy.deepcopy(network) for name, network in state.averages.items()}
    translator, devices = state.translator, [state.device] if state.device.type == "cuda" else []
    with torch.no_grad(), torch.random.fork_rng(devices), pooled(nn.ModuleList(generators.values())):
        torch.manual_seed(asked.seed)
        translator.eval()
        for start in range(0, asked.standing, size):
            pictures = data.train.batch(range(start, start + size))
            translator.samples(to_batch(pictures, state.device, shrink=state.shrink), generators)
        translator.train()
    return generators


@contextmanager
def pooled(network: nn.Module) -> Iterator[None]:
    """Meanwhile every batch norm normalises by its batch, and remembers; then it has the statistics of all.

    Mean and variance are those of all values of a channel together, however they came in batches: the
    variance is the mean of the batches' variances plus that of their means around the whole's. It is the
    biased one, by which training normalises, so that after a single batch the network gives the same
    outputs for it.
    """
    norms = {norm: Seen() for norm in network.modules() if isinstance(norm, _BatchNorm)}
    hooks = [norm.register_forward_pre_hook(seen.look) for norm, seen in norms.items()]
    modes = {norm: norm.training for norm in norms}
    try:
        for norm in norms:
            norm.train()
        yield
        for norm, seen in norms.items():
            seen.fill(norm)
    finally:
        for hook in hooks:
            hook.remove()
        for norm, mode in modes.items():
            norm.train(mode)


@dataclass
class Seen:
    """Values a channel, mean and variance of each batch that a batch norm saw."""

    counts: list[int] = field(default_factory=list)
    means: list[Tensor] = field(default_factory=list)
    variances: list[Tensor] = field(default_factory=list)

    def look(self, norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].detach().float()  # (B, C, …)
        variance, mean = torch.var_mean(x, [0, *range(2, x.ndim)], correction=0)
        self.counts.append(x.numel() // x.shape[1])
        self.means.append(mean)
        self.variances.append(variance)

    def fill(self, norm: _BatchNorm) -> None:
        """Give a batch norm what was seen; nothing where nothing was."""
        if not self.counts or norm.running_mean is None or norm.running_var is None:
            return
        weights = torch.tensor(self.counts, dtype=torch.float32)[:, None] / sum(self.counts)
        means, variances = torch.stack(self.means), torch.stack(self.variances)  # (batches, C)
        weights = weights.to(means.device)
        mean = (weights * means).sum(0)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_((weights * (variances + (means - mean).square())).sum(0))
