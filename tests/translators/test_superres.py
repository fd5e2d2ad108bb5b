"""Super-resolution against its equations, written down once more with plain calls."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from translate.config import load_recipe
from translate.networks.perceptual import PerceptualFeatures
from translate.training.loop import to_batch
from translate.translators.base import Batch
from translate.translators.catalogue import build_translator
from translate.translators.superres import SuperRes


@pytest.fixture
def case(tiny_recipe, lively, byte_batches):
    """A translator with lively weights, and a batch of two small pictures and their large ones."""

    def make(weights_dir=None, **changes) -> tuple[SuperRes, Batch]:
        recipe = tiny_recipe("superres", **{"discriminator__spectral": False} | changes)
        translator = lively(build_translator(recipe, weights_dir))
        assert isinstance(translator, SuperRes)
        return translator, to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))

    return make


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_first_stage_is_the_distance_of_pixels_alone(case, scale):
    translator, batch = case(data__scale=scale, losses__pretrain=1, losses__pixel=3, losses__gan=1)
    out = translator(batch)
    assert out.fake_b.shape == batch.b.shape == (2, 3, 24, 24)
    assert batch.a.shape == (2, 3, 24 // scale, 24 // scale)
    assert list(translator.networks) == ["generator"]  # a second stage that never comes costs nothing
    (phase,) = translator.phases
    difference = (out.fake_b - batch.b).abs().detach()
    losses = phase.loss(batch, out)
    assert list(losses) == ["pixel"]
    assert losses["pixel"].item() == pytest.approx(3 * difference.mean().item())

    translator, batch = case(data__scale=scale, losses__pretrain=1, losses__pixel_loss="charbonnier")
    smooth = (difference.square() + 1e-6).sqrt().mean().item()
    assert translator.phases[0].loss(batch, translator(batch))["pixel"].item() == pytest.approx(smooth)


def test_the_second_stage_is_the_equation(case, vgg19_folder):
    translator, batch = case(vgg19_folder, losses__perceptual=0.7, losses__gan=0.3, losses__pixel=0.2)
    fake = translator.networks["generator"](batch.a)
    judge, b = translator.networks["discriminator_b"], batch.b
    features = PerceptualFeatures("vgg19")
    features.load(vgg19_folder)
    pairs = zip(features(b), features(fake), features.weights, strict=True)
    perceptual = sum(weight * (of_b - of_fake).abs().mean() for of_b, of_fake, weight in pairs)

    def relativistic(real, made):  # −log σ(real − E made) − log(1 − σ(made − E real)), each averaged
        one, zero = torch.ones_like(real), torch.zeros_like(made)
        cross_entropy = F.binary_cross_entropy_with_logits
        return cross_entropy(real - made.mean(), one) + cross_entropy(made - real.mean(), zero)

    generator = translator.generator_losses(batch, translator(batch))
    assert generator["pixel"].item() == pytest.approx(0.2 * F.l1_loss(fake, b).item())
    assert generator["perceptual"].item() == pytest.approx(0.7 * perceptual.item(), rel=1e-4)
    assert generator["gan_b"].item() == pytest.approx(
        0.3 * relativistic(judge(fake), judge(b)).item(), rel=1e-4
    )
    judged = translator.discriminator_loss(batch, translator(batch))
    assert set(generator) == {"pixel", "perceptual", "gan_b"}
    assert set(judged) == {"discriminator_b"}
    assert judged["discriminator_b"].item() == pytest.approx(
        0.5 * relativistic(judge(b), judge(fake)).item(), rel=1e-4
    )


def test_the_recipe_s_numbers():
    recipe = load_recipe("superres")
    losses = recipe.losses
    assert (losses.pixel, losses.perceptual, losses.gan) == (1, 1, 0.1)  # Real-ESRGAN, §4.1
    assert (recipe.discriminator.name, recipe.discriminator.spectral) == ("unet", True)
    assert losses.adversarial == "relativistic"
    assert (recipe.generator.scale, recipe.data.scale, recipe.data.task) == (4, 4, "downscale")
    assert load_recipe("superres", {"data.a": "LR", "data.b": "HR"}).data.task is None


def test_stages_follow_each_other(tiny_recipe, take_steps):
    recipe = tiny_recipe("superres", losses__pretrain=0.5, losses__pixel=1)
    state, losses = take_steps(recipe, 6)
    stages = [set(terms) for terms in losses]
    assert stages[:3] == [{"pixel"}] * 3
    assert stages[3:] == [{"pixel", "gan_b", "discriminator_b"}] * 3
    assert set(state.optimizers) == {"generator", "discriminator"}
    steps = [entry["step"] for entry in state.optimizers["generator"].state_dict()["state"].values()]
    assert {int(step) for step in steps} == {6}  # one optimiser, with its moments, through both stages
    steps = [entry["step"] for entry in state.optimizers["discriminator"].state_dict()["state"].values()]
    assert {int(step) for step in steps} == {3}


def test_the_first_stage_costs_no_discriminator(tiny_recipe, take_steps):
    recipe = tiny_recipe("superres", losses__pretrain=0.5)
    translator = build_translator(recipe)
    calls = []
    translator.networks["discriminator_b"].register_forward_hook(lambda *_: calls.append(1))
    take_steps(recipe, 4, translator)
    assert len(calls) == 2 * 2  # a call for each side in each of two steps
    assert math.isclose(translator.phases[0].until, 0.5)
