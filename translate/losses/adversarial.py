"""Adversarial objectives: what the discriminator and the generator minimise.

Each is a pair of pure functions of logits (any shape, float32); the value is a scalar. Weights and the
papers' halving of the discriminator's loss belong to the translators.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


def minimax_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """−E log σ(D(x)) − E log(1 − σ(D(x̃))); Goodfellow et al. 2014, eq. 1."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def minimax_generator(fake: Tensor) -> Tensor:
    """E log(1 − σ(D(x̃))); Goodfellow et al. 2014, eq. 1."""
    return -F.softplus(fake).mean()


def nonsaturating_generator(fake: Tensor) -> Tensor:
    """−E log σ(D(x̃)); Goodfellow et al. 2014, §3."""
    return F.softplus(-fake).mean()


def lsgan_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E(D(x) − 1)² + E D(x̃)²; Mao et al. 2017, eq. 9."""
    return (real - 1).square().mean() + fake.square().mean()


def lsgan_generator(fake: Tensor) -> Tensor:
    """E(D(x̃) − 1)²; Mao et al. 2017, eq. 9."""
    return (fake - 1).square().mean()


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E max(0, 1 − D(x)) + E max(0, 1 + D(x̃)); Lim & Ye 2017, eq. 10."""
    return torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()


def hinge_generator(fake: Tensor) -> Tensor:
    """−E D(x̃); Lim & Ye 2017, eq. 12."""
    return -fake.mean()


@dataclass(frozen=True)
class Adversarial:
    """One objective's two sides."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


ADVERSARIAL: dict[str, Adversarial] = {
    "minimax": Adversarial(minimax_discriminator, minimax_generator),
    "nonsaturating": Adversarial(minimax_discriminator, nonsaturating_generator),
    "lsgan": Adversarial(lsgan_discriminator, lsgan_generator),
    "hinge": Adversarial(hinge_discriminator, hinge_generator),
}
