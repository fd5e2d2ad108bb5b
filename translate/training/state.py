"""Everything that a resumed training needs to go on as if nothing had happened."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from translate.config import Recipe
from translate.errors import TrainingError
from translate.files import replacing
from translate.losses.penalties import clip_weights_
from translate.training.ema import averaged
from translate.training.plateau import Plateau
from translate.training.pool import ReplayPool
from translate.translators.base import Losses, Phase, Translator

VERSION = 2
# What reading a file of any bytes can come to: torch takes what is no archive for a pickle, and runs into
# stacks that are empty, names that don't exist and kinds that don't fit.
_DAMAGED = (
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    pickle.UnpicklingError,
)
SMALLEST_SCALE = 2.0**-10  # of losses in fp16; from 65536 it is halved at every infinite gradient


@dataclass
class TrainingState:
    """What changes while training.

    The batches are no part of it: they are a pure function of (seed, step).

    Attributes:
        step: steps taken.
        averages: the averages of what is served, by network name.
        optimizers: by the name of the phase that has it.
        plateau: what lowers the learning rates where the schedule is `plateau`.
        pools: by the name of the replayed output.
        scaler: of losses, so that small gradients don't vanish in fp16; it does nothing in other precisions.
        shrink: how many times smaller than `data.size` the pictures are now; see `growth.grow`.
        stage_steps: the training's length that its stages are shares of, from the first step of a second
            stage on; 0 before, when a longer training has longer stages.
    """

    translator: Translator
    device: torch.device
    optimizers: dict[str, Optimizer]
    averages: dict[str, nn.Module]
    pools: dict[str, ReplayPool]
    scaler: torch.amp.GradScaler
    plateau: Plateau | None = None
    step: int = 0
    shrink: int = 1
    stage_steps: int = 0
    base_rates: dict[str, float] = field(default_factory=dict)

    def staged(self, steps: int) -> int:
        """The length that stages are shares of: `steps`, or what it was when the second stage began.

        So a finished run goes on in its second stage when it is given more steps, and a border that was
        passed stays where it was.
        """
        return self.stage_steps or steps

    def due(self, steps: int) -> list[Phase]:
        """The phases of the next step, in a training of `steps`; keeps where a later stage began."""
        share = self.step / self.staged(steps)
        if any(0 < phase.after <= share for phase in self.translator.phases):
            self.stage_steps = self.staged(steps)
        return [phase for phase in self.translator.phases if phase.due(self.step, share)]

    def replayed(self, phase: Phase, out: Any) -> Any:
        """The outputs as a phase sees them: without graph, or its `replay` fields exchanged through pools."""
        if phase.detached:
            out = replace(out, **{name: _detached(getattr(out, name)) for name in _names(out)})
        if not phase.replay:
            return out
        return replace(out, **{name: self.pools[name].exchange(getattr(out, name)) for name in phase.replay})

    def advance(self, phase: Phase, losses: Losses, largest: float | None) -> None:
        """Step a phase's optimiser with the gradients that are there, then drop them.

        Args:
            losses: the phase's detached terms, which its threshold is held against.
            largest: norm to which the gradient of all the phase's networks is clipped.
        """
        optimizer = self.optimizers[phase.optimizer or phase.name]
        total = torch.stack(list(losses.values())).sum()
        if self.plateau is not None and not phase.detached:
            self.plateau.record(total)
        networks = [self.translator.networks[name] for name in phase.networks]
        if phase.above is None or float(total) > phase.above:
            if largest is not None:
                self.scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(
                    [parameter for network in networks for parameter in network.parameters()], largest
                )
            self.scaler.step(optimizer)
            self.scaler.update()
            if phase.clip is not None:
                for network in networks:
                    clip_weights_(network, phase.clip)
        optimizer.zero_grad(set_to_none=True)

    def set_learning_rates(self, factor: float) -> float:
        """Scale every optimiser's base rate; gives the factor, a plateau's share included."""
        if self.plateau is not None:
            factor *= self.plateau.factor
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = self.base_rates[name] * factor
        return factor

    def require_finite(self) -> None:
        """Refuse to go on with weights that have overflowed; this waits for the device.

        Raises:
            TrainingError: naming the network.
        """
        for name, network in self.translator.networks.items():
            if not all(bool(torch.isfinite(parameter).all()) for parameter in network.parameters()):
                raise TrainingError(
                    f"the weights of the {name} became infinite or not a number before step {self.step}; the "
                    "last good state is kept: start a new run with a smaller optim.lr or "
                    "training.precision=fp32"
                )
        if self.scaler.is_enabled() and self.scaler.get_scale() < SMALLEST_SCALE:
            raise TrainingError(
                f"gradients were infinite or not a number at any scale before step {self.step}; the last "
                "good state is kept: start a new run with training.precision=fp32"
            )

    def save(self, path: Path) -> None:
        """Write the whole state, atomically.

        Raises:
            OutputError: the disk is full or the folder can't be written; an earlier file is intact.
        """
        state = {
            "version": VERSION,
            "step": self.step,
            "stage_steps": self.stage_steps,
            "translator": self.translator.state_dict(),
            "averages": {name: model.state_dict() for name, model in self.averages.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "plateau": self.plateau.state_dict() if self.plateau else None,
            "pools": {name: pool.state_dict() for name, pool in self.pools.items()},
            "scaler": self.scaler.state_dict(),
            "random": torch.get_rng_state(),
            "cuda_random": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
        }
        with replacing(path) as temporary, temporary.open("wb") as file:
            torch.save(state, file)

    def restore(self, path: Path) -> None:
        """Take over a saved state.

        Raises:
            TrainingError: no state, a damaged one, or one of other networks.
        """
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            raise TrainingError(
                f"{path}: there is no saved state to resume; start again under a new name"
            ) from None
        except _DAMAGED as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise TrainingError(f"{path}: the saved state can't be read ({reason})") from None
        if not isinstance(state, dict) or state.get("version") != VERSION:
            raise TrainingError(
                f"{path}: the saved state is of another version; resume with the version that wrote it"
            )
        try:
            self.translator.load_state_dict(state["translator"])
            for name, model in self.averages.items():
                model.load_state_dict(state["averages"][name])
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizers"][name])
        except (KeyError, RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise TrainingError(f"{path}: the saved state belongs to other networks ({reason})") from None
        for name, pool in self.pools.items():
            pool.load_state_dict(state["pools"][name], self.device)
        if self.plateau and state["plateau"]:
            self.plateau.load_state_dict(state["plateau"])
        if self.scaler.is_enabled() and state.get("scaler"):
            self.scaler.load_state_dict(state["scaler"])
        self.step = state["step"]
        self.stage_steps = state.get("stage_steps", 0)
        torch.set_rng_state(state["random"])
        if self.device.type == "cuda" and state["cuda_random"] is not None:
            torch.cuda.set_rng_state(state["cuda_random"], self.device)


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "adam": partial(Adam, fused=True),
    "adamw": partial(AdamW, fused=True),
    "rmsprop": lambda parameters, lr, betas: RMSprop(parameters, lr),
    "sgd": lambda parameters, lr, betas: SGD(parameters, lr, momentum=betas[0], fused=True),
}


def new_state(translator: Translator, recipe: Recipe, device: torch.device) -> TrainingState:
    """Optimisers, averages and pools for a translator's phases, on `device`."""
    translator = translator.to(device).train()
    asked = recipe.optim
    optimizers: dict[str, Optimizer] = {}
    for phase in translator.phases:
        if phase.optimizer:
            continue
        # Phases that see outputs without their graph train discriminators.
        name, lr, betas = (
            (
                asked.discriminator_optimizer or asked.optimizer,
                asked.discriminator_lr or asked.lr,
                asked.discriminator_betas or asked.betas,
            )
            if phase.detached
            else (asked.optimizer, asked.lr, asked.betas)
        )
        networks = nn.ModuleList(translator.networks[name] for name in phase.networks)
        learnt = [parameter for parameter in networks.parameters() if parameter.requires_grad]
        optimizers[phase.name] = OPTIMIZERS[name](learnt, lr=lr, betas=betas)
    averages = {name: averaged(translator.networks[name]) for name in translator.served}
    replayed = [name for phase in translator.phases for name in phase.replay]
    pools = {
        name: ReplayPool(recipe.training.pool, seed=recipe.training.seed + place)
        for place, name in enumerate(replayed, start=1)
    }
    return TrainingState(
        translator,
        device,
        optimizers,
        averages,
        pools,
        torch.amp.GradScaler(device.type, enabled=recipe.training.precision == "fp16"),
        Plateau(asked.patience) if asked.schedule == "plateau" else None,
        base_rates={name: optimizer.param_groups[0]["lr"] for name, optimizer in optimizers.items()},
    )


def _names(out: Any) -> list[str]:
    return [entry.name for entry in fields(out)]


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value
