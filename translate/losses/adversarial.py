"""Adversarial objectives: what the discriminator and the generator minimise.

Each is a pair of pure functions of logits (any shape, float32), or of energies where the critic is an
autoencoder (float32 (B,), one a picture); the value is a scalar. Weights and the papers' halving of the
discriminator's loss belong to the translators, and so does the sum over a discriminator's scales. What a
training needs besides, a penalty or clipped weights, is named in `ADVERSARIAL`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Penalty = Literal["interpolated", "around_real"]


def minimax_discriminator(real: Tensor, fake: Tensor, target: float = 1.0) -> Tensor:
    """−E log σ(D(x)) − E log(1 − σ(D(x̃))); Goodfellow et al. 2014, eq. 1.

    Args:
        target: the label of real pictures; 0.9 is one-sided smoothing (Salimans et al. 2016, §3.4):
            −E[t log σ(D(x)) + (1 − t) log(1 − σ(D(x)))] in place of the first term.
    """
    # As log(1 − σ(x)) = log σ(x) − x, the cross-entropy with a label t is softplus(−x) + (1 − t)·x.
    return (F.softplus(-real) + (1 - target) * real).mean() + F.softplus(fake).mean()


def minimax_generator(fake: Tensor) -> Tensor:
    """E log(1 − σ(D(x̃))); Goodfellow et al. 2014, eq. 1."""
    return -F.softplus(fake).mean()


def nonsaturating_generator(fake: Tensor) -> Tensor:
    """−E log σ(D(x̃)); Goodfellow et al. 2014, §3."""
    return F.softplus(-fake).mean()


def lsgan_discriminator(real: Tensor, fake: Tensor, target: float = 1.0) -> Tensor:
    """E(D(x) − target)² + E D(x̃)²; Mao et al. 2017, eq. 9.

    Args:
        target: the label of real pictures; 0.9 is one-sided smoothing (Salimans et al. 2016, §3.4).
    """
    return (real - target).square().mean() + fake.square().mean()


def lsgan_generator(fake: Tensor) -> Tensor:
    """E(D(x̃) − 1)²; Mao et al. 2017, eq. 9."""
    return (fake - 1).square().mean()


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E max(0, 1 − D(x)) + E max(0, 1 + D(x̃)); Lim & Ye 2017, eq. 10."""
    return torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()


def hinge_generator(fake: Tensor) -> Tensor:
    """−E D(x̃); Lim & Ye 2017, eq. 12."""
    return -fake.mean()


def wasserstein_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """−E D(x) + E D(x̃); Arjovsky et al. 2017, eq. 2.

    Minus the Wasserstein-1 distance at its best, if D is held to a slope of at most 1; unbounded otherwise.
    """
    return fake.mean() - real.mean()


def wasserstein_generator(fake: Tensor) -> Tensor:
    """−E D(x̃); Arjovsky et al. 2017, theorem 3."""
    return -fake.mean()


def ebgan_discriminator(real: Tensor, fake: Tensor, margin: float = 1.0) -> Tensor:
    """E D(x) + E max(0, m − D(x̃)), of energies; Zhao et al. 2017, eq. 1.

    Args:
        margin: the energy beyond which a fake costs nothing. The paper picks it for each data set, on
            energies that it sums; 1 suits a mean squared error of pictures in [-1, 1].
    """
    return real.mean() + torch.relu(margin - fake).mean()


def ebgan_generator(fake: Tensor) -> Tensor:
    """E D(x̃), of energies; Zhao et al. 2017, eq. 2."""
    return fake.mean()


def pulling_away(codes: Tensor) -> Tensor:
    """Mean squared cosine between the codes of a batch of fakes; Zhao et al. 2017, eq. 4.

    The generator adds it to its energy (weight 0.1 in the paper), so that its outputs differ.

    Args:
        codes: what the critic's encoder says of each fake, float32 (B, ...), B >= 2.

    Raises:
        ValueError: a single code has no other to differ from.
    """
    count = len(codes)
    if count < 2:
        raise ValueError("the pulling-away term compares the codes of a batch: it needs at least two")
    unit = F.normalize(codes.flatten(1), dim=1)
    others = 1 - torch.eye(count, device=codes.device)
    return ((unit @ unit.T) * others).square().sum() / (count * (count - 1))  # of (B, B) cosines


def began_discriminator(real: Tensor, fake: Tensor, k: Tensor | float) -> Tensor:
    """E L(x) − k·E L(x̃), of energies L(v) = |v − AE(v)|; Berthelot et al. 2017, §3.4."""
    return real.mean() - k * fake.mean()


def began_generator(fake: Tensor) -> Tensor:
    """E L(x̃), of energies; Berthelot et al. 2017, §3.4."""
    return fake.mean()


def began_balance(
    k: Tensor | float, real: Tensor, fake: Tensor, gamma: float = 0.5, rate: float = 1e-3
) -> Tensor:
    """The next k: clip(k + λ(γ E L(x) − E L(x̃)), 0, 1), from 0 at the start; Berthelot et al. 2017, §3.4.

    Args:
        gamma: the diversity ratio E L(x̃) / E L(x) that k steers for; less gives sharper and fewer kinds.
        rate: λ_k.

    Returns:
        A scalar on the energies' device, without gradient.
    """
    real, fake = real.detach().mean(), fake.detach().mean()
    return (k + rate * (gamma * real - fake)).clamp(0, 1)


def began_convergence(real: Tensor, fake: Tensor, gamma: float = 0.5) -> Tensor:
    """E L(x) + |γ E L(x) − E L(x̃)|, which falls as training goes well; Berthelot et al. 2017, §3.4.1."""
    real, fake = real.detach().mean(), fake.detach().mean()
    return real + (gamma * real - fake).abs()


def relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """−E log σ(D(x) − E D(x̃)) − E log(1 − σ(D(x̃) − E D(x))); Jolicoeur-Martineau 2018, §4.2 (RaSGAN)."""
    return F.softplus(fake.mean() - real).mean() + F.softplus(fake - real.mean()).mean()


def relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's with real and fake exchanged; Jolicoeur-Martineau 2018, §4.2 (RaSGAN)."""
    return relativistic_discriminator(fake, real)


@dataclass(frozen=True)
class Adversarial:
    """One objective's two sides, and what a training with it needs.

    Attributes:
        discriminator: (real, fake) -> loss; with `target=` where `smoothable`, and a third argument k where
            `balanced`.
        generator: (fake) -> loss; (real, fake) -> loss where `relative`.
        relative: the generator's side looks at real pictures too.
        energy: the critic is an autoencoder that gives an energy (B,): low for what is real.
        penalty: where the gradient penalty on the critic is taken, if the objective has one.
        penalty_weight: its weight in the paper.
        clip: the critic's weights are clipped to ±clip after each of its steps.
        balanced: `began_balance` moves k after each step.
        smoothable: one-sided label smoothing makes sense.
        undecided: the logit that says neither real nor fake, where single logits say either.
    """

    discriminator: Callable[..., Tensor]
    generator: Callable[..., Tensor]
    relative: bool = False
    energy: bool = False
    penalty: Penalty | None = None
    penalty_weight: float = 0.0
    clip: float | None = None
    balanced: bool = False
    smoothable: bool = False
    undecided: float | None = None


ADVERSARIAL: dict[str, Adversarial] = {
    "minimax": Adversarial(minimax_discriminator, minimax_generator, smoothable=True, undecided=0.0),
    "nonsaturating": Adversarial(
        minimax_discriminator, nonsaturating_generator, smoothable=True, undecided=0.0
    ),
    "lsgan": Adversarial(lsgan_discriminator, lsgan_generator, smoothable=True, undecided=0.5),
    "hinge": Adversarial(hinge_discriminator, hinge_generator, undecided=0.0),
    "wgan": Adversarial(wasserstein_discriminator, wasserstein_generator, clip=0.01),
    "wgan-gp": Adversarial(
        wasserstein_discriminator, wasserstein_generator, penalty="interpolated", penalty_weight=10.0
    ),
    "dragan": Adversarial(
        minimax_discriminator,
        nonsaturating_generator,
        penalty="around_real",
        penalty_weight=10.0,
        smoothable=True,
        undecided=0.0,
    ),
    "ebgan": Adversarial(ebgan_discriminator, ebgan_generator, energy=True),
    "began": Adversarial(began_discriminator, began_generator, energy=True, balanced=True),
    "relativistic": Adversarial(relativistic_discriminator, relativistic_generator, relative=True),
    # Sauer et al. 2021: the hinge at every scale of a discriminator on frozen features.
    "projected": Adversarial(hinge_discriminator, hinge_generator, undecided=0.0),
}
