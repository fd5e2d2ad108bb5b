"""The animal's surface: closed, outward, near its own distance field; and the rasteriser that draws it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from translate.data.savanna import anatomy, markings
from translate.data.savanna.mesh import animal
from translate.data.savanna.noise import SIDE, blur, sample, texture
from translate.data.savanna.raster import rasterise


def test_the_surface_is_closed():
    faces = animal().faces
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, uses = np.unique(edges, axis=0, return_counts=True)
    assert (uses % 2 == 0).all()


def test_the_surface_lies_on_the_distance_field_and_faces_outwards():
    mesh = animal()
    away = np.abs(anatomy.body(mesh.points))
    assert np.quantile(away, 0.99) < 0.006
    a, b, c = (mesh.points[mesh.faces[:, i]] for i in range(3))
    agree = (np.cross(b - a, c - a) * mesh.normals[mesh.faces[:, 0]]).sum(1) > 0
    assert agree.mean() > 0.995
    volume = (np.cross(a, b) * c).sum() / 6
    assert 0.2 < volume < 0.8  # cubic metres: a pony of some hundred kilograms


def test_bone_weights_are_shares():
    mesh = animal()
    np.testing.assert_allclose(mesh.weights.sum(1), 1, atol=1e-5)
    assert (mesh.weights >= 0).all()
    assert mesh.weights.shape[1] == len(anatomy.BONES)


def test_fields_are_in_their_ranges():
    marks = animal().markings
    assert marks.shape[1] == markings.COUNT
    assert np.isfinite(marks).all()
    for column in (markings.HAIR, markings.HOOF, markings.MUZZLE, markings.LOWER_LEG, markings.BELLY):
        assert marks[:, column].min() == 0
        assert 0.9 < marks[:, column].max() <= 1


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 40))
def test_the_rasteriser_agrees_with_a_pixel_by_pixel_one(seed: int, count: int):
    rng = np.random.default_rng(seed)
    height, width = 9, 13
    xy = rng.uniform(-3, 16, (3 * count, 2)).astype(np.float32)
    # A depth for each triangle, so that the painter's order is exact.
    depth = np.repeat(rng.permutation(count), 3).astype(np.float32)
    faces = np.arange(3 * count, dtype=np.int32).reshape(-1, 3)
    seen = rasterise(xy, depth, faces, height, width)
    found = dict(zip(seen.pixels.tolist(), (seen.corners[0] // 3).tolist(), strict=True))

    for pixel in range(height * width):
        centre = np.array([pixel % width + 0.5, pixel // width + 0.5])
        nearest = None
        clear = True
        for face in range(count):
            a, b, c = xy[3 * face : 3 * face + 3].astype(np.float64)
            area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
            if area <= 0:
                continue
            shares = np.linalg.solve(np.array([[*a, 1], [*b, 1], [*c, 1]]).T, [*centre, 1])
            clear &= np.abs(shares).min() > 1e-3
            if shares.min() >= 0 and (nearest is None or depth[3 * face] < depth[3 * nearest]):
                nearest = face
        if clear:
            assert found.get(pixel) == nearest
    np.testing.assert_allclose(seen.shares.sum(0), 1, atol=1e-5)


def test_textures_tile_and_are_read_between_their_texels():
    tile = texture(1, 1.5)
    assert tile.shape == (SIDE, SIDE)
    assert abs(float(tile.mean()) - 0.5) < 1e-3
    at = np.array([3, 3.25, 3.5, 4], np.float32) / SIDE
    still = np.full(4, 7 / SIDE, np.float32)
    expected = [
        tile[7, 3],
        0.75 * tile[7, 3] + 0.25 * tile[7, 4],
        0.5 * (tile[7, 3] + tile[7, 4]),
        tile[7, 4],
    ]
    np.testing.assert_allclose(sample(tile, at, still), expected, atol=1e-5)
    np.testing.assert_allclose(sample(tile, at - 2, still + 5), expected, atol=2e-3)


def test_blur_keeps_the_sum():
    spot = np.zeros((41, 51), np.float32)
    spot[20, 25] = 1
    soft = blur(spot, 3)
    assert abs(float(soft.sum()) - 1) < 1e-4
    rows = np.arange(41) - 20
    spread = float((soft.sum(1) * rows**2).sum())
    assert abs(spread - 3 * (7**2 - 1) / 12) < 1e-3  # three boxes of seven
