"""Sky, hills, ground and what grows and lies there: everything but the animals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translate.data.savanna.light import PALETTES, Palette, haze
from translate.data.savanna.noise import sample, smoothstep, texture
from translate.data.savanna.scene import Camera, Scene
from translate.data.savanna.things import draw
from translate.data.savanna.vectors import Array, dot, unit

SKY, HILLS, GROUND, ANIMAL, TREE, ROCK = range(6)


@dataclass(frozen=True)
class View:
    """A camera's rays through the pixel centres of a square picture.

    Attributes:
        camera: the camera.
        size: pixels a side.
        rays: (size, size, 3) float32; z is 1 along the view, so lengths differ.
    """

    camera: Camera
    size: int
    rays: Array

    @classmethod
    def of(cls, camera: Camera, size: int) -> View:
        """The view of a camera at a size in pixels."""
        steps = ((np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1) / camera.focal
        x, y = np.meshgrid(steps, -steps)
        c, s = np.cos(camera.pitch), np.sin(camera.pitch)
        return cls(camera, size, np.stack([x, y * c - s, y * s + c], -1).astype(np.float32))

    def project(self, points: Array) -> tuple[Array, Array]:
        """World points (N, 3) to pixel coordinates (N, 2), y down, and depth (N,) in metres."""
        camera = self.camera
        rel = points - np.array([camera.x, camera.height, -camera.distance], np.float32)
        c, s = np.float32(np.cos(camera.pitch)), np.float32(np.sin(camera.pitch))
        depth = rel[:, 2] * c - rel[:, 1] * s
        up = rel[:, 1] * c + rel[:, 2] * s
        half = np.float32(self.size / 2)
        scale = np.float32(camera.focal) * half / depth
        return np.stack([half + rel[:, 0] * scale, half - up * scale], 1), depth


Shade = Callable[[Array], tuple[Array, Array]]


def landscape(scene: Scene, view: View, shade: Shade) -> tuple[Array, NDArray[np.uint8]]:
    """Paint the scene without its animals.

    Args:
        scene: what to paint.
        view: from where.
        shade: for (N, 3) ground points, the (N,) shares of sunlight and of skylight that the animals take.

    Returns:
        (S, S, 3) linear light, and (S, S) uint8 classes (SKY, HILLS, GROUND, TREE, ROCK).
    """
    palette = PALETTES[scene.light.time]
    rays = view.rays
    slope = rays[..., 1] / np.hypot(rays[..., 0], rays[..., 2])
    pixel = np.float32(2 / (view.size * view.camera.focal))

    light = _sky(scene, palette, rays, slope)
    classes = np.zeros(slope.shape, np.uint8)
    azimuth = rays[..., 0] / rays[..., 2]
    for layer, height in enumerate(scene.relief):
        ridge = _ridge(scene, layer, azimuth[0], height)[None, :]
        cover = np.clip((ridge - slope) / pixel + 0.5, 0, 1)
        rows = np.flatnonzero(cover.max(1) > 0)
        hill = _hill(scene, palette, layer, azimuth[rows], slope[rows], ridge)
        light[rows] += (hill - light[rows]) * cover[rows][..., None]
        classes[cover >= 0.5] = HILLS
    cover = np.clip(-slope / pixel + 0.5, 0, 1)
    below = cover > 0
    ground = _ground(scene, palette, view, rays[below], shade)
    light[below] += (ground - light[below]) * cover[below][:, None]
    classes[cover >= 0.5] = GROUND

    for thing in scene.things:
        draw(thing, scene, view.project, light, classes, (TREE, ROCK))
    return light, classes


def _sky(scene: Scene, palette: Palette, rays: Array, slope: Array) -> Array:
    height = np.clip(slope, 0, 1)
    fade = np.exp(-height * 3.2)[..., None]
    light = palette.zenith + (palette.horizon - palette.zenith) * fade
    sun = np.asarray(scene.light.direction, np.float32)
    towards = np.clip(dot(unit(rays), sun), 0, 1)
    if scene.light.time != "overcast":
        light = light + palette.sun * (0.10 * towards**8 + 0.35 * towards**90)[..., None]
    # Clouds lie on a plane overhead, and dissolve in the haze.
    reach = 1 / np.maximum(slope + 0.10, 0.02)
    u = scene.offset[0] + rays[..., 0] * reach * 0.055
    v = scene.offset[1] + rays[..., 2] * reach * 0.085
    puff = sample(texture(1, 1.55), u, v)
    low = 0.74 - 0.46 * scene.light.clouds
    cover = smoothstep(low, low + 0.28, puff) * smoothstep(0.0, 0.14, slope)
    thick = smoothstep(low + 0.1, low + 0.5, puff)[..., None]
    return light + (palette.cloud * (1 - 0.35 * thick) - light) * (0.9 * cover)[..., None]


def _ridge(scene: Scene, layer: int, azimuth: Array, height: float) -> Array:
    """Elevation of a range of hills over a row of azimuths, radians."""
    u = azimuth * (0.16 + 0.14 * layer) + scene.offset[layer]
    wave = sample(texture(2, 1.9), u, np.full_like(u, scene.offset[1 - layer]))
    return np.maximum(height * (0.25 + 1.5 * wave), 0).astype(np.float32)


def _hill(scene: Scene, palette: Palette, layer: int, azimuth: Array, slope: Array, ridge: Array) -> Array:
    """A range of hills: woods and clearings, veiled by the air, most of all at the foot of the far range."""
    u = azimuth * (0.9 + 0.9 * layer) + scene.offset[1]
    woods = sample(texture(4, 0.8, 6), u, slope * (6 + 3 * layer) + scene.offset[layer])
    sunny = palette.sky + 0.45 * palette.sun
    lit = (_MEADOW + (_WOOD - _MEADOW) * smoothstep(0.35, 0.65, woods)[..., None]) * sunny
    foot = 1 - np.clip(slope / np.maximum(ridge, 1e-3), 0, 1)
    veil = (0.70, 0.30)[layer] + (0.16, 0.12)[layer] * foot
    far = haze(palette) * np.array([0.74, 0.85, 1.0], np.float32)
    return lit + (far - lit) * veil[..., None]


_MEADOW = np.array([0.150, 0.145, 0.060], np.float32)
_WOOD = np.array([0.050, 0.075, 0.030], np.float32)


def _ground(scene: Scene, palette: Palette, view: View, rays: Array, shade: Shade) -> Array:
    camera = view.camera
    reach = np.minimum(camera.height / np.maximum(-rays[:, 1], 1e-4), 400).astype(np.float32)
    points = rays * reach[:, None]
    points[:, 0] += camera.x
    points[:, 1] = 0
    points[:, 2] -= camera.distance
    x, z = points[:, 0], points[:, 2]
    footprint = reach * np.float32(2 / (view.size * camera.focal))

    albedo = _grass(scene, x, z, reach, footprint)
    sun_taken, sky_taken = shade(points)
    for thing in scene.things:
        sun_taken = np.maximum(sun_taken, _cast(scene, thing, x, z))
    sun = palette.sun * np.float32(scene.light.direction[1] * 0.75 + 0.25)
    sunlit = (1 - 0.92 * sun_taken)[:, None] * sun
    light = albedo * (sunlit + palette.sky * (1 - 0.75 * sky_taken)[:, None])
    # At the horizon the plain turns into the foot of the near hills.
    veil = 0.42 * (1 - np.exp(-reach * 0.010))[:, None]
    return light + (haze(palette) * np.array([0.80, 0.88, 1.0], np.float32) - light) * veil


def _grass(scene: Scene, x: Array, z: Array, reach: Array, footprint: Array) -> Array:
    """Reflectance of the ground: meadows, bare patches, tussocks, blades; the finer fade with distance."""
    ou, ov = scene.offset
    wide = sample(texture(1, 1.55), x / 38 + ou, z / 38 + ov) - 0.5
    tussock = sample(texture(4, 0.8, 6), x / 7.5 + ov, z / 7.5 + ou) - 0.5
    # Blades stand up: they are longer on screen than the ground under them is deep.
    blades = sample(texture(5, 0.25, 12), x / 6.0 + ou, np.log(reach) * 0.55 + ov) - 0.5
    tips = sample(texture(5, 0.25, 12), x / 2.3 + ov, np.log(reach) * 1.3 + ou) - 0.5
    dry = np.clip(scene.dryness + scene.lushness * (1.5 * wide + 0.6 * tussock), 0, 1)[:, None]
    fresh = np.array([0.105, 0.170, 0.030], np.float32)
    straw = np.array([0.330, 0.235, 0.088], np.float32)
    soil = np.array([0.230, 0.140, 0.075], np.float32)
    colour = fresh + (straw - fresh) * dry
    bare = smoothstep(0.30, 0.62, scene.dryness * 0.35 - 1.4 * wide - 0.5 * tussock)[:, None]
    colour = colour + (soil - colour) * bare * 0.7
    fine = 1 / (1 + (footprint / 0.05) ** 2)
    coarse = 1 / (1 + (footprint / 0.30) ** 2)
    tint = 1 + (0.9 * blades + 0.9 * tips) * fine + 0.7 * tussock * coarse + 0.5 * wide
    return colour * np.maximum(tint, 0.2)[:, None]


def _cast(scene: Scene, thing, x: Array, z: Array) -> Array:
    """The shadow of a tree, bush or rock: a soft ellipse down-sun of it."""
    sx, sy, sz = scene.light.direction
    lift = {"tree": 0.78, "bush": 0.4, "rock": 0.3}[thing.kind] * thing.height
    radius = {"tree": 0.62, "bush": 0.6, "rock": 0.75}[thing.kind] * thing.height
    away = lift / max(sy, 0.2)
    dx, dz = x - thing.x + sx * away, z - thing.z + sz * away
    return 0.85 * smoothstep(1.15, 0.5, (dx * dx + dz * dz) / np.float32(radius * radius))
