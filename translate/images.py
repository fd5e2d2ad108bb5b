"""Picture files: finding, reading, writing, and the way to tensors and back.

The only module that knows files, EXIF, ICC profiles, alpha and bit depths. Everything it hands on
is upright 8-bit sRGB, `(H, W, 3)`; every way in which a file can be bad ends in one `BadImage`.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from translate import files
from translate.errors import BadImage, OutputError, UsageError
from translate.files import explain, replacing
from translate.pillow import (
    eight_bit,
    first_line,
    is_srgb,
    lift_pixel_limit,
    notes_of_picture,
    orientation_of,
    to_srgb,
)

if TYPE_CHECKING:
    from torch import Tensor

# Few formats are the cheapest defence: no EPS (runs Ghostscript), no PSD, no exotic TIFF cousins.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "PPM")
_SUFFIXES_OF = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "AVIF": (".avif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
_FORMAT_OF = {suffix: name for name, suffixes in _SUFFIXES_OF.items() for suffix in suffixes}
SUFFIXES = frozenset(_FORMAT_OF)
WRITABLE = frozenset(s for name in ("PNG", "JPEG", "WEBP", "BMP", "TIFF") for s in _SUFFIXES_OF[name])

_MAX_PIXELS = 64_000_000
_READ_AT_ONCE = 64 * 2**20  # bytes; larger files are streamed from disk
_WITH_ALPHA = ("LA", "PA", "RGBA", "RGBa")
_OPAQUE = ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr")
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PNG_END = b"IEND\xaeB`\x82"
_JPEG_START = b"\xff\xd8\xff"
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


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


def same_format(suffix: str, other: str) -> bool:
    """Whether two suffixes mean the same format, as `.jpeg` and `.JPG` do."""
    return _FORMAT_OF.get(suffix.lower(), suffix) == _FORMAT_OF.get(other.lower(), other)


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
    with _complaints_as_bad_image(path), notes_of_picture():
        _require_regular(path)
        with Image.open(path, formats=FORMATS) as image:
            # A PNG may keep its EXIF behind the pixels, and asking for it would decode them.
            late = image.format == "PNG" and "exif" not in image.info
            turned = not late and orientation_of(image, []) >= 5
            width, height = image.size
            size = (height, width) if turned else (width, height)
            return Header(size, image.mode, _format(image))


def read(
    path: str | Path, *, background: tuple[int, int, int] = (255, 255, 255), max_pixels: int = _MAX_PIXELS
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
    with _complaints_as_bad_image(path):
        encoded = path.read_bytes() if _require_regular(path) <= _READ_AT_ONCE else None
        bare = encoded is not None and _is_bare_jpeg(encoded)
        if encoded is not None and bare:
            pixels = _decode_jpeg(path, encoded, max_pixels)
            if pixels is not None:
                return Picture(pixels, _notes_of_suffix(path, "JPEG"), "JPEG")
        with notes_of_picture() as notes, io.BytesIO(encoded) if encoded else path.open("rb") as stream:
            lift_pixel_limit(max_pixels)
            with Image.open(stream, formats=FORMATS) as image:
                _require_size(path, image.size, max_pixels)
                name = _format(image)
                notes += _notes_of_suffix(path, name)
                _require_complete(path, name, stream)
                pixels = None
                ordinary = image.format == "JPEG" and not bare and _is_upright_srgb(image, notes)
                if encoded is not None and ordinary:
                    pixels = _decode_jpeg(path, encoded, max_pixels)
                if pixels is None:
                    pixels = _decode(path, image, background, notes)
    return Picture(pixels, tuple(dict.fromkeys(notes)), name)


def _require_regular(path: Path) -> int:
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise BadImage(path, "a link to nothing" if path.is_symlink() else "no such file") from error
    if not stat.S_ISREG(status.st_mode):
        raise BadImage(path, "not a regular file")
    if status.st_size == 0:
        raise BadImage(path, "the file is empty")
    return status.st_size


def _require_size(path: Path, size: tuple[int, int], max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise BadImage(path, f"{size[0]}×{size[1]} pixels are over the limit of {_megapixels(max_pixels)}")


def _require_complete(path: Path, name: str, stream: BinaryIO) -> None:
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


def _format(image: ImageFile.ImageFile) -> str:
    return {"MPO": "JPEG", None: "?"}.get(image.format, str(image.format))


def _notes_of_suffix(path: Path, name: str) -> tuple[str, ...]:
    claimed = _FORMAT_OF.get(path.suffix.lower())
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
        _require_size(path, (int(width), int(height)), max_pixels)
        return simplejpeg.decode_jpeg(encoded, "RGB", fastdct=False, fastupsample=False)
    except ValueError:  # also of damage that could be painted over
        return None


def _decode(path: Path, image: Image.Image, background: tuple[int, int, int], notes: list[str]) -> np.ndarray:
    if getattr(image, "is_animated", False) and image.format != "MPO":
        notes.append("several frames: the first is used")
    image.load()
    _require_mode(path, image)
    orientation = orientation_of(image, notes)
    profile = image.info.get("icc_profile")
    upright: Image.Image = image
    if image.mode.startswith("I"):
        upright, profile = eight_bit(image), None
    flat = _flatten(upright, background, to_srgb(profile, notes))
    return np.array(flat.transpose(_UPRIGHT[orientation]) if orientation != 1 else flat)


def _require_mode(path: Path, image: Image.Image) -> None:
    sixteen_bit = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if not sixteen_bit and image.mode not in _WITH_ALPHA + _OPAQUE:
        raise BadImage(path, f"unsupported mode {image.mode} (32-bit or floating-point samples, or Lab)")


def _flatten(
    image: Image.Image, background: tuple[int, int, int], convert: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    if image.mode not in _WITH_ALPHA and not image.has_transparency_data:
        return convert(image.convert("RGB") if image.mode in ("1", "P", "RGBX", "YCbCr") else image)
    straight = image.convert("RGBA")
    colour = convert(straight.convert("RGB"))
    colour.putalpha(straight.getchannel("A"))
    return Image.alpha_composite(Image.new("RGBA", image.size, (*background, 255)), colour).convert("RGB")


@contextmanager
def _complaints_as_bad_image(path: Path) -> Iterator[None]:
    try:
        yield
    except BadImage:
        raise
    except UnidentifiedImageError as error:
        raise BadImage(path, _unidentified(path)) from error
    except Image.DecompressionBombError as error:
        raise BadImage(path, f"too large: {first_line(error)}") from error
    except MemoryError as error:
        raise BadImage(path, "not enough memory to decode it") from error
    except OSError as error:
        reason = explain(error) if error.errno else f"can't be decoded: {first_line(error)}"
        raise BadImage(path, reason) from error
    except Exception as error:  # decoders raise anything on hostile bytes: struct.error, KeyError…
        raise BadImage(path, f"can't be decoded: {first_line(error)}") from error


def _unidentified(path: Path) -> str:
    with path.open("rb") as stream:
        start = stream.read(32)
    if start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS:
        return "HEIC pictures can't be read: save it as JPEG or PNG"
    return f"not a picture in a format that can be read ({', '.join(FORMATS)})"


def from_pil(image: Image.Image, *, background: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """A picture that Pillow holds, of any mode, as `read` would give its file: uint8 `(H, W, 3)`, upright.

    Raises:
        BadImage: a mode that can't be read (see `read`), or a file behind it that can't be decoded.
    """
    path = Path(getattr(image, "filename", "") or "picture")
    with _complaints_as_bad_image(path), notes_of_picture() as notes:
        return _decode(path, image, background, notes)


def grey(pixels: np.ndarray) -> np.ndarray:
    """uint8 `(H, W, 3)` sRGB to `(H, W, 1)` luma (ITU-R 601-2, rounded as Pillow does)."""
    return np.array(Image.fromarray(pixels).convert("L"))[..., None]


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
    encoded = encode(pixels, _FORMAT_OF[path.suffix.lower()], quality=quality)
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


def to_tensor(pixels: np.ndarray) -> Tensor:
    """uint8 `(H, W, C)` or `(H, W)` in 0..255 to float32 `(1, C, H, W)` in [-1, 1]."""
    import torch

    planes = np.ascontiguousarray(pixels if pixels.ndim == 3 else pixels[..., None])
    return torch.tensor(planes).permute(2, 0, 1)[None].to(torch.float32).div_(127.5).sub_(1).contiguous()


def to_pixels(tensor: Tensor) -> np.ndarray:
    """Float `(1, C, H, W)` or `(C, H, W)` in [-1, 1] to uint8 `(H, W, C)`, rounded and clamped."""
    import torch

    planes = tensor.detach()[0] if tensor.ndim == 4 else tensor.detach()
    levels = planes.float().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())
