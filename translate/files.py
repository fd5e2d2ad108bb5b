"""Files: finding them, and writing them so that they appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from translate.errors import DataError, OutputError

PART = ".part"
_FORMER = ".old"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
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
    temporary = temporary_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path} can't be written: {explain(error)}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(directory: str | Path, last: str = "") -> Iterator[Path]:
    """A hidden folder beside `directory` that takes its place when the block ends well, or goes.

    What `directory` held is removed once the new one is there. What a killed process left is removed before.

    Args:
        last: the entry that is moved last where an empty folder is filled: the one that says it is whole.

    Raises:
        OutputError: the folder can't be written, the disk is full.
    """
    target = Path(directory).absolute()
    growing = target.with_name(f".{target.name}.{os.getpid()}{PART}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        growing.mkdir()
        yield growing
        _move_over(target, growing, last)
    except OSError as error:
        raise OutputError(f"{directory} can't be written: {explain(error)}") from error
    finally:
        shutil.rmtree(growing, ignore_errors=True)


def _sweep(target: Path) -> None:
    import psutil  # 20 ms, and few write folders

    pattern = re.compile(rf"\.{re.escape(target.name)}\.([0-9]+)({re.escape(PART)}|{re.escape(_FORMER)})")
    for entry in list(target.parent.iterdir()):
        match = pattern.fullmatch(entry.name)
        if match and (int(match[1]) == os.getpid() or not psutil.pid_exists(int(match[1]))):
            if match[2] == _FORMER and not target.exists():  # killed between the two moves
                entry.rename(target)
            else:
                shutil.rmtree(entry, ignore_errors=True)


def _move_over(target: Path, growing: Path, last: str) -> None:
    if not target.exists():
        growing.rename(target)
        return
    if not any(target.iterdir()):
        _fill(target, growing, last)
        return
    former = target.with_name(f".{target.name}.{os.getpid()}{_FORMER}")
    target.rename(former)
    try:
        growing.rename(target)
    except OSError:
        former.rename(target)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _fill(target: Path, growing: Path, last: str) -> None:
    """Move what is in `growing` into an empty folder, in which somebody may stand, or that is a disk."""
    children = sorted(growing.iterdir(), key=lambda path: path.name == last)
    try:
        for child in children:
            shutil.move(child, target / child.name)
    except BaseException:
        for child in children:
            shutil.rmtree(target / child.name, ignore_errors=True)
            (target / child.name).unlink(missing_ok=True)
        raise


def explain(error: OSError) -> str:
    """The system's reason in lower case and without the path: "no space left on device"."""
    text = error.strerror or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]


def temporary_of(path: Path) -> Path:
    """Where `replacing` writes before it moves: `.NAME.part` beside `path`; a hash for a very long name."""
    hidden = f".{path.name}{PART}"
    if len(os.fsencode(hidden)) <= _LONGEST_NAME:
        return path.with_name(hidden)
    return path.with_name(f".{hashlib.blake2b(os.fsencode(path.name), digest_size=16).hexdigest()}{PART}")


def temporary_folder(folder: Path | None = None) -> Path:
    """Where large temporary files go: `folder`, TMPDIR, or /var/tmp, rarely a disk in memory as /tmp is."""
    if folder is not None:
        return folder
    large = Path("/var/tmp")
    usual = any(name in os.environ for name in ("TMPDIR", "TEMP", "TMP")) or not os.access(large, os.W_OK)
    return Path(tempfile.gettempdir()) if usual else large


def fingerprint(path: Path) -> str:
    """A short hash of what a file holds.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def find(root: Path, suffixes: Collection[str]) -> list[Path]:
    """What `walk` finds, all at once."""
    return list(walk(root, suffixes))


def walk(root: Path, suffixes: Collection[str]) -> Iterator[Path]:
    """Every file below `root` with one of `suffixes` (lower case, with the dot), in natural order.

    Hidden entries and anything that is not a regular file are skipped. Links are followed, except
    into a folder that is being listed already; a link to nothing is kept, so that reading it reports it.
    One folder at a time is listed.

    Raises:
        DataError: `root` is no folder, or a folder below can't be listed.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; give the path of a folder.")
    return _walk(root, suffixes, ())


def natural(path: Path) -> tuple:
    """A sort key by which `frame2.png` comes before `frame10.png`, part by part of the path."""
    return tuple(_natural_part(part) for part in path.parts), str(path)


def _natural_part(name: str) -> tuple:
    return tuple(int(s) if i % 2 else s for i, s in enumerate(re.split(r"([0-9]+)", name)))


def _walk(folder: Path, suffixes: Collection[str], above: tuple[tuple[int, int], ...]) -> Iterator[Path]:
    try:
        status = folder.stat()
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{folder} can't be listed ({explain(error)}); fix that or leave it out.") from error
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    entries.sort(key=lambda entry: (_natural_part(entry.name), entry.name))
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
