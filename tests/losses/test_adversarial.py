"""Objectives against torch's, numpy's and scipy's functions, closed forms and numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, logit
from torch import Tensor
from torch.nn import functional as F

from translate.config import AdversarialName
from translate.losses.adversarial import (
    ADVERSARIAL,
    Adversarial,
    began_balance,
    began_convergence,
    began_discriminator,
    ebgan_discriminator,
    lsgan_discriminator,
    minimax_discriminator,
    pulling_away,
)

REAL = torch.tensor([[1.5, -0.3], [0.2, 4.0]])
FAKE = torch.tensor([[-2.0, 0.7, 0.0]])

every_objective = pytest.mark.parametrize("objective", ADVERSARIAL.values(), ids=ADVERSARIAL)
K = 0.25  # BEGAN's


def judge(objective: Adversarial, real: Tensor, fake: Tensor) -> Tensor:
    return (
        objective.discriminator(real, fake, K) if objective.balanced else objective.discriminator(real, fake)
    )


def fool(objective: Adversarial, real: Tensor, fake: Tensor) -> Tensor:
    return objective.generator(real, fake) if objective.relative else objective.generator(fake)


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def gradient(loss, logits: Tensor) -> Tensor:
    logits = logits.clone().requires_grad_()
    loss(logits).backward()
    assert logits.grad is not None
    return logits.grad


def test_recipes_choose_from_the_catalogue():
    assert set(AdversarialName.__args__) <= set(ADVERSARIAL)


@pytest.mark.parametrize("name", ["minimax", "nonsaturating"])
def test_cross_entropy_discriminators_are_torch_s_binary_cross_entropy(name):
    expected = F.binary_cross_entropy_with_logits(
        REAL, torch.ones_like(REAL)
    ) + F.binary_cross_entropy_with_logits(FAKE, torch.zeros_like(FAKE))
    torch.testing.assert_close(ADVERSARIAL[name].discriminator(REAL, FAKE), expected)


def test_the_nonsaturating_generator_is_cross_entropy_with_real_labels():
    expected = F.binary_cross_entropy_with_logits(FAKE, torch.ones_like(FAKE))
    torch.testing.assert_close(ADVERSARIAL["nonsaturating"].generator(FAKE), expected)


def test_the_minimax_generator_is_minus_cross_entropy_with_fake_labels():
    expected = -F.binary_cross_entropy_with_logits(FAKE, torch.zeros_like(FAKE))
    torch.testing.assert_close(ADVERSARIAL["minimax"].generator(FAKE), expected)


@settings(max_examples=25, deadline=None)
@given(
    real=st.lists(st.floats(-30, 30), min_size=1, max_size=6),
    fake=st.lists(st.floats(-30, 30), min_size=1, max_size=6),
)
def test_cross_entropies_are_the_equations_in_scipy(real, fake):
    # To 1e-8: torch's softplus is its argument beyond 20, which is 2e-9 short.
    x, y = torch.tensor(real, dtype=torch.float64), torch.tensor(fake, dtype=torch.float64)
    discriminator = -np.mean(log_expit(real)) - np.mean(log_expit(-np.array(fake)))
    for name in ("minimax", "nonsaturating"):
        assert float(ADVERSARIAL[name].discriminator(x, y)) == pytest.approx(discriminator, abs=1e-8)
    assert float(ADVERSARIAL["nonsaturating"].generator(y)) == pytest.approx(
        -np.mean(log_expit(fake)), abs=1e-8
    )
    assert float(ADVERSARIAL["minimax"].generator(y)) == pytest.approx(
        np.mean(log_expit(-np.array(fake))), abs=1e-8
    )


# Logits real [1, 3] and fake [-1, 0.5].
BY_HAND = {
    "minimax": (
        (softplus(-1) + softplus(-3)) / 2 + (softplus(-1) + softplus(0.5)) / 2,
        -(softplus(-1) + softplus(0.5)) / 2,
    ),
    "nonsaturating": (
        (softplus(-1) + softplus(-3)) / 2 + (softplus(-1) + softplus(0.5)) / 2,
        (softplus(1) + softplus(-0.5)) / 2,
    ),
    "lsgan": ((0 + 4) / 2 + (1 + 0.25) / 2, (4 + 0.25) / 2),
    "hinge": ((0 + 0) / 2 + (0 + 1.5) / 2, -(-1 + 0.5) / 2),
    "wgan": (-2 + -0.25, 0.25),
    "ebgan": (2 + (2 + 0.5) / 2, -0.25),
    "began": (2 - K * -0.25, -0.25),
    # From the other side's mean: real by 1.25 and 3.25 above −0.25, fake by 3 and 1.5 below 2.
    "relativistic": (
        (softplus(-1.25) + softplus(-3.25)) / 2 + (softplus(-3) + softplus(-1.5)) / 2,
        (softplus(1.25) + softplus(3.25)) / 2 + (softplus(3) + softplus(1.5)) / 2,
    ),
}
BY_HAND |= {
    "wgan-gp": BY_HAND["wgan"],
    "dragan": BY_HAND["nonsaturating"],
    "projected": BY_HAND["hinge"],
}


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_numbers_worked_out_by_hand(name):
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 0.5])
    discriminator, generator = BY_HAND[name]
    assert float(judge(ADVERSARIAL[name], real, fake)) == pytest.approx(discriminator)
    assert float(fool(ADVERSARIAL[name], real, fake)) == pytest.approx(generator)


def test_hinge_is_flat_beyond_its_margins():
    beyond = ADVERSARIAL["hinge"].discriminator(torch.tensor([1.0, 9.0]), torch.tensor([-1.0, -9.0]))
    assert float(beyond) == 0
    assert float(ADVERSARIAL["hinge"].discriminator(torch.tensor([0.0]), torch.tensor([0.0]))) == 2


@every_objective
def test_a_logit_map_counts_as_its_mean_whatever_its_shape(objective: Adversarial):
    maps = [torch.stack([x, x]).reshape(2, 1, -1) for x in (REAL, FAKE)]
    torch.testing.assert_close(judge(objective, *maps), judge(objective, REAL, FAKE))
    torch.testing.assert_close(fool(objective, *maps), fool(objective, REAL, FAKE))
    assert judge(objective, REAL, FAKE).shape == fool(objective, REAL, FAKE).shape == ()


@every_objective
def test_the_discriminator_wants_real_up_and_fake_down_and_the_generator_wants_fake_up(
    objective: Adversarial,
):
    undecided = torch.tensor([0.2, 0.5, 0.8])
    up = -1 if objective.energy else 1  # a low energy is what is real
    assert (up * gradient(lambda x: judge(objective, x, undecided), undecided) < 0).all()
    assert (up * gradient(lambda x: judge(objective, undecided, x), undecided) > 0).all()
    assert (up * gradient(lambda x: fool(objective, undecided, x), undecided) < 0).all()


@every_objective
@pytest.mark.parametrize("size", [1e2, 1e4, 1e18])
def test_large_logits_give_finite_losses_and_gradients(objective: Adversarial, size: float):
    logits = torch.tensor([-size, size])
    for loss in (
        lambda x: fool(objective, logits, x),
        lambda x: judge(objective, x, logits),
        lambda x: judge(objective, logits, x),
    ):
        assert loss(logits).isfinite()
        assert gradient(loss, logits).isfinite().all()


def test_a_lost_generator_still_learns_without_saturation_only():
    lost = torch.tensor([-20.0])
    assert gradient(ADVERSARIAL["minimax"].generator, lost).abs() < 1e-8
    assert gradient(ADVERSARIAL["nonsaturating"].generator, lost).abs() > 0.99


def test_label_smoothing_is_cross_entropy_with_a_smaller_label():
    expected = F.binary_cross_entropy_with_logits(
        REAL, torch.full_like(REAL, 0.9)
    ) + F.binary_cross_entropy_with_logits(FAKE, torch.zeros_like(FAKE))
    torch.testing.assert_close(minimax_discriminator(REAL, FAKE, target=0.9), expected)


def test_label_smoothing_of_squares_by_hand():
    loss = lsgan_discriminator(torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 0.5]), target=0.9)
    assert float(loss) == pytest.approx((0.01 + 4.41) / 2 + 1.25 / 2)


@every_objective
def test_smoothing_is_offered_where_it_makes_sense(objective: Adversarial):
    if objective.smoothable:
        smooth = objective.discriminator(REAL, FAKE, target=0.9)
        assert not torch.equal(smooth, objective.discriminator(REAL, FAKE))
    else:
        with pytest.raises(TypeError):
            objective.discriminator(REAL, FAKE, target=0.9)


@settings(max_examples=25, deadline=None)
@given(
    real=st.lists(st.floats(-30, 30), min_size=1, max_size=6),
    fake=st.lists(st.floats(-30, 30), min_size=1, max_size=6),
)
def test_the_relativistic_average_is_the_equation_in_numpy(real, fake):
    x, y = np.array(real), np.array(fake)
    discriminator = -log_expit(x - y.mean()).mean() - log_expit(-(y - x.mean())).mean()
    generator = -log_expit(y - x.mean()).mean() - log_expit(-(x - y.mean())).mean()
    both = torch.from_numpy(x), torch.from_numpy(y)
    assert float(ADVERSARIAL["relativistic"].discriminator(*both)) == pytest.approx(discriminator, abs=1e-8)
    assert float(ADVERSARIAL["relativistic"].generator(*both)) == pytest.approx(generator, abs=1e-8)


def test_a_relativistic_generator_learns_from_real_pictures_too():
    assert (gradient(lambda x: ADVERSARIAL["relativistic"].generator(x, FAKE), REAL) > 0).all()


def test_a_fake_beyond_ebgan_s_margin_costs_nothing():
    energies = torch.tensor([0.5, 3.0, 20.0])
    assert float(ebgan_discriminator(torch.zeros(1), energies, margin=10)) == pytest.approx((9.5 + 7) / 3)
    assert gradient(lambda x: ebgan_discriminator(energies, x, margin=10), energies)[2] == 0


def test_pulling_away_is_the_mean_squared_cosine_of_a_loop():
    codes = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))
    rows = codes.flatten(1)
    expected = [
        float(F.cosine_similarity(rows[i], rows[j], dim=0)) ** 2 for i in range(5) for j in range(5) if i != j
    ]
    assert float(pulling_away(codes)) == pytest.approx(sum(expected) / 20, rel=1e-5)
    assert float(pulling_away(torch.eye(4) * 3)) == 0
    assert float(pulling_away(torch.ones(4, 3))) == pytest.approx(1)


def test_pulling_away_needs_another_code():
    with pytest.raises(ValueError, match="at least two"):
        pulling_away(torch.ones(1, 3))


def test_began_s_k_follows_a_trace_worked_out_by_hand():
    k, trace = 0.0, []
    # 0 + 0.1·(0.5·4 − 1) = 0.1; + 0.1·(1 − 3) = −0.1, clipped; + 0.1·(10 − 4) = 0.6; + 0.1·(10 − 4), clipped
    for real, fake in ((4, 1), (2, 3), (20, 4), (20, 4)):
        energies = torch.tensor([real - 1.0, real + 1.0]), torch.tensor([fake + 0.5, fake - 0.5])
        k = began_balance(k, *energies, gamma=0.5, rate=0.1)
        trace.append(float(k))
    assert trace == pytest.approx([0.1, 0.0, 0.6, 1.0])


def test_began_s_defaults_are_the_paper_s_and_k_carries_no_gradient():
    energies = torch.tensor([4.0], requires_grad=True), torch.tensor([1.0], requires_grad=True)
    k = began_balance(0.0, *energies)
    assert float(k) == pytest.approx(1e-3 * (0.5 * 4 - 1))
    assert not k.requires_grad
    loss = began_discriminator(*energies, k)
    assert float(loss.detach()) == pytest.approx(4 - 1e-3)


@pytest.mark.parametrize(("fake", "expected"), [(1.0, 4 + 1), (2.0, 4), (3.5, 4 + 1.5)])
def test_began_converges_where_energies_stand_in_the_ratio_asked_for(fake, expected):
    assert float(began_convergence(torch.tensor([3.0, 5.0]), torch.tensor([fake]))) == pytest.approx(expected)


def test_what_a_training_needs_besides_stands_with_the_objective():
    needs = {name for name, objective in ADVERSARIAL.items() if objective.penalty}
    assert needs == {"wgan-gp", "dragan"}
    assert all(ADVERSARIAL[name].penalty_weight == 10 for name in needs)
    assert ADVERSARIAL["wgan"].clip == 0.01
    assert {name for name, objective in ADVERSARIAL.items() if objective.energy} == {"ebgan", "began"}


BEST_LOGITS = {
    "minimax": logit,  # Goodfellow et al. 2014, proposition 1: σ(D*) = p
    "nonsaturating": logit,
    "lsgan": lambda share: share,  # Mao et al. 2017, eq. 5, with labels 0 and 1
    "hinge": lambda share: np.sign(share - 0.5),  # Lim & Ye 2017: the margin of the likelier side
    "dragan": logit,
    "projected": lambda share: np.sign(share - 0.5),
}


@pytest.mark.parametrize("share", [0.1, 0.4, 0.8])
@pytest.mark.parametrize("name", BEST_LOGITS)
def test_the_best_verdict_on_a_picture_follows_from_its_share_of_real_ones(name, share):
    judge, nothing = ADVERSARIAL[name].discriminator, torch.zeros((), dtype=torch.float64)

    def loss(verdict: float) -> float:
        x = torch.tensor(verdict, dtype=torch.float64)
        return float(share * judge(x, nothing) + (1 - share) * judge(nothing, x))

    best = minimize_scalar(loss, bounds=(-5, 5), method="bounded", options={"xatol": 1e-6}).x
    assert best == pytest.approx(BEST_LOGITS[name](share), abs=1e-4)
