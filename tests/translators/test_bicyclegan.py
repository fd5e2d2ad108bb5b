"""BicycleGAN against its paper's equations, written down once more with plain calls."""

from __future__ import annotations

import pytest
import torch

from translate.errors import UsageError
from translate.training.loop import only, to_batch, train
from translate.training.state import new_state
from translate.translators.base import Batch
from translate.translators.bicyclegan import BicycleGAN
from translate.translators.catalogue import build_translator, generator_arguments


@pytest.fixture
def case(tiny_recipe, lively, byte_batches):
    """A translator with lively weights, and a batch of two pairs."""

    def make(**changes) -> tuple[BicycleGAN, Batch]:
        recipe = tiny_recipe("bicyclegan", generator__dropout=0.0, **changes)
        translator = lively(build_translator(recipe))
        assert isinstance(translator, BicycleGAN)
        return translator, to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))

    return make


def least_squares(verdicts: list[torch.Tensor], wanted: float) -> torch.Tensor:
    """Summed over the scales of a discriminator."""
    return torch.stack([(logits - wanted).square().mean() for logits in verdicts]).sum()


@pytest.mark.parametrize("conditional", [False, True])
def test_losses_are_equation_nine(case, conditional):
    translator, batch = case(losses__conditional=conditional)
    generate, encode = translator.networks["generator"], translator.networks["encoder"]
    judges = [translator.networks[f"discriminator_{side}"] for side in ("encoded", "random")]
    torch.manual_seed(6)
    z, noise = torch.randn(2, 3), torch.randn(2, 3)
    mean, log_variance = encode(batch.b)
    encoded = generate(batch.a, latent=mean + noise * (log_variance / 2).exp())
    drawn = generate(batch.a, latent=z)

    def seen(picture: torch.Tensor) -> torch.Tensor:
        return torch.cat([batch.a, picture], 1) if conditional else picture

    torch.manual_seed(6)
    out = translator(batch)
    torch.testing.assert_close(out.encoded_b, encoded)
    torch.testing.assert_close(out.random_b, drawn)
    torch.testing.assert_close(
        translator.generator_loss(batch, out),
        {
            "gan_encoded": least_squares(judges[0](seen(encoded)), 1),
            "gan_random": least_squares(judges[1](seen(drawn)), 1),
            "l1": 10 * (encoded - batch.b).abs().mean(),
            "kl": -0.01 / 2 * (1 + log_variance - mean**2 - log_variance.exp()).sum() / 2,
            "latent": 0.5 * (encode(drawn)[0] - z).abs().mean(),
        },
    )
    torch.testing.assert_close(
        translator.discriminator_loss(batch, out),
        {
            f"discriminator_{side}": least_squares(judge(seen(batch.b)), 1) + least_squares(judge(seen(x)), 0)
            for side, judge, x in zip(("encoded", "random"), judges, (encoded, drawn), strict=True)
        },
    )


def test_one_discriminator_judges_the_sum_of_both_branches(case):
    translator, batch = case(losses__discriminators=1, losses__gan=3)
    assert list(translator.networks) == ["generator", "encoder", "discriminator_b"]
    judge, out = translator.networks["discriminator_b"], translator(batch)
    pictures = (out.encoded_b, out.random_b)
    real = least_squares(judge(batch.b), 1)
    torch.testing.assert_close(
        translator.discriminator_loss(batch, out),
        {"discriminator_b": sum((real + least_squares(judge(x), 0) for x in pictures), torch.zeros(()))},
    )
    torch.testing.assert_close(
        translator.generator_loss(batch, out)["gan_b"],
        3 * sum((least_squares(judge(x), 1) for x in pictures), torch.zeros(())),
    )


def test_weights_come_from_the_recipe(case):
    plain, batch = case()
    weighted, _ = case(losses__gan=2, losses__l1=3, losses__latent=4, losses__kl=5)
    out = plain(batch)
    before, after = plain.generator_loss(batch, out), weighted.generator_loss(batch, out)
    factors = {"gan_encoded": 2, "gan_random": 2, "l1": 0.3, "kl": 500, "latent": 8}
    torch.testing.assert_close(after, {name: factors[name] * term for name, term in before.items()})


def test_the_recovered_code_trains_the_generator_alone(case):
    translator, batch = case()
    phase = translator.phases[0]
    assert phase.networks == ("generator", "encoder")
    with only(translator, phase.networks):
        out = translator(batch)
        translator.generator_loss(batch, out)["latent"].backward()
    # The merged call hands the encoded half of the batch zeros.
    encoder = list(translator.networks["encoder"].parameters())
    assert all(weight.grad is None or not weight.grad.any() for weight in encoder)
    moved = [weight.grad for weight in translator.networks["generator"].parameters()]
    assert all(gradient is not None for gradient in moved)
    assert all(weight.requires_grad for weight in encoder)
    translator.generator_loss(batch, translator(batch))["l1"].backward()
    assert any(weight.grad is not None and weight.grad.any() for weight in encoder)


def test_the_generator_and_the_encoder_go_first(case):
    translator, _ = case(constraints__r1=1)
    found = [(phase.name, phase.networks, phase.replay) for phase in translator.phases]
    judges = ("discriminator_encoded", "discriminator_random")
    assert found == [
        ("generator", ("generator", "encoder"), ()),
        ("discriminator", judges, ("encoded_seen", "random_seen")),
        ("r1", judges, ()),
    ]
    assert translator.generators == {"a2b": "generator"}


def test_merged_and_separate_calls_agree(case):
    translator, batch = case()
    assert translator.merge
    torch.manual_seed(1)
    merged = translator(batch)
    translator.merge = False
    torch.manual_seed(1)
    apart = translator(batch)
    torch.testing.assert_close(apart.encoded_b, merged.encoded_b)
    torch.testing.assert_close(apart.random_b, merged.random_b)
    assert not case(generator__norm="batch")[0].merge


def test_features_of_drawn_codes_are_matched_on_average_only(case):
    translator, batch = case(losses__feature_matching=10)
    assert translator.games["encoded"].rules.matching == "layers"
    assert translator.games["random"].rules.matching == "mean"
    found = translator.generator_loss(batch, translator(batch))
    assert {"matching_encoded", "matching_random"} <= set(found)
    shared, _ = case(losses__feature_matching=10, losses__discriminators=1)
    assert shared.games["b"].rules.matching == "mean"


def steps(recipe, batches, seed: int = 0):
    torch.manual_seed(seed)
    state = new_state(build_translator(recipe), recipe, torch.device("cpu"))
    return state, lambda upto: train(
        state,
        recipe,
        batches[state.step : upto],
        steps=len(batches),
        precision=torch.float32,
        on_step=lambda step, losses, factor: None,
        on_log=lambda step: None,
        on_sample=lambda step: None,
        on_save=lambda step: None,
        should_stop=lambda: False,
    )


@pytest.mark.parametrize("parts", [1, 2])
def test_a_resume_draws_the_codes_that_would_have_come(tiny_recipe, byte_batches, tmp_path, parts):
    recipe = tiny_recipe("bicyclegan", training__accumulate=parts, training__pool=2, optim__lr=1e-2)
    batches = byte_batches(recipe, 5)
    whole, go = steps(recipe, batches)
    go(5)
    first, go = steps(recipe, batches)
    go(3)
    first.translator.samples(to_batch(batches[0], torch.device("cpu")), first.averages)  # draws nothing
    first.save(tmp_path / "state.pt")
    resumed, go = steps(recipe, batches, seed=1)
    resumed.restore(tmp_path / "state.pt")
    go(5)
    found = resumed.translator.state_dict()
    assert all(torch.equal(found[name], value) for name, value in whole.translator.state_dict().items())


def test_parts_are_the_whole_batch_where_the_same_codes_are_drawn(tiny_recipe, byte_batches, monkeypatch):
    # Codes here are functions of what they are drawn beside, so that parts and whole see the same.
    monkeypatch.setattr(torch, "randn_like", lambda x: torch.sin(7 * x.detach()))
    found = []
    for parts in (1, 2):
        recipe = tiny_recipe(
            "bicyclegan",
            generator__dropout=0.0,
            training__accumulate=parts,
            optim__optimizer="sgd",
            optim__betas=[0, 0.9],
            optim__lr=1e-2,
        )
        state, go = steps(recipe, byte_batches(recipe, 2))
        go(2)
        found.append(state.translator.state_dict())
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, rtol=1e-5, atol=1e-6)


def test_a_sheet_shows_input_truth_and_samples(case):
    translator, batch = case()
    generator = translator.networks["generator"]
    torch.manual_seed(2)
    before = torch.get_rng_state()
    rows = translator.samples(batch, {"generator": generator})
    assert torch.equal(before, torch.get_rng_state())
    assert list(rows) == ["a", "b", "mean code", *(f"sample {number}" for number in (1, 2, 3, 4))]
    assert torch.equal(rows["b"], batch.b)
    torch.testing.assert_close(rows["mean code"], generator(batch.a, latent=torch.zeros(2, 3)))
    assert (rows["sample 1"] - rows["sample 2"]).abs().max() > 1e-2
    again = translator.samples(batch, {"generator": generator})
    assert all(torch.equal(again[name], row) for name, row in rows.items())


def test_grey_input_and_colour_output(case):
    translator, batch = case(data__channels_a=1, losses__conditional=True)
    out = translator(batch)
    assert out.random_seen.shape[1] == 4
    assert all(term.isfinite() for term in translator.discriminator_loss(batch, out).values())


def test_the_card_s_arguments_have_the_code(tiny_recipe):
    assert generator_arguments(tiny_recipe("bicyclegan"))[1]["latent"] == 3
    assert "latent" not in generator_arguments(tiny_recipe("pix2pix"))[1]


def test_a_generator_that_takes_no_code_is_refused(tiny_recipe):
    with pytest.raises(UsageError, match="tells its generator a latent code, and laplacian takes none"):
        tiny_recipe("bicyclegan", generator__name="laplacian")


def test_pictures_too_small_for_the_encoder_are_refused(tiny_recipe):
    with pytest.raises(UsageError, match=r"for the encoder, which needs 32.*, or a smaller encoder\.depth"):
        build_translator(tiny_recipe("bicyclegan", encoder__depth=4))
