"""Schedules of who is trained when, how large a step is and how a batch is taken."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import SGD, Adam, RMSprop

from translate.config import Recipe, load_recipe
from translate.data.batches import Batch as ByteBatch
from translate.errors import TrainingError
from translate.training.loop import train
from translate.training.plan import step_memory
from translate.training.plateau import Plateau
from translate.training.state import TrainingState, new_state
from translate.translators.catalogue import build_translator

TINY = {
    "data.size": 24,
    "data.load_size": 24,
    "data.batch_size": 4,
    "generator.name": "resnet",
    "generator.depth": 1,
    "generator.width": 4,
    "generator.norm": "instance",
    "discriminator.width": 4,
    "discriminator.layers": 1,
    "discriminator.norm": "instance",
    "training.pool": 0,
    "log.every": 1,
}


def recipe(name: str = "pix2pix", **changes: Any) -> Recipe:
    return load_recipe(name, TINY | {key.replace("__", "."): value for key, value in changes.items()})


def batches(count: int, first: int = 0) -> list[ByteBatch]:
    random = np.random.RandomState(0)
    made = [
        ByteBatch(*(torch.from_numpy(random.randint(0, 256, (4, 3, 24, 24), np.uint8)) for _ in "ab"))
        for _ in range(count)
    ]
    return made[first:]


def fresh(chosen: Recipe) -> TrainingState:
    torch.manual_seed(0)
    return new_state(build_translator(chosen), chosen, torch.device("cpu"))


def advance(
    state: TrainingState,
    chosen: Recipe,
    until: int,
    of: int,
    each: Callable[[int, dict], None] | None = None,
    precision: torch.dtype = torch.float32,
) -> TrainingState:
    """Go on from the state to step `until` of `of`."""
    train(
        state,
        chosen,
        batches(of, state.step),
        steps=of,
        precision=precision,
        on_step=lambda step, losses, factor: each(step, losses) if each else None,
        on_log=lambda step: None,
        on_sample=lambda step: None,
        on_save=lambda step: None,
        should_stop=lambda: state.step >= until,
    )
    return state


def weights(state: TrainingState, network: str) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in state.translator.networks[network].parameters()]


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan"])
def test_n_critic_trains_the_generator_in_every_nth_step_only(name: str):
    chosen = recipe(name, training__n_critic=3)
    state = fresh(chosen)
    seen = {
        "generator": [weights(state, "generator")],
        "discriminator_b": [weights(state, "discriminator_b")],
    }

    def look(step: int, losses: dict) -> None:
        for network, history in seen.items():
            history.append(weights(state, network))

    advance(state, chosen, 6, 6, look)
    moved = {network: [not same(*pair) for pair in pairwise(history)] for network, history in seen.items()}
    assert moved == {"generator": [True, False, False] * 2, "discriminator_b": [True] * 6}


@pytest.mark.parametrize("side", ["generator", "discriminator"])
def test_the_adaptive_schedule_steps_a_side_only_above_its_threshold(side: str):
    network = {"generator": "generator", "discriminator": "discriminator_b"}[side]
    other = {"generator": "discriminator_b", "discriminator": "generator"}[side]
    for threshold, trains in ((1e6, False), (-1e6, True)):
        chosen = recipe(**{f"training__{side}_above": threshold})
        state = fresh(chosen)
        before = weights(state, network), weights(state, other)
        advance(state, chosen, 2, 2)
        assert same(before[0], weights(state, network)) != trains
        assert not same(before[1], weights(state, other))


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan"])
@pytest.mark.parametrize("objective", ["lsgan", "wgan-gp"])
def test_a_batch_in_parts_is_the_same_step(name: str, objective: str, monkeypatch: pytest.MonkeyPatch):
    # The point between real and fake that WGAN-GP penalises is drawn at random: here it is the middle.
    monkeypatch.setattr(
        "translate.losses.penalties.interpolated", lambda real, fake: ((real + fake) / 2).detach()
    )
    states = []
    for parts in (1, 2, 4):
        chosen = recipe(
            name,
            losses__adversarial=objective,
            training__accumulate=parts,
            training__n_critic=1,
            optim__optimizer="sgd",
            optim__betas=[0, 0.9],
            optim__lr=1e-2,
        )
        states.append(advance(fresh(chosen), chosen, 2, 2))
    for state in states[1:]:
        for network in state.translator.networks:
            for part, whole in zip(weights(state, network), weights(states[0], network), strict=True):
                torch.testing.assert_close(part, whole, rtol=1e-5, atol=1e-6)


def test_a_gradient_is_no_longer_than_asked():
    chosen = recipe(optim__optimizer="sgd", optim__betas=[0, 0.9], optim__lr=1.0, optim__clip=1e-3)
    state = fresh(chosen)
    before = weights(state, "generator")
    advance(state, chosen, 1, 1)
    moved = [new - old for new, old in zip(weights(state, "generator"), before, strict=True)]
    assert float(torch.cat([part.flatten() for part in moved]).norm()) == pytest.approx(1e-3, rel=1e-3)


def test_each_side_has_the_optimiser_that_it_was_given():
    state = fresh(
        recipe(
            optim__discriminator_optimizer="sgd",
            optim__discriminator_lr=4e-4,
            optim__discriminator_betas=[0.1, 0.9],
            constraints__r1=1,
        )
    )
    generator, discriminator = state.optimizers["generator"], state.optimizers["discriminator"]
    assert isinstance(generator, Adam)
    assert isinstance(discriminator, SGD)
    assert (generator.param_groups[0]["lr"], generator.param_groups[0]["betas"]) == (2e-4, (0.5, 0.999))
    assert (discriminator.param_groups[0]["lr"], discriminator.param_groups[0]["momentum"]) == (4e-4, 0.1)
    assert set(state.optimizers) == {"generator", "discriminator"}
    assert isinstance(fresh(recipe(losses__adversarial="wgan")).optimizers["discriminator"], RMSprop)


def test_a_plateau_halves_the_rate_and_an_improvement_doesn_t():
    plateau, factors = Plateau(patience=2), []
    for loss in (5.0, 4.0, 4.0, 4.0, 4.0, 3.0, 3.0):
        plateau.record(torch.tensor(loss + 1))
        plateau.record(torch.tensor(loss - 1))
        plateau.look()
        factors.append(plateau.factor)
    assert factors == [1, 1, 1, 1, 0.5, 0.5, 0.5]
    again = Plateau(patience=2)
    again.load_state_dict(copy.deepcopy(plateau.state_dict()))
    for watched in (plateau, again):
        watched.record(torch.tensor(9.0))
        watched.look()
        watched.record(torch.tensor(9.0))
        watched.look()
    assert again.factor == plateau.factor == 0.25


@pytest.mark.parametrize(
    "changes",
    [
        {"losses__adversarial": "wgan-gp"},
        {"discriminator__norm": "virtual"},
        {"losses__adversarial": "dragan"},
        {"constraints__r1": 1, "constraints__orthogonal": 1e-4, "constraints__noise": 0.1},
        {"constraints__historical": 0.1},
        {"constraints__augment": ["colour", "translation", "cutout"], "losses__feature_matching": 1},
    ],
)
def test_a_dry_run_plans_the_memory_of_every_constraint(changes: dict):
    chosen, plain = recipe(**changes), recipe()
    with torch.device("meta"):
        planned = step_memory(build_translator(chosen), chosen)
        assert planned >= step_memory(build_translator(plain), plain) > 0


def test_a_dry_run_plans_the_memory_of_self_attention_where_it_is():
    """The matrix of N places by N/4 pooled ones is nearly all of it."""

    def planned(attention: bool | int) -> int:
        chosen = recipe(data__size=128, data__load_size=128, generator__attention=attention)
        with torch.device("meta"):
            return step_memory(build_translator(chosen), chosen)

    plain = planned(False)
    for n in (2, 4):
        places = (128 // n) ** 2
        matrices = 4 * (places * places // 4) * 4  # of a batch of 4, in bytes
        assert matrices < planned(n) - plain < 1.3 * matrices
    assert planned(True) == planned(4)


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan"])
def test_virtual_batch_norm_resumes_with_its_reference(name: str, tmp_path):
    chosen = recipe(name, discriminator__norm="virtual", training__accumulate=2, constraints__r1=1)
    whole = advance(fresh(chosen), chosen, 4, 4)
    advance(fresh(chosen), chosen, 2, 4).save(tmp_path / "state.pt")
    resumed = fresh(chosen)
    resumed.restore(tmp_path / "state.pt")
    advance(resumed, chosen, 4, 4)
    expected, found = whole.translator.state_dict(), resumed.translator.state_dict()
    assert len(found["networks.discriminator_b.reference"]) == 2
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_all_of_it_resumes_bit_for_bit(tmp_path):
    chosen = recipe(
        "cyclegan",
        losses__adversarial="dragan",
        constraints__r1=10,
        constraints__r1_every=3,
        constraints__historical=0.1,
        constraints__noise=0.2,
        constraints__augment=["colour", "translation", "cutout"],
        constraints__augment_p="adaptive",
        constraints__augment_target=-0.9,
        constraints__augment_ramp=20,
        losses__feature_matching=1,
        training__pool=3,
        training__n_critic=2,
        training__accumulate=2,
        optim__schedule="plateau",
        optim__patience=1,
        optim__lr=1e-3,
    )
    whole = advance(fresh(chosen), chosen, 7, 7)
    advance(fresh(chosen), chosen, 4, 7).save(tmp_path / "state.pt")
    resumed = fresh(chosen)
    resumed.restore(tmp_path / "state.pt")
    advance(resumed, chosen, 7, 7)
    expected, found = whole.translator.state_dict(), resumed.translator.state_dict()
    assert any("mean_" in name for name in found)
    assert any(name.endswith("augment.p") and tensor > 0 for name, tensor in found.items())
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_scaled_losses_take_the_same_steps():
    changes = {"optim__clip": 0.5, "constraints__r1": 1, "constraints__r1_every": 1}
    plain = recipe(**changes)
    scaled = recipe(**changes, training__precision="fp16")
    expected, found = (advance(fresh(one), one, 3, 3) for one in (plain, scaled))
    assert found.scaler.get_scale() == 65536
    for name in found.translator.networks:
        for one, other in zip(weights(found, name), weights(expected, name), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_fp16_trains_as_fp32_does():
    losses: dict[torch.dtype, list[dict]] = {}
    for precision, name in ((torch.float32, "fp32"), (torch.float16, "fp16")):
        chosen = recipe("cyclegan", training__precision=name)
        seen = losses.setdefault(precision, [])
        advance(fresh(chosen), chosen, 3, 3, lambda step, terms, seen=seen: seen.append(terms), precision)
    for half, whole in zip(losses[torch.float16], losses[torch.float32], strict=True):
        assert {name: float(term) for name, term in half.items()} == pytest.approx(
            {name: float(term) for name, term in whole.items()}, rel=0.02, abs=0.02
        )


def test_an_infinite_gradient_skips_a_step_and_halves_the_scale():
    chosen = recipe(training__precision="fp16")
    state = fresh(chosen)
    state.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, growth_interval=1000)
    before = weights(state, "generator"), weights(state, "discriminator_b")
    advance(state, chosen, 1, 1)
    assert same(before[0], weights(state, "generator"))
    assert state.scaler.get_scale() < 2.0**127
    state.require_finite()
    state.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**-11)
    with pytest.raises(TrainingError, match="infinite or not a number at any scale before step 1"):
        state.require_finite()


def test_fp16_resumes_bit_for_bit(tmp_path):
    chosen = recipe(training__precision="fp16")

    def begun() -> TrainingState:
        state = fresh(chosen)
        state.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**100, growth_interval=3)
        return state

    whole = advance(begun(), chosen, 6, 6, precision=torch.float16)
    advance(begun(), chosen, 3, 6, precision=torch.float16).save(tmp_path / "state.pt")
    resumed = fresh(chosen)
    resumed.restore(tmp_path / "state.pt")
    advance(resumed, chosen, 6, 6, precision=torch.float16)
    assert resumed.scaler.state_dict() == whole.scaler.state_dict()
    for name in whole.translator.networks:
        assert same(weights(whole, name), weights(resumed, name))
