"""A small Hub on this machine, as far as a library has to do with it to publish and fetch models."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest


@dataclass
class Repository:
    private: bool = False
    branches: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"main": {}})

    def sha(self, branch: str) -> str:
        content = sorted(
            (name, hashlib.sha1(data).hexdigest()) for name, data in self.branches[branch].items()
        )
        return hashlib.sha1(repr(content).encode()).hexdigest()

    def branch(self, revision: str) -> str | None:
        """Of a branch's name, or of a commit that is the newest of one."""
        return next((name for name in self.branches if revision in (name, self.sha(name))), None)


@dataclass
class Hub:
    """`asked`: every request. `commits`: the names that each commit wrote and removed."""

    endpoint: str = ""
    repos: dict[str, Repository] = field(default_factory=dict)
    writers: set[str] = field(default_factory=lambda: {"writer"})
    asked: list[str] = field(default_factory=list)
    commits: list[tuple[set[str], set[str]]] = field(default_factory=list)
    broken: str = ""

    def answer(self, method: str, path: str, token: str | None, body: bytes) -> tuple[int, dict, bytes]:
        self.asked.append(f"{method} {path}")
        if self.broken and self.broken in path:
            return 500, {}, b"out of order"
        if method == "POST":
            return self._write(path, token, body)
        if listed := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(?:revision|tree)/(.+))?", path):
            return self._list(listed[1], listed[2] or "main", tree="/tree/" in path)
        wanted = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        return self._file(*wanted.groups()) if wanted else (404, {}, b"")

    def _list(self, repo: str, revision: str, tree: bool) -> tuple[int, dict, bytes]:
        there = self.repos.get(repo)
        if there is None:
            return 401, {"X-Error-Code": "RepoNotFound"}, b""
        branch = there.branch(revision)
        if branch is None:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b""
        files = there.branches[branch]
        listing = [
            {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
            for name, data in files.items()
        ]
        siblings = [{"rfilename": name} for name in files]
        info = {"id": repo, "sha": there.sha(branch), "private": there.private, "siblings": siblings}
        return 200, {}, json.dumps(listing if tree else info).encode()

    def _file(self, repo: str, revision: str, name: str) -> tuple[int, dict, bytes]:
        there = self.repos.get(repo)
        if there is None:
            return 401, {"X-Error-Code": "RepoNotFound"}, b""
        branch = there.branch(revision)
        if branch is None:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b""
        data = there.branches[branch].get(name)
        commit = {"X-Repo-Commit": there.sha(branch)}
        if data is None:
            return 404, {"X-Error-Code": "EntryNotFound", **commit}, b""
        return 200, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', **commit}, data

    def _write(self, path: str, token: str | None, body: bytes) -> tuple[int, dict, bytes]:
        if token is None or token == "unknown":
            return 401, {}, b""
        if token not in self.writers:
            return 403, {}, b""
        if path == "/api/validate-yaml":
            return 200, {}, json.dumps({"errors": [], "warnings": []}).encode()
        if path == "/api/repos/create":
            said = json.loads(body)
            name = f"{said['organization']}/{said['name']}"
            status = 409 if name in self.repos else 200
            self.repos.setdefault(name, Repository(said.get("visibility") == "private"))
            return status, {}, json.dumps({"url": f"{self.endpoint}/{name}"}).encode()
        repo, what, revision = re.fullmatch(r"/api/models/([^/]+/[^/]+)/(\w+)/(.+)", path).groups()
        there = self.repos[repo]
        if what == "branch":
            status = 409 if revision in there.branches else 201
            there.branches.setdefault(revision, dict(there.branches["main"]))
            return status, {}, b"{}"
        if what == "preupload":
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            return 200, {}, json.dumps({"files": files}).encode()
        assert what == "commit"
        return self._commit(there, repo, revision, body)

    def _commit(self, there: Repository, repo: str, revision: str, body: bytes) -> tuple[int, dict, bytes]:
        lines = [json.loads(line) for line in body.splitlines()]
        added = {
            line["value"]["path"]: base64.b64decode(line["value"]["content"])
            for line in lines
            if line["key"] == "file"
        }
        removed = {line["value"]["path"] for line in lines if line["key"] == "deletedFile"}
        files = there.branches[revision]
        files.update(added)
        for name in removed:
            del files[name]
        self.commits.append((set(added), removed))
        oid = there.sha(revision)
        url = f"{self.endpoint}/{repo}/commit/{oid}"
        return 200, {}, json.dumps({"commitUrl": url, "commitOid": oid, "success": True}).encode()


@pytest.fixture
def hub(monkeypatch, tmp_path) -> Iterator[Hub]:
    """An empty Hub that `huggingface_hub` takes for the real one; an empty cache, and a writer's token."""
    from huggingface_hub import constants

    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
            status, headers, data = hub.answer(self.command, unquote(urlsplit(self.path).path), token, body)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_HEAD = do_POST = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    template = hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setenv("HF_TOKEN", "writer")
    yield hub
    server.shutdown()
    server.server_close()
