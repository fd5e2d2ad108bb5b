"""What can happen to a picture, with its numbers drawn: each step on pixels in a worker, or on a device.

A step knows nothing of the picture, so it can be drawn beforehand and applied in either place. Between steps
pictures are 8 bits, as they are between a camera, a website and a messenger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Protocol

import cv2
import numpy as np

from translate.data import bicubic
from translate.data.degrade import kernels, noise

if TYPE_CHECKING:
    from torch import Tensor

Interpolation = Literal["area", "bilinear", "bicubic"]
_OPENCV = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
_GREY = (0.299, 0.587, 0.114)


class Step(Protocol):
    def on_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 (H, W, C) to the same, of another size maybe."""
        ...

    def on_tensor(self, picture: Tensor) -> Tensor:
        """uint8 (C, H, W) to the same, on its device."""
        ...


@dataclass(frozen=True, slots=True)
class Blur:
    kernel: kernels.Kernel

    def on_pixels(self, pixels: np.ndarray) -> np.ndarray:
        return _with_channels(kernels.blur(pixels, self.kernel))

    def on_tensor(self, picture: Tensor) -> Tensor:
        import torch
        from torch.nn import functional as F

        weights = torch.from_numpy(self.kernel.weights()).to(picture.device)
        half = len(weights) // 2
        rows, columns = (_mirrored(side, half, picture.device) for side in picture.shape[1:])
        wide = picture.float()[:, rows][:, :, columns]
        return _as_bytes(F.conv2d(wide[:, None], weights[None, None])[:, 0])


@dataclass(frozen=True, slots=True)
class Bicubic:
    """MATLAB's `imresize`, the classical degradation of super-resolution."""

    scale: float

    def on_pixels(self, pixels: np.ndarray) -> np.ndarray:
        return bicubic.imresize(pixels, self.scale)

    def on_tensor(self, picture: Tensor) -> Tensor:
        return bicubic.imresize_batch(picture[None], self.scale)[0]


@dataclass(frozen=True, slots=True)
class Resize:
    """To (height, width), without a low-pass filter but for "area": aliasing belongs to the damage."""

    size: tuple[int, int]
    interpolation: Interpolation

    def on_pixels(self, pixels: np.ndarray) -> np.ndarray:
        if pixels.shape[:2] == self.size:
            return pixels
        higher, wider = (new > old for new, old in zip(self.size, pixels.shape, strict=False))
        if self.interpolation == "area" and higher != wider:
            # OpenCV takes means only where neither side grows.
            pixels = Resize((self.size[0], pixels.shape[1]), "area").on_pixels(pixels)
        resized = cv2.resize(pixels, self.size[::-1], interpolation=_OPENCV[self.interpolation])
        return _with_channels(resized)

    def on_tensor(self, picture: Tensor) -> Tensor:
        from torch.nn import functional as F

        if picture.shape[1:] == self.size:
            return picture
        if self.interpolation == "area":
            rows, columns = (
                _shares(old, new, picture.device)
                for old, new in zip(picture.shape[1:], self.size, strict=True)
            )
            return _as_bytes(rows @ picture.float() @ columns.T)
        resized = F.interpolate(
            picture[None].float(), self.size, mode=self.interpolation, align_corners=False
        )
        return _as_bytes(resized[0])


@dataclass(frozen=True, slots=True)
class GaussianNoise:
    """Of standard deviation `sigma`, in levels of 255; with `grey`, the same on all channels.

    Attributes:
        start: which noise, see `noise`.
    """

    sigma: float
    grey: bool
    start: int

    def on_pixels(self, pixels: np.ndarray) -> np.ndarray:
        shape = (*pixels.shape[:2], 1 if self.grey else pixels.shape[2])
        return _added(pixels, noise.window(noise.normals(), self.start, shape) * np.float32(self.sigma))

    def on_tensor(self, picture: Tensor) -> Tensor:
        levels = picture.permute(1, 2, 0)[..., : 1 if self.grey else None]
        field = noise.window_on("normals", self.start, levels) * self.sigma
        return _as_bytes(picture + field.permute(2, 0, 1))


@dataclass(frozen=True, slots=True)
class PoissonNoise:
    """Photon noise of 255 photons for white, `scale` times as strong; with `grey`, that of the luma on all
    channels.

    Attributes:
        start: which noise, see `noise`.
    """

    scale: float
    grey: bool
    start: int

    def on_pixels(self, pixels: np.ndarray) -> np.ndarray:
        levels = pixels
        if self.grey and pixels.shape[2] == 3:
            levels = _with_channels(cv2.transform(pixels, np.array([_GREY], np.float32)))
        return _added(pixels, noise.shot(levels, self.start) * np.float32(self.scale))

    def on_tensor(self, picture: Tensor) -> Tensor:
        levels = picture
        if self.grey and len(picture) == 3:
            weights = picture.new_tensor(_GREY, dtype=picture.float().dtype).view(3, 1, 1)
            levels = _as_bytes((picture * weights).sum(0, keepdim=True))
        field = noise.shot_on(levels.permute(1, 2, 0), self.start) * self.scale
        return _as_bytes(picture + field.permute(2, 0, 1))


@dataclass(frozen=True, slots=True)
class Jpeg:
    """Compression with halved chroma at a quality of 1 to 100."""

    quality: int

    def on_pixels(self, pixels: np.ndarray) -> np.ndarray:
        # Not simplejpeg: it encodes by the fast DCT, which at high qualities doubles the damage.
        ordered = pixels if pixels.shape[2] == 1 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        _, encoded = cv2.imencode(".jpg", ordered, (cv2.IMWRITE_JPEG_QUALITY, self.quality))
        decoded = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
        assert decoded is not None, "what was just encoded can be decoded"
        return decoded[..., None] if decoded.ndim == 2 else cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)

    def on_tensor(self, picture: Tensor) -> Tensor:
        from translate.data.degrade.jpeg import jpeg

        return jpeg(picture, self.quality)


def apply(steps: Sequence[Step], planes: np.ndarray) -> np.ndarray:
    """The steps in their order on a crop, uint8 `(C, H, W)` to `(C, H', W')`, contiguous."""
    pixels = np.ascontiguousarray(planes.transpose(1, 2, 0))
    for step in steps:
        pixels = step.on_pixels(pixels)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def apply_batch(steps: Sequence[Sequence[Step]], pictures: Tensor) -> Tensor:
    """Each picture's own steps, uint8 `(B, C, H, W)` to `(B, C, H', W')` on the tensor's device.

    The result is that of `apply` but for rounding: a level here and there, and where JPEG rounds a
    coefficient the other way, that coefficient's pattern on its block.
    """
    import torch

    made = []
    for picture, own in zip(pictures, steps, strict=True):
        for step in own:
            picture = step.on_tensor(picture)
        made.append(picture)
    return torch.stack(made)


def _with_channels(pixels: np.ndarray) -> np.ndarray:
    """OpenCV drops the only channel of a grey picture."""
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _added(pixels: np.ndarray, field: np.ndarray) -> np.ndarray:
    """uint8 (H, W, C) plus float (H, W, C) or (H, W, 1), rounded and clipped."""
    if field.shape[2] != pixels.shape[2]:
        field = cv2.merge([field] * pixels.shape[2])
    return _with_channels(cv2.add(pixels, field, dtype=cv2.CV_8U))


def _as_bytes(levels: Tensor) -> Tensor:
    import torch

    return levels.round().clamp(0, 255).to(torch.uint8)


def _mirrored(side: int, half: int, device) -> Tensor:
    """Which pixels a picture with a mirrored border of `half` has, however small it is itself."""
    import torch

    period = max(1, 2 * (side - 1))
    places = torch.arange(-half, side + half, device=device) % period
    return torch.minimum(places, period - places)


@lru_cache(maxsize=256)
def _shares(old: int, new: int, device) -> Tensor:
    """(new, old): how much of each old pixel lies under each new one; rows sum to 1."""
    import torch

    ends = torch.arange(new + 1, dtype=torch.float64) * old / new
    pixels = torch.arange(old, dtype=torch.float64)
    covered = torch.minimum(ends[1:, None], pixels + 1) - torch.maximum(ends[:-1, None], pixels)
    covered = covered.clamp(min=0)
    return (covered / covered.sum(1, keepdim=True)).float().to(device)
