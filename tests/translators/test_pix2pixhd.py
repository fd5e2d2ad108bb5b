"""pix2pixHD and SPADE against their papers' equations, written down once more with plain calls."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from translate.config import load_recipe
from translate.networks.multiscale import MultiScale
from translate.networks.perceptual import PerceptualFeatures
from translate.networks.pix2pixhd import Pix2PixHD
from translate.networks.spade import SpadeGenerator
from translate.training.loop import to_batch
from translate.training.plan import step_memory
from translate.translators.base import Batch
from translate.translators.catalogue import build_translator, channels, generator_arguments
from translate.translators.pix2pix import Pix2Pix

CLASSES = ["#000000", "#00ff00", "#0000ff", "#ff0000", "#ffffff"]


@pytest.fixture
def case(tiny_recipe, lively, byte_batches):
    """A translator with lively weights, and a batch of two pairs."""

    def make(name: str, weights_dir=None, **changes) -> tuple[Pix2Pix, Batch]:
        # Each reading of a spectrally normalised weight moves its iteration on.
        sizes = {"pix2pixhd": 3, "spade": 2}[name]  # the papers'
        changes |= {"discriminator__scales": sizes, "discriminator__spectral": False}
        recipe = tiny_recipe(name, **changes)
        translator = lively(build_translator(recipe, weights_dir))
        assert isinstance(translator, Pix2Pix)
        return translator, to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))

    return make


def squared(logits: Tensor, target: float) -> Tensor:
    return (logits - target).square().mean()


@pytest.mark.parametrize("classes", [False, True])
def test_pix2pixhd_is_equation_five(case, vgg19_folder, classes):
    changes = {"data__classes_a": classes, "data__classes": CLASSES if classes else []}
    translator, batch = case("pix2pixhd", vgg19_folder, losses__perceptual=10, **changes)
    generate, judge = translator.networks["generator"], translator.networks["discriminator_b"]
    assert isinstance(generate, Pix2PixHD)
    assert isinstance(judge, MultiScale)
    a, b = batch.a, batch.b
    fake = generate(a)
    assert a.shape[1] == (5 if classes else 3)
    assert len(judge.scales) == 3

    half = F.avg_pool2d(torch.cat([a, b], 1), 3, 2, 1, count_include_pad=False)
    fake_half = F.avg_pool2d(torch.cat([a, fake], 1), 3, 2, 1, count_include_pad=False)
    quarter, fake_quarter = (F.avg_pool2d(x, 3, 2, 1, count_include_pad=False) for x in (half, fake_half))
    pairs = [(torch.cat([a, b], 1), torch.cat([a, fake], 1)), (half, fake_half), (quarter, fake_quarter)]
    adversarial = matching = torch.zeros(())
    against = torch.zeros(())
    for patches, (real, made) in zip(judge.scales, pairs, strict=True):
        adversarial = adversarial + squared(patches(made), 1)
        against = against + squared(patches(real), 1) + squared(patches(made), 0)
        layers = zip(patches.features(real)[0], patches.features(made)[0], strict=True)
        distances = [(x - y).abs().mean() for x, y in layers]
        matching = matching + 4 / len(distances) * sum(distances) / 3
    see = PerceptualFeatures("vgg19").load(vgg19_folder)
    weights = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)
    seen = sum(w * (x - y).abs().mean() for w, x, y in zip(weights, see(fake), see(b), strict=True))

    out = translator(batch)
    torch.testing.assert_close(out.fake_b, fake)
    torch.testing.assert_close(translator.discriminator_loss(batch, out), {"discriminator_b": against / 2})
    torch.testing.assert_close(
        translator.generator_loss(batch, out),
        {"gan_b": adversarial, "matching_b": 10 * matching, "perceptual": 10 * seen},
    )


def test_spade_is_pix2pixhd_by_hinge_from_planes_of_classes(case):
    translator, batch = case("spade", generator__spectral=False, generator__norm="instance")
    generate, judge = translator.networks["generator"], translator.networks["discriminator_b"]
    assert isinstance(generate, SpadeGenerator)
    assert batch.a.shape[1] == 4
    assert set(batch.a.unique().tolist()) == {0, 1}
    assert torch.equal(batch.a.sum(1), torch.ones_like(batch.a[:, 0]))
    fake = generate(batch.a)
    real_pair, fake_pair = torch.cat([batch.a, batch.b], 1), torch.cat([batch.a, fake], 1)
    real, made = judge(real_pair), judge(fake_pair)
    assert len(real) == len(made) == 2
    against = sum(F.relu(1 - x).mean() + F.relu(1 + y).mean() for x, y in zip(real, made, strict=True))
    scales = zip(judge.features(real_pair), judge.features(fake_pair), strict=True)
    matching = sum(
        4 / len(x) * sum((r - f).abs().mean() for r, f in zip(x, y, strict=True)) / 2 for x, y in scales
    )
    out = translator(batch)
    torch.testing.assert_close(translator.discriminator_loss(batch, out), {"discriminator_b": against / 2})
    torch.testing.assert_close(
        translator.generator_loss(batch, out),
        {"gan_b": -sum(x.mean() for x in made), "matching_b": 10 * matching},
    )


def test_spade_s_defaults_are_the_paper_s(tiny_recipe):
    recipe = tiny_recipe("spade")
    assert (recipe.optim.lr, recipe.optim.discriminator_lr, recipe.optim.betas) == (1e-4, 4e-4, (0.0, 0.9))
    assert (recipe.losses.adversarial, recipe.losses.feature_matching, recipe.losses.l1) == ("hinge", 10, 0)
    assert (recipe.generator.norm, recipe.generator.spectral) == ("sync-batch", True)
    assert recipe.discriminator.spectral
    assert [load_recipe(name).discriminator.scales for name in ("spade", "pix2pixhd")] == [2, 3]


@pytest.mark.parametrize("name", ["spade", "pix2pixhd", "pix2pix", "bicyclegan"])
def test_the_networks_take_a_plane_for_each_class(name, tiny_recipe):
    recipe = tiny_recipe(name, data__classes_a=True, data__classes=CLASSES)
    assert channels(recipe)[0] == generator_arguments(recipe)[1]["in_channels"] == 5
    with torch.device("meta"):
        translator = build_translator(recipe)
    assert step_memory(translator, recipe) > 0


def test_an_l1_distance_can_be_added(case):
    plain, batch = case("pix2pixhd")
    added, _ = case("pix2pixhd", losses__l1=7)
    losses = added.generator_loss(batch, out := added(batch))
    torch.testing.assert_close(losses.pop("l1"), 7 * (out.fake_b - batch.b).abs().mean())
    torch.testing.assert_close(losses, plain.generator_loss(batch, plain(batch)))
