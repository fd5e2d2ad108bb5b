"""The learning rates' schedule."""

from __future__ import annotations

import math

from translate.config.schema import OptimSection


def learning_rate_factor(optim: OptimSection, step: int, steps: int) -> float:
    """The schedule as a pure function: what the learning rates are multiplied with at a step.

    Args:
        step: steps already taken, 0 … steps − 1.
        steps: the whole training's length.

    `linear` stays at 1 until the fraction `decay_from`, then falls to 0 at the end (Zhu et al. 2017,
    appendix 7.1); `cosine` falls over the same stretch along half a cosine (Loshchilov & Hutter 2017, eq. 5);
    `warmup` steps rise linearly to 1 before. `plateau` is no function of the step: see `training.plateau`.
    """
    if step < optim.warmup:
        return (step + 1) / optim.warmup
    if optim.schedule in ("constant", "plateau"):
        return 1.0
    start = optim.decay_from * steps
    done = min(max((step - start) / max(steps - start, 1), 0.0), 1.0)
    return 1 - done if optim.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
