"""Writing: a file appears whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from translate.errors import OutputError, UsageError
from translate.files import replacing
from translate.images import libvips, scratch
from translate.images.formats import FORMAT_OF, WRITABLE
from translate.images.metadata import fitting
from translate.images.originals import Original
from translate.images.wide import encode_wide
from translate.pillow import first_line

_BICUBIC = 3  # rows on either side that resampling by it looks at, when it enlarges


def write(path: str | Path, pixels: np.ndarray, *, quality: int = 95) -> None:
    """Encode uint8 `(H, W, 3)`, `(H, W, 1)` or `(H, W)` in the format of the suffix; whole or not at all.

    PNG at compression level 1 (six times faster than the usual 6, a few per cent larger), JPEG
    without chroma subsampling, WebP lossy; `quality` 1..100 is for those two.

    Raises:
        UsageError: a suffix that can't be written.
        OutputError: the folder can't be written, the disk is full.
    """
    path = Path(path)
    name = _format(path)
    _put(path, encode(pixels, name, quality=quality))


def write_like(
    path: str | Path, outputs: Sequence[np.ndarray], original: Original, *, quality: int = 95
) -> None:
    """Write what was made of a file's frames, with the rest of that file; whole or not at all.

    Transparency is resampled to the outputs' size (bicubic). EXIF goes along without orientation and size,
    the profile where the outputs have colours, both as far as the format takes them.

    Args:
        outputs: uint8 or uint16 `(H, W, 1 or 3)`, one for each frame of `original`.
        original: what `read_original` gave for the format of `path`.

    Raises:
        UsageError: a suffix that can't be written.
        OutputError: the folder can't be written, the disk is full.
    """
    path = Path(path)
    name = _format(path)
    frames = [
        _with_alpha(output, frame.alpha) for output, frame in zip(outputs, original.frames, strict=True)
    ]
    kept = fitting(name, original.exif, original.profile, grey=outputs[0].shape[2] == 1)
    if len(frames) == 1 and scratch.is_large(frames[0].shape):
        _put_large(path, frames[0], name, quality, kept)
        return
    if frames[0].dtype == np.uint16:
        _put(path, encode_wide(frames[0], name, **_described(kept)))
        return
    several = {} if len(frames) == 1 else _as_animation(name, frames, original)
    _put(path, encode(frames[0], name, quality=quality, **kept, **several))


def _format(path: Path) -> str:
    if path.suffix.lower() not in WRITABLE:
        raise UsageError(f"{path}: pictures are written as {', '.join(sorted(WRITABLE))}; change the suffix.")
    return FORMAT_OF[path.suffix.lower()]


def _put(path: Path, encoded: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(encoded)


def _put_large(path: Path, pixels: np.ndarray, name: str, quality: int, kept: dict[str, Any]) -> None:
    """Write a picture strip by strip where libvips can, else without its file in memory, too."""
    with replacing(path) as temporary:
        if libvips.writes_large(pixels.shape, name):
            libvips.save(temporary, pixels, name, quality=quality, **_described(kept))
        elif pixels.dtype == np.uint16:
            temporary.write_bytes(encode_wide(pixels, name, **_described(kept)))
        elif name == "TIFF":  # libtiff writes by itself, and doesn't say that a disk is full
            temporary.write_bytes(encode(pixels, name, **kept))
        else:
            _save(temporary, pixels, name, quality, kept)


def _described(kept: dict[str, Any]) -> dict[str, Any]:
    """What of Pillow's options says something of the picture."""
    return {key: kept[key] for key in ("exif", "icc_profile") if key in kept}


def _with_alpha(pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """An output and its input's transparency, `(H, W, C + 1)`."""
    if alpha is None:
        return pixels
    height, width, channels = pixels.shape
    both = scratch.empty((height, width, channels + 1), pixels.dtype)
    for rows in scratch.strips(both.shape, both.itemsize):
        both[rows, :, :channels] = pixels[rows]
        both[rows, :, channels] = _enlarged(alpha, (height, width), rows)
    return both


def _enlarged(alpha: np.ndarray, size: tuple[int, int], rows: slice) -> np.ndarray:
    """Those rows of transparency resampled to `(H, W)`."""
    if alpha.shape == size:
        return alpha[rows]
    scale = len(alpha) / size[0]
    first, last = rows.start * scale, rows.stop * scale
    above = max(0, int(first) - _BICUBIC)
    seen = Image.fromarray(alpha[above : int(last) + _BICUBIC + 1].astype(np.float32))
    box = (0, first - above, alpha.shape[1], last - above)
    resized = seen.resize((size[1], rows.stop - rows.start), Image.Resampling.BICUBIC, box)
    return np.rint(np.asarray(resized)).clip(0, np.iinfo(alpha.dtype).max).astype(alpha.dtype)


def _as_animation(name: str, frames: Sequence[np.ndarray], original: Original) -> dict[str, Any]:
    """Pillow's options for all frames in one file."""
    rest = {"save_all": True, "append_images": [_image(frame) for frame in frames[1:]]}
    if name == "TIFF":
        return rest
    shown = frames[1:] if original.poster and name == "PNG" else frames
    # A GIF that doesn't say how often is shown once; PNG and WebP would take nothing said for ever.
    loop = {"loop": original.loop} if original.loop is not None else {} if name == "GIF" else {"loop": 1}
    clear = {"disposal": 2} if name == "GIF" and shown[0].shape[2] in (2, 4) else {}
    poster = {"default_image": True} if shown is not frames else {}
    durations = [frame.duration for frame in original.frames[-len(shown) :]]
    whole = durations if name == "PNG" else [round(duration) for duration in durations]
    return {**rest, **loop, **clear, **poster, "duration": whole}


def encode(pixels: np.ndarray, name: str, *, quality: int = 95, **more: Any) -> bytes:
    """The bytes of a picture file in format `name`, PNG, JPEG, WEBP, BMP, TIFF or GIF; see `write`.

    With two or four channels the last is transparency. `more` are Pillow's options for the format.
    """
    stream = io.BytesIO()
    _save(stream, pixels, name, quality, more)
    return stream.getvalue()


def _save(
    file: Path | io.BytesIO, pixels: np.ndarray, name: str, quality: int, more: Mapping[str, Any]
) -> None:
    options: dict[str, dict[str, Any]] = {
        "PNG": {"compress_level": 1},
        "JPEG": {"quality": quality, "subsampling": 0},
        "WEBP": {"quality": quality},
        "TIFF": {"compression": "tiff_adobe_deflate"},
    }
    try:
        _image(pixels).save(file, name, **{**options.get(name, {}), **more})
    except (OSError, ValueError, RuntimeError) as error:  # libtiff's are the last
        if isinstance(error, OSError) and error.errno:
            raise  # of the disk
        size = f"{pixels.shape[1]}×{pixels.shape[0]}"
        raise OutputError(f"{size} pixels can't be written as {name}: {first_line(error)}") from error


def _image(pixels: np.ndarray) -> Image.Image:
    plane = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    return Image.fromarray(np.ascontiguousarray(plane))
