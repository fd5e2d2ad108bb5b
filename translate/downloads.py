"""Files from the web: whole or not at all, and going on where they broke off."""

from __future__ import annotations

import json
import shutil
import ssl
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http.client import HTTPException, HTTPResponse, InvalidURL
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from translate import __version__
from translate.errors import DownloadError, OutputError
from translate.files import PART, explain

PATIENCE = 30.0  # seconds without a byte, after which a connection counts as broken
FUTILE = 5  # broken connections in a row that brought nothing new
PAUSE = 1.0  # seconds after the first of them; twice as long each time

_CHUNK = 2**18
_LATER = (408, 425, 429, 500, 502, 503, 504)

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class _Known:
    """What is known of a file that has begun to come; kept beside it.

    `validator` is its ETag or date, by which a server knows whether it still has the same file.
    """

    address: str
    size: int | None
    validator: str | None


class _Broken(Exception):
    """A connection that may do better the next time; the text is the reason."""


class _Unreachable(_Broken):
    """No connection at all, which may do better only where there has been one."""


def part_of(path: Path) -> Path:
    """Where a file lies until it is whole."""
    return path.with_name(path.name + PART)


def discard(path: Path) -> None:
    """Remove what there is of a download that is not to be continued."""
    part_of(path).unlink(missing_ok=True)
    _record_of(path).unlink(missing_ok=True)


def fetch(
    address: str, path: Path, *, size: int | None = None, progress: Progress = lambda done, total: None
) -> None:
    """Download a file to `path`, where it appears when it is whole.

    Until then it is `part_of(path)`, which stays when the connection breaks for good, the disk is full or
    somebody interrupts: the next call asks for the rest alone (a range request with If-Range), and starts
    anew where the server ignores that or has another file by now. A connection that breaks is taken up again
    by itself.

    Args:
        address: http or https; redirects are followed.
        size: bytes that the file has, where that is known.
        progress: called with the bytes that are there and their number, where it is known.

    Raises:
        DownloadError: the server can't be reached, hasn't the file, sends a page or one of another size.
        OutputError: the file can't be written, the disk is full or too small.
    """
    best, futile, begun = 0, 0, False
    while True:
        try:
            _continue(address, path, size, progress)
            break
        except _Broken as broken:
            there = _length(part_of(path))
            begun = begun or not isinstance(broken, _Unreachable)
            best, futile = (there, 0) if there > best else (best, futile + 1)
            if futile >= FUTILE or not begun:
                raise DownloadError(f"{address}: {broken}{_kept(path)}.") from broken
            time.sleep(PAUSE * 2**futile / 2 if futile else 0)
    try:
        part_of(path).replace(path)
        _record_of(path).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path} can't be written: {explain(error)}") from error


def _continue(address: str, path: Path, size: int | None, progress: Progress) -> None:
    """One request for what is missing; returns when the file is whole."""
    known, have = _recorded(path), _length(part_of(path))
    if known is None or known.address != address or known.validator is known.size is None:
        known, have = None, 0
    elif have and have == known.size and size in (None, have):
        return
    with _asked(address, path, have, known) as response:
        start, total = _extent(response, path, have, known)
        if total is not None and size is not None and total != size:
            raise DownloadError(
                f"{address} has {total:,} bytes where {size:,} are expected: it is another file."
            )
        if response.headers.get_content_type() == "text/html":
            raise DownloadError(f"{address} is a web page and no archive; look at it in a browser.")
        expected = total if size is None else size
        try:
            _require_room(path, start, expected)
            _note(path, _Known(address, total, _validator(response)))
            with part_of(path).open("r+b" if start else "wb") as file:
                file.seek(start)
                have = _receive(response, file, start, expected, progress)
        except OSError as error:
            raise OutputError(f"{path} can't be written: {explain(error)}{_kept(path)}.") from error
    if expected is not None and have < expected:
        raise _Broken(f"the connection breaks off after {have:,} of {expected:,} bytes")
    if expected is not None and have > expected:
        discard(path)
        raise DownloadError(f"{address} sends more than the {expected:,} bytes that it should have.")


def _asked(address: str, path: Path, have: int, known: _Known | None) -> HTTPResponse:
    headers = {"User-Agent": f"image-translate/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if known is not None and known.validator:
            headers["If-Range"] = known.validator
    try:
        return urlopen(Request(address, headers=headers), timeout=PATIENCE)
    except HTTPError as error:
        answer = " ".join(f"the server answers {error.code} {error.reason}".split())
        if error.code == 416:  # the server's file is no longer than what is there of it
            discard(path)
            if known is not None and known.validator:  # and the same as it was
                raise DownloadError(
                    f"{address} ends after {have:,} bytes, and its server says more."
                ) from error
            raise _Broken("the server has another file by now") from error
        if error.code in _LATER:
            raise _Broken(answer) from error
        raise DownloadError(f"{address}: {answer}.") from error
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        silent = isinstance(reason, (TimeoutError, ConnectionResetError, HTTPException))
        if silent and not isinstance(reason, InvalidURL):
            raise _Broken(f"the server doesn't answer ({_words(reason)})") from error
        offline = isinstance(reason, OSError) and not isinstance(reason, ssl.SSLError)
        hint = ", perhaps because this machine is offline" if offline else ""
        raise _Unreachable(f"the server can't be reached ({_words(reason)}){hint}") from error


def _extent(response: HTTPResponse, path: Path, have: int, known: _Known | None) -> tuple[int, int | None]:
    """From which byte on this answer brings the file, and how many bytes the file has."""
    if response.status != 206:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdigit() else None
    span, _, whole = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    total = int(whole) if whole.isdigit() else None
    if known is None or span.partition("-")[0] != str(have) or total != known.size:
        discard(path)
        raise _Broken("the server has another file by now")
    return have, total


def _receive(
    response: HTTPResponse, file: BinaryIO, have: int, expected: int | None, progress: Progress
) -> int:
    """Write what comes to the file, but little more than is expected; the bytes that the file has then."""
    progress(have, expected)
    while expected is None or have <= expected:
        try:
            chunk = response.read(_CHUNK)
        except (OSError, HTTPException) as error:
            raise _Broken(f"the connection breaks off after {have:,} bytes ({_words(error)})") from error
        if not chunk:
            break
        file.write(chunk)
        have += len(chunk)
        progress(have, expected)
    return have


def _validator(response: HTTPResponse) -> str | None:
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _require_room(path: Path, have: int, expected: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(path.parent).free
    if expected is not None and expected - have > free:
        raise OutputError(
            f"{path.name} has {expected - have:,} bytes to come, and the disk of {path.parent} has {free:,} "
            "left."
        )


def _record_of(path: Path) -> Path:
    return path.with_name(f"{path.name}{PART}.json")


def _note(path: Path, known: _Known) -> None:
    _record_of(path).write_text(json.dumps(asdict(known)), encoding="utf-8")


def _recorded(path: Path) -> _Known | None:
    try:
        return _Known(**json.loads(_record_of(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _kept(path: Path) -> str:
    """What a person should know of the part that is there."""
    there = _length(part_of(path))
    return f"; {part_of(path)} keeps {there:,} bytes, and the same call goes on there" if there else ""


def _words(error: BaseException | str) -> str:
    if isinstance(error, OSError):
        return explain(error)
    return str(error) or type(error).__name__
