"""From an animal's parameters to its posed surface in the world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from translate.data.savanna import anatomy
from translate.data.savanna.mesh import Mesh
from translate.data.savanna.scene import Animal
from translate.data.savanna.vectors import Array, dot, transform, unit

# Footfalls of a walk: left hind, left fore, right hind, right fore.
_OFFSETS = {"hind_left": 0.0, "fore_left": 0.25, "hind_right": 0.5, "fore_right": 0.75}
_STANCE = 0.62


@dataclass(frozen=True)
class Posed:
    """An animal in the world: (V, 3) points in metres, y up, feet on y = 0, and (V, 3) unit normals."""

    points: Array
    normals: Array


def pose(animal: Animal, mesh: Mesh) -> Posed:
    """Bend, scale, turn and place the mesh at rest (linear blend skinning)."""
    bones = _bones(animal)
    # A row of the blended (3, 4) matrices a column of this: (12, V).
    blended = np.ascontiguousarray(transform(mesh.weights, bones.reshape(len(bones), 12)).T)
    shape = np.array([1, 1, animal.girth], np.float32)
    points = _apply(blended, mesh.points * shape) + blended[3::4].T
    normals = _apply(blended, mesh.normals / shape)
    points[:, 1] -= _ground(points, mesh.points)
    points *= np.float32(animal.scale)
    turn = _turn(animal.yaw)
    points = transform(points, turn.T) + np.array([animal.x, 0, animal.z], np.float32)
    normals = transform(normals, turn.T)
    return Posed(points, unit(normals))


def _ground(points: Array, rest: Array) -> Array:
    """Height of the ground under each vertex, in the animal's own frame, so that both pairs of feet stand."""
    feet = np.flatnonzero(rest[:, 1] < 0.25)
    fore = feet[rest[feet, 0] > 0]
    hind = feet[rest[feet, 0] < 0]
    a, b = (pair[np.argmin(points[pair, 1])] for pair in (hind, fore))
    rise = (points[b, 1] - points[a, 1]) / (points[b, 0] - points[a, 0])
    return points[a, 1] + rise * (points[:, 0] - points[a, 0])


def _apply(blended: Array, vectors: Array) -> Array:
    """Turn each vector by its own matrix, without the shift."""
    return np.stack([dot(blended[4 * i : 4 * i + 3].T, vectors) for i in range(3)], 1)


def _turn(yaw: float) -> Array:
    """Rotation about the upright axis; yaw 0 faces +x, positive turns away from the camera."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]], np.float32)


def _bend(pitch: float) -> Array:
    """Rotation in the animal's own sagittal plane; positive lifts what points forward."""
    c, s = np.cos(pitch), np.sin(pitch)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)


def _bones(animal: Animal) -> Array:
    """(bones, 3, 4) transforms from rest to pose, before scale and turn."""
    angles = _neck(animal) | _legs(animal) | _tail(animal)
    return _chain(angles)


def _chain(angles: dict[str, Array], last: str | None = None) -> Array:
    """Compose each bone's own rotation about its pivot with its parents', up to the `last` bone."""
    bones = anatomy.BONES if last is None else anatomy.BONES[: anatomy.INDEX[last] + 1]
    out = np.zeros((len(bones), 3, 4), np.float32)
    for i, bone in enumerate(bones):
        turn = angles.get(bone.name, np.eye(3, dtype=np.float32))
        pivot = np.asarray(bone.pivot, np.float32)
        local = np.concatenate([turn, (pivot - turn @ pivot)[:, None]], 1)
        if bone.parent is not None:
            parent = out[anatomy.INDEX[bone.parent]]
            local = parent[:, :3] @ local
            local[:, 3] += parent[:, 3]
        out[i] = local
    return out


def _neck(animal: Animal) -> dict[str, Array]:
    def angles(lower: float) -> dict[str, Array]:
        level = animal.head - 0.42 * lower
        side = _turn(animal.neck_turn * 0.45)
        return {
            "neck_base": side @ _bend(0.62 * lower),
            "neck_top": side @ _bend(0.38 * lower),
            "head": side @ _bend(level),
        }

    if animal.gait != "grazing":
        return angles(animal.neck)
    # The neck goes down until the lips meet the grass.
    high, low = 0.0, -2.3
    for _ in range(9):
        middle = 0.5 * (high + low)
        lips = _chain(angles(middle), last="head")[-1] @ np.array([*anatomy.MUZZLE, 1], np.float32)
        high, low = (middle, low) if lips[1] > 0.10 else (high, middle)
    return angles(high)


def _legs(animal: Animal) -> dict[str, Array]:
    angles: dict[str, Array] = {}
    for i, (leg, offset) in enumerate(_OFFSETS.items()):
        end, side = leg.split("_")
        if animal.gait == "walking":
            swing, flex = _step((animal.phase + offset) % 1.0, animal.stride)
        else:
            swing, flex = 0.55 * animal.stride * float(np.sin(2 * np.pi * animal.phase + 2.1 * i)), 0.0
        upper, middle, lower = (swing + 0.4 * flex, 0.0, -1.15 * flex)
        if end == "hind":
            upper, middle, lower = swing + 0.35 * flex, -0.75 * flex, 0.55 * flex
            angles[f"hind_mid_{side}"] = _bend(middle)
        angles[f"{end}_upper_{side}"] = _bend(upper)
        angles[f"{end}_lower_{side}"] = _bend(lower)
        flat = -(upper + middle + lower)
        angles[f"{end}_foot_{side}"] = _bend(0.75 * flat if flex == 0 else 0.3 * flat - 0.5 * flex)
    return angles


def _step(phase: float, stride: float) -> tuple[float, float]:
    """(swing, flex) of one leg: it pushes back while it stands, bends while it comes forward."""
    if phase < _STANCE:
        return stride * (1 - 2 * phase / _STANCE), 0.0
    forward = (phase - _STANCE) / (1 - _STANCE)
    return stride * (2 * forward - 1), 0.9 * float(np.sin(np.pi * forward)) * stride / 0.42


def _tail(animal: Animal) -> dict[str, Array]:
    swish = animal.tail
    return {
        "tail_base": _bend(-0.06 - 0.10 * abs(swish)) @ _turn(0.3 * swish),
        "tail_tip": _bend(0.15 * swish) @ _turn(0.9 * swish),
    }
