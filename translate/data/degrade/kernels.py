"""Blur kernels: Gaussians and their kin, the sinc filter, and straight motion.

The kinds and their formulas are those of Real-ESRGAN (Wang et al. 2021, section 3.1) and the code beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

_NEGLIGIBLE = 1 / 1024  # a quarter of a level in 255
_POINTS_A_PIXEL = 8


@dataclass(frozen=True, slots=True)
class Gaussian:
    """exp(-q^power / 2) with q = xᵀΣ⁻¹x; `power` 1 is the Gaussian, others the generalised one.

    Attributes:
        size: odd side in pixels.
        sigmas: standard deviations along the two axes.
        angle: of the first axis, in radians.
        power: the shape β.
    """

    size: int
    sigmas: tuple[float, float]
    angle: float = 0.0
    power: float = 1.0

    def weights(self) -> np.ndarray:
        """float32 `(n, n)`, sum 1, n ≤ `size`: what is next to nothing is cut off."""
        return _trimmed(np.exp(-0.5 * _squares(self.size, self.sigmas, self.angle) ** self.power))

    @property
    def separable(self) -> bool:
        return self.sigmas[0] == self.sigmas[1] and self.power == 1


@dataclass(frozen=True, slots=True)
class Plateau:
    """1 / (1 + q^power): flat in the middle; the arguments are those of `Gaussian`."""

    size: int
    sigmas: tuple[float, float]
    angle: float = 0.0
    power: float = 1.0
    separable = False

    def weights(self) -> np.ndarray:
        """float32 `(n, n)`, sum 1."""
        return _trimmed(1 / (1 + _squares(self.size, self.sigmas, self.angle) ** self.power))


@dataclass(frozen=True, slots=True)
class Sinc:
    """The circular low-pass filter, ω J₁(ωr) / 2πr: rings, as sharpening and bad resizing leave them.

    Attributes:
        size: odd side in pixels.
        cutoff: ω in radians a pixel, up to π.
    """

    size: int
    cutoff: float
    separable = False

    def weights(self) -> np.ndarray:
        """float32 `(n, n)`, sum 1."""
        import torch

        x, y = _grid(self.size)
        radius = np.hypot(x, y)
        radius[self.size // 2, self.size // 2] = 1
        bessel = torch.special.bessel_j1(torch.from_numpy(self.cutoff * radius)).numpy()
        kernel = self.cutoff * bessel / (2 * math.pi * radius)
        kernel[self.size // 2, self.size // 2] = self.cutoff**2 / (4 * math.pi)
        return _trimmed(kernel)


@dataclass(frozen=True, slots=True)
class Motion:
    """A straight line: a camera that moves evenly while the shutter is open.

    Attributes:
        length: of the line, in pixels.
        angle: its direction in radians.
    """

    length: float
    angle: float
    separable = False

    def weights(self) -> np.ndarray:
        """float32 `(n, n)`, sum 1, n the odd side that holds the line."""
        size = 2 * math.ceil(self.length / 2) + 1
        count = max(1, math.ceil(self.length * _POINTS_A_PIXEL))
        along = ((np.arange(count) + 0.5) / count - 0.5) * self.length
        x, y = (along * part + size // 2 for part in (math.cos(self.angle), math.sin(self.angle)))
        kernel = np.zeros((size + 1, size + 1))
        left, top = np.floor(x).astype(int), np.floor(y).astype(int)
        right, low = x - left, y - top
        for dy, share_y in ((0, 1 - low), (1, low)):
            for dx, share_x in ((0, 1 - right), (1, right)):
                np.add.at(kernel, (top + dy, left + dx), share_y * share_x)
        return (kernel[:size, :size] / kernel.sum()).astype(np.float32)


Kernel = Gaussian | Plateau | Sinc | Motion


def blur(pixels: np.ndarray, kernel: Kernel) -> np.ndarray:
    """uint8 `(H, W)` or `(H, W, C)`, mirrored at the border without its outermost pixel."""
    weights = kernel.weights()
    if kernel.separable:
        line = weights.sum(0)
        return cv2.sepFilter2D(pixels, -1, line, line, borderType=cv2.BORDER_REFLECT_101)
    return cv2.filter2D(pixels, -1, weights, borderType=cv2.BORDER_REFLECT_101)


def _grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.arange(size) - size // 2.0
    return np.meshgrid(offsets, offsets)


def _squares(size: int, sigmas: tuple[float, float], angle: float) -> np.ndarray:
    x, y = _grid(size)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    return (along / sigmas[0]) ** 2 + (across / sigmas[1]) ** 2


def _trimmed(kernel: np.ndarray) -> np.ndarray:
    """Without outer rings that weigh next to nothing: time goes with the area, and most of it is such."""
    kernel = kernel / kernel.sum()
    while len(kernel) > 3:
        inner = kernel[1:-1, 1:-1]
        if np.abs(kernel).sum() - np.abs(inner).sum() > _NEGLIGIBLE:
            break
        kernel = inner / inner.sum()
    return kernel.astype(np.float32)
