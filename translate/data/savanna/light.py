"""The light of a time of day, what it casts, and how it becomes a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translate.data.savanna.noise import blur
from translate.data.savanna.raster import rasterise

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Palette:
    """Linear colours (3,) of a time of day: the sky high and low, the sun, the light of the whole sky."""

    zenith: Array
    horizon: Array
    sun: Array
    sky: Array
    cloud: Array


def _palette(*colours: tuple[float, float, float]) -> Palette:
    return Palette(*(np.array(colour, np.float32) for colour in colours))


PALETTES: dict[str, Palette] = {
    "dawn": _palette(
        (0.20, 0.34, 0.66), (1.00, 0.70, 0.52), (2.5, 1.65, 1.00), (0.50, 0.50, 0.62), (1.1, 0.82, 0.72)
    ),
    "noon": _palette(
        (0.10, 0.27, 0.74), (0.62, 0.76, 0.92), (2.5, 2.35, 2.05), (0.48, 0.58, 0.76), (1.3, 1.3, 1.3)
    ),
    "dusk": _palette(
        (0.17, 0.20, 0.46), (1.05, 0.46, 0.20), (2.7, 1.30, 0.52), (0.46, 0.40, 0.50), (1.0, 0.55, 0.38)
    ),
    "overcast": _palette(
        (0.50, 0.54, 0.60), (0.74, 0.77, 0.80), (0.42, 0.42, 0.40), (0.95, 0.98, 1.02), (0.9, 0.92, 0.95)
    ),
}


def develop(linear: Array) -> Array:
    """Linear light (any shape) to display values in [0, 1]: a soft shoulder, then gamma 2.2."""
    x = np.maximum(linear, 0)
    toned = x * (1 + x * np.float32(1 / 9)) / (1 + x)
    return np.minimum(toned * np.float32(1.32), 1) ** np.float32(1 / 2.2)


class ShadowMap:
    """What the animals look like from the light: who stands in whose way.

    Args:
        points: (V, 3) all vertices in the world.
        faces: (F, 3) all triangles.
        towards: unit vector to the light.
        texel: size of a map cell in metres.
        softness: radius of the penumbra on the ground, in metres.
    """

    def __init__(
        self,
        points: Array,
        faces: NDArray[np.int32],
        towards: tuple[float, float, float],
        texel: float,
        softness: float,
    ):
        s = np.asarray(towards, np.float32)
        u = np.cross([0, 1, 0], s) if abs(s[1]) < 0.999 else np.array([0.0, 0, 1])
        u = (u / np.linalg.norm(u)).astype(np.float32)
        self._axes = np.stack([u, np.cross(s, u)]).astype(np.float32)
        self._towards = s
        self._texel = np.float32(texel)
        flat = points @ self._axes.T / self._texel
        border = 3 + int(np.ceil(3 * softness / texel))
        self._origin = np.floor(flat.min(0)) - border
        self._shape = tuple(int(n) for n in (np.ceil(flat.max(0)) - self._origin + border)[::-1])
        depth = -(points @ s)
        seen = rasterise(flat - self._origin, depth, faces, *self._shape)
        covered = np.zeros(self._shape, np.float32)
        covered.ravel()[seen.pixels] = 1
        self._covered = blur(covered, softness / texel)
        self._depth = np.full(self._shape, np.inf, np.float32)
        self._depth.ravel()[seen.pixels] = seen.read(depth)

    def on_ground(self, points: Array) -> Array:
        """How much of the light the animals take from (N, 3) points on the ground: float32 in [0, 1]."""
        out = np.zeros(len(points), np.float32)
        at = points @ self._axes.T / self._texel - self._origin
        height, width = self._shape
        near = np.flatnonzero((at > 1).all(1) & (at[:, 0] < width - 2) & (at[:, 1] < height - 2))
        x, y = at[near, 0] - 0.5, at[near, 1] - 0.5
        x0, y0 = x.astype(np.int64), y.astype(np.int64)
        fx, fy = x - x0, y - y0
        c = self._covered
        upper = c[y0, x0] * (1 - fx) + c[y0, x0 + 1] * fx
        lower = c[y0 + 1, x0] * (1 - fx) + c[y0 + 1, x0 + 1] * fx
        out[near] = upper * (1 - fy) + lower * fy
        return out

    def on_animal(self, points: Array, normals: Array) -> Array:
        """The share of the light that reaches (N, 3) points on the animals themselves: in [0, 1]."""
        lifted = points + np.float32(0.025) * normals
        at = lifted @ self._axes.T / self._texel - self._origin
        depth = -(lifted @ self._towards) - np.float32(0.03)
        height, width = self._shape
        lit = np.zeros(len(points), np.float32)
        for dx, dy in ((-0.6, -0.6), (0.6, -0.6), (-0.6, 0.6), (0.6, 0.6), (0, 0)):
            x = np.clip(at[:, 0] + dx, 0, width - 1).astype(np.int64)
            y = np.clip(at[:, 1] + dy, 0, height - 1).astype(np.int64)
            lit += depth < self._depth[y, x]
        return lit / np.float32(5)
