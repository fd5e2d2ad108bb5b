"""JPEG on a device: what libjpeg does to the pixels, without the bytes.

YCbCr with halved chroma, an 8×8 DCT, the standard's tables (ITU-T T.81, annex K) scaled by the quality as in
libjpeg, and its smooth upsampling of chroma. Rounding of single coefficients may differ from libjpeg's.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def jpeg(picture: Tensor, quality: int) -> Tensor:
    """uint8 `(C, H, W)`, grey or RGB, as it is after compression at `quality` (1 to 100) and back."""
    levels = picture.float()
    if len(levels) == 1:
        return _coded(levels, _table(_LUMA, quality, levels.device)).to(torch.uint8)
    height, width = levels.shape[1:]
    ycc = torch.einsum("ij,jhw->ihw", levels.new_tensor(_TO_YCC), levels)
    ycc[1:] += 128
    ycc = ycc.round()
    luma = _coded(ycc[:1], _table(_LUMA, quality, levels.device))
    halved = F.avg_pool2d(_padded(ycc[1:], 2), 2)  # libjpeg rounds halves up and down in turn
    odd = torch.arange(halved.shape[2], device=levels.device) % 2
    halved = (halved + 0.25 + odd / 4).floor()
    chroma = _coded(halved, _table(_CHROMA, quality, levels.device))
    chroma = _smooth(_smooth(chroma.transpose(1, 2)).transpose(1, 2))[:, :height, :width]
    odd = torch.arange(width, device=levels.device) % 2
    chroma = (chroma + 0.5 - odd / 16).floor()  # as above, of sixteenths
    ycc = torch.cat([luma, chroma - 128])
    return torch.einsum("ij,jhw->ihw", levels.new_tensor(_TO_RGB), ycc).round().clamp(0, 255).to(torch.uint8)


def _coded(planes: Tensor, table: Tensor) -> Tensor:
    """(C, H, W) through DCT and quantisation, back to whole numbers in 0 … 255."""
    count, height, width = planes.shape
    whole = _padded(planes, 8) - 128
    blocks = whole.unflatten(1, (-1, 8)).unflatten(3, (-1, 8)).transpose(2, 3)  # (C, H/8, W/8, 8, 8)
    dct = _dct(planes.device)
    coefficients = (dct @ blocks @ dct.T / table).round() * table
    blocks = dct.T @ coefficients @ dct
    whole = blocks.transpose(2, 3).reshape(count, whole.shape[1], whole.shape[2])
    return (whole[:, :height, :width] + 128).round().clamp(0, 255)


def _padded(planes: Tensor, multiple: int) -> Tensor:
    height, width = planes.shape[1:]
    return F.pad(planes[None], (0, -width % multiple, 0, -height % multiple), mode="replicate")[0]


def _smooth(planes: Tensor) -> Tensor:
    """Twice as wide: three quarters of the nearer pixel and a quarter of the other ("fancy upsampling")."""
    padded = F.pad(planes[None], (1, 1, 0, 0), mode="replicate")[0]
    near, before, after = 0.75 * padded[..., 1:-1], 0.25 * padded[..., :-2], 0.25 * padded[..., 2:]
    return torch.stack([near + before, near + after], -1).flatten(-2)


@lru_cache(maxsize=512)
def _table(base: tuple[tuple[int, ...], ...], quality: int, device: torch.device) -> Tensor:
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return ((torch.tensor(base, device=device) * percent + 50) // 100).clamp(1, 255).float()


@lru_cache(maxsize=8)
def _dct(device: torch.device) -> Tensor:
    """(8, 8), orthonormal: row k is the k-th cosine."""
    k, x = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    cosines = torch.cos(math.pi * (2 * x + 1) * k / 16) / 2
    cosines[0] /= math.sqrt(2)
    return cosines.to(device)
