"""Constraints on discriminators, as a recipe asks for them, in a real training step."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from translate.config import RECIPES, GameLosses, recipe_names
from translate.losses import penalties
from translate.losses.adversarial import ADVERSARIAL
from translate.networks.layers import norm_layer
from translate.training.loop import to_batch
from translate.translators.catalogue import build_translator, game_rules
from translate.translators.game import Game, Rules, judge, named, score_with


class Slope(nn.Module):
    """D(x) = w · mean(x): its gradient and norms are known."""

    def __init__(self, slope: float = 3.0):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, pictures: Tensor) -> Tensor:
        return (self.slope * pictures).mean((1, 2, 3), keepdim=True)


class Scales(nn.Module):
    def __init__(self):
        super().__init__()
        self.judge = Slope()

    def forward(self, pictures: Tensor) -> list[Tensor]:
        return [self.judge(pictures), self.judge(pictures[:, :, ::2, ::2])]


def pictures(seed: int, count: int = 3) -> Tensor:
    return torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def rules(objective: str = "hinge", **more) -> Rules:
    return Rules(ADVERSARIAL[objective], **more)


def test_scales_are_summed_for_both_sides():
    real, fake = pictures(1), pictures(2)
    one, two = Slope(), Scales()
    halves = [tensor[:, :, ::2, ::2] for tensor in (real, fake)]
    game = Game(rules(), one)
    expected = sum(
        game.discriminator_losses(one, *sides, 0.0)["discriminator"] for sides in ((real, fake), halves)
    )
    torch.testing.assert_close(game.discriminator_losses(two, real, fake, 0.0)["discriminator"], expected)
    assert float(game.generator_loss(two, real, fake, 0.0).detach()) == pytest.approx(
        -3 * float(fake.mean() + halves[1].mean()), rel=1e-5
    )


def test_the_gradient_penalty_is_that_of_a_picture_s_mean_logit():
    # ∇ of w · mean over n numbers is w / n in each: its norm is w / √n.
    game = Game(rules("wgan-gp", penalty=10.0), Slope())
    losses = game.discriminator_losses(Slope(), pictures(1), pictures(2), 0.0)
    assert float(losses["penalty"].detach()) == pytest.approx(10 * (3 / 48**0.5 - 1) ** 2, rel=1e-5)
    around = Game(rules("dragan", penalty=10.0), Slope())
    losses = around.discriminator_losses(Slope(), pictures(1), pictures(2), 0.0)
    assert float(losses["penalty"].detach()) == pytest.approx(10 * (3 / 48**0.5 - 1) ** 2, rel=1e-5)


def test_r1_is_strengthened_by_its_interval():
    game = Game(rules(r1=10.0, r1_every=16), Slope())
    assert float(game.r1(Slope(), pictures(1)).detach()) == pytest.approx(16 * 10 / 2 * 9 / 48, rel=1e-5)


def test_relativistic_generators_see_real_pictures():
    real, fake = pictures(1), pictures(2)
    game = Game(rules("relativistic"), Slope())
    assert game.generator_loss(Slope(), real, fake, 0.0) != game.generator_loss(Slope(), real + 1, fake, 0.0)
    plain = Game(rules("nonsaturating"), Slope())
    assert plain.generator_loss(Slope(), real, fake, 0.0) == plain.generator_loss(
        Slope(), real + 1, fake, 0.0
    )


def test_instance_noise_falls_to_nothing():
    game, picture = Game(rules(noise=0.5), Slope()), torch.zeros(1, 3, 100, 100)
    torch.manual_seed(0)
    assert float(game.noisy(picture, 0.0).std()) == pytest.approx(0.5, rel=0.02)
    assert float(game.noisy(picture, 0.5).std()) == pytest.approx(0.25, rel=0.02)
    assert game.noisy(picture, 1.0) is picture


def test_smoothing_moves_the_target_of_real_pictures_only():
    real, fake = pictures(1), pictures(2)
    game = Game(rules("lsgan", real_target=0.9), Slope())
    (logits,) = judge(Slope(), real, fake, merge=True)
    expected = (logits[0] - 0.9).square().mean() + logits[1].square().mean()
    torch.testing.assert_close(game.discriminator_losses(Slope(), real, fake, 0.0)["discriminator"], expected)


def test_history_is_the_mean_of_all_earlier_weights():
    discriminator = Slope(1.0)
    game = Game(rules(historical=2.0), discriminator)
    distances = []
    for value in (1.0, 4.0, 7.0):
        discriminator.slope.data.fill_(value)
        losses = game.discriminator_losses(discriminator, pictures(1), pictures(2), 0.0)
        distances.append(float(losses["historical"].detach()))
    # The means before each call: 1, 1, (1 + 4) / 2.
    assert distances == pytest.approx([0, 2 * 9, 2 * 4.5**2])
    assert game.state_dict()["mean_slope"] == pytest.approx(4.0)


def test_orthogonal_regularisation_is_weighted():
    network = nn.Conv2d(3, 4, 1)
    game = Game(rules(orthogonal=1e-4), network)
    losses = game.discriminator_losses(network, pictures(1), pictures(2), 0.0)
    torch.testing.assert_close(losses["orthogonal"], 1e-4 * penalties.orthogonal(network))


def test_began_moves_k_as_its_equation_says():
    class Energy(nn.Module):
        def forward(self, pictures: Tensor) -> Tensor:
            return pictures.abs().flatten(1).mean(1)

    real, fake = torch.full((2, 3, 4, 4), 0.8), torch.full((2, 3, 4, 4), 0.1)
    game = Game(rules("began", gamma=0.5, balance_rate=0.1), Energy())
    first = game.discriminator_losses(Energy(), real, fake, 0.0)["discriminator"]
    assert float(first) == pytest.approx(0.8)
    assert float(game.k) == pytest.approx(0.1 * (0.5 * 0.8 - 0.1))
    second = game.discriminator_losses(Energy(), real, fake, 0.0)["discriminator"]
    assert float(second) == pytest.approx(0.8 - 0.03 * 0.1)
    # The mean of two batches alike, 0.8 + |0.5 · 0.8 − 0.1|; then there is none until the next.
    assert game.readings() == pytest.approx({"k": 0.06, "convergence": 1.1})
    assert game.readings() == pytest.approx({"k": 0.06})
    # A resume that knows nothing of it fits.
    assert set(game.state_dict()) == {"k"}


def test_only_the_objective_is_halved():
    losses = {"discriminator": torch.tensor(4.0), "penalty": torch.tensor(3.0)}
    assert named(losses, "b", 0.5) == {"discriminator_b": torch.tensor(2.0), "penalty_b": torch.tensor(3.0)}


def test_a_score_is_one_number_a_picture():
    assert score_with(nn.Conv2d(3, 1, 1))(pictures(1)).shape == (3,)
    assert score_with(Scales())(pictures(1)).shape == (3,)
    assert score_with(lambda shown: shown.mean((1, 2, 3)))(pictures(1)).shape == (3,)  # an energy


def test_what_is_auto_is_the_objective_s_own(tiny_recipe):
    def of(objective: str, **changes) -> Rules:
        changes = {"discriminator__norm": "instance"} | changes
        return game_rules(tiny_recipe("pix2pix", losses__adversarial=objective, **changes))

    assert (of("wgan").clip, of("wgan").penalty, of("wgan").n_critic) == (0.01, 0, 5)
    assert (of("wgan-gp").clip, of("wgan-gp").penalty, of("wgan-gp").n_critic) == (None, 10, 5)
    assert of("wgan", constraints__clip=0.1).clip == 0.1
    assert of("dragan", constraints__penalty=1).penalty == 1
    assert of("lsgan", constraints__smoothing=0.1).real_target == pytest.approx(0.9)
    assert of("hinge").clip is None


@pytest.mark.parametrize("recipe", ["pix2pix", "cyclegan"])
def test_every_constraint_at_once_trains(recipe, tiny_recipe, take_steps):
    chosen = tiny_recipe(
        recipe,
        discriminator__norm="instance",
        losses__adversarial="dragan",
        constraints__r1=10,
        constraints__r1_every=2,
        constraints__orthogonal=1e-4,
        constraints__historical=0.1,
        constraints__smoothing=0.1,
        constraints__noise=0.1,
        constraints__clip=0.5,
    )
    state, losses = take_steps(chosen, 3, build_translator(chosen))
    names = {name.rpartition("_")[0] for name in losses[0]}
    assert {"discriminator", "penalty", "orthogonal", "historical", "r1"} <= names
    assert not any(name.startswith("r1") for name in losses[1])
    assert all(term.isfinite() for terms in losses for term in terms.values())
    judges = [net for name, net in state.translator.networks.items() if name.startswith("discriminator")]
    assert max(float(p.detach().abs().max()) for judge in judges for p in judge.parameters()) <= 0.5


def test_every_translator_s_losses_have_what_game_losses_promise():
    assert all(issubclass(kind.model_fields["losses"].annotation, GameLosses) for kind in RECIPES.values())


def features_by_hand(judge_: nn.Module, pair: Tensor) -> list[Tensor]:
    """What comes out of a PatchGAN's leaky ReLUs."""
    found, x = [], pair
    for layer in judge_.body[:-1]:
        x = layer(x.clone())
        if isinstance(layer, nn.LeakyReLU):
            found.append(x)
    return found


def test_pairs_are_matched_in_every_layer_as_pix2pixhd_does(tiny_recipe, lively, byte_batches):
    recipe = tiny_recipe("pix2pix", losses__feature_matching=10, generator__dropout=0, data__channels_a=1)
    translator = lively(build_translator(recipe))
    batch = to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))
    out = translator(batch)
    found = translator.generator_loss(batch, out)["matching_b"]
    judge_ = translator.networks["discriminator_b"]
    real, fake = (features_by_hand(judge_, torch.cat([batch.a, b], 1)) for b in (batch.b, out.fake_b))
    distances = [(r - f).abs().mean() for r, f in zip(real, fake, strict=True)]
    torch.testing.assert_close(found, 10 * 4 * sum(distances) / len(distances))


def test_batches_are_matched_by_the_mean_of_the_last_layer(tiny_recipe, lively, byte_batches):
    recipe = tiny_recipe("cyclegan", losses__feature_matching=2, discriminator__norm="none")
    translator = lively(build_translator(recipe))
    batch = to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))
    out = translator(batch)
    losses = translator.generator_loss(batch, out)
    for side, real, fake in (("a", batch.a, out.fake_a), ("b", batch.b, out.fake_b)):
        judge_ = translator.networks[f"discriminator_{side}"]
        means = [features_by_hand(judge_, pictures)[-1].mean((0, 2, 3)) for pictures in (real, fake)]
        torch.testing.assert_close(losses[f"matching_{side}"], 2 * (means[0] - means[1]).square().sum())


def test_a_discriminator_that_knows_labels_is_told_them_for_its_features(tiny_recipe, lively, byte_batches):
    recipe = tiny_recipe("stargan", losses__feature_matching=1, discriminator__conditioning="hidden")
    translator = lively(build_translator(recipe))
    batch = to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))
    other = replace(batch, label_b=(batch.label_b + 1) % 3)
    out = translator(batch)
    found = translator.generator_loss(batch, out)["matching_b"]
    assert not torch.isclose(found, translator.generator_loss(other, out)["matching_b"])


def test_only_the_fakes_are_drawn_to_the_features(tiny_recipe, lively):
    recipe = tiny_recipe("pix2pix", losses__feature_matching=10, losses__matching="mean")
    judge_ = lively(build_translator(recipe)).networks["discriminator_b"]
    real, fake = (torch.rand(2, 6, 24, 24, requires_grad=True) for _ in "ab")
    Game(game_rules(recipe), judge_).generator_losses(judge_, real, fake, 0.0)["matching"].backward()
    assert real.grad is None
    assert fake.grad is not None
    assert float(fake.grad.abs().sum()) > 0


@pytest.mark.parametrize("discriminator", ["patch", "image", "pixel", "multiscale", "residual", "unet"])
@pytest.mark.parametrize("matching", ["layers", "mean"])
def test_every_discriminator_s_features_can_be_matched(discriminator, matching, tiny_recipe, take_steps):
    recipe = tiny_recipe(
        "pix2pix",
        generator__name="mobile",
        discriminator__name=discriminator,
        losses__feature_matching=10,
        losses__matching=matching,
    )
    _, losses = take_steps(recipe, 1)
    assert float(losses[0]["matching_b"]) > 0


def test_fakes_are_pulled_away_from_each_other_by_their_codes(tiny_recipe, lively, byte_batches):
    recipe = tiny_recipe(
        "cyclegan",
        discriminator__name="autoencoder",
        losses__adversarial="ebgan",
        losses__pulling_away=0.1,
        losses__feature_matching=1,
    )
    translator = lively(build_translator(recipe))
    batch = to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))
    out = translator(batch)
    losses = translator.generator_loss(batch, out)
    codes = translator.networks["discriminator_b"].encode(out.fake_b)
    cosine = torch.cosine_similarity(codes[0], codes[1], dim=0)
    torch.testing.assert_close(losses["pulling_away_b"], 0.1 * cosine.square())
    assert float(losses["matching_a"].detach()) > 0


class Witness(nn.Module):
    """Notes every batch that a discriminator is shown."""

    def __init__(self, norm: str):
        super().__init__()
        self.judge = nn.Sequential(
            nn.Conv2d(3, 4, 3), norm_layer(norm)(4), nn.LeakyReLU(), nn.Conv2d(4, 1, 2)
        )
        self.shown: list[Tensor] = []

    def forward(self, pictures: Tensor) -> Tensor:
        self.shown.append(pictures.detach())
        return self.judge(pictures)


@pytest.mark.parametrize("objective", ["hinge", "relativistic"])
def test_batch_norm_sees_batches_of_real_pictures_and_of_made_ones_apart(objective):
    torch.manual_seed(0)
    real, fake = pictures(1), pictures(2) * 0.1
    witness = Witness("batch")
    game = Game(rules(objective), witness)
    terms = game.discriminator_losses(witness, real, fake, 0.0)
    assert len(witness.shown) == 2
    assert all(torch.equal(*pair) for pair in zip(witness.shown, (real, fake), strict=True))
    # What it would be if they were normalised together.
    both = witness.judge(torch.cat([real, fake]))
    mixed = game.objective.discriminator(both[:3], both[3:])
    assert abs(float((terms["discriminator"] - mixed).detach())) > 0.1

    witness.shown.clear()
    game.generator_losses(witness, real, fake, 0.0)
    assert [len(batch) for batch in witness.shown] == ([3, 3] if objective == "relativistic" else [3])
    assert torch.equal(witness.shown[-1], fake)

    alone = Witness("instance")
    Game(rules(objective), alone).discriminator_losses(alone, real, fake, 0.0)
    assert [len(batch) for batch in alone.shown] == [6]


@pytest.mark.parametrize("recipe", ["pix2pix", "cyclegan", "stargan", "cut", "text"])
def test_the_reference_of_virtual_batch_norm_is_the_first_real_batch(
    recipe, tiny_recipe, take_steps, byte_batches
):
    chosen = tiny_recipe(recipe, discriminator__norm="virtual", discriminator__spectral=False)
    state, losses = take_steps(chosen, 3, build_translator(chosen))
    assert all(term.isfinite() for terms in losses for term in terms.values())
    first = to_batch(byte_batches(chosen, 1)[0], torch.device("cpu"))
    real = torch.cat([first.a, first.b], 1) if recipe == "pix2pix" else first.b
    judge_of_b = state.translator.networks["discriminator_b"]
    assert torch.equal(judge_of_b.reference, real)
    if recipe == "stargan":
        assert torch.equal(judge_of_b.reference_condition, first.label_b)
    if recipe == "cyclegan":
        assert torch.equal(state.translator.networks["discriminator_a"].reference, first.a)


def test_virtual_batch_norm_judges_real_and_fake_in_one_call_as_in_two(tiny_recipe):
    torch.manual_seed(0)
    judging = build_translator(tiny_recipe("cyclegan", discriminator__norm="virtual")).networks[
        "discriminator_b"
    ]
    real, fake = (torch.rand(2, 3, 24, 24) * 2 - 1 for _ in "ab")
    game = Game(rules(), judging)
    assert game.merge
    game.discriminator_losses(judging, real, fake, 0.0)
    for merged, apart in zip(
        judge(judging, real, fake, merge=True)[0], judge(judging, real, fake, merge=False)[0], strict=True
    ):
        torch.testing.assert_close(merged, apart, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", recipe_names())
def test_features_can_be_matched_in_every_recipe(name, tiny_recipe, byte_batches):
    recipe = tiny_recipe(name, losses__feature_matching=1)
    translator = build_translator(recipe)
    batch = to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))
    out = translator(batch)
    generator = next(phase for phase in translator.phases if "generator" in phase.networks)
    terms = generator.loss(batch, out)
    matched = [float(term.detach()) for term_name, term in terms.items() if term_name.startswith("matching")]
    assert matched
    assert all(term > 0 for term in matched)
