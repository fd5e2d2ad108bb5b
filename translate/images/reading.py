"""Finding and reading: every way in which a file can be bad ends in one `BadImage`."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

from translate import files
from translate.images.checks import (
    MAX_PIXELS,
    WITH_ALPHA,
    complaints_as_bad_image,
    require_complete,
    require_mode,
    require_regular,
    require_size,
)
from translate.images.formats import FORMAT_OF, FORMATS, SUFFIXES
from translate.pillow import (
    eight_bit,
    is_srgb,
    lift_pixel_limit,
    notes_of_picture,
    orientation_of,
    to_srgb,
)

_READ_AT_ONCE = 64 * 2**20  # bytes; larger files are streamed from disk
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_JPEG_START = b"\xff\xd8\xff"


@dataclass(frozen=True)
class Picture:
    """A decoded picture: `pixels` uint8 `(H, W, 3)` sRGB, what was done to it, the file's real format."""

    pixels: np.ndarray
    notes: tuple[str, ...]
    format: str


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
        with Image.open(path, formats=FORMATS) as image:
            # A PNG may keep its EXIF behind the pixels, and asking for it would decode them.
            late = image.format == "PNG" and "exif" not in image.info
            turned = not late and orientation_of(image, []) >= 5
            width, height = image.size
            size = (height, width) if turned else (width, height)
            return Header(size, image.mode, _format(image))


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
        encoded = path.read_bytes() if require_regular(path) <= _READ_AT_ONCE else None
        bare = encoded is not None and _is_bare_jpeg(encoded)
        if encoded is not None and bare:
            pixels = _decode_jpeg(path, encoded, max_pixels)
            if pixels is not None:
                return Picture(pixels, _notes_of_suffix(path, "JPEG"), "JPEG")
        with notes_of_picture() as notes, io.BytesIO(encoded) if encoded else path.open("rb") as stream:
            lift_pixel_limit(max_pixels)
            with Image.open(stream, formats=FORMATS) as image:
                require_size(path, image.size, max_pixels)
                name = _format(image)
                notes += _notes_of_suffix(path, name)
                require_complete(path, name, stream)
                pixels = None
                ordinary = image.format == "JPEG" and not bare and _is_upright_srgb(image, notes)
                if encoded is not None and ordinary:
                    pixels = _decode_jpeg(path, encoded, max_pixels)
                if pixels is None:
                    pixels = _decode(path, image, background, notes)
    return Picture(pixels, tuple(dict.fromkeys(notes)), name)


def _format(image: ImageFile.ImageFile) -> str:
    return {"MPO": "JPEG", None: "?"}.get(image.format, str(image.format))


def _notes_of_suffix(path: Path, name: str) -> tuple[str, ...]:
    claimed = FORMAT_OF.get(path.suffix.lower())
    return () if claimed in (None, name) else (f"a {name} file named {path.suffix}",)


def _is_bare_jpeg(encoded: bytes) -> bool:
    """A JPEG that says nothing of orientation or colour space, so that Pillow needn't look at it first."""
    return encoded.startswith(_JPEG_START) and b"Exif\0" not in encoded and b"ICC_PROFILE\0" not in encoded


def _is_upright_srgb(image: Image.Image, notes: list[str]) -> bool:
    profile = image.info.get("icc_profile")
    if profile and not is_srgb(profile):
        return False
    return "exif" not in image.info or orientation_of(image, notes) == 1


def _decode_jpeg(path: Path, encoded: bytes, max_pixels: int) -> np.ndarray | None:
    """Ordinary JPEGs: Pillow's pixels in 60 % of its time; None for those that Pillow shall judge."""
    import simplejpeg

    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(encoded)
        if colours not in ("YCbCr", "Gray"):
            return None
        require_size(path, (int(width), int(height)), max_pixels)
        return simplejpeg.decode_jpeg(encoded, "RGB", fastdct=False, fastupsample=False)
    except ValueError:  # also of damage that could be painted over
        return None


def _decode(path: Path, image: Image.Image, background: tuple[int, int, int], notes: list[str]) -> np.ndarray:
    if getattr(image, "is_animated", False) and image.format != "MPO":
        notes.append("several frames: the first is used")
    image.load()
    require_mode(path, image)
    orientation = orientation_of(image, notes)
    profile = image.info.get("icc_profile")
    upright: Image.Image = image
    if image.mode.startswith("I"):
        upright, profile = eight_bit(image), None
    flat = _flatten(upright, background, to_srgb(profile, notes))
    return np.array(flat.transpose(_UPRIGHT[orientation]) if orientation != 1 else flat)


def _flatten(
    image: Image.Image, background: tuple[int, int, int], convert: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    if image.mode not in WITH_ALPHA and not image.has_transparency_data:
        return convert(image.convert("RGB") if image.mode in ("1", "P", "RGBX", "YCbCr") else image)
    straight = image.convert("RGBA")
    colour = convert(straight.convert("RGB"))
    colour.putalpha(straight.getchannel("A"))
    return Image.alpha_composite(Image.new("RGBA", image.size, (*background, 255)), colour).convert("RGB")


def from_pil(image: Image.Image, *, background: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """A picture that Pillow holds, of any mode, as `read` would give its file: uint8 `(H, W, 3)`, upright.

    Raises:
        BadImage: a mode that can't be read (see `read`), or a file behind it that can't be decoded.
    """
    path = Path(getattr(image, "filename", "") or "picture")
    with complaints_as_bad_image(path), notes_of_picture() as notes:
        return _decode(path, image, background, notes)
