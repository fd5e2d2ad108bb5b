"""CUT against its paper's equations, written down once more with plain calls."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from translate.errors import UsageError
from translate.training.loop import to_batch
from translate.translators.base import Batch
from translate.translators.catalogue import build_translator
from translate.translators.cut import CUT


@pytest.fixture
def case(tiny_recipe, lively, byte_batches):
    """A translator with lively weights, and a batch of two pictures a side."""

    def make(name: str = "cut", **changes) -> tuple[CUT, Batch]:
        recipe = tiny_recipe(name, **changes)
        translator = lively(build_translator(recipe))
        assert isinstance(translator, CUT)
        return translator, to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))

    return make


def contrast(translator: CUT, source: torch.Tensor, output: torch.Tensor, places: list) -> torch.Tensor:
    """Equations 3 and 4, place by place and layer by layer."""
    generator, sampler = translator.networks["generator"], translator.networks["patch_sampler"]
    layers = []
    pairs = zip(generator.encode(source, [0, 4, 8]), generator.encode(output, [0, 4, 8]), strict=True)
    for (before, after), head, place in zip(pairs, sampler.heads, places, strict=True):
        terms = []
        for key, query in zip(before, after, strict=True):
            vectors = [F.normalize(head(side.flatten(1)[:, place].T), dim=1) for side in (query, key)]
            logits = vectors[0] @ vectors[1].T / 0.07
            terms.append(F.cross_entropy(logits, torch.arange(len(place))))
        layers.append(torch.stack(terms).mean())
    return torch.stack(layers).mean()


def drawn(translator: CUT, source: torch.Tensor) -> list:
    """The places that the sampler draws next."""
    sampler, generator = translator.networks["patch_sampler"], translator.networks["generator"]
    return sampler(generator.encode(source, [0, 4, 8]))[1]


def test_losses_are_equation_five(case):
    translator, batch = case()
    generate, judge = translator.networks["generator"], translator.networks["discriminator_b"]
    fake, same = generate(batch.a), generate(batch.b)
    out = translator(batch)
    torch.testing.assert_close(out.fake_b, fake)
    torch.testing.assert_close(
        translator.discriminator_loss(batch, out),
        {"discriminator_b": ((judge(batch.b) - 1).square().mean() + judge(fake).square().mean()) / 2},
    )
    torch.manual_seed(5)
    places = drawn(translator, batch.a), drawn(translator, batch.b)
    torch.manual_seed(5)
    torch.testing.assert_close(
        translator.generator_loss(batch, out),
        {
            "gan_b": (judge(fake) - 1).square().mean(),
            "nce_a": contrast(translator, batch.a, fake, places[0]) / 2,
            "nce_b": contrast(translator, batch.b, same, places[1]) / 2,
        },
        rtol=1e-4,
        atol=1e-5,
    )


def test_fastcut_has_no_identity_and_a_strong_contrast(case):
    translator, batch = case("fastcut", losses__mirror=False)
    out = translator(batch)
    assert out.same_b is None
    torch.manual_seed(5)
    places = drawn(translator, batch.a)
    torch.manual_seed(5)
    found = translator.generator_loss(batch, out)
    assert set(found) == {"gan_b", "nce_a"}
    expected = 10 * contrast(translator, batch.a, out.fake_b, places)
    torch.testing.assert_close(found["nce_a"], expected, rtol=1e-4, atol=1e-5)


def test_a_mirrored_output_is_compared_mirrored_back(case):
    translator, batch = case("fastcut")
    seen = set()
    for seed in range(8):
        torch.manual_seed(seed)
        out = translator(batch)
        a = batch.a.flip(3) if out.mirrored else batch.a
        torch.testing.assert_close(out.fake_b, translator.networks["generator"](a))
        torch.manual_seed(5)
        places = drawn(translator, batch.a)
        torch.manual_seed(5)
        found = translator.generator_loss(batch, out)["nce_a"]
        if out.mirrored:
            generator, sampler = translator.networks["generator"], translator.networks["patch_sampler"]
            back = [feature.flip(3) for feature in generator.encode(out.fake_b, [0, 4, 8])]
            queries, _ = sampler(back, places)
            keys, _ = sampler(generator.encode(batch.a, [0, 4, 8]), places)
            own = torch.arange(8)
            terms = [
                F.cross_entropy(query[i] @ key[i].T / 0.07, own)
                for query, key in zip(queries, keys, strict=True)
                for i in range(2)
            ]
            torch.testing.assert_close(found, 10 * torch.stack(terms).mean(), rtol=1e-4, atol=1e-5)
        seen.add(out.mirrored)
    assert seen == {True, False}


def test_keys_carry_no_gradient_and_the_sampler_learns(case):
    translator, batch = case()
    out = translator(batch)
    translator.generator_loss(batch, out)["nce_a"].backward()
    assert all(p.grad is not None for p in translator.networks["patch_sampler"].parameters())


def test_layers_that_do_not_exist_are_refused(tiny_recipe):
    with pytest.raises(UsageError, match=r"losses\.layers: layers to encode are rising numbers from 0 to 12"):
        build_translator(tiny_recipe("cut", losses__layers=[0, 40]))
