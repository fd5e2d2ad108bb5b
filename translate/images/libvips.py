"""Large files strip by strip: PNG, JPEG and TIFF by libvips, which is optional (`[large]`)."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from translate import tars
from translate.errors import BadImage, OutputError
from translate.images.decoding import Opened
from translate.images.metadata import png_chunk
from translate.images.scratch import is_large, strips
from translate.pillow import first_line

FORMATS = ("PNG", "JPEG", "TIFF")
_CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "I;16": 1, "I;16B": 1, "I;16L": 1}
_KINDS = {"uchar": np.dtype(np.uint8), "ushort": np.dtype(np.uint16)}
_SPACES = {"uchar": ("b-w", "srgb"), "ushort": ("grey16", "rgb16")}
_BITS, _ORIENTATION, _EXTRA_SAMPLES, _X_RESOLUTION, _RESOLUTION_UNIT = 0x0102, 0x0112, 0x0152, 0x011A, 0x0128
_DIRECTORIES = (0x8769, 0x8825)  # EXIF and GPS
_CLASSIC_TIFF = 2**32 - 2**26  # bytes of pixels up to which offsets of 32 bits reach
_DOTS_PER_MM = 72 / 25.4


@lru_cache(maxsize=1)
def library() -> Any | None:
    """pyvips, or None where it or its libvips isn't installed."""
    try:
        import pyvips
    except (ImportError, OSError):
        return None
    logging.getLogger("pyvips").setLevel(logging.ERROR)  # remarks on odd tags
    pyvips.cache_set_max(0)  # it would keep files open that are replaced
    return pyvips


def writes_large(shape: Sequence[int], name: str) -> bool:
    """Whether `save` is what writes a picture `(H, W, …)` in that format."""
    return is_large(shape) and name in FORMATS and library() is not None


def stored_strips(file: Opened) -> Iterator[np.ndarray] | None:
    """The file's pixels from top to bottom as they are stored: uint8 or uint16 (rows, W, 1…4).

    None where there is no libvips, or it might see another picture than Pillow.
    """
    vips = library()
    if vips is None or tars.locate(file.path) is not None or not _same_to_both(file):
        return None
    load = {
        "PNG": vips.Image.pngload_source,
        "JPEG": vips.Image.jpegload_source,
        "TIFF": vips.Image.tiffload_source,
    }[file.format]
    with file.path.open("rb") as stream:
        source = vips.Source.new_from_descriptor(stream.fileno())
    image = load(source, access="sequential", fail_on="truncated")
    alike = image.format in _KINDS and (image.width, image.height) == file.image.size
    if not alike or image.bands != _CHANNELS[file.image.mode]:
        return None
    return _fetched(file.path, vips, image)


def _same_to_both(file: Opened) -> bool:
    image = file.image
    if file.format not in FORMATS or image.mode not in _CHANNELS or "transparency" in image.info:
        return False
    if getattr(image, "is_animated", False) and image.format != "MPO":
        return False  # which of its pictures is the first is a matter of taste
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return True
    whole_bytes = set(tags.get(_BITS, ())) in ({8}, {16})
    return whole_bytes and tags.get(_ORIENTATION, 1) == 1 and 1 not in tags.get(_EXTRA_SAMPLES, ())


def _fetched(path: Path, vips: Any, image: Any) -> Iterator[np.ndarray]:
    region, kind = vips.Region.new(image), _KINDS[image.format]
    shape = (image.height, image.width, image.bands)
    for rows in strips(shape, kind.itemsize):
        count = rows.stop - rows.start
        try:
            encoded = region.fetch(0, rows.start, image.width, count)
        except vips.Error as error:
            raise BadImage(path, f"can't be decoded: {_reason(error)}") from error
        yield np.frombuffer(encoded, kind).reshape(count, *shape[1:])


def save(
    path: Path,
    pixels: np.ndarray,
    name: str,
    *,
    quality: int,
    exif: bytes | None = None,
    icc_profile: bytes | None = None,
) -> None:
    """Write uint8 or uint16 (H, W, 1…4) strip by strip, the last of two or four channels being transparency.

    As `writing.encode` does; TIFF in tiles of 256².

    Args:
        name: one of `FORMATS`.

    Raises:
        OutputError: it can't be encoded.
        OSError: it can't be written.
    """
    vips = library()
    assert vips is not None
    image = _as_image(vips, pixels, icc_profile)
    kept = "none" if icc_profile is None else "icc"
    options: dict[str, dict[str, Any]] = {
        "PNG": {"compression": 2, "filter": "up"},  # its 1 makes files half as large again
        "JPEG": {"Q": quality, "subsample_mode": "off"},
        "TIFF": {
            "compression": "deflate",
            "predictor": "horizontal",
            "tile": True,
            "tile_width": 256,
            "tile_height": 256,
            "bigtiff": pixels.nbytes > _CLASSIC_TIFF,
        },
    }
    with path.open("w+b", buffering=0) as stream:
        written = _Written(vips, stream, *_inserted(name, exif))
        saving = getattr(image, f"{name.lower()}save_target")
        with written.explained(f"{pixels.shape[1]}×{pixels.shape[0]} pixels can't be written as {name}"):
            saving(written.target, keep=kept, **options[name])
    if name == "TIFF" and exif is not None and pixels.nbytes <= _CLASSIC_TIFF:
        _describe(path, exif)


def _as_image(vips: Any, pixels: np.ndarray, profile: bytes | None) -> Any:
    height, width, channels = pixels.shape
    kind = "uchar" if pixels.dtype == np.uint8 else "ushort"
    image = vips.Image.new_from_memory(np.ascontiguousarray(pixels).data, width, height, channels, kind)
    space = _SPACES[kind][channels > 2]
    image = image.copy(interpretation=space, xres=_DOTS_PER_MM, yres=_DOTS_PER_MM)
    if profile is not None:
        image.set_type(vips.GValue.blob_type, "icc-profile-data", profile)
    return image


def _inserted(name: str, exif: bytes | None) -> tuple[int, bytes]:
    """Where EXIF goes in a file of that format, and what."""
    if exif is None or name == "TIFF":
        return 0, b""
    if name == "PNG":
        return 33, png_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    return 2, b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif


class _Written:
    """Where libvips writes to: a stream, with something put between its first bytes and the rest."""

    def __init__(self, vips: Any, stream: BinaryIO, place: int, insertion: bytes):
        self._vips, self._stream = vips, stream
        self._place, self._insertion = place, insertion
        self._start = b""
        self._problem: OSError | None = None
        self.target = vips.TargetCustom()
        self.target.on_write(self._write)
        self.target.on_read(stream.read)
        self.target.on_seek(stream.seek)
        self.target.on_end(lambda: 0)

    @contextmanager
    def explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except self._vips.Error as error:
            if self._problem is not None:
                raise self._problem from error
            raise OutputError(f"{what}: {_reason(error)}") from error

    def _write(self, encoded: bytes) -> int:
        """How many bytes were written; −1 for a failure, as an exception can't pass through libvips."""
        try:
            data = bytes(encoded)
            if self._insertion:
                data = self._start = self._start + data
                if len(data) < self._place:
                    return len(encoded)
                data = data[: self._place] + self._insertion + data[self._place :]
                self._insertion = b""
            view = memoryview(data)
            while len(view):
                view = view[self._stream.write(view) :]
        except OSError as error:
            self._problem = error
            return -1
        return len(encoded)


def _describe(path: Path, exif: bytes) -> None:
    """Give a TIFF with tiles a directory at its end that has these tags, too."""
    block = Image.Exif()
    block.load(exif)
    with path.open("r+b") as stream:
        with Image.open(stream, formats=("TIFF",)) as image:
            directory: Any = getattr(image, "tag_v2")  # noqa: B009 — no attribute of every picture
            for tag in list(directory):
                directory[tag] = directory[tag]  # what nobody has asked for would not be written
            if _X_RESOLUTION in block:
                directory[_RESOLUTION_UNIT] = 2  # inches, unless the block says something else
            for tag in block:
                directory[tag] = dict(block.get_ifd(tag)) if tag in _DIRECTORIES else block[tag]
            end = stream.seek(0, 2)
            stream.write(bytes(end % 2))
            end += end % 2
            stream.write(directory.tobytes(end))
        stream.seek(4)
        stream.write(struct.pack("<I", end))


def _reason(error: Exception) -> str:
    """What libvips says, which is below what pyvips says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else first_line(error)
