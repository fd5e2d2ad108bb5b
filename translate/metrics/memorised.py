"""Whether outputs are copies of training pictures, against how near real pictures lie to those."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from translate.errors import UsageError
from translate.metrics.evaluate import Score, mean_score
from translate.metrics.features import PictureFeatures
from translate.metrics.neighbours import kth_nearest, nearest, require_features

FEWEST = 2  # pictures of each set


@dataclass(frozen=True)
class Memorised:
    """What the nearest training pictures of outputs say.

    Attributes:
        copying: C_T, in standard deviations; far below 0 (−3) the outputs are nearer to the training pictures
            than real ones are, far above 0 they are further from them.
        authentic: share of outputs that are no copy, near or exact, of a training picture, in [0, 1].
        distances: float64 (N,), of each output to its nearest training picture, in feature space.
        neighbours: int64 (N,), which one that is.
    """

    copying: Score
    authentic: Score
    distances: Tensor
    neighbours: Tensor


def memorised(
    outputs: Tensor, held_out: Tensor, training: Tensor, *, seen: str = PictureFeatures.protocol
) -> Memorised:
    """Compare how near outputs and held-out real pictures are to the pictures that were trained on.

    C_T is that of Meehan et al. 2020, "A non-parametric test to detect data-copying in generative models",
    with the whole space as one cell: the Mann-Whitney U of the distances to the nearest training picture,
    less its mean N·M / 2, over its deviation √(N·M·(N + M + 1) / 12), ties counting half. Authentic is, by
    Alaa et al. 2022, "How faithful is your synthetic data?", an output whose nearest training picture is
    further from it than from another training picture.

    Args:
        outputs, held_out, training: (N, d), (M, d) and (T, d), from `PictureFeatures.pooled`. `training` has
            to be all of it: a copy of a picture that isn't there is not found.
        seen: what the features are of, in words.

    Raises:
        UsageError: fewer than two pictures of a kind, features that differ in width or are not finite.
    """
    require_features(outputs=outputs, held_out=held_out, training=training)
    if min(len(outputs), len(held_out), len(training)) < FEWEST:
        raise UsageError(
            f"to tell copies, it takes {FEWEST} outputs, held-out targets and training pictures at least; "
            f"there are {len(outputs)}, {len(held_out)} and {len(training)}."
        )
    distances, neighbours = nearest(outputs, training)
    usual, theirs = nearest(held_out, training)
    gaps = kth_nearest(training, 1)
    authentic, of_real = distances > gaps[neighbours], usual > gaps[theirs]
    how = f"on {seen}; {len(outputs)} outputs, {len(training)} training pictures"
    return Memorised(
        Score(
            copying_score(distances, usual),
            len(outputs),
            f"C_T, one cell, of distances to the nearest training picture {how}, {len(held_out)} held out; "
            "about 0 where outputs are as near as held-out pictures, below -3 where they copy",
        ),
        mean_score(
            [authentic],
            f"authentic: further from their nearest training picture than that is from another, {how}; of "
            f"the held-out pictures {float(of_real.double().mean()):.3f} are",
        ),
        distances,
        neighbours,
    )


def copying_score(outputs: Tensor, held_out: Tensor) -> float:
    """How many standard deviations distances of outputs (N,) rank above those of held-out pictures (M,)."""
    n, m = len(outputs), len(held_out)
    ordered = held_out.sort().values
    below = torch.searchsorted(ordered, outputs, right=False)
    not_above = torch.searchsorted(ordered, outputs, right=True)
    u = float((below + not_above).double().sum()) / 2
    return (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
