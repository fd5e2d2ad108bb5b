"""A distance between what a frozen network sees in two pictures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def perceptual(truth: Sequence[Tensor], output: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Σ_i w_i E|φ_i(y) − φ_i(ŷ)|; Wang et al. 2018 (pix2pixHD), §3.4, there with the factors 1/M_i in E.

    Johnson et al. 2016, eq. 2, who thought of it, square the distance. Pix2pixHD's λ is 10.

    Args:
        truth, output: features (B, C_i, H_i, W_i) of the same layers. No gradient goes through the truth's.
        weights: of the layers.

    Raises:
        ValueError: there are no layers, or the three differ in length.
    """
    if not weights or not len(truth) == len(output) == len(weights):
        raise ValueError(
            f"a perceptual distance needs as many layers as weights, at least one, not {len(truth)} of the "
            f"truth, {len(output)} of the output and {len(weights)} weights"
        )
    distances = [
        weight * F.l1_loss(o.float(), t.detach().float())
        for t, o, weight in zip(truth, output, weights, strict=True)
    ]
    return torch.stack(distances).sum()
