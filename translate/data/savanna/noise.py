"""Periodic noise textures: one look-up gives several octaves, at the price of one."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from translate.data.savanna.vectors import Array

SIDE = 256


@lru_cache(maxsize=8)
def texture(seed: int, falloff: float, lowest: int = 1, highest: int = 128) -> Array:
    """A noise texture that tiles, made in the frequency domain.

    Args:
        seed: which texture; fixed by the caller, so that every process has the same.
        falloff: the amplitude at frequency f is f^-falloff; 0 is white, 1.5 is cloudy.
        lowest: lowest frequency kept, in cycles a tile.
        highest: highest frequency kept, in cycles a tile.

    Returns:
        (256, 256) float32, mean 0.5, mostly within [0, 1] (the standard deviation is 0.18).
    """
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE)))
    fy = np.fft.fftfreq(SIDE, 1 / SIDE)[:, None]
    fx = np.fft.rfftfreq(SIDE, 1 / SIDE)[None, :]
    f = np.hypot(fx, fy)
    gain = np.where((f >= lowest) & (f <= highest), np.maximum(f, 1) ** -falloff, 0)
    field = np.fft.irfft2(spectrum * gain, s=(SIDE, SIDE))
    return (0.5 + 0.18 * field / field.std()).astype(np.float32)


def sample(tile: Array, u: Array, v: Array) -> Array:
    """Read a tiling texture between its texels (bilinear); one unit of u or v is one tile.

    Args:
        tile: a square (N, N) texture with N a power of two.
        u, v: coordinates of any one shape.

    Returns:
        float32 of that shape.
    """
    side = tile.shape[0]
    x = u.astype(np.float32) * np.float32(side)
    y = v.astype(np.float32) * np.float32(side)
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = x - x0, y - y0
    mask = side - 1
    left, top = x0.astype(np.int32) & mask, y0.astype(np.int32) & mask
    right, below = (left + 1) & mask, ((top + 1) & mask) * side
    top *= side
    flat = tile.ravel()
    upper = flat[top + left]
    upper += (flat[top + right] - upper) * fx
    lower = flat[below + left]
    lower += (flat[below + right] - lower) * fx
    return upper + (lower - upper) * fy


def smoothstep(low: float, high: float, x: Array) -> Array:
    """0 below `low`, 1 above `high`, a smooth S between (low > high turns it around)."""
    t = np.clip((x - low) * (1.0 / (high - low)), 0, 1)
    return t * t * (3 - 2 * t)


def blur(image: Array, sigma: float) -> Array:
    """Gaussian blur of a (H, W) array by three box passes each way; what lies outside counts as zero."""
    radius = max(1, round(sigma))
    width = 2 * radius + 1
    for _ in range(2):
        total = np.pad(image, ((3 * radius + 3, 3 * radius), (0, 0)))
        for _ in range(3):
            total = np.cumsum(total, axis=0)
            total = (total[width:] - total[:-width]) * np.float32(1 / width)
        image = total.T
    return np.ascontiguousarray(image)
