"""CIE Lab and sRGB, as tensors: lightness is what colourisation is given, a and b what it adds.

Scaled as in the canonical implementation's colorization: L / 50 − 1 and (a, b) / 110. Written out here
because use needs it, too, and kornia, which has the same, takes seconds to import.
"""

from __future__ import annotations

import torch
from torch import Tensor

_LIGHT, COLOUR = 50.0, 110.0
_WHITE = (0.95047, 1.0, 1.08883)  # D65, 2° observer
# Linear sRGB to XYZ (IEC 61966-2-1).
_TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
# Not inverted on the way, for what is exported has no inverses.
_TO_RGB = torch.linalg.inv(torch.tensor(_TO_XYZ, dtype=torch.float64)).tolist()
_LINEAR_BELOW = 0.008856  # (6/29)³
_SLOPE, _OFFSET = 7.787, 16 / 116


def to_lab(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Lightness and colours of sRGB pictures.

    Args:
        pictures: float (B, 3, H, W) in [-1, 1].

    Returns:
        (B, 1, H, W), L / 50 − 1, in [-1, 1]; and (B, 2, H, W), a and b over 110, within [-0.99, 0.9].
    """
    rgb = (pictures.float() + 1) / 2
    linear = torch.where(rgb > 0.04045, ((rgb.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = _mixed(linear, torch.tensor(_TO_XYZ)) / _column(_WHITE, linear)
    root = torch.where(xyz > _LINEAR_BELOW, xyz.clamp(min=_LINEAR_BELOW) ** (1 / 3), _SLOPE * xyz + _OFFSET)
    x, y, z = root.split(1, 1)
    return (116 * y - 16) / _LIGHT - 1, torch.cat([500 * (x - y), 200 * (y - z)], 1) / COLOUR


def from_lab(lightness: Tensor, colours: Tensor) -> Tensor:
    """sRGB float (B, 3, H, W) in [-1, 1] of what `to_lab` gives; colours that no screen has are clipped."""
    y = ((lightness.float() + 1) * _LIGHT + 16) / 116
    a, b = (colours.float() * COLOUR).split(1, 1)
    root = torch.cat([y + a / 500, y, y - b / 200], 1).clamp(min=0)
    xyz = torch.where(root > _LINEAR_BELOW ** (1 / 3), root**3, (root - _OFFSET) / _SLOPE)
    linear = _mixed(xyz * _column(_WHITE, xyz), torch.tensor(_TO_RGB))
    curve = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return (torch.where(linear > 0.0031308, curve, 12.92 * linear) * 2 - 1).clamp(-1, 1)


def _mixed(planes: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", matrix.to(planes.device), planes)


def _column(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, device=like.device).view(1, 3, 1, 1)
