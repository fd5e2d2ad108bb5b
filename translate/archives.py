"""Archives of strangers: what is in them, without what they could do."""

from __future__ import annotations

import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Literal, NamedTuple

from translate import tars
from translate.errors import OutputError
from translate.files import NO_ROOM, explain

Kind = Literal["zip", "tar"]
Progress = Callable[[int, int], None]

_CHUNK = 2**20
_LONGEST_PART = 200  # bytes of a folder's or file's name
_DEEPEST = 16
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
)


class BadArchive(Exception):
    """An archive that is refused as a whole; the text is a reason that follows on its name."""


class LeftOut(NamedTuple):
    """An entry that was not unpacked.

    `why`: its path or kind could do harm (unsafe), it can't be read or written (damaged), nobody wants it.
    """

    name: str
    reason: str
    why: Literal["unsafe", "damaged", "unwanted"]


@dataclass(frozen=True)
class Unpacked:
    """How many files came out, their bytes, and what did not."""

    files: int
    written: int
    left_out: tuple[LeftOut, ...]


def kind_of(path: Path) -> Kind | None:
    """What the file's content says: a zip, a tar (plain or compressed), or neither.

    Raises:
        OSError: it can't be read.
    """
    if zipfile.is_zipfile(path):
        return "zip"
    with path.open("rb") as stream:
        start = stream.read(4)
    if not start or start == b"PK\x03\x04":  # of a zip file that lacks its end
        return None
    try:
        with tarfile.open(path, tarinfo=tars.Header):
            return "tar"
    except _DAMAGE:
        return None


def unpack(
    archive: Path,
    kind: Kind,
    into: Path,
    *,
    room: int,
    most: int,
    wanted: Callable[[PurePosixPath], str] = lambda path: "",
    progress: Progress = lambda done, total: None,
) -> Unpacked:
    """Unpack plain files, and nothing outside `into`.

    Paths that lead elsewhere, links and devices are left out. What an entry says of its size is not believed
    but counted. No modes, owners or times are taken over.

    Args:
        kind: see `kind_of`.
        room: bytes that may be written.
        most: files that may be in it.
        wanted: why a file is not to be unpacked, or nothing.
        progress: called with the bytes that are done and all of them: of a tar as it is, of a zip unpacked.

    Raises:
        BadArchive: no whole archive of its kind, too many files, too much in them.
        OutputError: the disk is full, or `into` can't be written.
    """
    opened = _zip_entries if kind == "zip" else _tar_entries
    left_out: list[LeftOut] = []
    files = written = 0
    try:
        with opened(archive, most, room) as (entries, told):
            for number, entry in enumerate(entries):
                if number >= most:
                    raise BadArchive(f"it holds more than {most} files")
                target = _place(entry, into, wanted)
                if isinstance(target, LeftOut):
                    left_out.append(target)
                    continue
                try:
                    written = _write(entry, target, written, room, lambda done: progress(*told(done)))
                    files += 1
                except FileExistsError:
                    left_out.append(
                        LeftOut(entry.name, "another file of the archive has its name", "damaged")
                    )
                except _DAMAGE as error:
                    if kind == "tar":  # one stream: what follows can't be found
                        raise
                    reason = "it is encrypted" if entry.locked else f"it is damaged ({error})"
                    left_out.append(LeftOut(entry.name, reason, "damaged"))
    except _DAMAGE as error:
        raise BadArchive(f"it is no whole {kind} file") from error
    except OSError as error:
        if error.errno is None:  # how gzip says that its data are damaged
            raise BadArchive(f"it is no whole {kind} file") from error
        raise OutputError(f"{archive.name} can't be unpacked: {explain(error)}") from error
    return Unpacked(files, written, tuple(left_out))


class _Entry(NamedTuple):
    name: str
    plain: bool
    locked: bool
    open: Callable[[], IO[bytes] | None]


# What is done and what there is to do, from the bytes that were written.
_Told = Callable[[int], tuple[int, int]]


@contextmanager
def _zip_entries(path: Path, most: int, room: int) -> Iterator[tuple[Iterator[_Entry], _Told]]:
    with zipfile.ZipFile(path) as opened:
        infos = [info for info in opened.infolist() if not info.is_dir()]
        if len(infos) > most:
            raise BadArchive(f"it holds {len(infos)} files, and {most} are the most")
        total = sum(info.file_size for info in infos)
        if total > room:
            raise BadArchive(_too_much(room))
        yield (_of_zip(opened, info) for info in infos), lambda done: (done, total)


def _of_zip(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Entry:
    plain = info.external_attr >> 16 & 0o170000 in (0, 0o100000)
    return _Entry(info.filename, plain, bool(info.flag_bits & 1), partial(opened.open, info))


@contextmanager
def _tar_entries(path: Path, most: int, room: int) -> Iterator[tuple[Iterator[_Entry], _Told]]:
    total = path.stat().st_size
    with (
        path.open("rb") as stream,
        tarfile.open(fileobj=stream, mode="r:*", tarinfo=tars.Header) as opened,
    ):
        entries = (
            _Entry(member.name, member.isreg(), False, partial(opened.extractfile, member))
            for member in opened
            if not member.isdir()
        )
        yield entries, lambda done: (min(stream.tell(), total), total)


def _place(entry: _Entry, into: Path, wanted: Callable[[PurePosixPath], str]) -> Path | LeftOut:
    """Where an entry goes, or why it doesn't."""
    path = PurePosixPath(entry.name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in entry.name or "\0" in entry.name or not path.parts:
        return LeftOut(entry.name, "its path leads out of the archive", "unsafe")
    if not entry.plain:
        return LeftOut(entry.name, "it is a link or no plain file", "unsafe")
    if reason := wanted(path):
        return LeftOut(entry.name, reason, "unwanted")
    if any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
        return LeftOut(entry.name, "it is hidden", "unwanted")
    if any(len(os.fsencode(part)) > _LONGEST_PART for part in path.parts) or len(path.parts) > _DEEPEST:
        return LeftOut(entry.name, "its path is too long", "unsafe")
    return into.joinpath(*path.parts)


def _write(entry: _Entry, target: Path, written: int, room: int, progress: Callable[[int], None]) -> int:
    """Write one file; the bytes written so far, its own included. What fails leaves no file."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            source = entry.open()
            assert source is not None, "a plain file has content"
            with source:
                while chunk := source.read(_CHUNK):
                    written += len(chunk)
                    if written > room:
                        raise BadArchive(_too_much(room))
                    file.write(chunk)
                    progress(written)
    except FileExistsError:
        raise
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno not in (None, *NO_ROOM):
            raise ValueError(explain(error)) from error  # its name can't be one here
        raise
    return written


def _too_much(room: int) -> str:
    return f"unpacked it would be more than {room / 1e9:.2g} GB"
