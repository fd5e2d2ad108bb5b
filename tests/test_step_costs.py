"""What a step costs: every name that a recipe can choose has a row, and every row is a recipe that can be."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))  # scripts import their neighbours
import step_costs  # noqa: E402
from step_costs_rows import BASELINE, GROUPS  # noqa: E402

sys.path.remove(str(BENCHMARKS))

from translate.config import losses, networks, schema  # noqa: E402
from translate.config.sections import Section  # noqa: E402
from translate.losses.adversarial import ADVERSARIAL  # noqa: E402
from translate.networks.backbones import BACKBONES  # noqa: E402
from translate.networks.catalogue import DISCRIMINATORS, GENERATORS  # noqa: E402
from translate.networks.text import TEXT_ENCODERS  # noqa: E402

ROWS = [(group, {}) for group in GROUPS.values()] + [
    (group, changes) for group in GROUPS.values() for changes in group.rows.values()
]
TINY = {
    "data.size": 32,
    "data.load_size": 32,
    "generator.depth": 1,
    "generator.width": 4,
    "discriminator.layers": 1,
    "discriminator.width": 4,
}
CHOICES: dict[str, set[str]] = {
    "losses.adversarial": set(ADVERSARIAL),
    "generator.name": set(GENERATORS),
    "generator.norm": set(get_args(networks.NormName)),
    "generator.upsampling": set(get_args(networks.Upsampling)),
    "discriminator.name": set(DISCRIMINATORS),
    "discriminator.norm": set(get_args(networks.DiscriminatorNorm)),
    "discriminator.minibatch": set(get_args(networks.Minibatch)),
    "discriminator.conditioning": set(get_args(networks.Conditioned)),
    "discriminator.backbone": set(BACKBONES),
    "text_encoder.name": set(TEXT_ENCODERS),
    "optim.optimizer": set(get_args(schema.OptimizerName)),
}
# Numbers that change what is computed with, not how much; and what isn't a matter of a step.
FREE = {
    "constraints": {"penalty", "margin", "gamma", "balance_rate", "augment_target", "augment_ramp"},
    "training": {"epochs", "steps", "seed", "precision", "standing"},
}


def value(recipe: schema.Recipe, key: str) -> Any:
    section, _, leaf = key.partition(".")
    return getattr(getattr(recipe, section, None), leaf, None)


@pytest.fixture(scope="module")
def recipes() -> list[schema.Recipe]:
    return [group.changed(changes) for group, changes in ROWS]


@pytest.mark.parametrize("key", CHOICES)
def test_every_name_has_a_row(key, recipes):
    assert CHOICES[key] <= {value(recipe, key) for recipe in recipes}


def test_every_backbone_of_a_perceptual_loss_has_a_row():
    rows = [changes for _, changes in ROWS if changes.get("losses.perceptual")]
    assert {changes["losses.backbone"] for changes in rows} == set(get_args(losses.BackboneName))


def test_every_constraint_trick_and_loss_of_the_game_has_a_row():
    said = {key for group, changes in ROWS for key in BASELINE | (group.base or {}) | changes}
    for name, section in (("constraints", losses.ConstraintsSection), ("training", schema.TrainingSection)):
        assert {f"{name}.{field}" for field in set(section.model_fields) - FREE[name]} <= said
    assert {f"losses.{field}" for field in set(losses.GameLosses.model_fields) - {"gan"}} <= said


@pytest.mark.parametrize("side", ["generator", "discriminator"])
def test_every_switch_of_a_network_is_on_in_a_row(side, recipes):
    sections: tuple[type[Section], ...] = get_args(
        get_args(networks.Generator if side == "generator" else networks.Discriminator)[0]
    )
    switches = {
        name
        for section in sections
        for name, field in section.model_fields.items()
        if field.annotation is bool
    }
    assert switches
    assert {
        name for name in switches if not any(value(recipe, f"{side}.{name}") for recipe in recipes)
    } == set()


@pytest.mark.parametrize("name", ["objective", "with pairs", "with labels", "with captions"])
def test_a_step_of_every_kind_is_timed(name):
    cpu, clock = step_costs.steps_of(GROUPS[name].changed(TINY))()
    assert 0 < cpu < 60
    assert 0 < clock < 60


def test_a_vgg19_of_random_weights_judges_as_the_real_one_would():
    group = GROUPS["with pairs"]
    translator = step_costs.translator_of(group.changed(TINY | group.rows["perceptual, vgg19"]))
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    output = image.flip(3).requires_grad_()
    distance = translator.distance(image, output)
    distance.backward()
    assert 0.01 < float(distance.detach()) < 100
    assert output.grad.abs().sum() > 0
    stages = translator.distance.features.backbone.stages
    assert all(
        weight.is_contiguous(memory_format=torch.channels_last)
        for weight in stages.buffers()
        if weight.ndim == 4
    )


def test_a_lazy_regulariser_is_promised_its_share(tmp_path):
    row = {"cpu": 1.16, "cpu_low": 1.1, "cpu_high": 1.2, "clock": 1.1, "cpu_seconds": 0.4}
    results = {"constraint": {step_costs.LAZY: dict(row), "R1 in every 4th": {**row, "cpu": 1.05}}}
    step_costs.write(tmp_path, 3, 0.5, results)
    assert results["constraint"]["R1 in every 4th"]["expected"] == pytest.approx(1.04)
    table = (tmp_path / "step_costs.md").read_text()
    assert "Beside the step of `cyclegan`:" in table
    assert "| R1 in every 4th | 1.05 | 1.10 to 1.20 | 1.10 | 1.04 |" in table
