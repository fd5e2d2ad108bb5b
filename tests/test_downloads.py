"""Downloads against a server that breaks off, ignores ranges, lies, redirects and sends pages."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from pathlib import Path

import pytest

from translate import downloads
from translate.errors import DownloadError, OutputError

CONTENT = bytes(range(256)) * 40  # 10,240 bytes
FUTILE = [0] * downloads.FUTILE


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "in" / "a.zip"


def test_a_file_comes_whole_with_its_progress_and_through_redirects(web, target):
    web("/a.zip", CONTENT)
    address, _ = web("/moved.zip", redirect="/a.zip")
    told = []
    downloads.fetch(address, target, size=len(CONTENT), progress=lambda *both: told.append(both))
    assert target.read_bytes() == CONTENT
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert listing(target.parent) == ["a.zip"]


@pytest.mark.parametrize("validator", ['"1"', "Wed, 21 Oct 2015 07:28:00 GMT", None])
def test_a_connection_that_breaks_is_taken_up_where_it_broke(web, target, validator):
    address, page = web("/a.zip", CONTENT, breaks=[4000, 3000], validator=validator)
    downloads.fetch(address, target)
    assert target.read_bytes() == CONTENT
    assert page.asked == [(None, None), ("bytes=4000-", validator), ("bytes=7000-", validator)]


def test_a_server_that_ignores_ranges_begins_anew(web, target):
    address, page = web("/a.zip", CONTENT, breaks=[4000], ranges=False)
    downloads.fetch(address, target)
    assert target.read_bytes() == CONTENT
    assert len(page.asked) == 2


def test_what_stays_is_gone_on_with_in_the_next_call(web, target):
    address, page = web("/a.zip", CONTENT, breaks=[4000, *FUTILE])
    with pytest.raises(
        DownloadError, match=r"breaks off after 4,000 of 10,240 bytes; .*a\.zip\.part keeps 4,000"
    ):
        downloads.fetch(address, target)
    assert listing(target.parent) == ["a.zip.part", "a.zip.part.json"]
    page.asked.clear()
    downloads.fetch(address, target)
    assert page.asked == [("bytes=4000-", '"1"')]
    assert target.read_bytes() == CONTENT
    assert listing(target.parent) == ["a.zip"]


@pytest.mark.parametrize("validators", [('"1"', '"2"'), (None, None)])
@pytest.mark.parametrize("length", [9000, 3000])
def test_a_file_that_has_changed_meanwhile_begins_anew(web, target, validators, length):
    address, page = web("/a.zip", CONTENT, breaks=[4000, *FUTILE], validator=validators[0])
    with pytest.raises(DownloadError):
        downloads.fetch(address, target)
    page.content, page.validator = b"x" * length, validators[1]
    downloads.fetch(address, target)
    assert target.read_bytes() == page.content


def test_of_another_address_nothing_is_gone_on_with(web, target):
    address, _ = web("/a.zip", CONTENT, breaks=[4000, *FUTILE])
    with pytest.raises(DownloadError):
        downloads.fetch(address, target)
    other, page = web("/b/a.zip", CONTENT[::-1])
    downloads.fetch(other, target)
    assert page.asked == [(None, None)]
    assert target.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("length", [len(CONTENT) + 50, len(CONTENT) - 50])
def test_a_server_that_lies_about_the_size_is_not_believed(web, target, length):
    address, _ = web("/a.zip", CONTENT, length=length)
    with pytest.raises(DownloadError, match="it is another file"):
        downloads.fetch(address, target, size=len(CONTENT))
    assert not target.parent.exists()
    if length > len(CONTENT):
        with pytest.raises(DownloadError, match="ends after 10,240 bytes, and its server says more"):
            downloads.fetch(address, target)


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ({"kind": "text/html; charset=utf-8", "content": b"<html>"}, "is a web page and no archive"),
        ({"status": [403]}, "the server answers 403 Forbidden"),
        ({"redirect": "/a.zip"}, "the server answers 302 .* infinite loop"),
        ({"status": [503] * 9}, "the server answers 503 Service Unavailable"),
    ],
)
def test_what_is_no_file_is_said_in_a_line(web, target, behaviour, words):
    address, _ = web("/a.zip", **behaviour)
    with pytest.raises(DownloadError, match=words) as caught:
        downloads.fetch(address, target)
    assert "\n" not in str(caught.value)
    assert not target.parent.exists()


def test_a_server_that_is_busy_is_asked_again(web, target):
    address, page = web("/a.zip", CONTENT, status=[503, 429])
    downloads.fetch(address, target)
    assert len(page.asked) == 3


def test_without_a_way_to_the_server_it_is_said(web, target, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]  # nobody listens there
        with pytest.raises(
            DownloadError, match=r"can't be reached \(connection refused\), perhaps because .* is offline\.$"
        ):
            downloads.fetch(f"http://127.0.0.1:{port}/a.zip", target)

    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(DownloadError, match=r"can't be reached \(URL can't contain"):
        downloads.fetch(f"http://127.0.0.1:{port}/a b.zip", target)
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with pytest.raises(DownloadError, match=r"can't be reached \(name or service not known\)"):
        downloads.fetch("http://nowhere.invalid/a.zip", target)


def test_a_server_that_goes_in_the_middle_is_waited_for(web, target, monkeypatch):
    address, page = web("/a.zip", CONTENT, breaks=[4000])
    connect, refusals = socket.create_connection, iter([1, 1])

    def sometimes(*arguments, **named):
        if page.asked and next(refusals, None):
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        return connect(*arguments, **named)

    monkeypatch.setattr(socket, "create_connection", sometimes)
    downloads.fetch(address, target)
    assert target.read_bytes() == CONTENT
    assert next(refusals, None) is None


class _Full:
    """A file on a disk that takes 3,000 bytes."""

    def __init__(self, file):
        self._file, self._left = file, 3000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def seek(self, place):
        return self._file.seek(place)

    def write(self, chunk):
        written = self._file.write(chunk[: self._left])
        self._left -= written
        if written < len(chunk):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return written


def test_a_full_disk_is_said_and_gone_on_with_when_there_is_room(web, target, monkeypatch):
    address, page = web("/a.zip", CONTENT)
    open_ = Path.open

    def full(path: Path, mode: str = "r", *args, **named):
        file = open_(path, mode, *args, **named)
        return _Full(file) if path.name == "a.zip.part" and "b" in mode else file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(OutputError, match=r"no space left on device; .*a\.zip\.part keeps 3,000 bytes"):
            downloads.fetch(address, target)
    downloads.fetch(address, target)
    assert page.asked == [(None, None), ("bytes=3000-", '"1"')]
    assert target.read_bytes() == CONTENT


def test_a_disk_that_is_too_small_is_said_before_the_download(web, target, monkeypatch):
    address, _ = web("/a.zip", CONTENT)
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10_000))
    with pytest.raises(OutputError, match=r"has 10,240 bytes to come, and the disk of .* has 10,000 left"):
        downloads.fetch(address, target)
    assert listing(target.parent) == []


def test_an_interruption_leaves_what_has_come(web, target):
    address, page = web("/a.zip", CONTENT)

    def interrupt(done: int, total: int | None) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        downloads.fetch(address, target, progress=interrupt)
    assert downloads.part_of(target).read_bytes() == CONTENT
    downloads.fetch(address, target)
    assert len(page.asked) == 1  # all of it was there
    assert target.read_bytes() == CONTENT
