"""PSNR and SSIM as papers on super-resolution report them: 8-bit pictures, Y channel, border left out.

A border as wide as the scale is cropped, and Y is that of MATLAB's `rgb2ycbcr` (ITU-R BT.601, 16 to 235), not
rounded again. A grey picture is its own Y, as in the code of the papers that the bicubic row of everybody's
table comes from (Set14 has one). Code that reads every file as RGB squeezes it into 16 to 235 and gets 1.3 dB
more for that picture; to compare with its numbers, hand over grey pictures as RGB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from translate.errors import UsageError
from translate.metrics.evaluate import Score, mean_score
from translate.metrics.fidelity import require_alike

_LEVELS = 255.0
_WINDOW, _SIGMA = 11, 1.5  # Wang et al. 2004, with its constants:
_C1, _C2 = (0.01 * _LEVELS) ** 2, (0.03 * _LEVELS) ** 2
_LUMA = (65.481, 128.553, 24.966)  # of R, G and B in 0 … 1


@dataclass(frozen=True)
class Resolved:
    """Each `(B,)`, float32 on the CPU: one value a picture.

    Of grey pictures both pairs are of the grey itself, the same. PSNR is infinite where output and truth are
    equal in 8 bits.
    """

    psnr_y: Tensor
    ssim_y: Tensor
    psnr_rgb: Tensor
    ssim_rgb: Tensor


def protocols(channels: int, border: int) -> dict[str, str]:
    """What exactly each field of `Resolved`, averaged over pictures, is; for pictures of 1 or 3 channels."""
    luma = "Y (BT.601, 16 to 235)" if channels == 3 else "grey"
    colours = "RGB" if channels == 3 else "grey"
    common = f"8-bit pictures, range [0, 255], {border} pixels of border left out"
    window = f"Gaussian {_WINDOW}x{_WINDOW}, sigma {_SIGMA:g}, whole windows only"
    over = "mean over channels and pictures" if channels == 3 else "mean over pictures"
    return {
        "psnr_y": f"PSNR in dB, {luma}, {common}, mean over pictures",
        "ssim_y": f"SSIM, {luma}, {common}, {window}, mean over pictures",
        "psnr_rgb": f"PSNR in dB, {colours}, {common}, mean over pictures",
        "ssim_rgb": f"SSIM, {colours}, {common}, {window}, {over}",
    }


def resolved(outputs: Tensor, targets: Tensor, *, border: int) -> Resolved:
    """PSNR and SSIM of each picture on Y and on RGB.

    Args:
        outputs, targets: float (B, C, H, W) in [-1, 1], C 1 or 3; rounded to 8 bits here.
        border: pixels to leave out on each side; papers take the scale.

    Raises:
        UsageError: shapes that differ or can't be measured, values that are not finite, fewer than 11
            pixels within the border.
    """
    inside = tuple(_cropped(pictures, border) for pictures in (outputs, targets))
    require_alike(*inside)
    if outputs.shape[1] not in (1, 3):
        raise UsageError(
            f"the Y channel is that of grey or RGB; these pictures have {outputs.shape[1]} channels."
        )
    x, y = (to_levels(pictures) for pictures in inside)
    colours = _psnr(x, y), _ssim(x, y)
    grey = colours if x.shape[1] == 1 else (_psnr(luma(x), luma(y)), _ssim(luma(x), luma(y)))
    return Resolved(*(value.float() for value in (*grey, *colours)))


def to_levels(pictures: Tensor) -> Tensor:
    """Float in [-1, 1] to whole numbers in 0 … 255, float64 on the CPU: what a file would hold."""
    return pictures.detach().cpu().double().add(1).mul(127.5).round().clamp(0, 255)


def luma(levels: Tensor) -> Tensor:
    """(B, 3, H, W) in 0 … 255 to Y, (B, 1, H, W) in 16 … 235: MATLAB's `rgb2ycbcr`, unrounded."""
    weights = levels.new_tensor(_LUMA).view(1, 3, 1, 1) / _LEVELS
    return 16 + (levels * weights).sum(1, keepdim=True)


def _cropped(pictures: Tensor, border: int) -> Tensor:
    height, width = pictures.shape[-2:]
    if min(height, width) < 2 * border + _WINDOW:
        raise UsageError(
            f"of pictures of {width}×{height} pixels, {border} of border leave less than the window of SSIM; "
            f"{2 * border + _WINDOW}×{2 * border + _WINDOW} is the least."
        )
    return pictures[..., border : height - border, border : width - border]


def _psnr(x: Tensor, y: Tensor) -> Tensor:
    return 10 * torch.log10(_LEVELS**2 / (x - y).square().mean((1, 2, 3)))


def _ssim(x: Tensor, y: Tensor) -> Tensor:
    """In double, by OpenCV's separable windows: torchmetrics' whole ones take a hundred times as long."""
    mean_x, mean_y = _window(x), _window(y)
    variances = _window(x * x + y * y) - mean_x**2 - mean_y**2
    covariance = _window(x * y) - mean_x * mean_y
    light = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    return (light * (2 * covariance + _C2) / (variances + _C2)).mean((1, 2, 3))


def _window(pictures: Tensor) -> Tensor:
    """Gaussian means of whole windows: (B, C, H, W) to (B, C, H-10, W-10), on the CPU."""
    import cv2

    bell = cv2.getGaussianKernel(_WINDOW, _SIGMA, cv2.CV_64F)
    count, channels, height, width = pictures.shape
    planes = pictures.reshape(-1, height, width).numpy()
    means = np.stack([cv2.sepFilter2D(plane, cv2.CV_64F, bell, bell) for plane in planes])
    inner = means[:, _WINDOW // 2 : -(_WINDOW // 2), _WINDOW // 2 : -(_WINDOW // 2)]
    return torch.from_numpy(inner).unflatten(0, (count, channels))


@dataclass(frozen=True)
class ResolvedScores:
    """Of outputs against their truths; the fields are those of `Resolved`."""

    psnr_y: Score
    ssim_y: Score
    psnr_rgb: Score
    ssim_rgb: Score

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it: nested dicts of strings, numbers and None."""
        return asdict(self)


def summarise(parts: Sequence[Resolved], channels: int, border: int) -> ResolvedScores:
    """Means over pictures that were measured in parts, each picture counting the same.

    Args:
        channels: of the pictures, 1 or 3; grey ones among pictures in colour don't change what is said.
    """
    names = protocols(channels, border)
    equal = "equal to their truth, so of infinite PSNR"
    return ResolvedScores(
        psnr_y=mean_score([part.psnr_y for part in parts], names["psnr_y"], equal),
        ssim_y=mean_score([part.ssim_y for part in parts], names["ssim_y"]),
        psnr_rgb=mean_score([part.psnr_rgb for part in parts], names["psnr_rgb"], equal),
        ssim_rgb=mean_score([part.ssim_rgb for part in parts], names["ssim_rgb"]),
    )
