"""The animal at rest: its bones, and the flesh around them as smoothly joined round shapes.

Metres; x points forward, y up, z to the animal's side; the ground is y = 0 and the withers stand
at about 1.58. Everything else (pose, coat, light) is derived from this table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from translate.data.savanna.vectors import Array

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Bone:
    """A joint: what it hangs from (None: the trunk itself) and where it turns, at rest."""

    name: str
    parent: str | None
    pivot: Point


@dataclass(frozen=True)
class Part:
    """A tapered capsule from `a` to `b`, or an ellipsoid about `a` when `radii` is given.

    Attributes:
        bone: the bone that carries it.
        a, b: the ends (a capsule), or the centre twice (an ellipsoid).
        ra, rb: the radii at the ends.
        flat: lateral thickness over the radius (1 is round).
        radii: semi-axes of an ellipsoid.
        blend: how far it melts into its neighbours, in metres.
        hair: whether it is mane or tail.
    """

    bone: str
    a: Point
    b: Point
    ra: float = 0.0
    rb: float = 0.0
    flat: float = 1.0
    radii: Point | None = None
    blend: float = 0.06
    hair: bool = False


def _leg_bones(side: str, z: float) -> tuple[Bone, ...]:
    return (
        Bone(f"fore_upper_{side}", "trunk", (0.50, 1.06, z)),
        Bone(f"fore_lower_{side}", f"fore_upper_{side}", (0.50, 0.52, z)),
        Bone(f"fore_foot_{side}", f"fore_lower_{side}", (0.49, 0.18, z)),
        Bone(f"hind_upper_{side}", "trunk", (-0.50, 1.22, z)),
        Bone(f"hind_mid_{side}", f"hind_upper_{side}", (-0.42, 0.95, z)),
        Bone(f"hind_lower_{side}", f"hind_mid_{side}", (-0.72, 0.58, z)),
        Bone(f"hind_foot_{side}", f"hind_lower_{side}", (-0.70, 0.18, z)),
    )


BONES: tuple[Bone, ...] = (
    Bone("trunk", None, (0.0, 1.2, 0.0)),
    Bone("neck_base", "trunk", (0.50, 1.30, 0.0)),
    Bone("neck_top", "neck_base", (0.76, 1.60, 0.0)),
    Bone("head", "neck_top", (1.070, 1.950, 0.0)),
    Bone("tail_base", "trunk", (-0.80, 1.42, 0.0)),
    Bone("tail_tip", "tail_base", (-0.92, 1.10, 0.0)),
    *_leg_bones("left", 0.15),
    *_leg_bones("right", -0.15),
)
INDEX: dict[str, int] = {bone.name: i for i, bone in enumerate(BONES)}
MUZZLE: Point = (1.500, 1.490, 0.0)
EYE: Point = (1.195, 1.915, 0.083)
NOSTRIL: Point = (1.495, 1.555, 0.048)


def _ball(bone: str, centre: Point, radii: Point, blend: float = 0.08) -> Part:
    return Part(bone, centre, centre, radii=radii, blend=blend)


_MIDDLE: tuple[Part, ...] = (
    _ball("trunk", (0.16, 1.19, 0.0), (0.56, 0.36, 0.285), 0.0),
    _ball("trunk", (-0.18, 1.20, 0.0), (0.52, 0.285, 0.285), 0.10),
    _ball("trunk", (-0.50, 1.28, 0.0), (0.33, 0.26, 0.24), 0.10),
    _ball("trunk", (0.56, 1.14, 0.0), (0.19, 0.24, 0.18), 0.10),
    Part("trunk", (0.44, 1.46, 0.0), (0.10, 1.45, 0.0), 0.095, 0.06, flat=0.7, blend=0.12),
    Part("neck_base", (0.46, 1.27, 0.0), (0.75, 1.57, 0.0), 0.255, 0.175, flat=0.60, blend=0.10),
    Part("neck_top", (0.75, 1.57, 0.0), (1.060, 1.930, 0.0), 0.175, 0.118, flat=0.62, blend=0.05),
    Part("head", (1.090, 1.950, 0.0), (1.190, 1.850, 0.0), 0.105, 0.115, flat=0.74, blend=0.05),
    Part("head", (1.170, 1.880, 0.0), (1.440, 1.590, 0.0), 0.100, 0.066, flat=0.72, blend=0.04),
    _ball("head", (1.160, 1.825, 0.0), (0.125, 0.115, 0.080), 0.04),
    Part("head", (1.440, 1.580, 0.0), (1.475, 1.535, 0.0), 0.074, 0.064, flat=0.84, blend=0.03),
    Part("neck_base", (0.34, 1.54, 0.01), (0.60, 1.70, 0.02), 0.055, 0.075, flat=0.6, blend=0.05, hair=True),
    Part("neck_top", (0.60, 1.70, 0.02), (1.00, 2.08, 0.01), 0.075, 0.055, flat=0.6, blend=0.05, hair=True),
    Part(
        "neck_base", (0.50, 1.55, 0.115), (0.67, 1.65, 0.10), 0.085, 0.100, flat=0.32, blend=0.04, hair=True
    ),
    Part("neck_top", (0.67, 1.65, 0.10), (0.98, 1.99, 0.065), 0.100, 0.060, flat=0.32, blend=0.04, hair=True),
    Part("head", (1.070, 2.065, 0.0), (1.170, 1.975, 0.0), 0.035, 0.028, blend=0.02, hair=True),
    Part("tail_base", (-0.79, 1.43, 0.0), (-0.92, 1.12, 0.0), 0.045, 0.068, blend=0.03, hair=True),
    Part("tail_tip", (-0.92, 1.12, 0.0), (-0.96, 0.78, 0.0), 0.070, 0.075, blend=0.03, hair=True),
    Part("tail_tip", (-0.96, 0.78, 0.0), (-0.97, 0.56, 0.0), 0.075, 0.018, blend=0.03, hair=True),
)


def _side(side: str, s: float) -> tuple[Part, ...]:
    """The paired parts of one side; `s` is the sign of z."""
    z = 0.15 * s
    fore, hind = f"fore_{{}}_{side}".format, f"hind_{{}}_{side}".format
    return (
        _ball("trunk", (0.47, 1.20, 0.135 * s), (0.19, 0.31, 0.115), 0.10),
        _ball("trunk", (-0.54, 1.19, 0.125 * s), (0.25, 0.28, 0.135), 0.10),
        Part(
            "head", (1.065, 2.035, 0.052 * s), (1.075, 2.110, 0.070 * s), 0.030, 0.036, flat=0.7, blend=0.02
        ),
        Part(
            "head", (1.075, 2.110, 0.070 * s), (1.100, 2.205, 0.082 * s), 0.036, 0.008, flat=0.7, blend=0.01
        ),
        Part(fore("upper"), (0.48, 1.02, z), (0.505, 0.72, z), 0.125, 0.075, blend=0.10),
        Part(fore("upper"), (0.505, 0.72, z), (0.51, 0.54, z), 0.075, 0.054, blend=0.03),
        Part(fore("lower"), (0.515, 0.525, z), (0.51, 0.47, z), 0.057, 0.050, blend=0.02),
        Part(fore("lower"), (0.505, 0.47, z), (0.495, 0.21, z), 0.040, 0.036, blend=0.02),
        Part(fore("lower"), (0.487, 0.19, z), (0.495, 0.165, z), 0.048, 0.044, blend=0.02),
        Part(fore("foot"), (0.50, 0.165, z), (0.54, 0.085, z), 0.040, 0.042, blend=0.02),
        Part(fore("foot"), (0.54, 0.085, z), (0.56, 0.045, z), 0.046, 0.062, blend=0.01),
        Part(hind("upper"), (-0.50, 1.16, z), (-0.43, 0.97, z), 0.225, 0.150, flat=0.62, blend=0.08),
        Part(hind("mid"), (-0.45, 0.97, z), (-0.62, 0.72, z), 0.150, 0.078, flat=0.72, blend=0.06),
        Part(hind("mid"), (-0.62, 0.72, z), (-0.71, 0.59, z), 0.075, 0.056, flat=0.85, blend=0.03),
        Part(hind("lower"), (-0.745, 0.625, z), (-0.72, 0.53, z), 0.045, 0.056, flat=0.85, blend=0.02),
        Part(hind("lower"), (-0.72, 0.53, z), (-0.71, 0.21, z), 0.046, 0.038, blend=0.02),
        Part(hind("lower"), (-0.712, 0.19, z), (-0.70, 0.165, z), 0.050, 0.046, blend=0.02),
        Part(hind("foot"), (-0.70, 0.165, z), (-0.655, 0.085, z), 0.042, 0.043, blend=0.02),
        Part(hind("foot"), (-0.655, 0.085, z), (-0.635, 0.045, z), 0.046, 0.061, blend=0.01),
    )


PARTS: tuple[Part, ...] = (*_MIDDLE, *_side("left", 1.0), *_side("right", -1.0))


def distance(part: Part, p: Array) -> Array:
    """Approximate signed distance from points to one part.

    Args:
        part: the part.
        p: (..., 3) points at rest, metres.

    Returns:
        (...) float32, negative inside.
    """
    a = np.asarray(part.a, np.float32)
    if part.radii is not None:
        radii = np.asarray(part.radii, np.float32)
        q = (p - a) / radii
        k0 = np.sqrt((q * q).sum(-1))
        k1 = np.sqrt(((q / radii) ** 2).sum(-1))
        return k0 * (k0 - 1) / np.maximum(k1, 1e-6)
    scale = np.array([1, 1, 1 / part.flat], np.float32)
    along = (np.asarray(part.b, np.float32) - a) * scale
    q = (p - a) * scale
    h = np.clip(q @ along / (along @ along), 0, 1)
    gap = q - h[..., None] * along
    return np.sqrt((gap * gap).sum(-1)) - (part.ra + (part.rb - part.ra) * h)


def join(d: Array, e: Array, blend: float) -> Array:
    """Smooth union of two signed distances (polynomial; `blend` in metres, 0 is the plain minimum)."""
    if blend <= 0:
        return np.minimum(d, e)
    h = np.maximum(blend - np.abs(d - e), 0) / np.float32(blend)
    return np.minimum(d, e) - h * h * np.float32(0.25 * blend)


def box(part: Part, margin: float) -> tuple[Array, Array]:
    """The corners of a box, (3,) each, that holds the part and `margin` metres around it."""
    reach = np.asarray(part.radii or [max(part.ra, part.rb)] * 3, np.float32) + np.float32(margin)
    return (np.minimum(part.a, part.b) - reach).astype(np.float32), np.maximum(part.a, part.b) + reach


def body(p: Array, margin: float = 0.14) -> Array:
    """Signed distance to the whole animal at rest.

    Args:
        p: (N, 3) points, metres.
        margin: a part is only evaluated this near to it; farther points answer `margin`.

    Returns:
        (N,) float32, metres, negative inside.
    """
    d = np.full(len(p), margin, np.float32)
    columns = np.ascontiguousarray(p.T)
    for part in PARTS:
        low, high = box(part, margin)
        inside = [(x > lo) & (x < hi) for x, lo, hi in zip(columns, low, high, strict=True)]
        near = np.flatnonzero(inside[0] & inside[1] & inside[2])
        d[near] = join(d[near], distance(part, p[near]), part.blend)
    return d
