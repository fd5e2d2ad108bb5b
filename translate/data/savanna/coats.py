"""Coats: from the fields over the body to reflected colour."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from translate.data.savanna import anatomy
from translate.data.savanna import markings as m
from translate.data.savanna.noise import smoothstep
from translate.data.savanna.vectors import Array, dot
from translate.errors import UsageError


class Skin(NamedTuple):
    """Points of the animal's surface: (N, 3) rest positions, (N, M) markings, and the scene's shade."""

    body: Array
    marks: Array
    shade: float


def paint(coat: str, skin: Skin) -> Array:
    """Linear reflectance (N, 3), float32 in [0, 1], of a coat at points of the skin."""
    if coat not in _PAINTERS:
        raise UsageError(f"savanna: there is no coat {coat!r}; the coats are {', '.join(COATS)}.")
    colour = _PAINTERS[coat](skin)
    return np.clip(_features(colour, skin.body), 0, 1)


def _rgb(*values: float) -> Array:
    return np.array(values, np.float32)


def _mix(a: Array, b: Array, t: Array) -> Array:
    return a + (b - a) * t[:, None]


def _plain(skin: Skin, base: Array, hair: Array, legs: Array, muzzle: Array, hoof: Array) -> Array:
    """One colour with its own mane and tail, lower legs, muzzle and hooves."""
    marks = skin.marks
    grain = (1 + 0.10 * marks[:, m.GRAIN])[:, None] * np.float32(skin.shade)
    colour = _mix(base * grain, base * grain * 1.25, marks[:, m.BELLY] * 0.4)
    colour = _mix(colour, legs, marks[:, m.LOWER_LEG])
    colour = _mix(colour, muzzle, marks[:, m.MUZZLE] * 0.85)
    colour = _mix(colour, hair * grain, marks[:, m.HAIR])
    return _mix(colour, hoof, marks[:, m.HOOF])


_DARK_HOOF, _PALE_HOOF = _rgb(0.035, 0.03, 0.028), _rgb(0.22, 0.17, 0.12)


def _chestnut(skin: Skin) -> Array:
    return _plain(
        skin,
        base=_rgb(0.185, 0.052, 0.017),
        hair=_rgb(0.115, 0.031, 0.011),
        legs=_rgb(0.150, 0.044, 0.015),
        muzzle=_rgb(0.12, 0.045, 0.025),
        hoof=_DARK_HOOF,
    )


def _black(skin: Skin) -> Array:
    dark = _rgb(0.018, 0.016, 0.017)
    return _plain(skin, base=dark * 1.15, hair=dark * 0.8, legs=dark, muzzle=dark * 0.9, hoof=_DARK_HOOF)


def _grey(skin: Skin) -> Array:
    dapple = 1 + 0.10 * smoothstep(0.2, 0.8, skin.marks[:, m.GRAIN])
    colour = _plain(
        skin,
        base=_rgb(0.38, 0.385, 0.40),
        hair=_rgb(0.22, 0.22, 0.235),
        legs=_rgb(0.13, 0.13, 0.14),
        muzzle=_rgb(0.10, 0.095, 0.10),
        hoof=_DARK_HOOF,
    )
    return colour * dapple[:, None]


def _palomino(skin: Skin) -> Array:
    return _plain(
        skin,
        base=_rgb(0.55, 0.315, 0.095),
        hair=_rgb(0.80, 0.72, 0.56),
        legs=_rgb(0.60, 0.42, 0.20),
        muzzle=_rgb(0.30, 0.19, 0.12),
        hoof=_PALE_HOOF,
    )


def _piebald(skin: Skin) -> Array:
    black, white = _rgb(0.020, 0.018, 0.018), _rgb(0.74, 0.72, 0.69)
    marks = skin.marks
    patch = smoothstep(-0.05, 0.05, marks[:, m.PATCH])
    # Head mostly dark, legs white from the knee down, as piebald horses usually are.
    patch = np.maximum(patch, smoothstep(1.09, 1.17, skin.body[:, 0]) * smoothstep(1.3, 1.4, skin.body[:, 1]))
    patch = patch * (1 - smoothstep(0.80, 0.70, skin.body[:, 1]))
    colour = _mix(np.broadcast_to(white, (len(patch), 3)), black, patch)
    return _mix(colour * (1 + 0.06 * marks[:, m.GRAIN])[:, None], _PALE_HOOF, marks[:, m.HOOF])


def _zebra(skin: Skin) -> Array:
    black, white = _rgb(0.014, 0.013, 0.013), _rgb(0.80, 0.78, 0.73)
    marks = skin.marks
    wave = np.sin(2 * np.pi * marks[:, m.STRIPE])
    dark = smoothstep(-0.16, 0.16, wave + 0.02 - 0.9 * marks[:, m.BELLY])
    dark = np.maximum(dark, marks[:, m.MUZZLE])
    tuft = smoothstep(0.95, 0.80, skin.body[:, 1]) * smoothstep(-0.84, -0.88, skin.body[:, 0])
    dark = np.maximum(dark, tuft * marks[:, m.HAIR])
    return _mix(_mix(np.broadcast_to(white, (len(dark), 3)), black, dark), _DARK_HOOF, marks[:, m.HOOF])


def _giraffe(skin: Skin) -> Array:
    marks = skin.marks
    patch = smoothstep(0.10, 0.20, marks[:, m.SPOT])
    patch = patch * (1 - 0.75 * smoothstep(0.45, 0.25, skin.body[:, 1]))
    brown = _rgb(0.32, 0.115, 0.030) * (1 + 0.18 * marks[:, m.GRAIN])[:, None]
    colour = _mix(np.broadcast_to(_rgb(0.76, 0.62, 0.38), brown.shape), brown, patch)
    colour = _mix(
        colour, _rgb(0.20, 0.11, 0.06), np.maximum(marks[:, m.HAIR] * 0.7, marks[:, m.MUZZLE] * 0.5)
    )
    return _mix(colour, _DARK_HOOF, marks[:, m.HOOF])


def _features(colour: Array, body: Array) -> Array:
    """Eyes, nostrils and the dark inside of the ears, which every coat has."""
    mirrored = body * _rgb(1, 1, 0) + np.abs(body) * _rgb(0, 0, 1)
    dark = _rgb(0.012, 0.010, 0.010)
    for centre, radius in ((anatomy.EYE, 0.030), (anatomy.NOSTRIL, 0.022)):
        offset = mirrored - np.asarray(centre, np.float32)
        gap = np.sqrt(dot(offset, offset))
        colour = _mix(colour, dark, smoothstep(radius * 1.25, radius * 0.75, gap))
    return colour


_PAINTERS: dict[str, Callable[[Skin], Array]] = {
    "chestnut": _chestnut,
    "black": _black,
    "grey": _grey,
    "palomino": _palomino,
    "piebald": _piebald,
    "zebra": _zebra,
    "giraffe": _giraffe,
}
COATS: tuple[str, ...] = tuple(_PAINTERS)
HORSES: tuple[str, ...] = ("chestnut", "black", "grey", "palomino", "piebald")
