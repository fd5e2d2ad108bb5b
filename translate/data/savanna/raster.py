"""Triangles to pixels, in whole arrays: small triangles, painted from far to near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Fragments:
    """The surface seen through each covered pixel centre.

    Attributes:
        pixels: (N,) flat pixel indices, each once, ascending.
        corners: (N, 3) the vertices of the visible triangle.
        shares: (N, 3) float32 barycentric weights, rows sum to 1.
    """

    pixels: Index
    corners: Index
    shares: Array

    def read(self, values: Array) -> Array:
        """Interpolate per-vertex values, (V,) or (V, C), at the fragments."""
        a, b, c = (values[self.corners[:, i]] for i in range(3))
        wa, wb, wc = (self.shares[:, i].reshape(-1, *[1] * (values.ndim - 1)) for i in range(3))
        return wa * a + wb * b + wc * c


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
    ax, ay, bx, by, cx, cy = (xy[faces[:, i], j] for i in range(3) for j in range(2))
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    x0 = np.maximum(np.ceil(np.minimum(np.minimum(ax, bx), cx) - 0.5), 0)
    x1 = np.minimum(np.floor(np.maximum(np.maximum(ax, bx), cx) - 0.5), width - 1)
    y0 = np.maximum(np.ceil(np.minimum(np.minimum(ay, by), cy) - 0.5), 0)
    y1 = np.minimum(np.floor(np.maximum(np.maximum(ay, by), cy) - 0.5), height - 1)
    keep = np.flatnonzero((area > 1e-9) & (x1 >= x0) & (y1 >= y0))
    keep = keep[np.argsort(-depth[faces[keep]].sum(1), kind="stable")]

    columns = (x1[keep] - x0[keep] + 1).astype(np.int64)
    cells = columns * (y1[keep] - y0[keep] + 1).astype(np.int64)
    owner = np.repeat(np.arange(len(keep)), cells)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(cells) - cells, cells)
    face = keep[owner]
    row, column = np.divmod(step, columns[owner])
    px, py = x0[face] + column, y0[face] + row
    dx, dy = px + np.float32(0.5) - ax[face], py + np.float32(0.5) - ay[face]
    ex, ey, gx, gy = bx[face] - ax[face], by[face] - ay[face], cx[face] - ax[face], cy[face] - ay[face]
    wb = (dx * gy - dy * gx) / area[face]
    wc = (dy * ex - dx * ey) / area[face]
    # A hair of slack, so that rounding leaves no pinholes on shared edges.
    inside = np.flatnonzero((wb >= -1e-4) & (wc >= -1e-4) & (wb + wc <= 1.0001))

    # Of repeated indices the last assignment wins, that is the nearest triangle.
    winner = np.full(height * width, -1, np.int64)
    winner[(py[inside] * width + px[inside]).astype(np.int64)] = inside
    pixels = np.flatnonzero(winner >= 0)
    chosen = winner[pixels]
    wb, wc = wb[chosen], wc[chosen]
    shares = np.stack([1 - wb - wc, wb, wc], 1).astype(np.float32)
    return Fragments(pixels, faces[face[chosen]].astype(np.int64), shares)
