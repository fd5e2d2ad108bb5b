"""Writing: a file appears whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from translate.errors import OutputError, UsageError
from translate.files import replacing
from translate.images.formats import FORMAT_OF, WRITABLE
from translate.pillow import first_line


def write(path: str | Path, pixels: np.ndarray, *, quality: int = 95) -> None:
    """Encode uint8 `(H, W, 3)`, `(H, W, 1)` or `(H, W)` in the format of the suffix; whole or not at all.

    PNG at compression level 1 (six times faster than the usual 6, a few per cent larger), JPEG
    without chroma subsampling, WebP lossy; `quality` 1..100 is for those two.

    Raises:
        UsageError: a suffix that can't be written.
        OutputError: the folder can't be written, the disk is full.
    """
    path = Path(path)
    if path.suffix.lower() not in WRITABLE:
        raise UsageError(f"{path}: pictures are written as {', '.join(sorted(WRITABLE))}; change the suffix.")
    encoded = encode(pixels, FORMAT_OF[path.suffix.lower()], quality=quality)
    with replacing(path) as temporary:
        temporary.write_bytes(encoded)


def encode(pixels: np.ndarray, name: str, *, quality: int = 95) -> bytes:
    """The bytes of a picture file in format `name` ("PNG", "JPEG", "WEBP", "BMP", "TIFF"); see `write`."""
    options: dict[str, dict[str, Any]] = {
        "PNG": {"compress_level": 1},
        "JPEG": {"quality": quality, "subsampling": 0},
        "WEBP": {"quality": quality},
        "TIFF": {"compression": "tiff_adobe_deflate"},
    }
    stream = io.BytesIO()
    plane = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    try:
        Image.fromarray(np.ascontiguousarray(plane)).save(stream, name, **options.get(name, {}))
    except (OSError, ValueError) as error:
        size = f"{pixels.shape[1]}×{pixels.shape[0]}"
        raise OutputError(f"{size} pixels can't be written as {name}: {first_line(error)}") from error
    return stream.getvalue()
