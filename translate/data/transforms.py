"""From a decoded picture to a training crop: resizing, edges, crop and flip, augmentation.

Geometry and colour are separate: geometry moves both pictures of a pair alike, colour touches inputs only.
Decoded pictures are uint8 `(H, W, 3)`; from the resize on they are planar, uint8 `(C, H, W)`. What is kept
in RAM is planar in memory too: a crop then copies whole rows, and a batch is stacked without a transpose.
"""

from __future__ import annotations

import os
import random
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from translate.data.bicubic import imresize

# Loader workers and the pre-flight's threads are the parallelism here; OpenCV's own pool on top would
# oversubscribe the cores, and a forked copy of that pool can hang.
cv2.setNumThreads(0)

_LONGEST = 10
_LUMINANCE = np.array([0.212671, 0.715160, 0.072169], np.float32)  # of linear sRGB
_LEVELS = np.arange(256, dtype=np.float32) / 255
_LINEAR = np.where(_LEVELS > 0.04045, ((_LEVELS + 0.055) / 1.055) ** 2.4, _LEVELS / 12.92).astype(np.float32)


def resize(pixels: np.ndarray, size: tuple[int, int], *, labels: bool = False) -> np.ndarray:
    """Resize uint8 `(H, W, C)` to `size` = (height, width).

    Bicubic: OpenCV's when enlarging; when shrinking torch's antialiased one, which equals Pillow's to one
    level in 255 and costs half as much as OpenCV's INTER_AREA. Class numbers (`labels`) take the nearest.
    """
    height, width = pixels.shape[:2]
    if (height, width) == size:
        return pixels
    if labels:
        return cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    if size[0] >= height and size[1] >= width:
        return cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_CUBIC)
    import torch

    planes = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None]  # (1, C, H, W)
    small = torch.nn.functional.interpolate(planes, size, mode="bicubic", antialias=True)
    return np.ascontiguousarray(small[0].permute(1, 2, 0).numpy())


def fitted(size: tuple[int, int], short: int) -> tuple[int, int]:
    """(height, width) scaled so that the shorter side is `short`; the aspect is kept."""
    height, width = size
    if height <= width:
        return short, max(short, round(width * short / height))
    return max(short, round(height * short / width)), short


def too_long(size: tuple[int, int]) -> bool:
    """Whether one side is over ten times the other: resizing its short side would explode the long one."""
    return max(size) > _LONGEST * min(size)


def greyed(pixels: np.ndarray) -> np.ndarray:
    """uint8 RGB `(H, W, 3)` to grey of the same shape and, up to half a level, lightness in CIE Lab."""
    luminance = _LINEAR[pixels] @ _LUMINANCE
    curve = 1.055 * np.maximum(luminance, 0.0031308) ** (1 / 2.4) - 0.055
    grey = np.where(luminance > 0.0031308, curve, 12.92 * luminance)
    return np.repeat(np.rint(255 * grey).astype(np.uint8)[..., None], 3, axis=2)


def is_grey(planes: np.ndarray) -> bool:
    """Whether `(C, H, W)` has no colours, judged by every fourth pixel of every fourth row."""
    thin = planes[:, ::4, ::4]
    return bool((thin == thin[:1]).all())


def reduced(pixels: np.ndarray, scale: int) -> np.ndarray:
    """uint8 `(H, W, C)` to `(H / scale, W / scale, C)` by `bicubic.imresize`, as benchmarks are made."""
    return imresize(pixels, 1 / scale)


def edges(pixels: np.ndarray) -> np.ndarray:
    """Canny edges of uint8 RGB `(H, W, 3)`: black lines on white, uint8 `(H, W, 3)`.

    Fixed thresholds (60, 150) after a Gaussian blur of σ = 1.4, so one picture has one drawing.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    lines = cv2.Canny(cv2.GaussianBlur(grey, (0, 0), 1.4), 60, 150, L2gradient=True)
    return cv2.cvtColor(255 - lines, cv2.COLOR_GRAY2RGB)


def planar(pixels: np.ndarray, channels: int) -> np.ndarray:
    """uint8 `(H, W, 3)` as `(channels, H, W)`, a view where it can be; one channel is Rec. 601 luma."""
    if channels == 1:
        return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)[None]
    return pixels.transpose(2, 0, 1)


def crop(
    planes: np.ndarray, top: int, left: int, size: int, *, flip: bool = False, turns: int = 0
) -> np.ndarray:
    """The `(C, size, size)` window of `(C, H, W)` at (top, left); a contiguous copy.

    Args:
        flip: mirror it.
        turns: then turn it by so many quarter turns.
    """
    window = planes[:, top : top + size, left : left + size]
    if len(planes) > 1 and planes.strides[0] == planes.itemsize:
        # A view of interleaved pixels: OpenCV takes those apart in less than half of numpy's time.
        window = np.array(cv2.split(window.transpose(1, 2, 0)))
    else:
        window = np.ascontiguousarray(window)
    if flip:
        window = cv2.flip(window.reshape(-1, size), 1).reshape(window.shape)
    return np.ascontiguousarray(np.rot90(window, turns, axes=(1, 2))) if turns else window


def centre(size: tuple[int, int], window: int) -> tuple[int, int]:
    """(top, left) of the window in the middle."""
    return (size[0] - window) // 2, (size[1] - window) // 2


def somewhere(size: tuple[int, int], window: int, rng: random.Random) -> tuple[int, int]:
    """(top, left) of a window anywhere inside."""
    return rng.randint(0, size[0] - window), rng.randint(0, size[1] - window)


def tilt(
    pictures: tuple[np.ndarray, ...], labels: tuple[bool, ...], *, rotate: float, zoom: float, seed: int
) -> tuple[np.ndarray, ...]:
    """Turn pictures `(C, H, W)` of one size alike by up to `rotate` degrees and a factor of up to 1 + `zoom`.

    Sides that hold class numbers take the nearest value; what comes in from outside is mirrored.
    """
    # albumentations wants an "image" that may be interpolated first; class numbers go as "mask".
    order = sorted(range(len(pictures)), key=lambda i: labels[i])
    pipeline = _tilt_pipeline(rotate, zoom, labels[order[0]], labels[order[-1]])
    pipeline.set_random_seed(seed % 2**32)
    named = {name: _interleaved(pictures[i]) for name, i in zip(("image", "other"), order, strict=False)}
    turned = pipeline(**named)
    by_position = dict(zip(order, (turned[name] for name in named), strict=True))
    return tuple(_planes(by_position[i], pictures[i].shape) for i in range(len(pictures)))


def jitter(planes: np.ndarray, strength: float, seed: int) -> np.ndarray:
    """Brightness, contrast, saturation and hue of `(C, H, W)`, shaken by up to `strength` (hue a quarter)."""
    pipeline = _colour_pipeline(strength)
    pipeline.set_random_seed(seed % 2**32)
    return _planes(pipeline(image=_interleaved(planes))["image"], planes.shape)


def _interleaved(planes: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(planes.transpose(1, 2, 0))


def _planes(pixels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.ascontiguousarray(pixels.reshape(*shape[1:], shape[0]).transpose(2, 0, 1))


def _albumentations() -> Any:
    # Without this, importing it asks the network for its newest version.
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albumentations

    return albumentations


@lru_cache(maxsize=8)
def _tilt_pipeline(rotate: float, zoom: float, first_labels: bool, other_labels: bool) -> Any:
    affine = _albumentations().Affine(
        rotate=(-rotate, rotate),
        scale=(1 / (1 + zoom), 1 + zoom),
        interpolation=cv2.INTER_NEAREST if first_labels else cv2.INTER_CUBIC,
        mask_interpolation=cv2.INTER_NEAREST,
        border_mode=cv2.BORDER_REFLECT_101,
        p=1.0,
    )
    return _albumentations().Compose(
        [affine], additional_targets={"other": "mask" if other_labels else "image"}
    )


@lru_cache(maxsize=4)
def _colour_pipeline(strength: float) -> Any:
    around_one = (max(0.0, 1 - strength), 1 + strength)
    hue = min(0.5, strength / 4)
    shake = _albumentations().ColorJitter(
        brightness=around_one, contrast=around_one, saturation=around_one, hue=(-hue, hue), p=1.0
    )
    return _albumentations().Compose([shake])
