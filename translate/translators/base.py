"""What every translator is to the training loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from translate.config import Direction
from translate.networks.minibatch import MinibatchDiscrimination, MinibatchStdDev


@dataclass(frozen=True)
class Batch:
    """Pictures of the two domains, float32 (B, C, H, W) in [-1, 1]; paired if the data are.

    Where `a` are maps of classes it has a plane of zeros and ones for each, (B, classes, H, W); in CIE Lab
    `a` is lightness, (B, 1, H, W), and `b` are the colours, (B, 2, H, W), see `translate.lab`. `progress`
    says how much of the training is done, 0 … 1. Labels are int64 (B,) and texts are B strings, each None
    where the data have none.
    """

    a: Tensor
    b: Tensor
    progress: float = 0.0
    label_a: Tensor | None = None
    label_b: Tensor | None = None
    text_a: tuple[str, ...] | None = None
    text_b: tuple[str, ...] | None = None

    def split(self, count: int) -> list[Batch]:
        """`count` batches of equal size, in order; itself where it can't be divided any more."""
        if count == 1:
            return [self]
        size = -(-len(self.a) // count)
        whole = {
            "a": self.a,
            "b": self.b,
            "label_a": self.label_a,
            "label_b": self.label_b,
            "text_a": self.text_a,
            "text_b": self.text_b,
        }
        return [
            replace(self, **{name: x if x is None else x[start : start + size] for name, x in whole.items()})
            for start in range(0, len(self.a), size)
        ]


Losses = dict[str, Tensor]


@dataclass(frozen=True)
class Phase:
    """One optimiser's share of a step.

    Args:
        name: of the phase and its optimiser; `generator` or `discriminator`.
        networks: names in `Translator.networks` that this phase trains; all others are held fixed.
        loss: from the batch and the outputs of `forward` to weighted scalar terms, whose sum is minimised.
        replay: fields of the outputs that pass, detached, through a replay pool before the loss sees them.
        every: the phase runs in every n-th step.
        detached: the loss sees the outputs without their graph, as those of discriminators do.
        optimizer: name of the phase whose optimiser this one steps too; its own by default.
        above: the optimiser is stepped only where the loss, the terms' sum, is above this.
        clip: the weights are clipped to ± this after each step.
        after, until: the shares of the training, 0 … 1, between which the phase runs; 1 is without end.
    """

    name: str
    networks: tuple[str, ...]
    loss: Callable[[Batch, Any], Losses]
    replay: tuple[str, ...] = ()
    every: int = 1
    detached: bool = False
    optimizer: str = ""
    above: float | None = None
    clip: float | None = None
    after: float = 0.0
    until: float = 1.0

    def due(self, step: int, progress: float) -> bool:
        """Whether it runs in the step after `step` others, when `progress` of the training is done."""
        over = self.until < 1 and progress >= self.until
        return step % self.every == 0 and self.after <= progress and not over


def stage_begins(phases: Sequence[Phase], step: int, steps: int) -> bool:
    """Whether after `step` of `steps` steps phases are due that weren't before it."""
    return any((step - 1) / steps < phase.after <= step / steps for phase in phases)


class Translator(nn.Module, ABC):
    """Networks, and the losses of one method. Nothing of a step is kept on the object.

    Attributes:
        networks: by their public names: `generator`, `generator_b2a`, `discriminator_a`, `discriminator_b`.
        phases: in the order in which a step runs them.
    """

    networks: nn.ModuleDict
    phases: tuple[Phase, ...]

    @abstractmethod
    def forward(self, batch: Batch) -> Any:
        """Everything that the phases share, as a frozen dataclass of named tensors."""

    @abstractmethod
    def samples(self, batch: Batch, generators: Mapping[str, nn.Module]) -> dict[str, Tensor]:
        """Rows of a sample sheet, inputs and outputs by name, from the averages of what is `served`."""

    @property
    def generators(self) -> dict[Direction, str]:
        """Directions that the trained model serves, to network names."""
        names: dict[Direction, str] = {"a2b": "generator"}
        if "generator_b2a" in self.networks:
            names["b2a"] = "generator_b2a"
        return names

    @property
    def served(self) -> tuple[str, ...]:
        """Names of the networks whose averages are kept: the generators, and what they can't do without."""
        return tuple(self.generators.values())


def mixes_batch(module: nn.Module) -> bool:
    """Whether a picture's output depends on its neighbours in the batch, so that calls can't be merged."""
    mixers = (nn.modules.batchnorm._BatchNorm, MinibatchStdDev, MinibatchDiscrimination)
    return any(isinstance(part, mixers) for part in module.modules())
