"""The animal at rest as a triangle mesh: surface, bone weights and the fields that coats are painted from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from translate.data.savanna import anatomy
from translate.data.savanna.markings import markings
from translate.data.savanna.vectors import Array, dot, unit

CELL = 0.028
_LOW = np.array([-1.12, -0.06, -0.36], np.float32)
_HIGH = np.array([1.66, 2.30, 0.36], np.float32)
_FAR = np.float32(0.25)


@dataclass(frozen=True)
class Mesh:
    """A surface that can be posed.

    Attributes:
        points: (V, 3) float32, metres, at rest: the body coordinates.
        normals: (V, 3) float32, unit, pointing outwards.
        faces: (F, 3) int32, counter-clockwise seen from outside.
        weights: (V, bones) float32, rows sum to 1, in the order of `anatomy.BONES`.
        markings: (V, M) float32, what coats are painted from; see `markings.markings`.
        openness: (V,) float32 in [0, 1], how much of the sky a point sees (ambient occlusion).
    """

    points: Array
    normals: Array
    faces: NDArray[np.int32]
    weights: Array
    markings: Array
    openness: Array


@lru_cache(maxsize=1)
def animal() -> Mesh:
    """The one mesh that every animal is posed from; built at the first call (a fraction of a second)."""
    values = _grid()
    points, faces = _surface(values)
    points, normals = _settle(points)
    weights = _weights(points)
    return Mesh(
        points=points,
        normals=normals,
        faces=faces,
        weights=weights,
        markings=markings(points, weights),
        openness=_openness(points, normals),
    )


def _grid() -> Array:
    """Signed distance on a regular grid; each part is only evaluated around itself."""
    axes = [np.arange(lo, hi + CELL, CELL, dtype=np.float32) for lo, hi in zip(_LOW, _HIGH, strict=True)]
    values = np.full([len(axis) for axis in axes], _FAR, np.float32)
    for part in anatomy.PARTS:
        low, high = anatomy.box(part, 0.12)
        box = tuple(
            slice(int(np.searchsorted(axis, lo)), int(np.searchsorted(axis, hi)))
            for axis, lo, hi in zip(axes, low, high, strict=True)
        )
        p = np.stack(np.meshgrid(*(axis[s] for axis, s in zip(axes, box, strict=True)), indexing="ij"), -1)
        values[box] = anatomy.join(values[box], anatomy.distance(part, p), part.blend)
    return values


_CORNERS = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
_CELL_EDGES = [
    (a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1
]


def _surface(values: Array) -> tuple[Array, NDArray[np.int32]]:
    """Surface nets (Gibson 1998): one vertex in each cell that the surface crosses, one quad an edge."""
    shape = np.array(values.shape) - 1
    corner = [values[i : i + shape[0], j : j + shape[1], k : k + shape[2]] for i, j, k in _CORNERS]
    inside = np.stack([c < 0 for c in corner])
    crossed = inside.any(0) & ~inside.all(0)
    cells = np.argwhere(crossed)
    number = np.full(crossed.shape, -1, np.int32)
    number[crossed] = np.arange(len(cells))

    at = np.stack([c[crossed] for c in corner], 1)
    total, count = np.zeros((len(cells), 3), np.float32), np.zeros((len(cells), 1), np.float32)
    for a, b in _CELL_EDGES:
        cut = (at[:, a] < 0) != (at[:, b] < 0)
        t = at[:, a] / np.where(cut, at[:, a] - at[:, b], 1)
        total += cut[:, None] * (_CORNERS[a] + t[:, None] * (_CORNERS[b] - _CORNERS[a]))
        count += cut[:, None]
    points = _LOW + CELL * (cells + total / count)
    return points.astype(np.float32), _faces(values < 0, number)


def _faces(inside: NDArray[np.bool_], number: NDArray[np.int32]) -> NDArray[np.int32]:
    faces = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        first = np.take(inside, range(inside.shape[axis] - 1), axis)
        second = np.take(inside, range(1, inside.shape[axis]), axis)
        for flipped, found in ((False, first & ~second), (True, ~first & second)):
            where = np.argwhere(found)
            ring = []
            for du, dv in ((1, 1), (0, 1), (0, 0), (1, 0)):
                cell = where.copy()
                cell[:, u] -= du
                cell[:, v] -= dv
                ring.append(number[tuple(cell.T)])
            a, b, c, d = reversed(ring) if flipped else ring
            faces += [np.stack([a, b, c], 1), np.stack([a, c, d], 1)]
    return np.concatenate(faces).astype(np.int32)


def _gradient(p: Array) -> Array:
    # Four evaluations at the corners of a tetrahedron instead of six.
    step = np.float32(0.006)
    corners = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32)
    return sum(k * anatomy.body(p + k * step)[:, None] for k in corners) / (4 * step)  # type: ignore[return-value]


def _settle(points: Array) -> tuple[Array, Array]:
    """Slide the vertices onto the true surface, and read the normals there."""
    slope = _gradient(points)
    steep = np.maximum(dot(slope, slope), 0.25)
    step = np.clip(anatomy.body(points) / steep, -0.5 * CELL, 0.5 * CELL)
    points = points - step[:, None] * slope
    return points, unit(_gradient(points))


def _weights(points: Array) -> Array:
    """Each vertex follows the bones whose flesh is nearest; the softness keeps joints round."""
    nearest = np.full((len(points), len(anatomy.BONES)), np.inf, np.float32)
    for part in anatomy.PARTS:
        column = nearest[:, anatomy.INDEX[part.bone]]
        np.minimum(column, np.maximum(anatomy.distance(part, points), 0), out=column)
    weights = np.exp(-(nearest - nearest.min(1, keepdims=True)) / 0.035)
    weights[weights < 0.02] = 0
    return weights / weights.sum(1, keepdims=True)


def _openness(points: Array, normals: Array) -> Array:
    """Ambient occlusion at rest: how much closer than it should be the body is along the normal."""
    hidden = np.zeros(len(points), np.float32)
    for reach, gain in ((0.04, 1.2), (0.12, 0.8), (0.26, 0.5)):
        hidden += (
            gain
            * np.maximum(reach - anatomy.body(points + np.float32(reach) * normals, margin=0.26), 0)
            / reach
        )
    return np.clip(1 - 0.55 * hidden, 0.25, 1)
