"""Objectives of discriminators that know what was asked for: a caption, a class.

Pure functions of logits, float32, unweighted, scalar; labels are int64 (B,).
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from translate.losses.adversarial import minimax_discriminator, nonsaturating_generator


def matching_aware_discriminator(
    right: Tensor,
    wrong: Tensor,
    fake: Tensor,
    discriminator: Callable[[Tensor, Tensor], Tensor] = minimax_discriminator,
) -> Tensor:
    """−E log s_r − ½(E log(1 − s_w) + E log(1 − s_f)); Reed et al. 2016, algorithm 1 (GAN-CLS).

    A picture beside a caption that isn't its own counts as fake, so that the discriminator must read. The
    generator's side is that of the objective, over fake pictures beside their captions.

    Args:
        right: logits of real pictures beside their captions, any shape.
        wrong: of real pictures beside captions of others.
        fake: of fakes beside the captions that they were made from.
        discriminator: another objective's side; the paper's is `minimax`.
    """
    return (discriminator(right, wrong) + discriminator(right, fake)) / 2


def semi_supervised_discriminator(
    labelled: Tensor, labels: Tensor, unlabelled: Tensor, fake: Tensor
) -> Tensor:
    """−E log p(y | x, y ≤ K) − E log D(x) − E log(1 − D(x̃)); Salimans et al. 2016, §5.

    The class K + 1 is "fake"; its logit is fixed at 0, which loses nothing, and then
    D(x) = Z(x) / (Z(x) + 1) with Z(x) = Σ_k exp l_k(x).

    Args:
        labelled, unlabelled, fake: logits of the K real classes, (B, K) each with a B of its own.
        labels: of the labelled, int64 (B,).
    """
    unsupervised = minimax_discriminator(unlabelled.logsumexp(1), fake.logsumexp(1))
    return F.cross_entropy(labelled, labels) + unsupervised


def semi_supervised_generator(fake: Tensor) -> Tensor:
    """−E log D(x̃), D as above, of logits (B, K). Salimans et al. prefer `features.feature_matching`."""
    return nonsaturating_generator(fake.logsumexp(1))


def auxiliary_discriminator(
    real: Tensor, real_labels: Tensor, fake: Tensor | None = None, fake_labels: Tensor | None = None
) -> Tensor:
    """−E log P(c | x) − E log P(c | x̃), an auxiliary classifier's L_C; Odena et al. 2017, eq. 3.

    It is added to the adversarial objective. StarGAN (Choi et al. 2018, eq. 2) leaves the fakes out, and so
    do the arguments' defaults.

    Args:
        real, fake: class logits (B, K).
        real_labels, fake_labels: int64 (B,); those of the fakes are the classes that were asked for.

    Raises:
        ValueError: fakes without labels, or the reverse.
    """
    if (fake is None) != (fake_labels is None):
        raise ValueError("an auxiliary classifier needs fakes together with the labels asked of them")
    loss = F.cross_entropy(real, real_labels)
    if fake is not None and fake_labels is not None:
        loss = loss + F.cross_entropy(fake, fake_labels)
    return loss


def auxiliary_generator(fake: Tensor, labels: Tensor) -> Tensor:
    """−E log P(c | x̃), c the class that was asked for; Odena et al. 2017, eq. 3; class logits (B, K)."""
    return F.cross_entropy(fake, labels)
