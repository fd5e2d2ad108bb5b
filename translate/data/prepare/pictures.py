"""One file of a prepared set: its source as it is, or cut, resized, beside its partner."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from translate import images, tars
from translate.data import transforms
from translate.data.prepare.outputs import Output, Piece
from translate.data.shelf import region


def write_output(target: Path, output: Output) -> None:
    """Make one file.

    Args:
        target: where, with the suffix that was planned.

    Raises:
        BadImage: a source can't be read any more.
        OutputError: the disk is full.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    first = output.pieces[0]
    if output.copied:
        _copy(first.shot.path, target)
    elif len(output.pieces) == 2:
        _write_beside(target, output.pieces)
    elif first.is_map and first.shot.part == "whole":
        images.write_nearest(target, first.shot.path, first.box, first.goal)
    else:
        _write_alone(target, first)


def _copy(source: Path, target: Path) -> None:
    content = tars.read(source)
    if content is None:
        shutil.copyfile(source, target)
    else:
        target.write_bytes(content)


def _write_alone(target: Path, piece: Piece) -> None:
    """A picture with all that its file has beside the colours: transparency, 16 bit, EXIF, profile."""
    original = images.read_original(piece.shot.path, images.FORMAT_OF[target.suffix])
    frame = original.frames[0]
    alpha = None if frame.alpha is None else _cut(frame.alpha, piece)
    pixels = _resized(_cut(frame.pixels, piece), piece)
    pixels = images.grey(pixels) if piece.grey and not piece.is_map else pixels
    images.write_like(target, [pixels], replace(original, frames=(images.Frame(pixels, alpha),)))


def _write_beside(target: Path, pieces: tuple[Piece, ...]) -> None:
    """Both pictures of a pair in one; in 16 bits where both have them."""
    halves = [_opaque(piece, images.FORMAT_OF[target.suffix]) for piece in pieces]
    if any(half.dtype == np.uint8 for half in halves):
        halves = [images.eight_bits(half) for half in halves]
    both = np.concatenate([_resized(half, piece) for half, piece in zip(halves, pieces, strict=True)], 1)
    images.write_like(target, [both], images.Original((images.Frame(both),), (), ""))


def _opaque(piece: Piece, to: str) -> np.ndarray:
    path = piece.shot.path
    if to == "PNG":
        frame = images.read_original(path, to).frames[0]
        if frame.alpha is None:
            return _cut(frame.pixels, piece)
    return _cut(images.read(path).pixels, piece)


def _cut(pixels: np.ndarray, piece: Piece) -> np.ndarray:
    """The wanted part of `(H, W, …)`."""
    left, top, right, bottom = piece.box
    return np.ascontiguousarray(region(piece.shot.part, piece.shot.path, pixels)[top:bottom, left:right])


def _resized(pixels: np.ndarray, piece: Piece) -> np.ndarray:
    """uint8 or uint16 `(H, W, 3)` at its size to be."""
    size = (piece.goal[1], piece.goal[0])
    if pixels.dtype == np.uint8 or piece.is_map or pixels.shape[:2] == size:
        return transforms.resize(pixels, size, labels=piece.is_map)
    import torch

    planes = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]  # (1, C, H, W)
    scaled = torch.nn.functional.interpolate(planes, size, mode="bicubic", antialias=True)
    return scaled[0].permute(1, 2, 0).round_().clamp_(0, 65535).numpy().astype(np.uint16)
