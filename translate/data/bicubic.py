"""MATLAB's bicubic `imresize`, with which the benchmarks of super-resolution were made.

Keys' cubic with a = -0.5 (1981), widened by 1/scale when shrinking, so that it is its own low-pass filter.
Rows come first; between the two passes and after them values are rounded and clipped to 8 bits, as MATLAB
does with uint8 pictures. Pillow's bicubic rounds elsewhere, OpenCV's has a = -0.75 and no low-pass filter: a
network trained on theirs meets something else in the benchmarks.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Border = Literal["symmetric", "replicate"]

_SUPPORT = 4  # of the cubic: non-zero on (-2, 2)
_FRACTION = 2**15


class Taps(NamedTuple):
    """A resize along one axis: output o is the sum over k of `weights[o, k]` times input `places[o, k]`."""

    places: np.ndarray  # int64 (outputs, taps)
    weights: np.ndarray  # float (outputs, taps), each row sums to 1


def imresize(
    pixels: np.ndarray, scale: float, *, border: Border = "symmetric", planar: bool = False
) -> np.ndarray:
    """MATLAB's `imresize(pixels, scale, 'bicubic')`.

    Args:
        pixels: uint8 `(H, W)` or `(H, W, C)`; with `planar`, `(C, H, W)`.
        scale: factor of both sides, such as 4 or 1/4.
        border: what lies beyond the picture: "symmetric", mirrored (MATLAB's today), or "replicate", the
            outermost pixel again (older releases': the distributed Set5, Set14 and BSD100 are made so).
        planar: whether channels come first.

    Returns:
        uint8, contiguous, in the same layout, with sides of ceil(scale · side).

    Raises:
        ValueError: a scale of 0 or less; pixels that are not uint8, or have other dimensions.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        raise ValueError(
            f"pixels to resize are uint8 with 2 or 3 dimensions, these are {pixels.dtype} with {pixels.ndim}."
        )
    if pixels.ndim == 2:
        return _resized(pixels[..., None], scale, border)[..., 0]
    if planar:
        return np.ascontiguousarray(_resized(pixels.transpose(1, 2, 0), scale, border).transpose(2, 0, 1))
    return np.ascontiguousarray(_resized(pixels, scale, border))


def imresize_batch(pictures: Tensor, scale: float, *, border: Border = "symmetric") -> Tensor:
    """`imresize` of uint8 `(B, C, H, W)` on the tensor's device: the same pixels for whole factors 2 and 4.

    Where weights are no short binary fractions (×3, say) a device may round a tie the other way: 1 level.
    """
    high = _along_rows(pictures, taps(pictures.shape[2], scale, border))
    return (
        _along_rows(high.transpose(2, 3), taps(pictures.shape[3], scale, border)).transpose(2, 3).contiguous()
    )


def scaled(side: int, scale: float) -> int:
    """The side of a picture after `imresize`."""
    # 1/3 times a multiple of 3 may come out a hair above the whole number.
    return math.ceil(round(side * scale, 6))


@lru_cache(maxsize=512)
def taps(side: int, scale: float, border: Border = "symmetric") -> Taps:
    """The weights of a resize along an axis of `side` pixels.

    They are float32 where sums of 8-bit pixels times weights are exact in it (multiples of 2^-15: ×2 and ×4,
    either way), else float64; so the order of summation never matters much, and for ×2 and ×4 not at all.

    Raises:
        ValueError: a scale of 0 or less.
    """
    if scale <= 0:
        raise ValueError(f"a picture can't be resized by {scale}; the factor must be positive.")
    shrink = min(scale, 1.0)
    width = _SUPPORT / shrink
    centres = (np.arange(scaled(side, scale)) + 0.5) / scale - 0.5
    places = np.floor(centres - width / 2)[:, None] + np.arange(math.ceil(width) + 2)
    weights = _cubic((centres[:, None] - places) * shrink)
    used = (weights != 0).any(0)
    weights = weights[:, used] / weights.sum(1, keepdims=True)
    inside = _inside(places[:, used].astype(np.int64), side, border)
    exact = np.array_equal(weights * _FRACTION, np.round(weights * _FRACTION))
    return Taps(inside, weights.astype(np.float32) if exact else weights)


def _cubic(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _inside(places: np.ndarray, side: int, border: Border) -> np.ndarray:
    if border == "replicate":
        return places.clip(0, side - 1)
    if border == "symmetric":
        mirrored = places % (2 * side)
        return np.where(mirrored < side, mirrored, 2 * side - 1 - mirrored)
    raise ValueError(f"there is no border '{border}'; choose symmetric or replicate.")


def _resized(pixels: np.ndarray, scale: float, border: Border) -> np.ndarray:
    """uint8 (H, W, C) to (H', W', C), a view with other strides."""
    height, width, channels = pixels.shape
    rows = _summed(pixels.reshape(height, -1), taps(height, scale, border))
    turned = rows.reshape(-1, width, channels).transpose(1, 0, 2).reshape(width, -1)  # (W, H'·C)
    columns = _summed(turned, taps(width, scale, border)).astype(np.uint8)
    return columns.reshape(len(columns), -1, channels).transpose(1, 0, 2)


def _summed(lines: np.ndarray, along: Taps) -> np.ndarray:
    """(side, N) to whole numbers in 0 … 255, float (side', N)."""
    # Line by line, not as a product of matrices: BLAS would start threads of its own in every loader worker.
    lines = lines.astype(along.weights.dtype)
    total = np.zeros((len(along.places), lines.shape[1]), lines.dtype)
    term = np.empty_like(total)
    for places, weights in zip(along.places.T, along.weights.T, strict=True):
        np.take(lines, places, axis=0, out=term, mode="clip")  # mode: the default copies `out`
        term *= weights[:, None]
        total += term
    total += 0.5
    return np.clip(np.floor(total, out=total), 0, 255, out=total)


def _along_rows(pictures: Tensor, along: Taps) -> Tensor:
    """uint8 (B, C, H, W) to (B, C, H', W)."""
    import torch

    # Summed term by term: a convolution or matrix product may take its factors in TF32 on a GPU.
    places, weights = (torch.from_numpy(table).to(pictures.device) for table in along)
    lines = pictures.to(weights.dtype)
    total = torch.zeros((), dtype=weights.dtype, device=weights.device)
    for k in range(places.shape[1]):
        total = total + lines[:, :, places[:, k]] * weights[:, k, None]
    return (total + 0.5).floor().clamp(0, 255).to(torch.uint8)
