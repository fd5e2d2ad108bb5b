"""CycleGAN against its paper's equations, written down once more with plain, separate calls."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from translate.training.loop import to_batch
from translate.translators.base import Batch
from translate.translators.catalogue import build_translator
from translate.translators.cyclegan import CycleGAN


@pytest.fixture
def case(tiny_recipe, lively, byte_batches):
    """A translator with lively weights, and a batch of two pictures of either side."""

    def make(**changes) -> tuple[CycleGAN, Batch]:
        recipe = tiny_recipe("cyclegan", **changes)
        translator = lively(build_translator(recipe))
        assert isinstance(translator, CycleGAN)
        return translator, to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))

    return make


def l1(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (x - y).abs().mean()


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_losses_are_equation_three_with_the_identity_loss(case, norm):
    translator, batch = case(generator__norm=norm, discriminator__norm=norm)
    g, f = translator.networks["generator"], translator.networks["generator_b2a"]
    judge_a, judge_b = translator.networks["discriminator_a"], translator.networks["discriminator_b"]
    a, b = batch.a, batch.b

    fake_b, fake_a = g(a), f(b)
    out = translator(batch)
    torch.testing.assert_close(
        translator.generator_loss(batch, out),
        {
            "gan_b": ((judge_b(fake_b) - 1) ** 2).mean(),
            "gan_a": ((judge_a(fake_a) - 1) ** 2).mean(),
            "cycle_a": 10 * l1(f(fake_b), a),
            "cycle_b": 10 * l1(g(fake_a), b),
            "identity_b": 5 * l1(g(b), b),
            "identity_a": 5 * l1(f(a), a),
        },
    )
    torch.testing.assert_close(
        translator.discriminator_loss(batch, out),
        {
            "discriminator_a": (((judge_a(a) - 1) ** 2).mean() + (judge_a(fake_a) ** 2).mean()) / 2,
            "discriminator_b": (((judge_b(b) - 1) ** 2).mean() + (judge_b(fake_b) ** 2).mean()) / 2,
        },
    )


def test_weights_come_from_the_recipe(case):
    plain, batch = case()
    weighted, _ = case(losses__gan=2, losses__cycle=30, losses__identity=1)
    before, after = (t.generator_loss(batch, t(batch)) for t in (plain, weighted))
    factors = {"gan": 2, "cycle": 3, "identity": 1 / 5}
    torch.testing.assert_close(
        after, {name: factors[name.split("_")[0]] * term for name, term in before.items()}
    )
    torch.testing.assert_close(
        weighted.discriminator_loss(batch, weighted(batch)), plain.discriminator_loss(batch, plain(batch))
    )


def test_merged_and_separate_calls_agree(case):
    translator, batch = case()
    assert translator.merge_generators
    assert all(game.merge for game in translator.games.values())
    merged = translator(batch)
    losses = [translator.generator_loss(batch, merged), translator.discriminator_loss(batch, merged)]
    translator.merge_generators = False
    for game in translator.games.values():
        game.merge = False
    apart = translator(batch)
    torch.testing.assert_close(vars(merged), vars(apart))
    torch.testing.assert_close(
        losses, [translator.generator_loss(batch, apart), translator.discriminator_loss(batch, apart)]
    )


@pytest.mark.parametrize(("generator", "discriminator"), [("batch", "instance"), ("instance", "batch")])
def test_only_networks_without_batch_norm_are_called_merged(case, generator, discriminator):
    translator, _ = case(generator__norm=generator, discriminator__norm=discriminator)
    assert translator.merge_generators == (generator == "instance")
    assert {game.merge for game in translator.games.values()} == {discriminator == "instance"}


def test_without_an_identity_loss_nothing_is_computed_for_it(case):
    translator, batch = case(losses__identity=0)
    calls = []
    translator.networks["generator"].register_forward_hook(lambda *_: calls.append(1))
    out = translator(batch)
    assert out.same_b is None
    assert out.same_a is None
    assert len(calls) == 2  # G(a) and G(F(b))
    assert list(translator.generator_loss(batch, out)) == ["gan_b", "gan_a", "cycle_a", "cycle_b"]


def test_there_is_no_identity_loss_between_grey_and_colour(case):
    translator, batch = case(data__channels_a=1)
    out = translator(batch)
    assert (out.fake_b.shape[1], out.fake_a.shape[1], out.same_b) == (3, 1, None)
    assert all(term.isfinite() for term in translator.generator_loss(batch, out).values())
    assert all(term.isfinite() for term in translator.discriminator_loss(batch, out).values())


def test_the_discriminators_see_the_replayed_fakes(case):
    translator, batch = case()
    out = translator(batch)
    replayed = replace(out, fake_a=0.5 * out.fake_a.flip(0), fake_b=-out.fake_b)
    losses = translator.discriminator_loss(batch, replayed)
    for side, real in (("a", batch.a), ("b", batch.b)):
        judge, fake = translator.networks[f"discriminator_{side}"], getattr(replayed, f"fake_{side}")
        expected = (((judge(real) - 1) ** 2).mean() + (judge(fake) ** 2).mean()) / 2
        torch.testing.assert_close(losses[f"discriminator_{side}"], expected)


def test_phases_and_names(case):
    translator, _ = case()
    assert [(phase.name, phase.networks, phase.replay) for phase in translator.phases] == [
        ("generator", ("generator", "generator_b2a"), ()),
        ("discriminator", ("discriminator_a", "discriminator_b"), ("fake_a", "fake_b")),
    ]
    assert list(translator.networks) == ["generator", "generator_b2a", "discriminator_a", "discriminator_b"]
    assert translator.generators == {"a2b": "generator", "b2a": "generator_b2a"}


def test_samples_go_round_both_ways(case):
    translator, batch = case()
    rows = translator.samples(
        batch, {"generator": lambda image: image / 2, "generator_b2a": lambda image: -image}
    )
    assert list(rows) == ["a", "generated b", "a again", "b", "generated a", "b again"]
    for name, expected in {
        "generated b": batch.a / 2,
        "a again": -batch.a / 2,
        "generated a": -batch.b,
        "b again": -batch.b / 2,
    }.items():
        torch.testing.assert_close(rows[name], expected)
