"""Objectives with captions and classes, against torch's cross-entropy and the papers' own formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_expit
from torch.nn import functional as F

from translate.losses.adversarial import hinge_discriminator
from translate.losses.conditional import (
    auxiliary_discriminator,
    auxiliary_generator,
    matching_aware_discriminator,
    semi_supervised_discriminator,
    semi_supervised_generator,
)

RANDOM = torch.Generator().manual_seed(0)
RIGHT, WRONG, FAKE = (torch.randn(4, 1, 3, 3, generator=RANDOM) for _ in range(3))
LOGITS, OTHERS, FAKES = (torch.randn(5, 4, generator=RANDOM) for _ in range(3))
LABELS = torch.tensor([0, 3, 1, 1, 2])


def test_matching_aware_is_reed_s_line_of_the_algorithm():
    right, wrong, fake = (x.double().numpy() for x in (RIGHT, WRONG, FAKE))
    expected = -log_expit(right).mean() - (log_expit(-wrong).mean() + log_expit(-fake).mean()) / 2
    assert float(matching_aware_discriminator(RIGHT, WRONG, FAKE)) == pytest.approx(expected, rel=1e-5)


def test_matching_aware_with_another_objective():
    expected = torch.relu(1 - RIGHT).mean() + (torch.relu(1 + WRONG).mean() + torch.relu(1 + FAKE).mean()) / 2
    actual = matching_aware_discriminator(RIGHT, WRONG, FAKE, hinge_discriminator)
    torch.testing.assert_close(actual, expected)


def with_fake_class(logits: torch.Tensor) -> torch.Tensor:
    return torch.cat([logits, torch.zeros(len(logits), 1)], 1)


def test_semi_supervised_is_cross_entropy_over_k_plus_one_classes():
    """Salimans et al. 2016, §5, restated with a softmax over K + 1 classes."""
    unlabelled, fake = (with_fake_class(x).softmax(1)[:, -1] for x in (OTHERS, FAKES))
    expected = F.cross_entropy(LOGITS, LABELS) - (1 - unlabelled).log().mean() - fake.log().mean()
    actual = semi_supervised_discriminator(LOGITS, LABELS, OTHERS, FAKES)
    torch.testing.assert_close(actual, expected)
    torch.testing.assert_close(semi_supervised_generator(FAKES), -(1 - fake).log().mean())


def test_semi_supervised_stays_finite_where_a_softmax_of_k_plus_one_would_not():
    far = torch.full((2, 4), 1e4)
    loss = semi_supervised_discriminator(far, torch.tensor([0, 1]), far, -far)
    assert float(loss) == pytest.approx(np.log(4), rel=1e-5)


def test_an_auxiliary_classifier_is_cross_entropy_on_real_and_fake():
    expected = F.cross_entropy(LOGITS, LABELS) + F.cross_entropy(FAKES, LABELS.flip(0))
    torch.testing.assert_close(auxiliary_discriminator(LOGITS, LABELS, FAKES, LABELS.flip(0)), expected)
    torch.testing.assert_close(auxiliary_discriminator(LOGITS, LABELS), F.cross_entropy(LOGITS, LABELS))
    by_hand = -FAKES.softmax(1)[range(5), LABELS].log().mean()
    torch.testing.assert_close(auxiliary_generator(FAKES, LABELS), by_hand)


def test_fakes_come_with_the_labels_asked_of_them():
    with pytest.raises(ValueError, match="together with the labels"):
        auxiliary_discriminator(LOGITS, LABELS, FAKES)
