"""Whether a classifier is sure of each output and its answers differ between them: an Inception Score."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from translate.errors import UsageError
from translate.metrics.evaluate import Score
from translate.metrics.features import PictureFeatures, unlike

SPLITS = 10  # Salimans et al. 2016: 50 000 pictures in ten parts
_ENOUGH_A_SPLIT = 1000  # pictures, one for each class of ImageNet


@dataclass(frozen=True)
class SplitScore(Score):
    """A mean over parts of the pictures.

    Attributes:
        std: standard deviation over the parts; None of one part.
        splits: how many parts.
    """

    std: float | None = None
    splits: int = 1


def inception_score(
    probabilities: Tensor, *, splits: int | None = None, seen: str = PictureFeatures.protocol
) -> SplitScore:
    """exp(E KL(p(y|x) ‖ p(y))) of the class probabilities of outputs, from 1 to the number of classes.

    Salimans et al. 2016, "Improved techniques for training GANs", §4: the mean and the standard deviation
    over ten parts, where each has a thousand pictures; of fewer pictures it is taken once, over all. It never
    exceeds the number of pictures in a part, so few pictures score low whatever they show, and it knows
    nothing of the real pictures. Theirs was taken on Inception; this one isn't comparable with it.

    Args:
        probabilities: (N, classes), rows that sum to 1, from `PictureFeatures.class_probabilities`; at least
            two pictures a part.
        splits: how many parts; None decides as above.
        seen: whose classes they are, in words.

    Raises:
        UsageError: too few pictures, or what are no probabilities.
    """
    count = len(probabilities)
    parts = splits if splits is not None else (SPLITS if count >= SPLITS * _ENOUGH_A_SPLIT else 1)
    _require_probabilities(probabilities, parts)
    scores = torch.stack([_score(part) for part in probabilities.double().tensor_split(parts)])
    other = unlike(seen, "the Inception Score")
    how = f"mean of {parts} parts" if parts > 1 else "over all of them"
    return SplitScore(
        float(scores.mean()),
        count,
        f"{'IS-like' if other else 'IS'}: exp(E KL(p(y|x) ‖ p(y))) of the {probabilities.shape[1]} classes "
        f"of {seen}; {count} pictures, {how}, at most {-(-count // parts)}{other}",
        std=float(scores.std(correction=0)) if parts > 1 else None,
        splits=parts,
    )


def _score(part: Tensor) -> Tensor:
    # x log x of x = 0 is 0, as xlogy has it.
    own = torch.xlogy(part, part).sum(1)
    across = torch.xlogy(part, part.mean(0)).sum(1)
    return (own - across).mean().exp()


def _require_probabilities(probabilities: Tensor, parts: int) -> None:
    if parts < 1 or len(probabilities) < 2 * parts:
        raise UsageError(
            f"a score of how outputs differ needs two of them in each part; there are {len(probabilities)} "
            f"for {parts} parts."
        )
    if probabilities.ndim != 2:
        raise UsageError(f"class probabilities are (N, classes), these are {tuple(probabilities.shape)}.")
    if not torch.isfinite(probabilities).all():
        raise UsageError("pictures to score hold NaN or infinity; the model or its input is broken.")
    sums = probabilities.double().sum(1)
    if (probabilities < 0).any() or not torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        raise UsageError(
            "class probabilities are not below 0 and sum to 1; these do not: take their softmax."
        )
