"""Downloads over real sockets, from a server of this test: right, or one clear line and nothing left."""

from __future__ import annotations

import hashlib
import resource
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from translate.errors import ModelError, OutputError
from translate.networks import pinned
from translate.networks.pinned import Pinned, obtain

CONTENT = bytes(range(256)) * 2000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """`/whole/…`, `/short/…` (ends too early), `/moved/…` (redirects), `/silent/…`; all else isn't there."""

    asked: ClassVar[list[str]] = []
    over = threading.Event()

    def do_GET(self):
        kind = self.path.split("/")[1]
        self.asked.append(kind)
        if kind == "moved":
            self.send_response(302)
            self.send_header("Location", self.path.replace("moved", "whole"))
            self.end_headers()
        elif kind in ("whole", "short", "silent"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            sent = {"whole": len(CONTENT), "short": len(CONTENT) // 2, "silent": 1000}[kind]
            self.wfile.write(CONTENT[:sent])
            self.wfile.flush()
            if kind == "silent":
                self.over.wait(10)
        else:
            self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    Handler.over.set()
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty hub cache, and no proxy between us and the server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    Handler.asked.clear()
    return tmp_path / "hub" / "checkpoints"


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("kind", ["whole", "moved"])
def test_a_file_is_downloaded_once(kind, server, cache):
    wanted = Pinned(f"{server}/{kind}/weights-1234.pth", DIGEST[:8])
    assert obtain(wanted) == cache / "weights-1234.pth"
    assert obtain(wanted).read_bytes() == CONTENT
    assert left_in(cache) == ["weights-1234.pth"]
    assert Handler.asked.count("whole") == 1


def test_a_bar_is_shown_if_asked_for(server, cache, capsys):
    obtain(Pinned(f"{server}/whole/quiet.pth", DIGEST))
    assert not capsys.readouterr().err
    obtain(Pinned(f"{server}/whole/shown.pth", DIGEST), progress=True)
    assert "100%" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "digest", "reason"),
    [
        (
            "whole",
            "0123abcd",
            "is not all of the file, or another one: its sha256 doesn't begin with 0123abcd",
        ),
        ("short", DIGEST[:8], "is not all of the file, or another one"),
        ("gone", DIGEST[:8], "can't be downloaded: the server answers 404 Not Found"),
    ],
)
def test_a_download_that_fails_says_why_and_leaves_nothing(kind, digest, reason, server, cache):
    url = f"{server}/{kind}/weights.pth"
    with pytest.raises(ModelError, match=f"{url} {reason}") as error:
        obtain(Pinned(url, digest))
    assert "\n" not in str(error.value)
    assert not left_in(cache)


def test_without_a_network_it_says_so(cache):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ModelError, match=r"weights.pth can't be downloaded: connection refused"):
        obtain(Pinned(f"http://127.0.0.1:{port}/weights.pth", DIGEST))
    assert not left_in(cache)


def test_a_silent_server_is_given_up(server, cache, monkeypatch):
    monkeypatch.setattr(pinned, "PATIENCE", 0.2)
    with pytest.raises(ModelError, match="can't be downloaded: timed out"):
        obtain(Pinned(f"{server}/silent/weights.pth", DIGEST))
    assert not left_in(cache)
    assert socket.getdefaulttimeout() is None


def test_no_room_on_the_disk(server, cache):
    """A limit on the size of files stands in for a full disk: both end in a failing write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) // 2, before[1]))
    try:
        with pytest.raises(OutputError, match=r"weights.pth can't be written: file too large"):
            obtain(Pinned(f"{server}/whole/weights.pth", DIGEST))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not left_in(cache)


def test_a_cache_that_can_t_be_made(server, cache):
    cache.parent.parent.joinpath("hub").write_text("in the way")
    with pytest.raises(OutputError, match=r"weights\.pth can't be written: "):
        obtain(Pinned(f"{server}/whole/weights.pth", DIGEST))


def test_a_damaged_file_in_the_cache_is_noticed(server, cache):
    wanted = Pinned(f"{server}/whole/weights.pth", DIGEST[:8])
    obtain(wanted).write_bytes(CONTENT[:-1])
    with pytest.raises(ModelError, match=rf"sha256 begins with \w{{8}}, not {DIGEST[:8]}; delete it"):
        obtain(wanted)


def test_a_folder_of_one_s_own_is_never_downloaded_into(server, cache, tmp_path):
    wanted = Pinned(f"{server}/whole/weights.pth", DIGEST[:8])
    with pytest.raises(ModelError, match=rf"{tmp_path} has no weights.pth; it is at {wanted.url}"):
        obtain(wanted, tmp_path)
    assert not Handler.asked
    (tmp_path / "weights.pth").write_bytes(CONTENT)
    assert obtain(wanted, tmp_path) == tmp_path / "weights.pth"
    (tmp_path / "weights.pth").write_bytes(b"other")
    with pytest.raises(ModelError, match="is damaged or another file"):
        obtain(wanted, tmp_path)
