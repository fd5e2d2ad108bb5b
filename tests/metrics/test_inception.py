"""The score of class probabilities where it is known, and against torchmetrics."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from translate.errors import UsageError
from translate.metrics.inception import SPLITS, inception_score


def logits(count: int, classes: int = 7) -> torch.Tensor:
    return 3 * torch.randn(count, classes, generator=torch.Generator().manual_seed(0))


def test_answers_that_say_nothing_score_1():
    assert inception_score(torch.full((30, 10), 0.1)).mean == pytest.approx(1)
    # Sure, but always of the same class.
    assert inception_score(torch.eye(10)[:1].expand(30, -1)).mean == pytest.approx(1)


@pytest.mark.parametrize("classes", [2, 10])
def test_sure_answers_balanced_over_classes_score_their_number(classes):
    assert inception_score(torch.eye(1000)[:classes].repeat(6, 1)).mean == pytest.approx(classes)


def test_an_answer_between_by_hand():
    """Two pictures, p and 1 − p of two classes: p(y) is a half each, and the score is 2 exp(−H(p))."""
    p = 0.9
    entropy = -p * math.log(p) - (1 - p) * math.log(1 - p)
    score = inception_score(torch.tensor([[p, 1 - p], [1 - p, p]]))
    assert score.mean == pytest.approx(2 * math.exp(-entropy))


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore` will save")
@pytest.mark.filterwarnings("ignore:std")
def test_torchmetrics():
    from torchmetrics.image.inception import InceptionScore

    answers = logits(60)
    metric = InceptionScore(feature=nn.Identity(), splits=1)
    metric.update(answers)
    assert inception_score(answers.softmax(1)).mean == pytest.approx(float(metric.compute()[0]), rel=1e-4)


def test_parts():
    answers = logits(90).softmax(1)
    score = inception_score(answers, splits=3)
    parts = torch.tensor([inception_score(part, splits=1).mean for part in answers.split(30)])
    assert score.mean == pytest.approx(float(parts.mean()))
    assert score.std == pytest.approx(float(parts.std(correction=0)))  # as the paper's code
    assert (score.splits, score.pictures) == (3, 90)
    assert "90 pictures, mean of 3 parts, at most 30" in score.protocol
    alone = inception_score(answers)
    assert (alone.std, alone.splits) == (None, 1)
    assert "90 pictures, over all of them, at most 90" in alone.protocol
    many = inception_score(answers.repeat(112, 1)[:10_000])
    assert many.splits == SPLITS
    assert many.std is not None


def test_the_protocol_names_the_network_and_what_it_is_not():
    protocol = inception_score(torch.eye(4)).protocol
    assert "EfficientNet-Lite2 (ImageNet)" in protocol
    assert protocol.endswith("not comparable with the Inception Score on Inception")


@pytest.mark.parametrize(
    ("probabilities", "splits", "message"),
    [
        (torch.eye(3)[:1], None, "two of them in each part; there are 1 for 1 parts"),
        (torch.eye(3), 2, "there are 3 for 2 parts"),
        (torch.zeros(3, 2), None, "sum to 1"),
        (torch.tensor([[1.5, -0.5]] * 2), None, "not below 0"),
        (torch.full((3, 2), torch.nan), None, "NaN"),
        (torch.zeros(3, 2, 2), None, r"\(N, classes\), these are \(3, 2, 2\)"),
    ],
)
def test_what_has_no_score(probabilities, splits, message):
    with pytest.raises(UsageError, match=message):
        inception_score(probabilities, splits=splits)
