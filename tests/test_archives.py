"""Tars and zips of strangers; what the studio asks of zips is in tests/apps/test_archives.py."""

from __future__ import annotations

import errno
import io
import os
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translate import archives
from translate.errors import OutputError

ENTRIES = {"set/a.png": b"1", "set/deep/b.png": b"22" * 600_000, "set/.hidden": b"3", "__MACOSX/a.png": b"4"}


def packed(path: Path, entries: dict[str, bytes], mode: str = "w:gz") -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        return path
    with tarfile.open(path, mode) as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def unpacked(path: Path, into: Path, **how) -> archives.Unpacked:
    kind = archives.kind_of(path)
    assert kind is not None
    return archives.unpack(path, kind, into, **{"room": 10_000_000, "most": 100, **how})


@pytest.mark.parametrize(
    ("name", "mode"), [("a.zip", ""), ("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tar.xz", "w:xz")]
)
def test_plain_files_come_out_of_every_kind(tmp_path, name, mode):
    told = []
    done = unpacked(
        packed(tmp_path / name, ENTRIES, mode), tmp_path / "in", progress=lambda *both: told.append(both)
    )
    assert files(tmp_path / "in") == {"set/a.png", "set/deep/b.png"}
    assert (tmp_path / "in/set/deep/b.png").read_bytes() == ENTRIES["set/deep/b.png"]
    assert (done.files, done.written) == (2, 1_200_001)
    assert {entry.name: entry.why for entry in done.left_out} == {
        "set/.hidden": "unwanted",
        "__MACOSX/a.png": "unwanted",
    }
    assert len(told) > 2
    assert all(0 < part <= whole for part, whole in told)


def test_links_devices_and_ways_out_of_a_tar_are_unsafe(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(f"{kind.decode()}.png")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        for name in ("../out.png", "/abs.png", "a/../../out.png", "C:\\out.png", "..\\out.png"):
            archive.addfile(tarfile.TarInfo(name))
        executable = tarfile.TarInfo("run.png")
        executable.mode, executable.uid = 0o6777, 0
        archive.addfile(executable)
    done = unpacked(path, tmp_path / "in")
    assert files(tmp_path) == {"a.tar", "in/run.png"}
    assert (tmp_path / "in/run.png").stat().st_mode & 0o6111 == 0
    assert [entry.why for entry in done.left_out] == ["unsafe"] * 10


@settings(max_examples=80, deadline=None)
@given(names=st.lists(st.text("a.b/\\: ü~", min_size=1, max_size=9), min_size=1, max_size=4, unique=True))
def test_no_name_leads_out(names):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "deep" / "in").mkdir(parents=True)
        path = packed(root / "deep" / "a.tar", dict.fromkeys(names, b"1"), "w")
        done = unpacked(path, root / "deep" / "in")
        assert len(files(root / "deep" / "in")) == done.files
        assert files(root) - {f"deep/in/{name}" for name in files(root / "deep" / "in")} == {"deep/a.tar"}
        assert done.files + len(done.left_out) <= len(names)


def test_bombs_end_where_the_room_ends(tmp_path):
    bomb = packed(tmp_path / "bomb.tar.gz", {"a.png": bytes(5_000_000)})
    assert bomb.stat().st_size < 10_000
    with pytest.raises(archives.BadArchive, match=r"unpacked it would be more than 0\.001 GB"):
        unpacked(bomb, tmp_path / "in", room=1_000_000)
    assert not files(tmp_path / "in")
    many = packed(tmp_path / "many.tar", {f"{number}.png": b"" for number in range(101)}, "w")
    with pytest.raises(archives.BadArchive, match="it holds more than 100 files"):
        unpacked(many, tmp_path / "in")


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_what_is_cut_short_is_no_whole_archive(tmp_path, name):
    whole = packed(tmp_path / name, {"a.png": os.urandom(50_000)}, "w:gz" if name.endswith("gz") else "w")
    whole.write_bytes(whole.read_bytes()[:30_000])
    if name == "a.zip":
        assert archives.kind_of(whole) is None
    with pytest.raises(archives.BadArchive, match=r"it is no whole (zip|tar) file"):
        archives.unpack(whole, "zip" if name == "a.zip" else "tar", tmp_path / "in", room=10**6, most=10)
    assert not files(tmp_path / "in")


@pytest.mark.parametrize("damage", ["between two members", "in a header", "a header", "a note", "a size"])
def test_a_tar_s_headers_that_are_missing_or_lie_are_no_end(tmp_path, damage):
    tar = packed(tmp_path / "a.tar", {"1.png": bytes(512), "2.png": bytes(512), "3.png": bytes(512)}, "w")
    whole = bytearray(tar.read_bytes())
    if damage == "a header":
        whole[1024:1536] = bytes([255]) * 512
    elif damage in ("a note", "a size"):
        lying = tarfile.TarInfo("2.png")
        lying.type, lying.size = (tarfile.XHDTYPE, 2**50) if damage == "a note" else (lying.type, 2**62)
        whole[1024:1536] = lying.tobuf(tarfile.GNU_FORMAT)
    else:
        del whole[1024 if damage == "between two members" else 1100 :]
    tar.write_bytes(whole)
    with pytest.raises(archives.BadArchive, match="it is no whole tar file"):
        archives.unpack(tar, "tar", tmp_path / "in", room=10**6, most=10)


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04", b"\x1f\x8b\x08" + bytes(20)])
def test_what_is_neither_has_no_kind(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert archives.kind_of(tmp_path / "a") is None


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_a_full_disk_is_no_damage_of_the_archive(tmp_path, monkeypatch, name):
    path = packed(tmp_path / name, ENTRIES, "w")
    open_ = Path.open

    def full(self: Path, mode: str = "r", *args, **named):
        if "x" in mode and self.name == "b.png":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return open_(self, mode, *args, **named)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OutputError, match="no space left on device"):
        unpacked(path, tmp_path / "in")
