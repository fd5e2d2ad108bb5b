"""What stands in a picture file beside its pixels, and belongs into a picture made of it."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import Any

from PIL import Image, ImageCms, TiffImagePlugin, TiffTags

from translate.pillow import is_srgb

_EXIF_IFD, _GPS_IFD, _ICC = 0x8769, 0x8825, 0x8773
# What says something of the picture: words, camera, resolution, times, authors, place and rating. The rest of
# a directory is how its pixels are stored, which in a TIFF stands beside these.
_WORDS = (*range(0x010D, 0x0111), 0x0131, 0x0132, 0x013B, 0x013C, 0x8298, *range(0x9C9B, 0x9CA0))
_NUMBERS = (0x011A, 0x011B, 0x0128, 0x4746, 0x4749)
_DESCRIBING = frozenset((*_WORDS, *_NUMBERS, _EXIF_IFD, _GPS_IFD))
_OF_SIZE = (0xA002, 0xA003)
_LONGEST_IN_JPEG = 65533  # bytes, of one segment


def kept_exif(image: Image.Image) -> bytes | None:
    """The EXIF block for a picture that is already upright: without orientation, size and thumbnail.

    None where there is none, or none that can be read.
    """
    try:
        exif = image.getexif()
        for tag in set(exif) - _DESCRIBING:
            del exif[tag]
        details = dict(exif.get_ifd(_EXIF_IFD))
        if details:
            exif[_EXIF_IFD] = {tag: value for tag, value in details.items() if tag not in _OF_SIZE}
        return exif.tobytes() if len(exif) else None
    except Exception:  # a broken block raises anything: struct.error, SyntaxError, KeyError…
        return None


def kept_profile(profile: bytes | None, notes: list[str]) -> bytes | None:
    """The profile for pixels that `to_srgb` has converted: sRGB's, if there was one that could be used."""
    if not profile or any("colour profile" in note for note in notes):
        return None
    return profile if is_srgb(profile) else _srgb()


@lru_cache(maxsize=1)
def _srgb() -> bytes:
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)  # when it was made: the same for the same picture
    made[84:100] = bytes(16)  # its checksum, which is optional
    return bytes(made)


def fitting(name: str, exif: bytes | None, profile: bytes | None, *, grey: bool) -> dict[str, Any]:
    """What of it a format takes, as Pillow's options."""
    if name not in ("PNG", "JPEG", "WEBP", "TIFF"):
        return {}
    options: dict[str, Any] = {}
    if exif is not None and not (name == "JPEG" and len(exif) > _LONGEST_IN_JPEG):
        options["exif"] = exif
    if profile is not None and not grey:
        options["icc_profile"] = profile
    if name == "TIFF" and exif is not None and _has_directories(exif):
        options["compression"] = "raw"  # Pillow can't compress and write these
    return options


def _has_directories(exif: bytes) -> bool:
    block = Image.Exif()
    block.load(exif)
    return _EXIF_IFD in block or _GPS_IFD in block


def in_png(encoded: bytes, exif: bytes | None = None, icc_profile: bytes | None = None) -> bytes:
    """A PNG with these put behind its header."""
    chunks = b""
    if icc_profile is not None:
        chunks += png_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc_profile))
    if exif is not None:
        chunks += png_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    start = 33  # signature and header
    return encoded[:start] + chunks + encoded[start:]


def in_tiff(encoded: bytes, exif: bytes | None = None, icc_profile: bytes | None = None) -> bytes:
    """A TIFF of one page, without metadata, with these: a new directory at its end has all entries."""
    more = TiffImagePlugin.ImageFileDirectory_v2(encoded[:8])
    if exif is not None:
        block = Image.Exif()
        block.load(exif)
        for tag, value in block.items():
            more[tag] = block.get_ifd(tag) if tag in (_EXIF_IFD, _GPS_IFD) else value
    if icc_profile is not None:
        more.tagtype[_ICC] = TiffTags.UNDEFINED
        more[_ICC] = icc_profile
    order = "<" if encoded[:2] == b"II" else ">"
    body = encoded + b"\0" * (len(encoded) % 2)
    added = more.tobytes(len(body))  # a directory of its own, whose entries say where their values are
    place = len(body) + len(added) + len(added) % 2
    [first] = struct.unpack_from(f"{order}L", encoded, 4)
    entries = {
        struct.unpack(f"{order}H", entry[:2])[0]: entry
        for entry in (*_entries(encoded, first, order), *_entries(added, 0, order))
    }
    whole = (
        struct.pack(f"{order}H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    )
    return body[:4] + struct.pack(f"{order}L", place) + (body[8:] + added).ljust(place - 8, b"\0") + whole


def _entries(content: bytes, place: int, order: str) -> list[bytes]:
    """Those of the TIFF directory that stands there, 12 bytes each."""
    [count] = struct.unpack_from(f"{order}H", content, place)
    return [content[place + 2 + 12 * i : place + 14 + 12 * i] for i in range(count)]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A piece of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
