"""A scene and a list of coats to pictures that differ in nothing but the coat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translate.data.savanna import markings
from translate.data.savanna.coats import COATS, Skin, paint
from translate.data.savanna.drawing import classes_with_animals, line_drawing
from translate.data.savanna.landscape import View, landscape
from translate.data.savanna.light import PALETTES, ShadowMap, Shelter, develop
from translate.data.savanna.mesh import Mesh, animal
from translate.data.savanna.noise import sample, texture
from translate.data.savanna.pose import pose
from translate.data.savanna.raster import Fragments, rasterise
from translate.data.savanna.scene import Scene
from translate.data.savanna.vectors import Array, dot, unit
from translate.errors import UsageError

Bytes = NDArray[np.uint8]

SMALLEST = 16


@dataclass(frozen=True)
class Rendering:
    """The pictures of one scene.

    Attributes:
        images: coat to (S, S, 3) uint8 sRGB.
        mask: (S, S) uint8, how much of each pixel the animals cover (255: all of it).
        classes: (S, S) uint8, what each pixel shows; numbers as in `landscape` (SKY, HILLS, …).
        edges: (S, S) uint8, dark lines on white, where asked for.
    """

    images: dict[str, Bytes]
    mask: Bytes
    classes: Bytes
    edges: Bytes | None


@dataclass(frozen=True)
class Surface:
    """What is seen of the animals, at each covered sample of the supersampled picture.

    Attributes:
        pixels: (N,) flat indices into the supersampled picture.
        owner: (N,) number of the animal.
        depth: (N,) metres.
        points, normals, body: (N, 3) world position, world normal, rest position.
        marks: (N, M) markings.
        openness: (N,) ambient occlusion.
    """

    pixels: NDArray[np.int64]
    owner: NDArray[np.int64]
    depth: Array
    points: Array
    normals: Array
    body: Array
    marks: Array
    openness: Array


def render_scene(
    scene: Scene, coats: Sequence[str], size: int, supersample: int = 2, edges: bool = False
) -> Rendering:
    """Render one scene in several coats.

    Args:
        scene: what to show.
        coats: names from `COATS`; an empty list gives only mask and classes.
        size: pixels a side, at least 16.
        supersample: samples a side within a pixel, for the animals (the landscape is smooth by itself).
        edges: whether to make the line drawing too.

    Raises:
        UsageError: an unknown coat, or a size or supersampling that can't be.
    """
    check_size(size)
    if supersample < 1:
        raise UsageError(f"savanna: supersample must be at least 1, but it is {supersample}.")
    for coat in coats:
        check_coat(coat)
    mesh = animal()
    herd = [pose(one, mesh) for one in scene.animals]
    points = np.concatenate([one.points for one in herd])
    normals = np.concatenate([one.normals for one in herd])
    faces = np.concatenate([mesh.faces + np.int32(i * len(mesh.points)) for i in range(len(herd))])

    sun = ShadowMap(points, faces, scene.light.direction, texel=0.03, softness=0.05)
    sky = Shelter(points)
    view = View.of(scene.camera, size)
    light, classes = landscape(scene, view, lambda p: (sun.on_ground(p), sky.on_ground(p)))
    backdrop = develop(light).reshape(-1, 3)

    fine = View.of(scene.camera, size * supersample)
    surface = _see(scene, fine, mesh, points, normals, faces)
    row, column = np.divmod(surface.pixels, fine.size)
    pixel = row // supersample * size + column // supersample
    cover = (np.bincount(pixel, minlength=size * size) / supersample**2).astype(np.float32)
    sunlight, skylight, gloss = _illuminate(scene, surface, sun)

    images = {}
    for coat in coats:
        colour = paint(coat, Skin(surface.body, surface.marks, scene.shade))
        shown = develop(colour * (sunlight + skylight) + gloss)
        sums = [np.bincount(pixel, shown[:, i], size * size) for i in range(3)]
        picture = backdrop * (1 - cover[:, None]) + np.stack(sums, 1) / supersample**2
        images[coat] = _bytes(picture).reshape(size, size, 3)
    mask = _bytes(cover).reshape(size, size)
    lines = None
    if edges:
        _, fine_classes = landscape(scene, fine, lambda p: (np.zeros(len(p)), np.zeros(len(p))))
        lines = line_drawing(fine_classes, surface, supersample)
    return Rendering(images, mask, classes_with_animals(classes, mask), lines)


def check_size(size: int) -> None:
    """Raise UsageError where no picture of this size can be made."""
    if size < SMALLEST:
        raise UsageError(f"savanna: the size must be at least {SMALLEST} pixels, but it is {size}.")


def check_coat(coat: str) -> None:
    """Raise UsageError, listing the valid names, where a coat is unknown."""
    if coat not in COATS:
        raise UsageError(f"savanna: there is no coat {coat!r}; the coats are {', '.join(COATS)}.")


def _see(
    scene: Scene, view: View, mesh: Mesh, points: Array, normals: Array, faces: NDArray[np.int32]
) -> Surface:
    xy, depth = view.project(points)
    seen = rasterise(xy, depth, faces, view.size, view.size)
    seen = _behind_grass(scene, seen, points)
    count = len(mesh.points)
    rest = Fragments(seen.pixels, seen.corners % count, seen.shares)
    return Surface(
        pixels=seen.pixels,
        owner=seen.corners[0] // count,
        depth=seen.read(depth),
        points=seen.read(points),
        normals=unit(seen.read(normals)),
        body=rest.read(mesh.points),
        marks=rest.read(mesh.markings),
        openness=rest.read(mesh.openness),
    )


def _behind_grass(scene: Scene, seen: Fragments, points: Array) -> Fragments:
    """Let blades of grass hide the lowest few centimetres of the hooves."""
    p = seen.read(points)
    blade = sample(texture(5, 0.25, 12), p[:, 0] / 4, p[:, 2] / 4)
    keep = p[:, 1] > np.float32(0.075 * scene.lushness) * blade
    return Fragments(seen.pixels[keep], seen.corners[:, keep], seen.shares[:, keep])


def _illuminate(scene: Scene, surface: Surface, sun: ShadowMap) -> tuple[Array, Array, Array]:
    """Sunlight and skylight that fall on each sample, and what it mirrors: (N, 3) each."""
    palette = PALETTES[scene.light.time]
    normals = surface.normals
    towards = np.asarray(scene.light.direction, np.float32)
    camera = scene.camera
    eye = unit(np.array([camera.x, camera.height, -camera.distance], np.float32) - surface.points)

    facing = dot(normals, towards)
    lit = np.clip(facing * 0.9 + 0.1, 0, 1) * sun.on_animal(surface.points, normals)
    sunlight = lit[:, None] * palette.sun
    up = (0.5 + 0.5 * normals[:, 1])[:, None]
    earth = np.array([0.20, 0.17, 0.09], np.float32) * (palette.sky + palette.sun * max(towards[1], 0.2))
    skylight = (earth + (palette.sky - earth) * up) * surface.openness[:, None]

    halfway = unit(eye + towards)
    shine = np.clip(dot(normals, halfway), 0, 1) ** 22 * lit
    rim = np.clip(1 - dot(normals, eye), 0, 1) ** 4 * surface.openness
    sleek = 1 - 0.7 * surface.marks[:, markings.HAIR]
    gloss = (0.055 * shine * sleek)[:, None] * palette.sun + (0.05 * rim)[:, None] * palette.sky
    return sunlight, skylight, gloss


def _bytes(values: Array) -> Bytes:
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
