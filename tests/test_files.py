"""Finding files, and writing them whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translate import files
from translate.errors import DataError, OutputError


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def names(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in files.find(root, {".png"})]


def test_find_is_recursive_and_naturally_sorted(tmp_path):
    for name in ("a10.png", "a2.PNG", "b/1.png", "B/3.png", "notes.txt", ".hidden.png", ".git/x.png"):
        touch(tmp_path / name)
    assert names(tmp_path) == ["B/3.png", "a2.PNG", "a10.png", "b/1.png"]


def test_find_skips_what_is_no_file_and_never_opens_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "s.png"))
    touch(tmp_path / "dir.png" / "inner.png")
    assert names(tmp_path) == ["dir.png/inner.png"]


def test_find_follows_links_but_not_in_circles(tmp_path):
    touch(tmp_path / "real" / "x.png")
    (tmp_path / "real" / "up").symlink_to(tmp_path)
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "file.png").symlink_to(tmp_path / "real" / "x.png")
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "gone")
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    assert names(tmp_path) == ["file.png", "linked/x.png", "nowhere.png", "real/x.png", "self.png"]


@given(st.lists(st.text("aB019_", min_size=1, max_size=6), min_size=1, max_size=8, unique=True))
@settings(max_examples=50, deadline=None)
def test_the_natural_order_is_total_and_counts(names):
    ordered = sorted(map(Path, names), key=files.natural)
    assert ordered == sorted(map(Path, reversed(names)), key=files.natural)
    numbers = [int(path.name[1:]) for path in ordered if path.name[0] == "a" and path.name[1:].isdigit()]
    assert numbers == sorted(numbers)


def test_find_wants_a_folder(tmp_path):
    with pytest.raises(DataError, match=r"nothing is not a folder; give the path of a folder"):
        files.find(tmp_path / "nothing", {".png"})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_locked_folder_is_named(tmp_path):
    (tmp_path / "locked").mkdir(mode=0)
    with pytest.raises(DataError, match=r"locked can't be listed \(permission denied\)"):
        files.find(tmp_path, {".png"})


def test_replacing_shows_whole_files_only(tmp_path):
    target = tmp_path / "new" / "x.bin"
    with files.replacing(target) as temporary:
        temporary.write_bytes(b"first")
        assert not target.exists()
        assert temporary.name == ".x.bin.part"
    assert target.read_bytes() == b"first"
    with pytest.raises(RuntimeError), files.replacing(target) as temporary:  # noqa: PT012
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert target.read_bytes() == b"first"
    assert listing(target.parent) == ["x.bin"]


def test_replacing_says_why_it_can_not(tmp_path):
    touch(tmp_path / "file")
    with (
        pytest.raises(OutputError, match=r"file/x can't be written: "),
        files.replacing(tmp_path / "file" / "x"),
    ):
        pass
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with (
        pytest.raises(OutputError, match=r"folder can't be written: is a directory"),
        files.replacing(tmp_path / "folder") as temporary,
    ):
        temporary.write_bytes(b"x")
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize("name", ["x" * 251 + ".png", "é" * 125 + ".png"])
def test_the_longest_names_can_be_replaced(tmp_path, name):
    with files.replacing(tmp_path / name) as temporary:
        temporary.write_bytes(b"x")
    assert listing(tmp_path) == [name]


def test_a_folder_appears_whole_and_what_killed_processes_left_goes(tmp_path):
    gone, mine = 2**30, os.getpid()
    for name in (
        f".set.{gone}.part",
        f".set.{mine}.part",
        f".set.{os.getppid()}.part",
        f".other.{gone}.part",
    ):
        touch(tmp_path / name / "1.png")
    touch(tmp_path / "set" / "old.png")
    with files.replacing_folder(tmp_path / "set") as growing:
        touch(growing / "new.png")
        assert listing(tmp_path / "set") == ["old.png"]
    assert listing(tmp_path / "set") == ["new.png"]
    assert listing(tmp_path) == sorted([f".set.{os.getppid()}.part", f".other.{gone}.part", "set"])

    def interrupted() -> None:
        with files.replacing_folder(tmp_path / "set") as growing:
            touch(growing / "newer.png")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert listing(tmp_path / "set") == ["new.png"]
    assert len(listing(tmp_path)) == 3


def test_a_folder_whose_replacement_was_killed_is_there_again(tmp_path):
    touch(tmp_path / f".set.{2**30}.old" / "old.png")  # moved away, and nothing in its place yet
    with files.replacing_folder(tmp_path / "set") as growing:
        assert listing(tmp_path / "set") == ["old.png"]
        touch(tmp_path / f".set.{2**30}.old" / "older.png")  # its successor was in place already
        touch(growing / "new.png")
    with files.replacing_folder(tmp_path / "set") as growing:
        touch(growing / "newer.png")
    assert listing(tmp_path) == ["set"]
    assert listing(tmp_path / "set") == ["newer.png"]


@pytest.mark.parametrize("full", [False, True])
def test_an_empty_folder_that_is_another_disk_is_filled(tmp_path, monkeypatch, full):
    (tmp_path / "set").mkdir()

    def fill() -> None:
        with files.replacing_folder(tmp_path / "set", last=".record") as growing:
            touch(growing / "a" / "1.png")
            touch(growing / ".record")

    def rename(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def copy(source: str, target: str, **_: object) -> str:
        if full and str(source).endswith(".record"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return copyfile(source, target)

    copyfile = shutil.copyfile
    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(shutil, "copyfile", copy)
    with pytest.raises(OutputError, match="no space left") if full else nullcontext():
        fill()
    assert listing(tmp_path) == ["set"]
    assert listing(tmp_path / "set") == ([] if full else [".record", "a"])
