"""The text translator against its equations, written down once more with plain calls."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from translate.networks.text import Reading, TextEncoder, TokenEncoder
from translate.training.loop import to_batch
from translate.training.plan import step_memory
from translate.translators import catalogue
from translate.translators.base import Batch
from translate.translators.catalogue import build_translator, generator_arguments
from translate.translators.text import TextGAN, other_captions


@pytest.fixture
def case(tiny_recipe, lively, byte_batches):
    """A translator with lively weights, and a batch of three pictures a side with their captions."""

    def make(**changes) -> tuple[TextGAN, Batch]:
        recipe = tiny_recipe("text", discriminator__spectral=False, data__batch_size=3, **changes)
        translator = lively(build_translator(recipe))
        assert isinstance(translator, TextGAN)
        batch = to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))
        return translator, batch

    return make


def said(translator: TextGAN, captions: Sequence[str] | None) -> Tensor:
    encoder = translator.networks["text_encoder"]
    return torch.cat([encoder(encoder.tokenise([caption])) for caption in captions or ()])


@pytest.mark.parametrize("conditioning", ["projection", "input", "hidden"])
def test_losses_are_stargan_s_and_a_matching_aware_discriminator_s(case, conditioning):
    translator, batch = case(discriminator__conditioning=conditioning, losses__identity=3)
    batch = Batch(batch.a, batch.b, text_a=("one", "two", "three"), text_b=("two", "two", "one"))
    generate, judge = translator.networks["generator"], translator.networks["discriminator_b"]
    t_a, t_b = said(translator, batch.text_a), said(translator, batch.text_b)
    wrong = said(translator, ("one", "three", "three"))  # t_a, but for the second, whose t_a is its own
    fake = generate(batch.a, t_b)

    out = translator(batch)
    reals, mistakes, fakes = judge(batch.b, t_b), judge(batch.b, wrong), judge(fake, t_b)
    expected = F.relu(1 - reals).mean() + (F.relu(1 + mistakes).mean() + F.relu(1 + fakes).mean()) / 2
    torch.testing.assert_close(translator.discriminator_loss(batch, out), {"discriminator_b": expected / 2})
    torch.testing.assert_close(
        translator.generator_loss(batch, out),
        {
            "gan_b": -fakes.mean(),
            "cycle_a": 10 * (generate(fake, t_a) - batch.a).abs().mean(),
            "identity_a": 3 * (generate(batch.a, t_a) - batch.a).abs().mean(),
        },
    )


def test_where_all_say_the_same_there_is_no_wrong_caption(case):
    translator, batch = case()
    batch = Batch(batch.a, batch.b, text_a=("one",) * 3, text_b=("one",) * 3)
    out = translator(batch)
    judge, t = translator.networks["discriminator_b"], said(translator, batch.text_b)
    plain = (F.relu(1 - judge(batch.b, t)).mean() + F.relu(1 + judge(out.fake_b, t)).mean()) / 2
    torch.testing.assert_close(translator.discriminator_loss(batch, out), {"discriminator_b": plain})


@pytest.mark.parametrize(
    ("right", "others", "found"),
    [
        (("x", "y"), ("z", "z"), [2, 3]),
        (("x", "y"), ("x", "z"), [3, 3]),
        (("x", "x"), ("x", "y"), [3, 3]),
        (("x", "y"), ("x", "y"), [3, 2]),
        (("x", "x"), ("x", "x"), None),
        (("x",), ("x",), None),
        (("x",), ("y",), [1]),
        ((), (), None),
    ],
)
def test_another_caption_is_one_that_says_something_else(right, others, found):
    assert other_captions(right, others) == found


def test_another_caption_gives_another_picture_and_another_verdict(case):
    translator, batch = case()
    one, other = (said(translator, (caption,) * 3) for caption in ("a zebra", "a horse"))
    generate, judge = translator.networks["generator"], translator.networks["discriminator_b"]
    assert (generate(batch.a, one) - generate(batch.a, other)).abs().max() > 1e-3
    assert (judge(batch.b, one) - judge(batch.b, other)).abs().max() > 1e-3


def test_words_are_learnt_from_the_discriminator_alone(case):
    translator, batch = case()
    encoder, out = translator.networks["text_encoder"], translator(batch)
    assert not out.said_b.requires_grad
    discriminator, generator = translator.phases
    sum(generator.loss(batch, out).values()).backward()
    assert all(parameter.grad is None for parameter in encoder.parameters())
    with torch.no_grad():
        out = translator(batch)
    sum(discriminator.loss(batch, out).values()).backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in encoder.parameters())
    assert discriminator.networks == ("discriminator_b", "text_encoder")
    assert translator.served == ("generator", "text_encoder")


class Letters(TextEncoder):
    """A frozen encoder: how often each vowel is in a caption."""

    size = 5

    def __init__(self, **arguments: int):
        super().__init__()
        self.register_buffer("scale", torch.ones(5), persistent=False)

    def tokenise(self, captions: Sequence[str]) -> Tensor:
        return torch.tensor([[caption.count(vowel) for vowel in "aeiou"] for caption in captions])

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens * self.scale

    def read(self, caption: str) -> Reading:
        return Reading(len(caption), (), cut=False)


def test_a_frozen_encoder_is_neither_trained_nor_averaged_nor_kept(tiny_recipe, take_steps, monkeypatch):
    monkeypatch.setattr(catalogue, "build_text_encoder", lambda name, **arguments: Letters())
    recipe = tiny_recipe("text", text_encoder__size=5)
    state, losses = take_steps(recipe, 2)
    assert all(term.isfinite() for term in losses[-1].values())
    translator = state.translator
    assert [phase.networks for phase in translator.phases] == [("discriminator_b",), ("generator",)]
    assert list(state.averages) == ["generator"]
    assert not [name for name in translator.state_dict() if "text_encoder" in name]


def test_the_average_of_the_encoder_follows_it(tiny_recipe, take_steps):
    recipe = tiny_recipe("text", training__ema=0.0)
    state, _ = take_steps(recipe, 2)
    encoder, average = state.translator.networks["text_encoder"], state.averages["text_encoder"]
    assert isinstance(average, TokenEncoder)
    torch.testing.assert_close(average.state_dict(), encoder.state_dict())
    assert average.read("a zebra at sea").unknown == ("sea",)


def test_a_sheet_shows_some_captions_of_the_data(case):
    translator, batch = case()
    batch = Batch(batch.a, batch.b, text_a=("one", "two", "a"), text_b=("two", "two", "one"))
    translator(batch)  # these words have been seen in training
    averages = {name: copy.deepcopy(translator.networks[name]).eval() for name in translator.served}
    rows = translator.samples(batch, averages)
    assert list(rows) == ["a", "“two”", "“one”", "“a”"]
    expected = averages["generator"](batch.a, said(translator, ("two",) * 3))
    torch.testing.assert_close(rows["“two”"], expected)
    with torch.no_grad():
        averages["text_encoder"].gru.weight_ih_l0.zero_()  # type: ignore[union-attr]
    assert (translator.samples(batch, averages)["“two”"] - expected).abs().max() > 1e-4


def test_the_network_takes_what_the_encoder_gives(tiny_recipe):
    assert generator_arguments(tiny_recipe("text"))[1]["embedding"] == 128
    assert generator_arguments(tiny_recipe("text", text_encoder__size=16))[1]["embedding"] == 16
    assert generator_arguments(tiny_recipe("text", text_encoder__name="minilm"))[1]["embedding"] == 384


def test_a_dry_run_plans_its_memory(tiny_recipe):
    def planned(**changes) -> int:
        recipe = tiny_recipe("text", **changes)
        with torch.device("meta"):
            return step_memory(build_translator(recipe), recipe)

    numbers = 40 * 64  # of the vectors of 40 words: four times as weights, once more as their average
    assert planned(text_encoder__vocabulary=140) - planned(text_encoder__vocabulary=100) >= 5 * 4 * numbers
