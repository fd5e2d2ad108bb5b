"""Fields over the body that coats are painted from: all of them functions of the rest position alone.

A stripe, patch or spot is therefore at the same place on every animal, so that the true coat of a
given picture is a function of what the picture shows, and can be learnt.
"""

from __future__ import annotations

import numpy as np

from translate.data.savanna import anatomy
from translate.data.savanna.noise import smoothstep
from translate.data.savanna.vectors import Array, dot

STRIPE, SPOT, PATCH, HAIR, HOOF, MUZZLE, LOWER_LEG, GRAIN, BELLY = range(9)
COUNT = 9

_TRUNK_PERIOD, _NECK_PERIOD, _HEAD_PERIOD, _LEG_PERIOD = 0.26, 0.205, 0.145, 0.155


def markings(points: Array, weights: Array) -> Array:
    """Every field at once.

    Args:
        points: (V, 3) rest positions, metres.
        weights: (V, bones) bone weights, in the order of `anatomy.BONES`.

    Returns:
        (V, 9) float32, columns as named by the constants of this module: STRIPE in cycles; SPOT the
        distance to the nearest seam of a mosaic over its tile size; PATCH signed, positive is a dark
        patch; HAIR, HOOF, MUZZLE, LOWER_LEG and BELLY in [0, 1]; GRAIN around 0.
    """
    y = points[:, 1]
    out = np.empty((len(points), COUNT), np.float32)
    out[:, STRIPE] = _stripes(points, weights)
    out[:, SPOT] = _mosaic(points)
    out[:, PATCH] = _waves(points, seed=11, scale=4.0) + 0.1
    out[:, HAIR] = _hair(points)
    out[:, HOOF] = smoothstep(0.085, 0.065, y)
    out[:, MUZZLE] = smoothstep(0.36, 0.50, _along_head(points)) * weights[:, anatomy.INDEX["head"]]
    out[:, LOWER_LEG] = smoothstep(0.72, 0.40, y)
    out[:, GRAIN] = _waves(points, seed=5, scale=9.0)
    out[:, BELLY] = smoothstep(0.97, 0.86, y) * smoothstep(0.42, 0.28, np.abs(points[:, 0] + 0.05))
    return out


def _along_head(p: Array) -> Array:
    """Metres from the poll towards the muzzle."""
    return (p[:, 0] - 1.07) * 0.70 - (p[:, 1] - 2.00) * 0.71


def _stripes(p: Array, weights: Array) -> Array:
    """Phase of the zebra's stripes: upright on the barrel, fanning over the haunch, level on the legs."""
    x, y = p[:, 0], p[:, 1]
    pivot_x, pivot_y, radius = -0.10, 0.86, 0.56
    angle = np.arctan2(pivot_x - x, np.maximum(y - pivot_y, -10))
    fan = (pivot_x - radius * angle) / _TRUNK_PERIOD
    phase = np.where((x < pivot_x) & (angle > 0), fan, x / _TRUNK_PERIOD)

    hock = (pivot_x - radius * 2.0) / _TRUNK_PERIOD
    hind = smoothstep(0.74, 0.56, y) * (x < 0.1)
    phase += hind * (hock - (0.62 - y) / _LEG_PERIOD - phase)
    elbow = 0.50 / _TRUNK_PERIOD
    fore = smoothstep(1.02, 0.80, y) * smoothstep(0.22, 0.36, x)
    phase += fore * (elbow + (0.95 - y) / _LEG_PERIOD - phase)

    climb = (x - 0.46) * 0.66 + (y - 1.27) * 0.75
    start = 0.46 / _TRUNK_PERIOD
    neck = smoothstep(0.0, 0.22, climb) * smoothstep(0.30, 0.50, x)
    phase += neck * (start + climb / _NECK_PERIOD - phase)
    poll = start + 0.91 / _NECK_PERIOD
    head = weights[:, anatomy.INDEX["head"]]
    phase += head * (poll + _along_head(p) / _HEAD_PERIOD - phase)
    return phase + 0.10 * _waves(p, seed=3, scale=5.0)


def _waves(p: Array, seed: int, scale: float) -> Array:
    """A smooth random function of space, about -1 to 1: a few plane waves."""
    rng = np.random.default_rng(seed)
    total = np.zeros(len(p), np.float32)
    for _ in range(10):
        direction = rng.standard_normal(3) * scale * np.array([1, 1, 1.3])
        total += np.sin(dot(p, direction.astype(np.float32)) + np.float32(rng.uniform(0, 2 * np.pi)))
    return total / np.float32(2.6)


def _mosaic(p: Array) -> Array:
    """How far a point is from the seams between the tiles of a giraffe's coat, over the tile size."""
    rng = np.random.default_rng(8)
    tile = 0.085 + 0.085 * smoothstep(0.65, 1.0, p[:, 1]) * smoothstep(1.1, 0.8, p[:, 0])
    seeds: list[int] = []
    free = np.ones(len(p), bool)
    for i in rng.permutation(len(p)):
        if free[i]:
            seeds.append(int(i))
            gap = p - p[i]
            free &= dot(gap, gap) > tile[i] ** 2
    squared = sum((p[:, k, None] - p[seeds, k]) ** 2 for k in range(3))
    nearest = np.sqrt(np.partition(squared, 1, axis=1)[:, :2])
    return (nearest[:, 1] - nearest[:, 0]) / tile


def _hair(p: Array) -> Array:
    """1 on mane and tail, 0 on skin, soft between."""
    hair = np.full(len(p), np.inf, np.float32)
    skin = np.full(len(p), np.inf, np.float32)
    for part in anatomy.PARTS:
        nearest = hair if part.hair else skin
        np.minimum(nearest, anatomy.distance(part, p), out=nearest)
    return smoothstep(-0.012, 0.012, skin - hair)
