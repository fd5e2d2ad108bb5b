"""What the papers prove, met by training: the best discriminator, and why a Wasserstein critic helps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch import Tensor, nn

from translate.losses.adversarial import minimax_discriminator, wasserstein_discriminator
from translate.losses.penalties import gradient_penalty, interpolated

REAL, FAKE = norm(1.0, 1.0), norm(-0.5, 0.7)


def critic(inputs: int, width: int = 24) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1)
    )


def jensen_shannon(p, q) -> float:
    """In nats, by quadrature."""

    def integrand(x: float) -> float:
        a, b = p.pdf(x), q.pdf(x)
        return 0.5 * (a * math.log(2 * a / (a + b)) + b * math.log(2 * b / (a + b)))

    return quad(integrand, -8, 8, limit=200)[0]


def quantiles(density, count: int) -> Tensor:
    """The density as equally likely points: a data set without luck."""
    return torch.from_numpy(density.ppf((np.arange(count) + 0.5) / count)).float()[:, None]


def test_the_best_discriminator_is_p_over_p_plus_q_and_its_value_is_2_jsd_minus_2_log_2():
    """Goodfellow et al. 2014, proposition 1 and theorem 1."""
    torch.manual_seed(0)
    judge, real, fake = critic(1), quantiles(REAL, 256), quantiles(FAKE, 256)
    adam = torch.optim.Adam(judge.parameters(), 1e-2, fused=True)
    for _ in range(300):
        loss = minimax_discriminator(judge(real), judge(fake))
        adam.zero_grad()
        loss.backward()
        adam.step()

    grid = np.linspace(-2, 3, 101)
    best = REAL.pdf(grid) / (REAL.pdf(grid) + FAKE.pdf(grid))
    with torch.no_grad():
        found = judge(torch.from_numpy(grid).float()[:, None]).sigmoid().squeeze(1).numpy()
        value = -minimax_discriminator(judge(real), judge(fake)).item()
    assert np.abs(found - best).max() < 0.03
    assert value == pytest.approx(2 * jensen_shannon(REAL, FAKE) - 2 * math.log(2), abs=0.01)


def line(at: float, count: int = 64) -> Tensor:
    """(count, 2): x = at, y ~ U[0, 1]."""
    return torch.stack([torch.full((count,), at), torch.rand(count)], 1)


def train_critic(loss, steps: int) -> nn.Sequential:
    judge = critic(2)
    adam = torch.optim.Adam(judge.parameters(), 5e-3, (0.5, 0.9), fused=True)
    decay = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: 1 - step / steps)
    for _ in range(steps):
        adam.zero_grad()
        loss(judge).backward()
        adam.step()
        decay.step()
    return judge


@pytest.mark.parametrize("distance", [0.25, 1.0, -2.0])
def test_between_parallel_lines_a_wasserstein_critic_measures_the_distance(distance: float):
    """Arjovsky et al. 2017, example 1, with the penalty of Gulrajani et al. 2017."""

    def loss(judge: nn.Module) -> Tensor:
        real, fake = line(0), line(distance)
        penalty = gradient_penalty(judge, interpolated(real, fake))
        return wasserstein_discriminator(judge(real), judge(fake)) + 10 * penalty

    torch.manual_seed(0)
    judge = train_critic(loss, 250)
    with torch.no_grad():
        estimate = -wasserstein_discriminator(judge(line(0)), judge(line(distance))).item()
    # A soft penalty lets the slope exceed 1: −sθ + λ(s − 1)² is least at s = 1 + θ/2λ.
    slope = 1 + abs(distance) / 20
    assert estimate == pytest.approx(slope * abs(distance), rel=0.05)
    assert estimate == pytest.approx(abs(distance), rel=0.15)


@pytest.mark.parametrize("distance", [0.25, 1.0, -2.0])
def test_between_parallel_lines_the_plain_discriminator_s_value_says_log_2_at_any_distance(distance: float):
    """JSD = log 2, the value 2·JSD − 2 log 2 = 0: nothing to follow; Arjovsky et al. 2017, example 1."""
    torch.manual_seed(0)
    judge = train_critic(lambda judge: minimax_discriminator(judge(line(0)), judge(line(distance))), 250)
    with torch.no_grad():
        value = -minimax_discriminator(judge(line(0)), judge(line(distance))).item()
    assert (value + 2 * math.log(2)) / 2 == pytest.approx(math.log(2), abs=0.02)
