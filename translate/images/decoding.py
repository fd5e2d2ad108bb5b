"""From the bytes of a file to upright arrays."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

from translate import tars
from translate.images.checks import (
    WITH_ALPHA,
    formats_for,
    require_complete,
    require_mode,
    require_regular,
    require_size,
)
from translate.images.formats import FORMAT_OF, HOLDING_ALPHA
from translate.images.scratch import is_large
from translate.pillow import eight_bit, is_srgb, lift_pixel_limit, notes_of_picture, orientation_of, to_srgb

_READ_AT_ONCE = 64 * 2**20  # bytes; larger files are streamed from disk
_UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, 3),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}
_BACK = {6: 8, 8: 6}  # all others undo themselves
_JPEG_START = b"\xff\xd8\xff"

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Opened:
    """A file that Pillow has looked at and not decoded: `encoded` is None of very large ones."""

    path: Path
    image: ImageFile.ImageFile
    encoded: bytes | None
    format: str
    notes: list[str]

    def ordinary_jpeg(self, max_pixels: int) -> np.ndarray | None:
        """The pixels of an upright JPEG in sRGB by the fast decoder; None of anything else."""
        ordinary = self.image.format == "JPEG" and _is_upright_srgb(self.image, self.notes)
        if self.encoded is None or not ordinary or is_bare_jpeg(self.encoded):
            return None
        return decode_jpeg(self.path, self.encoded, max_pixels)


def contents(path: Path) -> bytes | None:
    """What a regular file holds, or None where that is very much and no member of a tar file."""
    size = require_regular(path)
    member = tars.read(path)
    if member is not None:
        return member
    return path.read_bytes() if size <= _READ_AT_ONCE else None


@contextmanager
def opened(path: Path, encoded: bytes | None, max_pixels: int) -> Iterator[Opened]:
    """Let Pillow look at a file, and refuse what needn't be decoded for that."""
    with notes_of_picture() as notes, io.BytesIO(encoded) if encoded else path.open("rb") as stream:
        lift_pixel_limit(max_pixels)
        with Image.open(stream, formats=formats_for(stream)) as image:
            require_size(path, image.size, max_pixels)
            name = format_of(image)
            notes += notes_of_suffix(path, name)
            require_complete(path, name, stream)
            yield Opened(path, image, encoded, name, notes)


def format_of(image: ImageFile.ImageFile) -> str:
    """A file's real format."""
    return {"MPO": "JPEG", None: "?"}.get(image.format, str(image.format))


def notes_of_suffix(path: Path, name: str) -> tuple[str, ...]:
    """What there is to say of a name that claims another format."""
    claimed = FORMAT_OF.get(path.suffix.lower())
    return () if claimed in (None, name) else (f"a {name} file named {path.suffix}",)


def is_bare_jpeg(encoded: bytes) -> bool:
    """A JPEG that says nothing of orientation or colour space, so that Pillow needn't look at it first."""
    return encoded.startswith(_JPEG_START) and b"Exif\0" not in encoded and b"ICC_PROFILE\0" not in encoded


def _is_upright_srgb(image: Image.Image, notes: list[str]) -> bool:
    profile = image.info.get("icc_profile")
    if profile and not is_srgb(profile):
        return False
    return "exif" not in image.info or orientation_of(image, notes) == 1


def decode_jpeg(path: Path, encoded: bytes, max_pixels: int, *, also_large: bool = True) -> np.ndarray | None:
    """Ordinary JPEGs: Pillow's pixels in 60 % of its time; None for those that Pillow shall judge."""
    import simplejpeg

    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(encoded)
        if colours not in ("YCbCr", "Gray"):
            return None
        require_size(path, (int(width), int(height)), max_pixels)
        if not also_large and is_large((int(height), int(width))):
            return None
        return simplejpeg.decode_jpeg(encoded, "RGB", fastdct=False, fastupsample=False)
    except ValueError:  # also of damage that could be painted over
        return None


def flat(
    path: Path, image: Image.Image, background: tuple[int, int, int], notes: list[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """A file's first picture over `background`, uint8 `(H, W, 3)` sRGB, and its transparency; upright."""
    if several(image):
        notes.append("several frames: the first is used")
    colour, alpha = straight(path, image, notes)
    if alpha is not None:
        colour = over(colour, alpha, background)
    turn = turned(image, notes)
    return np.ascontiguousarray(turn(colour)), None if alpha is None else np.ascontiguousarray(turn(alpha))


def several(image: Image.Image) -> bool:
    """Whether it is an animation or a document; the second pictures of cameras' JPEGs are none."""
    return bool(getattr(image, "is_animated", False)) and image.format != "MPO"


def turned(image: Image.Image, notes: list[str]) -> Callable[[np.ndarray], np.ndarray]:
    """What makes this picture's arrays upright."""
    return _UPRIGHT[orientation_of(image, notes)]


def as_stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """A view of an upright array in which its rows are those of the file."""
    return _UPRIGHT[_BACK.get(orientation, orientation)](upright)


def straight(path: Path, image: Image.Image, notes: list[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """Colour, uint8 `(H, W, 3)` sRGB, and transparency, uint8 `(H, W)` if there is any; not yet upright."""
    image.load()
    require_mode(path, image)
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        image, profile = eight_bit(image), None
    return parted(image, to_srgb(profile, notes))


def parted(
    image: Image.Image, convert: Callable[[Image.Image], Image.Image]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Colour and transparency as `straight` gives them; `convert` is from L, RGB or CMYK to sRGB."""
    if image.mode not in WITH_ALPHA and not image.has_transparency_data:
        plain = image.convert("RGB") if image.mode in ("1", "P", "RGBX", "YCbCr") else image
        return np.array(convert(plain)), None
    both = image.convert("RGBA")
    return np.array(convert(both.convert("RGB"))), np.array(both.getchannel("A"))


def laid(
    colour: np.ndarray, alpha: np.ndarray | None, to: str, background: Colour
) -> tuple[np.ndarray, np.ndarray | None]:
    """What a file of format `to` holds of both: without transparency there, colour lies over `background`.

    With it the colour of what can't be seen is `background`.
    """
    if alpha is None:
        return colour, None
    if to not in HOLDING_ALPHA:
        return over(colour, alpha, background), None
    ground = np.array(background, np.uint8).astype(colour.dtype) * (257 if colour.dtype == np.uint16 else 1)
    return np.where(alpha[..., None] == 0, ground, colour), alpha


def over(colour: np.ndarray, alpha: np.ndarray, background: tuple[int, int, int]) -> np.ndarray:
    """Transparent colour laid over a background, uint8 `(H, W, 3)`."""
    picture = Image.fromarray(np.dstack((colour, alpha)))
    return np.array(Image.alpha_composite(Image.new("RGBA", picture.size, (*background, 255)), picture))[
        ..., :3
    ]
