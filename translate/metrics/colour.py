"""How far colours are from the true ones, whatever the lightness."""

from __future__ import annotations

from torch import Tensor

from translate.lab import COLOUR, to_lab
from translate.metrics.fidelity import require_alike

COLOUR_ERROR = "mean absolute error of a and b of CIE Lab (D65), mean over both, pixels and pictures"


def colour_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean distance in a and b of each picture; its protocol is `COLOUR_ERROR`.

    Args:
        outputs, targets: float RGB (B, 3, H, W) in [-1, 1].

    Returns:
        (B,) float32 on the CPU: 0 where the colours are equal; 1 is about what an eye just sees.

    Raises:
        UsageError: shapes that differ or can't be measured, values that are not finite.
    """
    require_alike(outputs, targets)
    found, wanted = (to_lab(pictures.detach().clamp(-1, 1))[1] for pictures in (outputs, targets))
    return (COLOUR * (found - wanted).abs()).mean((1, 2, 3)).cpu()
