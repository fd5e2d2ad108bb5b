"""pix2pix against its paper's equations, written down once more with plain calls."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from translate.networks.perceptual import PerceptualFeatures
from translate.training.loop import to_batch
from translate.translators.base import Batch
from translate.translators.catalogue import build_translator
from translate.translators.pix2pix import Pix2Pix


@pytest.fixture
def case(tiny_recipe, lively, byte_batches):
    """A translator with lively weights, and a batch of two pairs."""

    def make(weights_dir=None, **changes) -> tuple[Pix2Pix, Batch]:
        recipe = tiny_recipe("pix2pix", generator__dropout=0.0, **changes)
        translator = lively(build_translator(recipe, weights_dir))
        assert isinstance(translator, Pix2Pix)
        return translator, to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))

    return make


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_losses_are_equation_four(case, norm):
    translator, batch = case(generator__norm=norm, discriminator__norm=norm)
    generate, judge = translator.networks["generator"], translator.networks["discriminator_b"]
    a, b = batch.a, batch.b

    fake = generate(a)
    real_logits, fake_logits = judge(torch.cat([a, b], 1)), judge(torch.cat([a, fake], 1))
    ones, zeros = torch.ones_like(real_logits), torch.zeros_like(real_logits)
    cross_entropy = F.binary_cross_entropy_with_logits

    out = translator(batch)
    torch.testing.assert_close(out.fake_b, fake)
    torch.testing.assert_close(
        translator.discriminator_loss(batch, out),
        {"discriminator_b": (cross_entropy(real_logits, ones) + cross_entropy(fake_logits, zeros)) / 2},
    )
    torch.testing.assert_close(
        translator.generator_loss(batch, out),
        {"gan_b": cross_entropy(fake_logits, ones), "l1": 100 * (fake - b).abs().mean()},
    )


def test_weights_come_from_the_recipe(case):
    plain, batch = case()
    weighted, _ = case(losses__gan=3, losses__l1=7)
    before = plain.generator_loss(batch, plain(batch))
    after = weighted.generator_loss(batch, weighted(batch))
    torch.testing.assert_close(after, {"gan_b": 3 * before["gan_b"], "l1": 7 / 100 * before["l1"]})
    # The discriminator's objective is halved, whatever the generator's weights are.
    torch.testing.assert_close(
        weighted.discriminator_loss(batch, weighted(batch)), plain.discriminator_loss(batch, plain(batch))
    )


def test_merged_and_separate_calls_agree(case):
    translator, batch = case(generator__norm="instance", discriminator__norm="instance")
    assert translator.game.merge
    out = translator(batch)
    merged = translator.discriminator_loss(batch, out)
    translator.game.merge = False
    torch.testing.assert_close(merged, translator.discriminator_loss(batch, out))


def test_with_batch_norm_real_and_fake_are_judged_apart(case):
    translator, batch = case(discriminator__norm="batch")
    assert not translator.game.merge
    out = translator(batch)
    apart = translator.discriminator_loss(batch, out)["discriminator_b"]
    translator.game.merge = True
    assert (translator.discriminator_loss(batch, out)["discriminator_b"] - apart).abs() > 1e-3


def test_a_replayed_fake_is_judged_beside_its_own_input(case):
    translator, batch = case()
    discriminator_phase, _ = translator.phases
    assert discriminator_phase.replay == ("fake_pair",)
    earlier = translator(Batch(batch.a.flip(0) * 0.5, batch.b))
    torch.testing.assert_close(earlier.fake_pair, torch.cat([batch.a.flip(0) * 0.5, earlier.fake_b], 1))
    out = translator(batch)
    replayed = replace(out, fake_pair=earlier.fake_pair)
    with_replay = translator.discriminator_loss(batch, replayed)["discriminator_b"]
    judge = translator.networks["discriminator_b"]
    fake = F.softplus(judge(earlier.fake_pair)).mean()
    real = F.softplus(-judge(torch.cat([batch.a, batch.b], 1))).mean()
    torch.testing.assert_close(with_replay, (real + fake) / 2)


def test_the_discriminator_goes_first_and_both_sides_are_named(case):
    translator, _ = case()
    assert [(phase.name, phase.networks) for phase in translator.phases] == [
        ("discriminator", ("discriminator_b",)),
        ("generator", ("generator",)),
    ]
    assert list(translator.networks) == ["generator", "discriminator_b"]
    assert translator.generators == {"a2b": "generator"}


def test_samples_are_input_output_and_truth(case):
    translator, batch = case()
    rows = translator.samples(batch, {"generator": lambda image: -image})
    assert list(rows) == ["a", "generated b", "b"]
    assert torch.equal(rows["a"], batch.a)
    assert torch.equal(rows["generated b"], -batch.a)
    assert torch.equal(rows["b"], batch.b)


def test_grey_input_and_colour_output(case):
    translator, batch = case(data__channels_a=1)
    assert batch.a.shape[1] == 1
    out = translator(batch)
    assert out.fake_b.shape == batch.b.shape
    assert out.fake_pair.shape[1] == 4
    assert translator.discriminator_loss(batch, out)["discriminator_b"].isfinite()


@pytest.mark.parametrize("channels", [1, 3])
def test_the_perceptual_term_is_pix2pixhd_s(case, vgg19_folder, channels):
    """Its published weights of the five layers, whose features another test compares with torchvision's."""
    changes = {"losses__perceptual": 10, "data__channels_b": channels}
    translator, batch = case(weights_dir=vgg19_folder, **changes)
    plain, _ = case(data__channels_b=channels)
    out = translator(batch)
    see = PerceptualFeatures("vgg19").load(vgg19_folder)
    expected = sum(
        weight * (x - y).abs().mean()
        for weight, x, y in zip((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), see(out.fake_b), see(batch.b), strict=True)
    )
    losses = translator.generator_loss(batch, out)
    torch.testing.assert_close(losses.pop("perceptual"), 10 * expected)
    torch.testing.assert_close(losses, plain.generator_loss(batch, plain(batch)))
    assert translator.state_dict().keys() == plain.state_dict().keys()


def test_the_perceptual_term_moves_the_generator_and_nothing_else(case, vgg19_folder):
    translator, batch = case(weights_dir=vgg19_folder, losses__perceptual=1)
    out = translator(batch)
    translator.generator_loss(batch, out)["perceptual"].backward()
    assert all(parameter.grad is not None for parameter in translator.networks["generator"].parameters())
    assert all(parameter.grad is None for parameter in translator.networks["discriminator_b"].parameters())
