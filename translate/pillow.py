"""What Pillow leaves to its callers: warnings by picture, its pixel limit, 16 bit, EXIF and ICC profiles.

For `images` alone, which is the one module that knows files.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

_ORIENTATION = 0x0112
_BITS_PER_SAMPLE = 0x0102
_PHOTOMETRIC = 0x0106
_LARGEST_PROFILE = 8 * 2**20  # bytes; press profiles have two or three millions, and some are kept at hand
_BROKEN_EXIF = "the EXIF block is broken and is ignored"


class _Warnings:
    """Pillow's warnings as notes of the picture at hand, from any number of threads.

    `warnings.catch_warnings` changes the whole process, so overlapping uses in threads would restore
    each other's state: here the first to come installs the hook and the last to go removes it.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._readers = 0
        self._mine = threading.local()
        self._saved: Any = None
        self._show: Any = None

    @contextmanager
    def __call__(self) -> Iterator[list[str]]:
        notes: list[str] = []
        self._mine.notes = notes
        with self._lock:
            self._readers += 1
            if self._readers == 1:
                self._install()
        try:
            yield notes
        finally:
            self._mine.notes = None
            with self._lock:
                self._readers -= 1
                if self._readers == 0:
                    self._saved.__exit__(None, None, None)

    def _install(self) -> None:
        self._saved = warnings.catch_warnings()
        self._saved.__enter__()
        self._show = warnings.showwarning
        warnings.filterwarnings("always", module=r"PIL\.")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit decides
        warnings.showwarning = self._collect

    def _collect(self, message: Any, category: Any, *details: Any, **more: Any) -> None:
        notes = getattr(self._mine, "notes", None)
        if notes is None:
            self._show(message, category, *details, **more)
        else:
            notes.append(first_line(message) if isinstance(message, Exception) else str(message))


notes_of_picture = _Warnings()


def first_line(error: Exception) -> str:
    """What an exception says, in one line; its kind where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def lift_pixel_limit(max_pixels: int) -> None:
    """Let Pillow open what the caller allows: its own guard is process-wide, and only ever raised here."""
    if Image.MAX_IMAGE_PIXELS is not None and max_pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = max_pixels


def white_is_zero(image: Image.Image) -> bool:
    """Whether a TIFF's grey levels are a negative's, which Pillow turns round in 8 bits, not in 16."""
    return getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0


def eight_bit(image: Image.Image) -> Image.Image:
    """16-bit grey to 8 bit (or grey with alpha) by shifting; Pillow's conversion clips above 255 to white."""
    samples = np.asarray(image)
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (16,))[0]
    levels = (samples >> max(bits - 8, 0)).clip(0, 255).astype(np.uint8)
    grey = Image.fromarray(255 - levels if white_is_zero(image) else levels)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey.putalpha(Image.fromarray(np.where(samples == transparent, 0, 255).astype(np.uint8)))
    return grey


def orientation_of(image: Image.Image, notes: list[str]) -> int:
    """EXIF orientation 1..8 that is still to be applied; 1, with a note, where the EXIF block is broken."""
    if image.format == "TIFF":
        return 1  # Pillow turns these itself, header and pixels
    if (image.info.get("exif") or b"Exif").lstrip(b"Exif\0")[:2] not in (b"", b"II", b"MM"):
        notes.append(_BROKEN_EXIF)
        return 1
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a broken block raises anything: struct.error, SyntaxError, KeyError…
        notes.append(_BROKEN_EXIF)
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def to_srgb(profile: bytes | None, notes: list[str]) -> Callable[[Image.Image], Image.Image]:
    """A conversion of L, RGB or CMYK with this profile to sRGB; a profile that can't be used is a note."""

    def convert(image: Image.Image) -> Image.Image:
        if profile and not (image.mode == "RGB" and is_srgb(profile)):
            try:
                _require_usable(profile)
                return ImageCms.applyTransform(image, _transform(profile, image.mode)) or image
            except (ImageCms.PyCMSError, ValueError, OSError):
                notes.append("the colour profile can't be used and is ignored")
        return image.convert("RGB")

    return convert


def _require_usable(profile: bytes) -> None:
    if len(profile) > _LARGEST_PROFILE:
        raise ValueError("a colour profile of that size is none")


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")


def is_srgb(profile: bytes) -> bool:
    """Whether a profile says that it is sRGB."""
    return len(profile) <= _LARGEST_PROFILE and _describes_srgb(profile)


@lru_cache(maxsize=16)
def _describes_srgb(profile: bytes) -> bool:
    try:
        described = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError):
        return False
    return described.strip().lower().startswith(("srgb", "c2"))  # "c2" is a widely used compact sRGB
