"""Zip files of visitors: their pictures, and outputs for them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from translate import archives, images
from translate.errors import BadImage, OutputError
from translate.files import explain

MOST_ENTRIES = 10_000
MOST_BYTES = 4_000_000_000  # of everything, unpacked


def unpack(archive: Path, name: str, into: Path, room: int = MOST_BYTES) -> tuple[int, list[tuple[str, str]]]:
    """Unpack the pictures of a zip file; the sum of their bytes, and what was left out with the reason.

    See `translate.archives`: nothing is written outside `into`. Files that are no pictures by their suffix
    are left out, too.

    Args:
        archive, name: the file, and what the visitor calls it.
        room: bytes that may be written.

    Raises:
        BadImage: no zip file, one with too many entries or too much in them, or the disk is full.
    """
    try:
        unpacked = archives.unpack(archive, "zip", into, room=room, most=MOST_ENTRIES, wanted=_pictures)
    except archives.BadArchive as error:
        raise BadImage(name, str(error)) from error
    except OutputError as error:  # its sentence names folders of the server
        why = explain(error.__cause__) if isinstance(error.__cause__, OSError) else "it can't be unpacked"
        raise BadImage(name, why) from error
    return unpacked.written, [(entry.name, entry.reason) for entry in unpacked.left_out]


def _pictures(path: PurePosixPath) -> str:
    return "" if path.suffix.lower() in images.SUFFIXES else "it is no picture by its name"


def pack(files: Iterable[tuple[Path, str]], target: Path) -> Path:
    """A zip file of pictures, which are compressed already, under the names given."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path, name in files:
            archive.write(path, name)
    return target
