"""The light of a time of day, what it casts, and how it becomes a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translate.data.savanna.noise import blur
from translate.data.savanna.raster import rasterise
from translate.data.savanna.vectors import Array, dot, transform

Direction = tuple[float, float, float]


@dataclass(frozen=True)
class Palette:
    """Linear colours (3,) of a time of day: the sky high and low, the sun, the light of the whole sky."""

    zenith: Array
    horizon: Array
    sun: Array
    sky: Array
    cloud: Array


def _palette(**colours: tuple[float, float, float]) -> Palette:
    return Palette(**{name: np.array(colour, np.float32) for name, colour in colours.items()})


PALETTES: dict[str, Palette] = {
    "dawn": _palette(
        zenith=(0.17, 0.30, 0.60),
        horizon=(1.00, 0.66, 0.46),
        sun=(2.30, 1.55, 0.98),
        sky=(0.44, 0.45, 0.58),
        cloud=(1.10, 0.80, 0.70),
    ),
    "noon": _palette(
        zenith=(0.075, 0.22, 0.66),
        horizon=(0.55, 0.72, 0.92),
        sun=(2.05, 1.92, 1.68),
        sky=(0.36, 0.44, 0.60),
        cloud=(1.25, 1.26, 1.28),
    ),
    "dusk": _palette(
        zenith=(0.13, 0.16, 0.40),
        horizon=(1.05, 0.44, 0.17),
        sun=(2.35, 1.25, 0.55),
        sky=(0.38, 0.34, 0.44),
        cloud=(1.00, 0.52, 0.36),
    ),
    "overcast": _palette(
        zenith=(0.46, 0.50, 0.56),
        horizon=(0.74, 0.77, 0.80),
        sun=(0.50, 0.50, 0.48),
        sky=(0.86, 0.89, 0.93),
        cloud=(0.95, 0.97, 1.00),
    ),
}


def haze(palette: Palette) -> Array:
    """The colour (3,) that distance fades into."""
    return 0.50 * palette.horizon + 0.25 * palette.sky


def develop(linear: Array) -> Array:
    """Linear light (any shape) to display values in [0, 1]: a soft shoulder, gamma 2.2, some contrast."""
    x = np.maximum(linear, 0)
    toned = x * (1 + x * np.float32(1 / 9)) / (1 + x)
    shown = np.minimum(toned * np.float32(1.30), 1) ** np.float32(1 / 2.2)
    return shown + np.float32(0.40) * (shown * shown * (3 - 2 * shown) - shown)


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
        self, points: Array, faces: NDArray[np.int32], towards: Direction, texel: float, softness: float
    ):
        self._plane = Plane(points, towards, texel, softness)
        plane = self._plane
        depth = -dot(points, plane.towards)
        seen = rasterise(plane.at(points), depth, faces, *plane.shape)
        covered = np.zeros(plane.shape, np.float32)
        covered.ravel()[seen.pixels] = 1
        self._covered = blur(covered, softness / texel)
        self._depth = np.full(plane.shape, np.inf, np.float32)
        self._depth.ravel()[seen.pixels] = seen.read(depth)

    def on_ground(self, points: Array) -> Array:
        """How much of the light the animals take from (N, 3) points on the ground: float32 in [0, 1]."""
        return self._plane.read(self._covered, points)

    def on_animal(self, points: Array, normals: Array) -> Array:
        """The share of the light that reaches (N, 3) points on the animals themselves: in [0, 1]."""
        lifted = points + np.float32(0.025) * normals
        at = self._plane.at(lifted)
        depth = -dot(lifted, self._plane.towards) - np.float32(0.03)
        height, width = self._plane.shape
        lit = np.zeros(len(points), np.float32)
        for dx, dy in ((-0.6, -0.6), (0.6, -0.6), (-0.6, 0.6), (0.6, 0.6), (0, 0)):
            x = np.clip(at[:, 0] + np.float32(dx), 0, width - 1).astype(np.int32)
            y = np.clip(at[:, 1] + np.float32(dy), 0, height - 1).astype(np.int32)
            lit += depth < self._depth[y, x]
        return lit / np.float32(5)


class Shelter:
    """How much of the sky the animals hide from the ground below them; same words as `ShadowMap`."""

    def __init__(self, points: Array, texel: float = 0.06, softness: float = 0.20):
        self._plane = Plane(points, (0.0, 1.0, 0.0), texel, softness)
        # The vertices lie closer together than the cells are wide, so they fill them without triangles.
        column, row = self._plane.at(points).astype(np.int32).T
        covered = np.zeros(self._plane.shape, np.float32)
        covered[row, column] = 1
        self._covered = blur(covered, softness / texel)

    def on_ground(self, points: Array) -> Array:
        """The share of skylight taken from (N, 3) points on the ground: float32 in [0, 1]."""
        return self._plane.read(self._covered, points)


class Plane:
    """A grid of cells across a direction, wide enough for some points and a blur of what they cover."""

    def __init__(self, points: Array, towards: Direction, texel: float, softness: float):
        self.towards = np.asarray(towards, np.float32)
        u = np.cross([0, 1, 0], towards) if abs(towards[1]) < 0.999 else np.array([0.0, 0, 1])
        u = (u / np.linalg.norm(u)).astype(np.float32)
        border = 3 + int(np.ceil(3 * softness / texel))
        self._across = (np.stack([u, np.cross(self.towards, u)], 1) / np.float32(texel)).astype(np.float32)
        flat = transform(points, self._across).T
        low, high = (np.array([row.min() for row in flat]), np.array([row.max() for row in flat]))
        self._origin = np.floor(low) - np.float32(border)
        self.shape = tuple(int(n) for n in (np.ceil(high) - self._origin + border)[::-1])

    def at(self, points: Array) -> Array:
        """(N, 3) points of the world to (N, 2) cell coordinates, x and y."""
        return transform(points, self._across) - self._origin

    def read(self, cells: Array, points: Array) -> Array:
        """Values of a grid between its cells at (N, 3) points; zero outside."""
        out = np.zeros(len(points), np.float32)
        x, y = np.ascontiguousarray((self.at(points) - np.float32(0.5)).T)
        height, width = self.shape
        near = np.flatnonzero((x > 0) & (y > 0) & (x < width - 2) & (y < height - 2))
        x, y = x[near], y[near]
        x0, y0 = x.astype(np.int32), y.astype(np.int32)
        fx, fy = x - x0, y - y0
        flat, start = cells.ravel(), y0 * width + x0
        upper = flat[start] * (1 - fx) + flat[start + 1] * fx
        lower = flat[start + width] * (1 - fx) + flat[start + width + 1] * fx
        out[near] = upper * (1 - fy) + lower * fy
        return out
