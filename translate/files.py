"""Files: finding them, and writing them so that they appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from translate.errors import DataError, OutputError

_LONGEST_NAME = 255  # bytes, on every file system in common use


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, moved over it when the block ends well and removed when it doesn't.

    Missing parent folders are created. A process killed inside the block leaves `.NAME.part` behind
    and `path` as it was.

    Raises:
        OutputError: the folder can't be written, the disk is full, a folder has the name.
    """
    path = Path(path)
    temporary = path.with_name(_temporary_name(path.name))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path} can't be written: {explain(error)}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def explain(error: OSError) -> str:
    """The system's reason in lower case and without the path: "no space left on device"."""
    text = error.strerror or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]


def _temporary_name(name: str) -> str:
    hidden = f".{name}.part"
    if len(os.fsencode(hidden)) <= _LONGEST_NAME:
        return hidden
    return f".{hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()}.part"


def find(root: Path, suffixes: Collection[str]) -> list[Path]:
    """Every file below `root` with one of `suffixes` (lower case, with the dot), in natural order.

    Hidden entries and anything that is not a regular file are skipped. Links are followed, except
    into a folder that is being listed already; a link to nothing is kept, so that reading it reports it.

    Raises:
        DataError: `root` is no folder, or a folder below can't be listed.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; give the path of a folder.")
    found = _walk(root, suffixes, ())
    return sorted(found, key=lambda path: natural(path.relative_to(root)))


def natural(path: Path) -> tuple:
    """A sort key by which `frame2.png` comes before `frame10.png`, part by part of the path."""
    parts = [re.split(r"([0-9]+)", part) for part in path.parts]
    return tuple(tuple(int(s) if i % 2 else s for i, s in enumerate(part)) for part in parts), str(path)


def _walk(folder: Path, suffixes: Collection[str], above: tuple[tuple[int, int], ...]) -> Iterator[Path]:
    try:
        status = folder.stat()
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{folder} can't be listed ({explain(error)}); fix that or leave it out.") from error
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    for entry in entries:
        path = folder / entry.name
        # An entry knows its kind without asking the disk; a link has to be followed, and may lead nowhere.
        kind = path if entry.is_symlink() else entry
        if kind.is_dir():
            yield from _walk(path, suffixes, (*above, here))
        elif path.suffix.lower() in suffixes and (kind.is_file() or _leads_nowhere(kind)):
            yield path


def _leads_nowhere(kind: Path | os.DirEntry) -> bool:
    return isinstance(kind, Path) and not kind.exists()
