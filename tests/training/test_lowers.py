"""Every generator, and every way to build one, learns by the recipe that names it.

A recipe by its name, its keys, the real loop: a few dozen steps on four pictures, after which the output is
nearer to the target than at first, and than any picture of one colour. Names come from the schema, so that a
new one without a case fails here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from translate.config import Pix2PixRecipe, Recipe, load_recipe, recipe_names
from translate.config.networks import InitName, NormName, Upsampling
from translate.config.schema import OptimizerName
from translate.training.loop import to_batch
from translate.training.state import TrainingState

STEPS = 40
TINY = {
    "data.size": 16,
    "data.load_size": 16,
    "data.batch_size": 4,
    "generator.depth": 1,
    "generator.width": 8,
    "discriminator.width": 4,
    "discriminator.layers": 1,
    "optim.lr": 1e-2,
    "optim.schedule": "linear",
    "optim.decay_from": 0.3,
    "training.pool": 0,
    "log.every": 1000,
}
GENERATORS: dict[str, dict[str, Any]] = {
    "unet": {"generator.depth": 3},
    "resnet": {},
    "mobile": {},
    "progressive": {"generator.stages": 2, "generator.width": 4},
    "laplacian": {"generator.levels": 1},
    "pix2pixhd": {"generator.halvings": 1},
    "spade": {"generator.depth": 2, "generator.hidden": 8},
    "srresnet": {},
    "edsr": {},
    "rrdb": {"generator.growth": 8, "generator.init": "orthogonal", "optim.lr": 6e-3},
    "srvgg": {"generator.init": "xavier", "optim.lr": 6e-3},
}
SLOW = {"rrdb": 80, "srvgg": 80, "text": 60}  # steps
# The usual first weights, N(0, 0.02), are for wide networks: without a norm the picture would fade here.
VARIANTS: dict[str, dict[str, Any]] = {
    "none": {"generator.init": "xavier", "optim.lr": 3e-3},
    "layer": {"generator.init": "xavier", "optim.lr": 3e-3},
    "rmsprop": {"optim.lr": 1e-3},
    "sgd": {"optim.lr": 5e-4},
}
# Nothing but what a discriminator says is to be lowered, so it says the same all the time.
HELD = {"losses.perceptual": 0, "training.discriminator_above": 1e9}
RECIPES: dict[str, dict[str, Any]] = {
    "pix2pix": {"generator.depth": 3, "generator.dropout": 0.0},
    "cyclegan": {},
    "stargan": {"data.labels": ["one", "two"]},
    "cut": {"losses.layers": [0, 4, 8], "losses.patches": 16},
    "fastcut": {"losses.layers": [0, 4, 8], "losses.patches": 16, "losses.mirror": False},
    "demo": {"generator.depth": 3},
    "pix2pixhd": HELD | {"generator.halvings": 1, "discriminator.scales": 2},
    "spade": HELD
    | {
        "data.classes": ["red", "green", "blue"],
        "generator.depth": 2,
        "generator.hidden": 8,
        "discriminator.scales": 2,
    },
    "bicyclegan": {
        "generator.depth": 3,
        "encoder.depth": 2,
        "encoder.width": 4,
        "encoder.latent": 3,
        "discriminator.scales": 2,
    },
    "inpaint": {"generator.depth": 3},
    "text": {"text_encoder.width": 8, "optim.lr": 3e-3},
    "colorize": {"generator.depth": 3, "generator.dropout": 0.0},
    "superres": {
        "data.scale": 2,
        "discriminator.name": "patch",
        "losses.perceptual": 0,
        "losses.pretrain": 0.5,
    },
}


def recipe_of(name: str, changes: Mapping[str, Any]) -> Recipe:
    return load_recipe(name, TINY | changes)


def networks(section: str) -> list[type]:
    """The sections that a recipe can name."""
    return list(get_args(Pix2PixRecipe.model_fields[section].annotation))


def switches(section: type) -> dict[str, bool]:
    """What can be switched on in a network, all of it at once."""
    fields = section.model_fields  # pyright: ignore[reportAttributeAccessIssue]
    return {f"generator.{name}": True for name, field in fields.items() if bool in kinds(field.annotation)}


def kinds(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) or (annotation,)


def distance_of_one_colour(wanted: Tensor) -> float:
    """Of the best picture of one colour, by L1."""
    colours = wanted.transpose(0, 1).flatten(1).median(1).values
    return float((wanted - colours[:, None, None]).abs().mean())


def learns(recipe: Recipe, new_training, train_on_it, same_batch, steps: int = STEPS) -> None:
    state: TrainingState = new_training(recipe)
    batch = to_batch(same_batch(recipe), state.device)

    def distance() -> float:
        with torch.no_grad():
            return float((state.translator(batch).fake_b - batch.b).abs().mean())

    first = distance()
    train_on_it(state, recipe, steps)
    assert distance() < 0.8 * min(first, distance_of_one_colour(batch.b)), (first, distance())


@pytest.mark.parametrize("section", networks("generator"), ids=lambda section: section.__name__)
def test_every_generator_learns_pairs(section, new_training, train_on_it, same_batch):
    name = section.model_fields["name"].default
    recipe = recipe_of("pix2pix", {"generator.name": name} | GENERATORS[name])
    learns(recipe, new_training, train_on_it, same_batch, SLOW.get(name, STEPS))


SWITCHED = [section for section in networks("generator") if switches(section)]


@pytest.mark.parametrize("section", SWITCHED, ids=lambda section: section.__name__)
def test_it_learns_with_all_that_can_be_switched_on(section, new_training, train_on_it, same_batch):
    name = section.model_fields["name"].default
    recipe = recipe_of("pix2pix", {"generator.name": name} | GENERATORS[name] | switches(section))
    learns(recipe, new_training, train_on_it, same_batch)


CHOICES = [
    *(("generator.norm", name) for name in get_args(NormName)),
    *(("generator.upsampling", name) for name in get_args(Upsampling)),
    *(("generator.init", name) for name in get_args(InitName)),
    ("generator.attention", 2),
    *(("optim.optimizer", name) for name in get_args(OptimizerName)),
]


@pytest.mark.parametrize(("key", "value"), CHOICES)
def test_a_generator_learns_by_every_norm_upsampling_start_and_optimiser(
    key, value, new_training, train_on_it, same_batch
):
    resnet = {"generator.name": "resnet", "generator.norm": "instance"}
    recipe = recipe_of("pix2pix", resnet | {key: value} | VARIANTS.get(value, {}))
    learns(recipe, new_training, train_on_it, same_batch)


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_lowers_what_its_generators_minimise(name, new_training, train_on_it):
    """The distances; not what depends on an opponent that learns, too, nor on how much a code tells."""
    recipe = recipe_of(name, RECIPES[name])
    minimised = (
        ("matching",) if name in ("pix2pixhd", "spade") else ("l1", "cycle", "identity", "nce", "pixel")
    )
    losses = train_on_it(new_training(recipe), recipe, SLOW.get(name, STEPS))
    first, last = (
        {key: term for key, term in entry.items() if key.startswith(minimised)}
        for entry in (losses[0], losses[-1])
    )
    assert first
    assert all(last[key] < 0.6 * first[key] for key in first), (first, last)
