"""What discriminators see under augmentation, and how its probability adapts."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from translate.config import ENERGIES, JUDGING, RECIPES, ConstraintsSection, load_recipe, recipe_names
from translate.config.losses import AugmentationName
from translate.errors import UsageError
from translate.losses.adversarial import ADVERSARIAL
from translate.networks.augment import AUGMENTATIONS, changed
from translate.training.loop import to_batch
from translate.translators.augment import Augment
from translate.translators.catalogue import build_translator, channels
from translate.translators.game import Game, Rules


def said(*parts: float) -> list[Tensor]:
    """Verdicts of one scale on two pictures; each part is the share of its patches that say real, less 1."""
    return [torch.tensor([parts, parts])]


def test_recipes_offer_the_augmentations_and_objectives_that_there_are():
    assert get_args(AugmentationName) == tuple(AUGMENTATIONS)
    assert set(JUDGING) == {name for name, one in ADVERSARIAL.items() if one.undecided is not None}
    assert not set(JUDGING) & {"wgan", "wgan-gp", "relativistic", *ENERGIES}


def test_the_probability_follows_the_discriminator_s_certainty():
    augment = Augment(["cutout"], p=None, target=0.6, ramp=100)
    # r over four batches of two pictures; each decision moves p by 8 / 100.
    expected, trace = [], []
    for r, p in (((1, 1, 1, 1), 0.08), ((1, 0, 1, 0.5), 0.16), ((0, 1, 0, 1), 0.08), ((-1, -1, 0, 0), 0.0)):
        for batch, share in enumerate(r):
            plus, minus = {1: (1, 1), 0.5: (1, 0), 0: (1, -1), -1: (-1, -1)}[share]
            augment.hear(said(float(plus), float(minus)), undecided=0.0)
            trace.append(float(augment.p))
            expected.append(p if batch == 3 else (expected[-1] if expected else 0.0))
    assert trace == pytest.approx(expected, abs=1e-7)


def test_it_stays_between_nothing_and_always():
    augment = Augment(["cutout"], p=None, ramp=10)
    for _ in range(12):
        augment.hear(said(-1.0), undecided=0.0)
    assert float(augment.p) == 0
    for _ in range(12):
        augment.hear(said(1.0), undecided=0.0)
    assert float(augment.p) == 1


def test_a_logit_is_held_against_what_the_objective_calls_undecided():
    for undecided, p in ((0.0, 0.04), (0.5, 0.0)):
        augment = Augment(["cutout"], p=None, ramp=100)
        for _ in range(4):
            augment.hear([torch.tensor([0.3]), torch.tensor([0.4])], undecided)
        assert float(augment.p) == pytest.approx(p)


def test_a_fixed_probability_stays():
    augment = Augment(["cutout"], p=0.25)
    for _ in range(8):
        augment.hear(said(1.0), undecided=0.0)
    assert float(augment.p) == 0.25


class Keeper(nn.Module):
    """Remembers what it is shown."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))
        self.seen: list[Tensor] = []

    def forward(self, pictures: Tensor) -> Tensor:
        self.seen.append(pictures)
        return self.weight * pictures.mean((1, 2, 3), keepdim=True)


def test_real_and_fake_are_changed_for_both_sides_and_r1_and_by_different_draws():
    torch.manual_seed(0)
    judge = Keeper()
    game = Game(Rules(ADVERSARIAL["hinge"], r1=1.0, augment=("cutout",)), judge)
    ones = torch.ones(8, 3, 16, 16, requires_grad=True)
    game.discriminator_losses(judge, ones, ones, 0.0)
    game.r1(judge, ones)
    game.generator_loss(judge, ones, ones, 0.0).backward()
    (both, r1, fake) = judge.seen
    for shown in (*both.split(8), r1, fake):
        blanks = (shown == 0).flatten(1).float().mean(1)
        assert bool(((blanks > 0) & (blanks <= 0.25)).all())
    assert not torch.equal(both[:8], both[8:])
    assert ones.grad is not None
    assert torch.equal(ones.grad != 0, fake != 0)  # the generator learns from what is left


def test_features_of_pictures_changed_alike_are_matched():
    class Features(Keeper):
        def features(self, pictures: Tensor) -> list[list[Tensor]]:
            return [[pictures]]

    torch.manual_seed(0)
    game = Game(Rules(ADVERSARIAL["hinge"], augment=tuple(AUGMENTATIONS), feature_matching=1.0), Keeper())
    real = torch.rand(4, 3, 16, 16)
    same = game.generator_losses(Features(), real, real.clone(), 0.0)["matching"]
    assert float(same) == 0
    assert float(game.generator_losses(Features(), real, real + 0.1, 0.0)["matching"]) > 0


@pytest.mark.parametrize("name", recipe_names())
def test_what_the_picture_was_made_from_keeps_its_colours(name, tiny_recipe, byte_batches, monkeypatch):
    shown = []

    def watched(pictures: Tensor, changes, given: int = 0) -> Tensor:
        shown.append((pictures.shape[1], given))
        return changed(pictures, changes, given)

    monkeypatch.setattr("translate.translators.augment.changed", watched)
    colours = [] if name == "colorize" else ["colour"]  # of RGB alone
    recipe = tiny_recipe(name, constraints__augment=[*colours, "translation", "cutout"])
    translator = build_translator(recipe)
    batch = to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))
    out = translator(batch)
    for phase in translator.phases:
        assert all(term.isfinite() for term in phase.loss(batch, out).values())
    assert len(shown) >= 3
    judged = {recipe.data.channels_a, recipe.data.channels_b, channels(recipe)[1]}
    assert {planes - given for planes, given in shown} <= judged


def test_a_classifier_sees_what_the_verdict_is_on(tiny_recipe, lively, byte_batches):
    recipe = tiny_recipe(
        "stargan",
        discriminator__conditioning="classifier",
        constraints__augment=["colour"],
    )
    translator = lively(build_translator(recipe))
    batch = to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))
    out = translator(batch)
    first, second = (translator.discriminator_loss(batch, out)["classify_real"] for _ in range(2))
    assert first != second


def test_the_probability_rises_in_a_training_whose_discriminator_wins(tiny_recipe, take_steps):
    recipe = tiny_recipe(
        "cyclegan",
        losses__adversarial="hinge",
        losses__gan=0,
        discriminator__norm="instance",
        constraints__augment=["colour", "translation", "cutout"],
        constraints__augment_p="adaptive",
        constraints__augment_target=-0.9,
        constraints__augment_ramp=40,
        optim__discriminator_lr=1e-2,
    )
    state, losses = take_steps(recipe, 8)
    assert float(state.translator.games["a"].augment.p) == pytest.approx(2 * 8 / 40)
    assert all(term.isfinite() for terms in losses for term in terms.values())


def test_defaults_are_the_papers():
    fields = ConstraintsSection()
    assert (fields.augment, fields.augment_p, fields.augment_target, fields.augment_ramp) == (
        (),
        1,
        0.6,
        500_000,
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"constraints.augment": ["color"]}, "choose one of colour, translation, cutout"),
        (
            {"constraints.augment_p": "adaptive"},
            "constraints.augment_p adaptive says how often, but constraints.augment not what",
        ),
        (
            {
                "constraints.augment": ["cutout"],
                "constraints.augment_p": "adaptive",
                "losses.adversarial": "relativistic",
            },
            "judged real, and relativistic has no such verdict; set a probability, or take minimax, ",
        ),
    ],
)
def test_what_can_t_be_augmented_is_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        load_recipe("cyclegan", changes)


def test_every_recipe_has_constraints():
    assert all("constraints" in kind.model_fields for kind in RECIPES.values())
