"""What follows from a recipe's other keys, from its objective and from its data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from translate.config.checks import check
from translate.config.networks import AutoencoderSection, ProgressiveSection, ResNetSection, UNetSection
from translate.config.schema import Recipe
from translate.errors import UsageError

# What an objective brings with it, unless the user says otherwise: the optimisers of its paper.
BROUGHT: dict[str, dict[str, Any]] = {
    "wgan": {"optim.optimizer": "rmsprop", "optim.lr": 5e-5, "training.n_critic": 5},
    "wgan-gp": {
        "optim.optimizer": "adam",
        "optim.lr": 1e-4,
        "optim.betas": [0.0, 0.9],
        "training.n_critic": 5,
    },
}


def brought_by_objective(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What the objective brings: over the recipe's values if an override chooses it, else in their gaps."""
    losses = values.get("losses")
    written = losses.get("adversarial") if isinstance(losses, dict) else None
    chosen = overrides.get("losses.adversarial", written)
    brought = BROUGHT.get(chosen, {}) if isinstance(chosen, str) else {}
    return {key: value for key, value in brought.items() if chosen != written or not _says(values, key)}


def _says(values: Mapping[str, Any], key: str) -> bool:
    section, _, leaf = key.partition(".")
    return isinstance(values.get(section), dict) and leaf in values[section]


def resolve(recipe: Recipe) -> Recipe:
    """Replace every `auto` that follows from other keys, then check what keys promise each other."""
    data, training, losses = recipe.data, recipe.training, recipe.losses
    generator, discriminator = recipe.generator, recipe.discriminator
    if data.task == "auto":
        # Inputs that are named are there already.
        data = data.model_copy(update={"task": "downscale" if data.a is None else None})
    if data.load_size == "auto":
        # The papers enlarge 256 to 286 before cropping.
        data = data.model_copy(update={"load_size": round(data.size * 286 / 256)})
    if training.resolutions == "auto":
        grows = generator.stages if isinstance(generator, ProgressiveSection) else 1
        training = training.model_copy(update={"resolutions": grows})
    if isinstance(generator, UNetSection | ResNetSection) and generator.depth == "auto":
        depth = _auto_depth(generator, data.size, int(training.resolutions))
        generator = generator.model_copy(update={"depth": depth})
    if getattr(generator, "scale", None) == "auto":
        generator = generator.model_copy(update={"scale": data.scale})
    if isinstance(discriminator, AutoencoderSection) and discriminator.distance == "auto":
        own = "l1" if losses.adversarial == "began" else "l2"  # each paper's
        discriminator = discriminator.model_copy(update={"distance": own})
    if losses.matching == "auto":
        losses = losses.model_copy(update={"matching": "layers" if recipe.kind == "paired" else "mean"})
    filled = recipe.model_copy(
        update={
            "data": data,
            "training": training,
            "losses": losses,
            "generator": generator,
            "discriminator": discriminator,
        }
    )
    check(filled)
    return filled


def with_labels(recipe: Recipe, labels: Sequence[str]) -> Recipe:
    """The recipe with the classes of its data, which the size of its networks follows from.

    Raises:
        UsageError: it was made for other classes.
    """
    known = recipe.data.labels
    if recipe.kind != "labelled" or known == tuple(labels):
        return recipe
    if known:
        raise UsageError(
            f"the recipe is for the classes {', '.join(known)}, the data have {', '.join(labels)}; "
            "bring the data back, or leave data.labels out"
        )
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"labels": tuple(labels)})})


def with_classes(recipe: Recipe, classes: Sequence[str]) -> Recipe:
    """The recipe with the classes of its maps, named as in `translate.colours`; see `with_labels`.

    Raises:
        UsageError: it was made for other classes.
    """
    known = recipe.data.classes
    if not recipe.data.classes_a or known == tuple(classes):
        return recipe
    if known:
        raise UsageError(
            f"the recipe is for maps of the classes {', '.join(known)}, the data have {', '.join(classes)}; "
            "bring the data back, or leave data.classes out"
        )
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"classes": tuple(classes)})})


def _auto_depth(generator: UNetSection | ResNetSection, size: int, resolutions: int) -> int:
    if isinstance(generator, ResNetSection):
        return 9 if size >= 256 else 6  # Zhu et al. 2017, appendix 7.2
    size = max(size // 2 ** (resolutions - 1), 1)  # the pictures that it begins with
    halvings = (size & -size).bit_length() - 1
    # Fewer than five would see too little; then the size is refused instead.
    return min(8, max(halvings, min(5, int(math.log2(size))), 2))
