"""Distances between two pictures, pixel by pixel."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

EPSILON = 1e-3


def l1(output: Tensor, truth: Tensor) -> Tensor:
    """E|ŷ − y|, of float (B, C, H, W) each."""
    return F.l1_loss(output, truth)


def charbonnier(output: Tensor, truth: Tensor) -> Tensor:
    """E √((ŷ − y)² + ε²), ε = 10⁻³: an L1 that is smooth at 0; Lai et al. 2017, "LapSRN", eq. 5.

    Args:
        output, truth: float (B, C, H, W).
    """
    return ((output - truth).square() + EPSILON**2).sqrt().mean()
