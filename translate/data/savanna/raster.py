"""Triangles to pixels, in whole arrays: small triangles, painted from far to near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translate.data.savanna.vectors import Array

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Fragments:
    """The surface seen through each covered pixel centre.

    Attributes:
        pixels: (N,) flat pixel indices, each once, ascending.
        corners: (3, N) the vertices of the visible triangle.
        shares: (3, N) float32 barycentric weights, columns sum to 1.
    """

    pixels: Index
    corners: Index
    shares: Array

    def read(self, values: Array) -> Array:
        """Interpolate per-vertex values, (V,) or (V, C), at the fragments."""
        wide = (-1, *[1] * (values.ndim - 1))
        total = values.take(self.corners[0], 0) * self.shares[0].reshape(wide)
        total += values.take(self.corners[1], 0) * self.shares[1].reshape(wide)
        total += values.take(self.corners[2], 0) * self.shares[2].reshape(wide)
        return total


def rasterise(xy: Array, depth: Array, faces: NDArray[np.int32], height: int, width: int) -> Fragments:
    """Find the nearest triangle at every pixel centre.

    Triangles are painted in the order of their mean depth, which is right where they are small
    compared with the gaps between surfaces, as those of the mesh are.

    Args:
        xy: (V, 2) pixel coordinates; the centre of the first pixel is (0.5, 0.5), y goes down.
        depth: (V,) distance, larger is farther.
        faces: (F, 3) triangles; those that turn their back (by their winding) are skipped.
        height, width: size of the raster.
    """
    x, y = np.ascontiguousarray(xy.T)
    corners = np.ascontiguousarray(faces.T)
    ax, bx, cx = (x[corner] for corner in corners)
    ay, by, cy = (y[corner] for corner in corners)
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    front = np.flatnonzero(area > 1e-9)
    ax, bx, cx, ay, by, cy, area = (part[front] for part in (ax, bx, cx, ay, by, cy, area))

    half = np.float32(0.5)
    left = np.maximum(np.ceil(np.minimum(np.minimum(ax, bx), cx) - half), 0)
    top = np.maximum(np.ceil(np.minimum(np.minimum(ay, by), cy) - half), 0)
    columns = np.minimum(np.floor(np.maximum(np.maximum(ax, bx), cx) - half), width - 1) - left + 1
    rows = np.minimum(np.floor(np.maximum(np.maximum(ay, by), cy) - half), height - 1) - top + 1
    keep = np.flatnonzero((columns > 0) & (rows > 0))
    a, b, c = corners[:, front[keep]]
    keep = keep[np.argsort(-(depth[a] + depth[b] + depth[c]), kind="stable")]

    # The pixels of every triangle's bounding box, one row of candidates after the other.
    wide = columns[keep].astype(np.int32)
    cells = wide * rows[keep].astype(np.int32)
    owner = np.repeat(np.arange(len(keep), dtype=np.int32), cells)
    step = np.arange(len(owner), dtype=np.int32) - np.repeat(np.cumsum(cells) - cells, cells).astype(np.int32)
    face = keep[owner]
    row, column = np.divmod(step, wide[owner])
    px, py = left[face] + column.astype(np.float32), top[face] + row.astype(np.float32)
    dx, dy = px + half - ax[face], py + half - ay[face]
    wb = (dx * ((cy - ay) / area)[face] - dy * ((cx - ax) / area)[face]).astype(np.float32)
    wc = (dy * ((bx - ax) / area)[face] - dx * ((by - ay) / area)[face]).astype(np.float32)
    # A hair of slack, so that rounding leaves no pinholes on shared edges.
    inside = np.flatnonzero((wb >= -1e-4) & (wc >= -1e-4) & (wb + wc <= 1.0001))

    # Of repeated indices the last assignment wins, that is the nearest triangle.
    winner = np.full(height * width, -1, np.int64)
    winner[(py[inside] * width + px[inside]).astype(np.int64)] = inside
    pixels = np.flatnonzero(winner >= 0)
    chosen = winner[pixels]
    wb, wc = wb[chosen], wc[chosen]
    shares = np.stack([1 - wb - wc, wb, wc]).astype(np.float32)
    return Fragments(pixels, corners.take(front[face[chosen]], 1).astype(np.int64), shares)
