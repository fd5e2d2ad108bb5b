"""Trees, bushes and rocks: painted flat, facing the camera, which their distance forgives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from translate.data.savanna.light import PALETTES, Palette, haze
from translate.data.savanna.noise import sample, smoothstep, texture
from translate.data.savanna.scene import Scene, Thing
from translate.data.savanna.vectors import Array

Project = Callable[[Array], tuple[Array, Array]]


def draw(
    thing: Thing,
    scene: Scene,
    project: Project,
    light: Array,
    classes: NDArray[np.uint8],
    kinds: tuple[int, int],
) -> None:
    """Paint one thing over a picture, in place.

    Args:
        thing: what.
        scene: its scene, for the light.
        project: world points (N, 3) to pixels (N, 2) and depth (N,).
        light: (S, S, 3) linear light.
        classes: (S, S) class of each pixel.
        kinds: the class numbers of plants and of rocks.
    """
    foot = np.array([[thing.x, 0, thing.z], [thing.x, thing.height, thing.z]], np.float32)
    at, depth = project(foot)
    tall = float(at[0, 1] - at[1, 1])
    if depth[0] < 1 or tall < 1.5:
        return
    size = light.shape[0]
    x0, x1 = (int(np.clip(at[0, 0] + side * 0.95 * tall, 0, size)) for side in (-1, 1))
    y0, y1 = int(np.clip(at[1, 1] - 0.2 * tall, 0, size)), int(np.clip(at[0, 1] + 2, 0, size))
    if x0 >= x1 or y0 >= y1:
        return
    u, v = np.meshgrid(
        (np.arange(x0, x1, dtype=np.float32) + 0.5 - at[0, 0]) / tall,
        (at[0, 1] - np.arange(y0, y1, dtype=np.float32) - 0.5) / tall,
    )
    palette = PALETTES[scene.light.time]
    rng = np.random.default_rng(thing.shape)
    side = float(np.sign(scene.light.direction[0]))
    colour, cover = _KINDS[thing.kind](rng, palette, u, v, np.float32(1 / tall), side)
    veil = np.float32(1 - np.exp(-float(depth[0]) * 0.006))
    far = haze(palette)
    colour = colour + (far - colour) * veil
    window = light[y0:y1, x0:x1]
    window += (colour - window) * cover[..., None]
    classes[y0:y1, x0:x1][cover >= 0.5] = kinds[thing.kind == "rock"]


def _limb(u: Array, v: Array, a: tuple[float, float], b: tuple[float, float], wa: float, wb: float) -> Array:
    """Signed distance to a tapering branch."""
    du, dv = b[0] - a[0], b[1] - a[1]
    h = np.clip(((u - a[0]) * du + (v - a[1]) * dv) / (du * du + dv * dv), 0, 1)
    return np.hypot(u - a[0] - h * du, v - a[1] - h * dv) - (wa + (wb - wa) * h)


def _foliage(
    rng: np.random.Generator,
    palette: Palette,
    u: Array,
    v: Array,
    blobs: list[tuple[float, float, float, float]],
    tint: Array,
) -> tuple[Array, Array]:
    """Leaves: ragged ellipses (centre and radii), light on top, dark below."""
    ou, ov = rng.random(2)
    ragged = sample(texture(6, 0.7, 8), u * 0.22 + ou, v * 0.30 + ov) - 0.5
    density = np.full(u.shape, -1, np.float32)
    lit = np.zeros(u.shape, np.float32)
    for cu, cv, ru, rv in blobs:
        inside = 1 - ((u - cu) / ru) ** 2 - ((v - cv) / rv) ** 2
        rise = (v - cv) / rv
        lit = np.where(inside > density, rise, lit)
        density = np.maximum(density, inside)
    cover = smoothstep(-0.05, 0.30, density + 1.5 * ragged)
    top = smoothstep(-0.7, 0.9, lit + 1.6 * ragged)[..., None]
    return tint * (palette.sky * (0.35 + 0.5 * top) + 0.85 * palette.sun * top**1.5), cover


def _tree(
    rng: np.random.Generator, palette: Palette, u: Array, v: Array, pixel: np.float32, side: float
) -> tuple[Array, Array]:
    """An umbrella acacia: a leaning trunk that forks into a flat crown."""
    count = int(rng.integers(4, 7))
    lean = rng.uniform(-0.08, 0.08)
    fork = (lean, rng.uniform(0.38, 0.5))
    spread = rng.uniform(0.40, 0.58)
    blobs = []
    wood = _limb(u, v, (0.0, -0.05), fork, 0.042, 0.030)
    for i in range(count):
        cu = lean + spread * ((i + 0.5) / count * 2 - 1) + rng.uniform(-0.05, 0.05)
        cv = 0.88 - 0.16 * abs(cu - lean) + rng.uniform(-0.05, 0.03)
        blobs.append((cu, cv, rng.uniform(0.20, 0.30), rng.uniform(0.075, 0.11)))
        wood = np.minimum(wood, _limb(u, v, fork, (cu, cv - 0.03), 0.022, 0.009))
    tint = np.array([0.095, 0.135, 0.035], np.float32) * np.float32(rng.uniform(0.7, 1.15))
    leaves, cover = _foliage(rng, palette, u, v, blobs, tint)
    bark = np.array([0.115, 0.085, 0.062], np.float32) * (palette.sky * 0.6 + 0.4 * palette.sun)
    trunk = np.clip(0.5 - wood / pixel, 0, 1) * (v > -0.01)
    colour = bark + (leaves - bark) * cover[..., None]
    return colour, np.maximum(cover, trunk)


def _bush(
    rng: np.random.Generator, palette: Palette, u: Array, v: Array, pixel: np.float32, side: float
) -> tuple[Array, Array]:
    blobs = [
        (rng.uniform(-0.4, 0.4), rng.uniform(0.25, 0.62), rng.uniform(0.28, 0.42), rng.uniform(0.28, 0.38))
        for _ in range(int(rng.integers(3, 6)))
    ]
    tint = np.array([0.115, 0.140, 0.045], np.float32) * np.float32(rng.uniform(0.6, 1.2))
    colour, cover = _foliage(rng, palette, u, v, blobs, tint)
    return colour, cover * np.clip(0.5 + v / pixel, 0, 1)


def _rock(
    rng: np.random.Generator, palette: Palette, u: Array, v: Array, pixel: np.float32, side: float
) -> tuple[Array, Array]:
    """One or two boulders, rounded below the ground's line, lit from the sun's side."""
    ou, ov = rng.random(2)
    rough = sample(texture(7, 1.1, 2), u * 0.25 + ou, v * 0.25 + ov) - 0.5
    density = np.full(u.shape, -9, np.float32)
    lit = np.zeros(u.shape, np.float32)
    for cu, width, top in (
        (0.0, rng.uniform(0.6, 0.85), 1.0),
        (rng.uniform(-0.5, 0.5), rng.uniform(0.3, 0.5), 0.6),
    ):
        nu, nv = (u - cu) / width, (v - 0.1) / (top - 0.1)
        inside = 1 - (np.abs(nu) ** 2.6 + np.abs(np.maximum(nv, 0)) ** 2.2) + 0.5 * rough
        lit = np.where(inside > density, 0.75 * nv + 0.45 * side * nu, lit)
        density = np.maximum(density, inside)
    cover = np.clip(0.5 + density / (4 * pixel), 0, 1) * np.clip(0.5 + v / pixel + 4 * rough, 0, 1)
    glow = np.clip(0.35 + 0.6 * lit + 1.2 * rough, 0.05, 1.2)[..., None]
    stone = (
        np.array([0.24, 0.21, 0.18], np.float32) * np.float32(rng.uniform(0.7, 1.2)) * (1 + rough[..., None])
    )
    return stone * (palette.sky * 0.55 + 0.8 * palette.sun * glow), cover


_KINDS = {"tree": _tree, "bush": _bush, "rock": _rock}
