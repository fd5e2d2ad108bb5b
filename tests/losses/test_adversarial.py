"""Objectives against torch's and scipy's own functions, closed forms and numbers worked out by hand."""

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
from translate.losses.adversarial import ADVERSARIAL, Adversarial

pytestmark = pytest.mark.usefixtures("one_thread")

REAL = torch.tensor([[1.5, -0.3], [0.2, 4.0]])
FAKE = torch.tensor([[-2.0, 0.7, 0.0]])

every_objective = pytest.mark.parametrize("objective", ADVERSARIAL.values(), ids=ADVERSARIAL)


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def gradient(loss, logits: Tensor) -> Tensor:
    logits = logits.clone().requires_grad_()
    loss(logits).backward()
    assert logits.grad is not None
    return logits.grad


def test_the_catalogue_is_what_recipes_may_choose():
    assert tuple(ADVERSARIAL) == AdversarialName.__args__


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
    x, y = torch.tensor(real, dtype=torch.float64), torch.tensor(fake, dtype=torch.float64)
    discriminator = -np.mean(log_expit(real)) - np.mean(log_expit(-np.array(fake)))
    for name in ("minimax", "nonsaturating"):
        assert float(ADVERSARIAL[name].discriminator(x, y)) == pytest.approx(discriminator, abs=1e-9)
    assert float(ADVERSARIAL["nonsaturating"].generator(y)) == pytest.approx(
        -np.mean(log_expit(fake)), abs=1e-9
    )
    assert float(ADVERSARIAL["minimax"].generator(y)) == pytest.approx(
        np.mean(log_expit(-np.array(fake))), abs=1e-9
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
}


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_numbers_worked_out_by_hand(name):
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 0.5])
    discriminator, generator = BY_HAND[name]
    assert float(ADVERSARIAL[name].discriminator(real, fake)) == pytest.approx(discriminator)
    assert float(ADVERSARIAL[name].generator(fake)) == pytest.approx(generator)


def test_hinge_is_flat_beyond_its_margins():
    beyond = ADVERSARIAL["hinge"].discriminator(torch.tensor([1.0, 9.0]), torch.tensor([-1.0, -9.0]))
    assert float(beyond) == 0
    assert float(ADVERSARIAL["hinge"].discriminator(torch.tensor([0.0]), torch.tensor([0.0]))) == 2


@every_objective
def test_a_logit_map_counts_as_its_mean_whatever_its_shape(objective: Adversarial):
    maps = [torch.stack([x, x]).reshape(2, 1, -1) for x in (REAL, FAKE)]
    torch.testing.assert_close(objective.discriminator(*maps), objective.discriminator(REAL, FAKE))
    torch.testing.assert_close(objective.generator(maps[1]), objective.generator(FAKE))
    assert objective.discriminator(REAL, FAKE).shape == ()


@every_objective
def test_the_discriminator_wants_real_up_and_fake_down_and_the_generator_wants_fake_up(
    objective: Adversarial,
):
    undecided = torch.tensor([0.2, 0.5, 0.8])
    assert (gradient(lambda x: objective.discriminator(x, undecided), undecided) < 0).all()
    assert (gradient(lambda x: objective.discriminator(undecided, x), undecided) > 0).all()
    assert (gradient(objective.generator, undecided) < 0).all()


@every_objective
@pytest.mark.parametrize("size", [1e2, 1e4, 1e18])
def test_large_logits_give_finite_losses_and_gradients(objective: Adversarial, size: float):
    logits = torch.tensor([-size, size])
    for loss in (
        objective.generator,
        lambda x: objective.discriminator(x, logits),
        lambda x: objective.discriminator(logits, x),
    ):
        assert loss(logits).isfinite()
        assert gradient(loss, logits).isfinite().all()


def test_a_lost_generator_still_learns_without_saturation_only():
    lost = torch.tensor([-20.0])
    assert gradient(ADVERSARIAL["minimax"].generator, lost).abs() < 1e-8
    assert gradient(ADVERSARIAL["nonsaturating"].generator, lost).abs() > 0.99


BEST_LOGITS = {
    "minimax": logit,  # Goodfellow et al. 2014, proposition 1: σ(D*) = p
    "nonsaturating": logit,
    "lsgan": lambda share: share,  # Mao et al. 2017, eq. 5, with labels 0 and 1
    "hinge": lambda share: np.sign(share - 0.5),  # Lim & Ye 2017: the margin of the likelier side
}


@pytest.mark.parametrize("share", [0.1, 0.4, 0.8])
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_the_best_verdict_on_a_picture_follows_from_its_share_of_real_ones(name, share):
    judge, nothing = ADVERSARIAL[name].discriminator, torch.zeros((), dtype=torch.float64)

    def loss(verdict: float) -> float:
        x = torch.tensor(verdict, dtype=torch.float64)
        return float(share * judge(x, nothing) + (1 - share) * judge(nothing, x))

    best = minimize_scalar(loss, bounds=(-5, 5), method="bounded", options={"xatol": 1e-6}).x
    assert best == pytest.approx(BEST_LOGITS[name](share), abs=1e-4)
