"""Weights that are downloaded once, and proven to be the right ones."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from typing import NamedTuple
from urllib.error import HTTPError, URLError

import torch

from translate.errors import ModelError, OutputError

PATIENCE = 30.0  # seconds without a byte, after which a server counts as gone


class Pinned(NamedTuple):
    """A file on the web.

    Attributes:
        url: its last part is the file's name.
        sha256: of its content, in hexadecimal; the first digits suffice.
        size: in bytes, to be told before a download; 0 where it isn't known.
    """

    url: str
    sha256: str
    size: int = 0

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


class Located(NamedTuple):
    """Where a file lies, or where a download would put it."""

    file: Pinned
    path: Path
    there: bool


def locate(wanted: Pinned, folder: Path | None = None) -> Located:
    """Where `obtain` would find the file, and whether it is there; nothing is downloaded.

    Raises:
        ModelError: the file is not in `folder`, or isn't the right one.
    """
    path = (Path(torch.hub.get_dir()) / "checkpoints" if folder is None else folder) / wanted.name
    if path.is_file():
        _verify(path, wanted)
    elif folder is not None:
        raise ModelError(f"{folder} has no {wanted.name}; it is at {wanted.url}")
    return Located(wanted, path, path.is_file())


def obtain(wanted: Pinned, folder: Path | None = None, *, progress: bool = False) -> Path:
    """Where the file lies: in `folder`, or in torch's hub cache, into which it is downloaded if need be.

    The cache is `checkpoints` in `torch.hub.get_dir()`. The checksum is held against the file every time, and
    a download that is not whole and right leaves nothing behind.

    Args:
        folder: looked into instead of the cache; nothing is downloaded then.
        progress: a bar on stderr while downloading.

    Raises:
        ModelError: the file is not in `folder`, can't be downloaded, or isn't the right one.
        OutputError: the cache can't be written, the disk is full.
    """
    _, path, there = locate(wanted, folder)
    if not there:
        _download(path, wanted, progress)
    return path


def _verify(path: Path, wanted: Pinned) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} can't be read: {_reason(error)}") from error
    if not found.startswith(wanted.sha256):
        raise ModelError(
            f"{path} is damaged or another file: its sha256 begins with {found[: len(wanted.sha256)]}, not "
            f"{wanted.sha256}; delete it and get it anew from {wanted.url}"
        )


def _download(path: Path, wanted: Pinned, progress: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _patience():
            torch.hub.download_url_to_file(wanted.url, str(path), wanted.sha256, progress)
    except RuntimeError as error:  # how torch reports another checksum
        raise ModelError(
            f"what came from {wanted.url} is not all of the file, or another one: its sha256 doesn't begin "
            f"with {wanted.sha256}; try again"
        ) from error
    except (URLError, HTTPException, ConnectionError, TimeoutError, SSLError) as error:
        raise ModelError(f"{wanted.url} can't be downloaded: {_reason(error)}") from error
    except OSError as error:
        raise OutputError(f"{path} can't be written: {_reason(error)}") from error


@contextmanager
def _patience() -> Iterator[None]:
    """Give up on silent servers, which torch's download would wait for without end."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"the server answers {error.code} {error.reason}"
    cause = error.reason if isinstance(error, URLError) else error
    text = (cause.strerror if isinstance(cause, OSError) else None) or str(cause) or type(cause).__name__
    return text[:1].lower() + text[1:]
