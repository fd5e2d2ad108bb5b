"""Recipes and batches small enough for a training step in a few milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from translate.config import Recipe, load_recipe
from translate.data.batches import Batch as ByteBatch
from translate.training.loop import train
from translate.training.state import TrainingState, new_state
from translate.translators.base import Losses, Translator
from translate.translators.catalogue import build_translator

OF_GENERATORS = {
    "unet": {"generator.depth": 3},
    "progressive": {"generator.stages": 2},
    "laplacian": {"generator.levels": 2},
    "pix2pixhd": {"generator.halvings": 1},
    "spade": {"generator.depth": 2, "generator.hidden": 4},
    "rrdb": {"generator.growth": 2},
}
OF_DISCRIMINATORS = {
    "patch": {"discriminator.layers": 2},
    "image": {"discriminator.layers": 2},
    "multiscale": {"discriminator.layers": 1, "discriminator.scales": 2},
    "residual": {"discriminator.depth": 2},
    "semi-supervised": {"discriminator.layers": 2},
    "autoencoder": {"discriminator.depth": 2},
}
CUT = {"losses.layers": [0, 4, 8], "losses.patches": 8}
CODES = {"encoder.depth": 2, "encoder.width": 4, "encoder.latent": 3}
OF_RECIPES = {
    "bicyclegan": CODES,
    "stargan": {"data.labels": ["one", "two", "three"]},
    "cut": CUT,
    "fastcut": CUT,
    "pix2pixhd": {"losses.perceptual": 0},
    "spade": {"losses.perceptual": 0, "data.classes": ["0", "7", "200", "255"]},
    "superres": {"losses.perceptual": 0, "losses.pretrain": 0},
}
CAPTIONS = ("a zebra at noon", "a grey horse", "one at dusk")
SIZE = 24


@pytest.fixture(scope="session")
def tiny_recipe() -> Callable[..., Recipe]:
    """A recipe of the package, with small networks and `section__key=value` overrides."""

    def make(name: str, **changes: Any) -> Recipe:
        overrides = {key.replace("__", "."): value for key, value in changes.items()}
        generator = overrides.get("generator.name", load_recipe(name).generator.name)
        discriminator = overrides.get("discriminator.name", load_recipe(name).discriminator.name)
        tiny = OF_RECIPES.get(name, {}) | {
            "data.size": SIZE,
            "data.load_size": SIZE,
            "data.batch_size": 2,
            "generator.depth": 1,
            "generator.width": 4,
            "discriminator.width": 4,
        }
        tiny |= OF_GENERATORS.get(generator, {}) | OF_DISCRIMINATORS.get(discriminator, {})
        return load_recipe(name, tiny | overrides)

    return make


@pytest.fixture(scope="session")
def byte_batches() -> Callable[..., list[ByteBatch]]:
    """Random pictures that are the same everywhere: numpy promises this generator's numbers for good."""

    def make(recipe: Recipe, count: int, seed: int = 0) -> list[ByteBatch]:
        random, data = np.random.RandomState(seed), recipe.data

        def batch() -> ByteBatch:
            classes = len(data.classes) if data.classes_a else 0
            planes = data.channels_a + (recipe.translator == "inpaint")
            kinds = ((1, classes) if classes else (planes, 256), (data.channels_b, 256))
            sides = [
                torch.from_numpy(random.randint(0, levels, (data.batch_size, channels, size, size), np.uint8))
                for (channels, levels), size in zip(kinds, (data.size // data.scale, data.size), strict=True)
            ]
            if recipe.kind == "captioned":
                texts = [tuple(CAPTIONS[i] for i in random.randint(0, 3, data.batch_size)) for _ in "ab"]
                return ByteBatch(*sides, text_a=texts[0], text_b=texts[1])
            if recipe.translator == "colorize":
                return ByteBatch(sides[1], sides[1], lab=True)
            if not data.labels:
                return ByteBatch(*sides, classes_a=classes)
            labels = [torch.from_numpy(random.randint(0, len(data.labels), data.batch_size)) for _ in "ab"]
            return ByteBatch(*sides, *labels)

        return [batch() for _ in range(count)]

    return make


@pytest.fixture(scope="session")
def lively() -> Callable[[Translator], Translator]:
    """Draw a translator's weights ten times as large as usual, and the same everywhere."""

    def fill(translator: Translator) -> Translator:
        random = np.random.RandomState(1)
        with torch.no_grad():
            for name, parameter in translator.named_parameters():
                values = 0.2 * torch.from_numpy(random.randn(*parameter.shape))
                scales = parameter.ndim == 1 and name.endswith("weight")
                parameter.copy_(1 + values if scales else values)
        return translator

    return fill


@pytest.fixture(scope="session")
def take_steps(byte_batches) -> Callable[..., tuple[TrainingState, list[Losses]]]:
    """Train a few steps with the real loop; gives the state and every step's loss terms."""

    def run(recipe: Recipe, steps: int, translator: Translator | None = None):
        torch.manual_seed(0)
        state = new_state(translator or build_translator(recipe), recipe, torch.device("cpu"))
        seen: list[Losses] = []
        train(
            state,
            recipe,
            byte_batches(recipe, steps),
            steps=steps,
            precision=torch.float32,
            on_step=lambda step, losses, factor: seen.append(losses),
            on_log=lambda step: None,
            on_sample=lambda step: None,
            on_save=lambda step: None,
            should_stop=lambda: False,
        )
        return state, seen

    return run
