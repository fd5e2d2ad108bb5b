"""Zip files of strangers: what is in them, without what they could do."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from translate import images
from translate.errors import BadImage

MOST_ENTRIES = 10_000
MOST_BYTES = 4_000_000_000  # of everything, unpacked
_CHUNK = 2**20


def unpack(archive: Path, name: str, into: Path, room: int = MOST_BYTES) -> tuple[int, list[tuple[str, str]]]:
    """Unpack the pictures of a zip file; the sum of their bytes, and what was left out with the reason.

    Nothing is written outside `into`: paths that lead elsewhere, links and devices are left out, so are files
    that are no pictures by their suffix. What an entry says of its size is not believed but counted.

    Args:
        archive, name: the file, and what the visitor calls it.
        room: bytes that may be written.

    Raises:
        BadImage: no zip file, an encrypted one, one with too many entries or too much in them.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            if len(entries) > MOST_ENTRIES:
                raise BadImage(name, f"it holds {len(entries)} files, and {MOST_ENTRIES} are the most")
            if sum(entry.file_size for entry in entries) > room:
                raise BadImage(name, _too_much(room))
            return _unpack_all(opened, entries, name, into, room)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as error:
        raise BadImage(name, "it is no whole zip file") from error


def _unpack_all(
    opened: zipfile.ZipFile, entries: Iterable[zipfile.ZipInfo], name: str, into: Path, room: int
) -> tuple[int, list[tuple[str, str]]]:
    left_out: list[tuple[str, str]] = []
    written = 0
    for entry in entries:
        target, reason = _place(entry, into)
        if target is None:
            left_out.append((entry.filename, reason))
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with opened.open(entry) as source, target.open("xb") as file:
                while chunk := source.read(_CHUNK):
                    written += len(chunk)
                    if written > room:
                        raise BadImage(name, _too_much(room))
                    file.write(chunk)
        except FileExistsError:
            left_out.append((entry.filename, "another file of the archive has its name"))
        except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, OSError) as error:
            target.unlink(missing_ok=True)
            locked = bool(entry.flag_bits & 1)
            left_out.append((entry.filename, "it is encrypted" if locked else f"it is damaged ({error})"))
    return written, left_out


def _place(entry: zipfile.ZipInfo, into: Path) -> tuple[Path | None, str]:
    """Where an entry goes, or None and why it doesn't."""
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename or "\0" in entry.filename:
        return None, "its path leads out of the archive"
    if entry.external_attr >> 16 & 0o170000 not in (0, 0o100000):
        return None, "it is a link or no plain file"
    if path.suffix.lower() not in images.SUFFIXES:
        return None, "it is no picture by its name"
    if any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
        return None, "it is hidden"
    if any(len(part.encode()) > 200 for part in path.parts) or len(path.parts) > 16:
        return None, "its path is too long"
    return into.joinpath(*path.parts), ""


def pack(files: Iterable[tuple[Path, str]], target: Path) -> Path:
    """A zip file of pictures, which are compressed already, under the names given."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path, name in files:
            archive.write(path, name)
    return target


def _too_much(room: int) -> str:
    return f"unpacked it would be more than {room / 1e9:.2g} GB"
