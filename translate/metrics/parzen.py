"""How likely held-out points are where generated ones lie; for points in a plane, not for pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from translate.errors import UsageError
from translate.metrics.evaluate import Score

BANDWIDTHS = tuple(10 ** (step / 10) for step in range(-20, 6))  # 0.01 to 3.16
_BLOCK = 1 << 22


@dataclass(frozen=True)
class ParzenScore(Score):
    """A mean log-likelihood in nats.

    Attributes:
        std_error: of the mean, over the points.
        bandwidth: deviation of the Gaussian around each generated point.
    """

    std_error: float = 0.0
    bandwidth: float = 0.0


def parzen_log_likelihood(
    generated: Tensor, validation: Tensor, held_out: Tensor, *, bandwidths: Sequence[float] = BANDWIDTHS
) -> ParzenScore:
    """The mean log-likelihood of held-out points under Gaussians around generated ones.

    Goodfellow et al. 2014, "Generative adversarial nets", §5, after Breuleux et al. 2011: the Gaussians'
    deviation is the one of `bandwidths` with which the validation points are likeliest. Of pictures the
    number says little (Theis et al. 2016, "A note on the evaluation of generative models"), so no command
    reports it.

    Args:
        generated, validation, held_out: (N, d), (V, d) and (M, d) with one d.

    Raises:
        UsageError: an empty set, points that differ in width or are not finite, no bandwidth above 0.
    """
    sets = {"generated": generated, "validation": validation, "held_out": held_out}
    for name, points in sets.items():
        if points.ndim != 2 or not points.numel() or points.shape[1] != generated.shape[1]:
            raise UsageError(f"points are (N, d) with one d and N > 0; {name} are {tuple(points.shape)}.")
        if not torch.isfinite(points).all():
            raise UsageError(f"{name} points hold NaN or infinity.")
    if not bandwidths or min(bandwidths) <= 0:
        raise UsageError("a Parzen window needs a bandwidth above 0.")
    chosen = max(bandwidths, key=lambda width: float(log_density(validation, generated, width).mean()))
    values = log_density(held_out, generated, chosen)
    error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    edge = ", at the edge of those tried" if chosen in (min(bandwidths), max(bandwidths)) else ""
    return ParzenScore(
        float(values.mean()),
        len(values),
        f"Parzen-window log-likelihood in nats, {generated.shape[1]}-D, Gaussians of deviation {chosen:.3g} "
        f"(the likeliest for {len(validation)} validation points{edge}) around {len(generated)} generated "
        f"points; {len(values)} held out",
        std_error=error,
        bandwidth=chosen,
    )


def log_density(points: Tensor, centres: Tensor, bandwidth: float) -> Tensor:
    """log of the mean of Gaussians N(·; centre, bandwidth² I): (M, d) and (N, d) to float64 (M,)."""
    x, y = points.double() / bandwidth, centres.double() / bandwidth
    rows = max(1, _BLOCK // len(y))
    blocks = [
        torch.logsumexp(-torch.cdist(block, y, compute_mode="donot_use_mm_for_euclid_dist").square() / 2, 1)
        for block in x.split(rows)
    ]
    norm = math.log(len(y)) + x.shape[1] * math.log(bandwidth * math.sqrt(2 * math.pi))
    return torch.cat(blocks) - norm
