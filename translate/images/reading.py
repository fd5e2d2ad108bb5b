"""Finding and reading: every way in which a file can be bad ends in one `BadImage`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from translate import files, tars
from translate.images.checks import MAX_PIXELS, complaints_as_bad_image, require_regular
from translate.images.decoding import (
    contents,
    decode_jpeg,
    flat,
    format_of,
    is_bare_jpeg,
    notes_of_suffix,
    opened,
)
from translate.images.formats import FORMATS, SUFFIXES
from translate.pillow import notes_of_picture, orientation_of


@dataclass(frozen=True)
class Picture:
    """A decoded picture: `pixels` uint8 `(H, W, 3)` sRGB, what was done to it, the file's real format.

    `alpha` is how opaque each pixel was, uint8 `(H, W)`; None where nothing says that any wasn't.
    """

    pixels: np.ndarray
    notes: tuple[str, ...]
    format: str
    alpha: np.ndarray | None = None


@dataclass(frozen=True)
class Header:
    """What a file says of itself before decoding: upright `(width, height)`, PIL mode, real format."""

    size: tuple[int, int]
    mode: str
    format: str


def find(root: str | Path) -> list[Path]:
    """Every picture file below `root`, by suffix, in natural order (`a2` before `a10`); see `files.find`.

    Raises:
        DataError: `root` is no folder, or a folder below can't be listed.
    """
    return files.find(Path(root), SUFFIXES)


def probe(path: str | Path) -> Header:
    """The header of a picture, without decoding it.

    Raises:
        BadImage: the file can't be opened or is no picture.
    """
    path = Path(path)
    with complaints_as_bad_image(path), notes_of_picture():
        require_regular(path)
        with tars.opened(path) as stream, Image.open(stream, formats=FORMATS) as image:
            # A PNG may keep its EXIF behind the pixels, and asking for it would decode them.
            late = image.format == "PNG" and "exif" not in image.info
            turned = not late and orientation_of(image, []) >= 5
            width, height = image.size
            size = (height, width) if turned else (width, height)
            return Header(size, image.mode, format_of(image))


def read(
    path: str | Path, *, background: tuple[int, int, int] = (255, 255, 255), max_pixels: int = MAX_PIXELS
) -> Picture:
    """Decode a picture file to upright 8-bit sRGB.

    By content, whatever the suffix says. ICC profiles are converted to sRGB, transparency is laid
    over `background`, 16-bit grey is shifted to 8, animations and multi-page files give their first
    frame. What a person may want to know of that is in `notes`.

    Args:
        path: a regular file, or a link to one.
        background: what shows through transparent pixels, RGB in 0..255.
        max_pixels: larger pictures are refused before anything is decoded.

    Raises:
        BadImage: with a one-line reason, for every file that can't be decoded completely.
    """
    path = Path(path)
    with complaints_as_bad_image(path):
        encoded = contents(path)
        if encoded is not None and is_bare_jpeg(encoded):
            pixels = decode_jpeg(path, encoded, max_pixels)
            if pixels is not None:
                return Picture(pixels, notes_of_suffix(path, "JPEG"), "JPEG")
        with opened(path, encoded, max_pixels) as file:
            pixels, alpha = file.ordinary_jpeg(max_pixels), None
            if pixels is None:
                pixels, alpha = flat(path, file.image, background, file.notes)
    return Picture(pixels, tuple(dict.fromkeys(file.notes)), file.format, alpha)


def from_pil(image: Image.Image, *, background: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """The pixels of a picture that Pillow holds, see `picture_from_pil`: uint8 `(H, W, 3)`, upright."""
    return picture_from_pil(image, background=background).pixels


def picture_from_pil(image: Image.Image, *, background: tuple[int, int, int] = (255, 255, 255)) -> Picture:
    """A picture that Pillow holds, of any mode, as `read` would give its file.

    Raises:
        BadImage: a mode that can't be read (see `read`), or a file behind it that can't be decoded.
    """
    path = Path(getattr(image, "filename", "") or "picture")
    with complaints_as_bad_image(path), notes_of_picture() as notes:
        pixels, alpha = flat(path, image, background, notes)
    return Picture(pixels, tuple(dict.fromkeys(notes)), image.format or "", alpha)
