"""How many outputs look real and how much of the real the outputs reach: improved precision and recall."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from translate.errors import UsageError
from translate.metrics.evaluate import Score, mean_score
from translate.metrics.features import PictureFeatures
from translate.metrics.neighbours import kth_nearest, require_features, within

NEIGHBOURS = 3  # Kynkäänniemi et al. 2019, §2


@dataclass(frozen=True)
class PrecisionRecall:
    """Shares in [0, 1]: of outputs that lie among real pictures, of real pictures that lie among outputs."""

    precision: Score
    recall: Score


def precision_recall(
    outputs: Tensor, real: Tensor, *, k: int = NEIGHBOURS, seen: str = PictureFeatures.protocol
) -> PrecisionRecall:
    """Improved precision and recall of features of outputs and of real pictures.

    Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative models", eq. 1
    and 2: a set's manifold is the union of the balls around its pictures that reach to their k-th nearest
    neighbour in the set. Precision is the share of outputs in the manifold of the real, recall the share of
    the real in the manifold of the outputs. The sets are to be of one size, because balls grow where
    pictures are few: of the larger one as many are taken as the smaller has, evenly spread.

    Args:
        outputs, real: (N, d) and (M, d), from `PictureFeatures.pooled`; more than k pictures a side.
        seen: what the features are of, in words.

    Raises:
        UsageError: too few pictures, features that differ in width or are not finite.
    """
    require_features(outputs=outputs, real=real)
    count = min(len(outputs), len(real))
    if count <= k:
        raise UsageError(
            f"precision and recall look at {k} neighbours of each picture, so they need {k + 1} pictures a "
            f"side; there are {len(outputs)} outputs and {len(real)} real ones."
        )
    x, y = (_evenly(side, count) for side in (outputs, real))
    how = (
        f"k = {k}, on {seen}; {count} outputs, {count} real; not comparable with "
        "those of other counts, nor with those on VGG-16"
    )
    return PrecisionRecall(
        precision=mean_score([within(x, y, kth_nearest(y, k))], f"precision, {how}"),
        recall=mean_score([within(y, x, kth_nearest(x, k))], f"recall, {how}"),
    )


def _evenly(features: Tensor, count: int) -> Tensor:
    return features[torch.arange(count) * len(features) // count]
