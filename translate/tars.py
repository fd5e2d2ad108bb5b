"""Members of tar files as if they were files in a folder: `train-000000.tar/0001.a.jpg`.

Nothing is ever unpacked. A tar file's headers are read once; from then on a member is read where it lies.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

from platformdirs import user_cache_path

from translate.errors import DataError, OutputError
from translate.files import explain, replacing

SUFFIX = ".tar"
COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")  # gzip, bzip2, xz, Zstandard
_LONGEST_NOTE = 2**20  # bytes of names and remarks in a header
_LARGEST = 2**40  # bytes of a member
_NOTES = {b"x", b"g", b"X", b"L", b"K"}  # headers of POSIX, of Solaris and of GNU that have such
_WORTH_KEEPING = 1000  # members, from which on reading their headers may take a while on a network's disk


class Span(NamedTuple):
    """Where a member's bytes are in its tar file."""

    offset: int
    size: int


Index = Mapping[str, Span]


class Header(tarfile.TarInfo):
    """A header of a stranger's tar file, for `tarfile.open(..., tarinfo=Header)`.

    Whatever is wrong with it is a `tarfile.ReadError`. Without this, `tarfile` takes headers that are missing
    or damaged for the end of the file, goes back in it for sizes below zero, and reads notes of any length.
    """

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> tarfile.TarInfo:
        """The next header; called by `tarfile`."""
        return _sound(super().fromtarfile, tarfile)

    def _proc_member(self, tarfile: tarfile.TarFile) -> tarfile.TarInfo:  # reads what belongs to a header
        if self.type in _NOTES and not 0 <= self.size <= _LONGEST_NOTE:
            raise ValueError("its header is too long")
        return super()._proc_member(tarfile)  # type: ignore[misc]


def _sound(read: Callable[[tarfile.TarFile], tarfile.TarInfo], file: tarfile.TarFile) -> tarfile.TarInfo:
    try:
        info = read(file)
    except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
        raise
    except (tarfile.HeaderError, ValueError, LookupError, OverflowError, RecursionError) as error:
        reason = "its headers have no end" if isinstance(error, RecursionError) else str(error)
        raise tarfile.ReadError("unexpected end of data" if file.offset else reason) from error
    if not 0 <= info.size <= _LARGEST:
        raise tarfile.ReadError(f"a file of {'negative' if info.size < 0 else 'impossible'} size")
    return info


def members(tar: Path) -> list[Path]:
    """Every regular file in a tar file as a path below it, in the file's order.

    Hidden ones are left out, and names that would lead out of it.

    Raises:
        DataError: it can't be read, is no tar file, is compressed, or ends before its end.
    """
    return list(each_member(tar))


def each_member(tar: Path) -> Iterator[Path]:
    """As `members`, one after the other, for those who want only the first."""
    return (tar / name for name in _index_of(tar))


def locate(path: Path) -> tuple[Path, Span] | None:
    """The tar file that a path goes on below, and where the member is in it; None of any other path.

    Raises:
        FileNotFoundError: the tar file has no such member.
        DataError: see `members`.
    """
    if f"{SUFFIX}{os.sep}" not in os.fspath(path).lower():
        return None
    tar = next((p for p in reversed(path.parents) if p.suffix.lower() == SUFFIX and p.is_file()), None)
    if tar is None:
        return None
    span = _index_of(tar).get(path.relative_to(tar).as_posix())
    if span is None:
        raise FileNotFoundError(f"no such file in {tar.name}")
    return tar, span


def read(path: Path) -> bytes | None:
    """What a member holds; None of a path that names no member.

    Raises:
        OSError: it can't be read.
        DataError: see `members`.
    """
    found = locate(path)
    if found is None:
        return None
    tar, span = found
    with tar.open("rb") as stream:
        stream.seek(span.offset)
        content = stream.read(span.size)
    if len(content) < span.size:
        raise OSError(f"{tar.name} ends within it")
    return content


def opened(path: Path) -> BinaryIO:
    """A file, or a member of a tar file, to read from."""
    content = read(path)
    return path.open("rb") if content is None else io.BytesIO(content)


def _index_of(tar: Path) -> Index:
    try:
        status = tar.stat()
        return _index(tar, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise DataError(f"{tar} can't be read: {explain(error)}.") from error


@cache
def _index(tar: Path, size: int, changed: int) -> Index:
    """A tar file's members by name, from the user's cache folder where they are known there."""
    place = _place(tar)
    state = [str(tar.absolute()), size, changed]
    with suppress(OSError, ValueError, TypeError, KeyError):
        known = json.loads(place.read_text(encoding="utf-8"))
        if known["state"] == state:
            return {name: Span(int(offset), int(length)) for name, offset, length in known["members"]}
    found = _scan(tar)
    if len(found) >= _WORTH_KEEPING:
        content = {"state": state, "members": [(name, *span) for name, span in found.items()]}
        with suppress(OutputError), replacing(place) as temporary:
            temporary.write_text(json.dumps(content), encoding="utf-8")
    return found


def _place(tar: Path) -> Path:
    """Where a tar file's index is kept."""
    name = hashlib.blake2b(os.fsencode(tar.absolute()), digest_size=16).hexdigest()
    return user_cache_path("image-translate") / "tars" / f"{name}.json"


def _scan(tar: Path) -> Index:
    """The members by what a tar file's headers say."""
    found: dict[str, Span] = {}
    try:
        with tarfile.open(tar, "r:", tarinfo=Header) as file:
            while (info := file.next()) is not None:
                file.members = []  # type: ignore[attr-defined]  # all headers would be kept
                name = _inside(tar, info.name)
                if info.islnk() and (first := _inside(tar, info.linkname)) in found:
                    span = found[first]  # the second name of a file
                elif info.isreg() and not info.issparse():
                    span = Span(info.offset_data, info.size)
                else:
                    continue
                if name:
                    found[name] = span
    except tarfile.TarError as error:
        raise DataError(f"{tar} {_complaint(tar, error)}.") from error
    return found


def _inside(tar: Path, name: str) -> str:
    """A member's name as a path below the tar file; empty of one that is hidden or leads elsewhere."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or "\0" in name or any(part.startswith(".") for part in parts):
        return ""
    path = tar.joinpath(*parts)  # where \ and : mean something, this may be anywhere
    return path.relative_to(tar).as_posix() if path.parts == (*tar.parts, *parts) else ""


def _complaint(tar: Path, error: tarfile.TarError) -> str:
    with tar.open("rb") as stream:
        start = stream.read(6)
    if start.startswith(_COMPRESSED):
        return "is compressed, so nothing in it can be found without reading all of it; decompress it"
    if not start:
        return "is empty"
    if "unexpected end of data" in str(error):
        return "is truncated or damaged: its headers end before the end of a tar file; copy it again"
    return f"is no tar file, or a damaged one ({str(error) or type(error).__name__})"
