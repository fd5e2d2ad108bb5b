"""Drawings of photographs, dark on white: pure functions of the picture, without chance.

The hard lines of Canny are `translate.data.transforms.edges`.
"""

from __future__ import annotations

import cv2
import numpy as np

_EDGE_SIGMA, _EDGE_GAIN = 1.4, 8.0
_PENCIL_SIGMA = 5.0


def soft_edges(pixels: np.ndarray) -> np.ndarray:
    """How steep the luma is, uint8 RGB `(H, W, 3)` to the same: white where flat, black from 32 levels a
    pixel.

    The gradient after a Gaussian of σ = 1.4 (as Canny's), with a fixed gain: a crop's drawing is the
    drawing's crop.
    """
    smooth = cv2.GaussianBlur(_grey(pixels).astype(np.float32), (0, 0), _EDGE_SIGMA)
    across, down = (cv2.Scharr(smooth, cv2.CV_32F, *axis) / 32 for axis in ((1, 0), (0, 1)))
    steep = cv2.magnitude(across, down)  # levels a pixel
    return _rgb(np.rint(255 - np.minimum(255, _EDGE_GAIN * steep)).astype(np.uint8))


def sketch(pixels: np.ndarray) -> np.ndarray:
    """A pencil drawing, uint8 RGB `(H, W, 3)` to the same.

    Colour dodge, the draughtsman's old darkroom trick: the luma divided by its own Gaussian mean (σ = 5), so
    that flat areas turn white and only what is darker than its surroundings stays, tones included.
    """
    grey = _grey(pixels)
    around = cv2.GaussianBlur(grey, (0, 0), _PENCIL_SIGMA)
    return _rgb(cv2.divide(grey, np.maximum(around, 1), scale=255))


def _grey(pixels: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)


def _rgb(grey: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
