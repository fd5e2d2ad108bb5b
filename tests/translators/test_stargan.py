"""StarGAN against its paper's equations, written down once more with plain calls."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from translate.config import load_recipe, with_labels
from translate.errors import UsageError
from translate.training.loop import to_batch
from translate.translators.base import Batch
from translate.translators.catalogue import build_translator, generator_arguments
from translate.translators.stargan import StarGAN


@pytest.fixture
def case(tiny_recipe, lively, byte_batches):
    """A translator with lively weights, and a batch of two pictures a side with their labels."""

    def make(**changes) -> tuple[StarGAN, Batch]:
        recipe = tiny_recipe("stargan", discriminator__spectral=False, **changes)
        translator = lively(build_translator(recipe))
        assert isinstance(translator, StarGAN)
        return translator, to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))

    return make


@pytest.mark.parametrize("conditioning", ["projection", "input", "hidden"])
def test_losses_where_the_discriminator_judges_picture_and_label(case, conditioning):
    translator, batch = case(discriminator__conditioning=conditioning, losses__identity=3)
    generate, judge = translator.networks["generator"], translator.networks["discriminator_b"]
    fake = generate(batch.a, batch.label_b)
    real_logits, fake_logits = judge(batch.b, batch.label_b), judge(fake, batch.label_b)

    out = translator(batch)
    torch.testing.assert_close(
        translator.discriminator_loss(batch, out),
        {"discriminator_b": (F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()) / 2},
    )
    torch.testing.assert_close(
        translator.generator_loss(batch, out),
        {
            "gan_b": -fake_logits.mean(),
            "cycle_a": 10 * (generate(fake, batch.label_a) - batch.a).abs().mean(),
            "identity_a": 3 * (generate(batch.a, batch.label_a) - batch.a).abs().mean(),
        },
    )


def test_losses_where_it_is_a_classifier_as_in_the_paper(case):
    translator, batch = case(discriminator__conditioning="classifier", losses__classify=2)
    generate, judge = translator.networks["generator"], translator.networks["discriminator_b"]
    fake = generate(batch.a, batch.label_b)
    out = translator(batch)
    found = translator.discriminator_loss(batch, out) | translator.generator_loss(batch, out)
    hinge = (F.relu(1 - judge(batch.b)).mean() + F.relu(1 + judge(fake)).mean()) / 2
    torch.testing.assert_close(found["discriminator_b"], hinge)
    for name, pictures in (("classify_real", batch.b), ("classify_fake", fake)):
        torch.testing.assert_close(found[name], 2 * F.cross_entropy(judge.classify(pictures), batch.label_b))
    torch.testing.assert_close(found["gan_b"], -judge(fake).mean())


def test_losses_where_generated_is_a_class_of_its_own(case):
    translator, batch = case(
        discriminator__name="semi-supervised",
        losses__adversarial="nonsaturating",
        losses__feature_matching=3,
    )
    judge, generate = translator.networks["discriminator_b"], translator.networks["generator"]
    fake = generate(batch.a, batch.label_b)
    real_logits, fake_logits = (judge.body(x).movedim(1, -1).flatten(0, -2) for x in (batch.b, fake))
    out = translator(batch)
    found = translator.discriminator_loss(batch, out)
    # Salimans et al.: among K + 1 classes, the last with a logit of 0; here every patch is a sample.
    real, made = (
        torch.cat([x, torch.zeros(len(x), 1)], 1).softmax(1)[:, -1] for x in (real_logits, fake_logits)
    )
    torch.testing.assert_close(
        found["discriminator_b"], -((1 - real).log().mean() + made.log().mean()) / 2, rtol=1e-4, atol=1e-5
    )
    picture_logits = judge.body(batch.b).mean((2, 3))
    torch.testing.assert_close(found["classify_real"], F.cross_entropy(picture_logits, batch.label_b))

    terms = translator.generator_loss(batch, out)
    torch.testing.assert_close(terms["gan_b"], -(1 - made).log().mean(), rtol=1e-4, atol=1e-5)
    asked = F.cross_entropy(judge.body(fake).mean((2, 3)), batch.label_b)
    torch.testing.assert_close(terms["classify_fake"], asked)
    assert float(terms["matching_b"].detach()) > 0


def test_another_label_gives_another_picture_and_another_verdict(case):
    translator, batch = case()
    other = (batch.label_b + 1) % 3
    generate, judge = translator.networks["generator"], translator.networks["discriminator_b"]
    assert (generate(batch.a, batch.label_b) - generate(batch.a, other)).abs().max() > 1e-3
    assert (judge(batch.b, batch.label_b) - judge(batch.b, other)).abs().max() > 1e-3


def test_a_sheet_shows_every_class(case):
    translator, batch = case()
    rows = translator.samples(batch, {"generator": translator.networks["generator"]})
    assert list(rows) == ["a", "one", "two", "three"]
    two = translator.networks["generator"](batch.a, torch.tensor([1, 1]))
    torch.testing.assert_close(rows["two"], two)


def test_the_recipe_takes_the_classes_of_its_data_once():
    recipe = with_labels(load_recipe("stargan"), ("horse", "zebra"))
    assert generator_arguments(recipe)[1]["classes"] == 2
    assert with_labels(recipe, ["horse", "zebra"]) == recipe
    with pytest.raises(UsageError, match="for the classes horse, zebra, the data have cat, horse"):
        with_labels(recipe, ("cat", "horse"))
    assert with_labels(load_recipe("cyclegan"), ("horse", "zebra")).data.labels == ()
