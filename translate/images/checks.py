"""What is asked of a file before and while it is decoded; every complaint is a `BadImage` in one line."""

from __future__ import annotations

import importlib.util
import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from translate import tars
from translate.errors import BadImage
from translate.files import explain
from translate.images.formats import FORMATS
from translate.pillow import first_line

MAX_PIXELS = 64_000_000
WITH_ALPHA = ("LA", "PA", "RGBA", "RGBa")
_OPAQUE = ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr")
_PNG_END = b"IEND\xaeB`\x82"
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


@contextmanager
def complaints_as_bad_image(path: Path) -> Iterator[None]:
    try:
        yield
    except BadImage:
        raise
    except UnidentifiedImageError as error:
        raise BadImage(path, _unidentified(path)) from error
    except Image.DecompressionBombError as error:
        sizes = first_line(error).partition(", could be")[0]  # Pillow guesses at an attack
        raise BadImage(path, f"too large: {sizes}") from error
    except MemoryError as error:
        raise BadImage(path, "not enough memory to decode it") from error
    except OSError as error:
        reason = explain(error) if error.errno else f"can't be decoded: {first_line(error)}"
        raise BadImage(path, reason) from error
    except Exception as error:  # decoders raise anything on hostile bytes: struct.error, KeyError…
        raise BadImage(path, f"can't be decoded: {first_line(error)}") from error


def _unidentified(path: Path) -> str:
    with tars.opened(path) as stream:
        if is_heic(stream) and importlib.util.find_spec("pillow_heif") is None:
            return "HEIC pictures need pillow-heif: pip install 'image-translate[heif]'"
    return f"not a picture in a format that can be read ({', '.join(FORMATS)})"


def is_heic(stream: BinaryIO) -> bool:
    """Whether a file begins as HEIC pictures do."""
    start = stream.read(12)
    stream.seek(0)
    return start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS


def formats_for(stream: BinaryIO) -> tuple[str, ...]:
    """What Pillow may take a file for; HEIC where it is one and pillow-heif is there."""
    if not is_heic(stream) or importlib.util.find_spec("pillow_heif") is None:
        return FORMATS
    import pillow_heif

    pillow_heif.register_heif_opener()
    return (*FORMATS, "HEIF")


def require_regular(path: Path) -> int:
    """How many bytes a regular file has, or a member of a tar file."""
    try:
        member = tars.locate(path)
        if member is not None:
            return _require_some(path, member[1].size)
        status = path.stat()
    except FileNotFoundError as error:
        raise BadImage(path, "a link to nothing" if path.is_symlink() else "no such file") from error
    if not stat.S_ISREG(status.st_mode):
        raise BadImage(path, "not a regular file")
    return _require_some(path, status.st_size)


def _require_some(path: Path, size: int) -> int:
    if size == 0:
        raise BadImage(path, "the file is empty")
    return size


def require_size(path: Path, size: tuple[int, int], max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise BadImage(path, f"{size[0]}×{size[1]} pixels are over the limit of {_megapixels(max_pixels)}")


def require_complete(path: Path, name: str, stream: BinaryIO) -> None:
    # Pillow takes a PNG that ends right after its last pixel for a whole one.
    if name == "PNG" and _PNG_END not in _ending(stream, 64 * 1024):
        raise BadImage(path, "the file is truncated")


def _ending(stream: BinaryIO, count: int) -> bytes:
    where = stream.tell()
    stream.seek(max(0, stream.seek(0, io.SEEK_END) - count))
    ending = stream.read()
    stream.seek(where)
    return ending


def _megapixels(pixels: int) -> str:
    return f"{pixels / 1e6:g} megapixels"


def require_mode(path: Path, image: Image.Image) -> None:
    sixteen_bit = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if not sixteen_bit and image.mode not in WITH_ALPHA + _OPAQUE:
        raise BadImage(path, f"unsupported mode {image.mode} (32-bit or floating-point samples, or Lab)")
