"""Members of tar files as paths: what `tarfile` and other tools write, and what is broken or hostile."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translate import tars
from translate.errors import DataError


def write(path: Path, *entries: tuple[str, bytes], **options) -> Path:
    with tarfile.open(path, "w", **options) as tar:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(tars, "user_cache_path", lambda name: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_read_where_they_lie(tmp_path, kind):
    long = "/".join(["a folder of a rather long name"] * 4) + "/ßpicture.png"
    contents = {"1.a.jpg": b"x" * 700, "./sub/2.jpg": b"", long: bytes(range(256)) * 9, "1.b.png": b"y"}
    tar = write(tmp_path / "t.tar", *contents.items(), format=kind)
    found = tars.members(tar)
    assert found == [tar / name for name in contents]
    assert [tars.read(path) for path in found] == list(contents.values())
    with tars.opened(found[0]) as stream:
        assert stream.read() == b"x" * 700
    with pytest.raises(FileNotFoundError):
        tars.read(tar / "3.jpg")


def test_paths_that_name_no_member_are_ordinary(tmp_path):
    folder = tmp_path / "set.tar"
    folder.mkdir()
    (folder / "x.txt").write_bytes(b"x")
    for path in (folder / "x.txt", tmp_path / "none.tar" / "x", tmp_path / "plain"):
        assert tars.locate(path) is None
        assert tars.read(path) is None
    with tars.opened(folder / "x.txt") as stream:
        assert stream.read() == b"x"


def test_a_later_member_of_one_name_wins_and_links_within_are_followed(tmp_path):
    tar = write(tmp_path / "t.tar", ("1.jpg", b"old"), ("2.jpg", b"2"), ("1.jpg", b"new"))
    with tarfile.open(tar, "a") as file:
        for name, kind, goal in (("3.jpg", tarfile.LNKTYPE, "2.jpg"), ("4.jpg", tarfile.SYMTYPE, "2.jpg")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, goal
            file.addfile(info)
    assert {path.name: tars.read(path) for path in tars.members(tar)} == {
        "1.jpg": b"new",
        "2.jpg": b"2",
        "3.jpg": b"2",
    }


@pytest.mark.parametrize(
    "name", ["../out.jpg", "x/../../out.jpg", "/../out.jpg", ".hidden.jpg", ".d/x.jpg", "/", "."]
)
def test_names_that_lead_out_are_no_members(tmp_path, name):
    (tmp_path / "out.jpg").write_bytes(b"secret")
    tar = write(tmp_path / "t.tar", (name, b"x"), ("1.jpg", b"1"))
    assert tars.members(tar) == [tar / "1.jpg"]
    with pytest.raises(FileNotFoundError):
        tars.read(tar / ".." / "out.jpg")


def test_an_absolute_name_is_one_below_the_tar_file(tmp_path):
    tar = write(tmp_path / "t.tar", ("/etc/passwd", b"mine"))
    assert tars.members(tar) == [tar / "etc/passwd"]
    assert tars.read(tar / "etc/passwd") == b"mine"


@settings(max_examples=40)
@given(cut=st.integers(0, 10240))
def test_a_tar_file_cut_anywhere_is_refused_or_has_all(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("cut")
    whole = write(folder / "whole.tar", ("1.jpg", b"1" * 700), ("2.jpg", b"2" * 512)).read_bytes()
    (folder / "t.tar").write_bytes(whole[:cut])
    if cut >= 512 * 6:  # two members and the first block of the end
        assert len(tars.members(folder / "t.tar")) == 2
    else:
        with pytest.raises(DataError, match=r"t\.tar is (truncated or damaged|empty|no tar file)"):
            tars.members(folder / "t.tar")


def test_what_is_no_tar_file(tmp_path):
    import gzip

    whole = write(tmp_path / "w.tar", ("1.jpg", b"1" * 700), ("2.jpg", b"2")).read_bytes()
    negative, wrapper = tarfile.TarInfo("x.jpg"), tarfile.TarInfo("x")
    negative.size = -1024
    wrapper.type, wrapper.size = tarfile.XHDTYPE, 512
    wrapped = wrapper.tobuf() + b"9 path=x\n".ljust(512, b"\0")
    for name, content, said in (
        ("gz.tar", gzip.compress(whole), "is compressed"),
        ("text.tar", b"nothing of the kind" * 100, "is no tar file"),
        ("negative.tar", negative.tobuf(tarfile.GNU_FORMAT) + whole, "a file of negative size"),
        ("endless.tar", wrapped * 2000 + whole, "is no tar file"),
        ("damaged.tar", whole[:1536] + b"\xff" * 512 + whole[2048:], "is truncated or damaged"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=said):
            tars.members(tmp_path / name)
    with pytest.raises(DataError, match="can't be read: no such file"):
        tars.members(tmp_path / "none.tar")


def header(size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A header that says any size, below zero, too."""
    content = bytearray(tarfile.TarInfo("1.png").tobuf())
    content[124:136] = (size % 2**96 | (0 if size < 0 else 1 << 95)).to_bytes(12, "big")
    content[156:157] = kind
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content)
    return bytes(content)


def note(text: bytes) -> bytes:
    return header(512, tarfile.XHDTYPE) + text.ljust(512, b"\0")


HOSTILE = {
    "goes back": header(-1024),
    "goes back by a note": header(0) + note(b"14 size=-1536\n") + header(0),
    "further than any disk": header(2**80),
    "further than the file": header(2**39),
    "a note without an end": header(2**40, tarfile.XHDTYPE),
    "a note of less than nothing": header(-512, tarfile.XHDTYPE),
    "a name without an end": header(2**62, tarfile.GNUTYPE_LONGNAME),
    "notes on notes": note(b"12 path=ab\n") * 3000 + header(0),
    "holes that are none": note(b"30 GNU.sparse.map=1,2,abc,foo\n") + header(512) + bytes(512),
    "holes behind the end": header(0, tarfile.GNUTYPE_SPARSE)[:482] + b"\1" + header(0)[483:],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_headers_that_lie_are_a_sentence(tmp_path, case):
    (tmp_path / "t.tar").write_bytes(HOSTILE[case] + bytes(1024))
    with pytest.raises(DataError, match=r"t\.tar is (truncated or damaged|no tar file)"):
        tars.members(tmp_path / "t.tar")


def test_an_index_is_kept_and_forgotten_when_the_file_changes(tmp_path, cache_folder, monkeypatch):
    monkeypatch.setattr(tars, "_WORTH_KEEPING", 2)
    tar = write(tmp_path / "t.tar", ("1.jpg", b"one"), ("2.jpg", b"2"))
    assert len(tars.members(tar)) == 2
    [kept] = (cache_folder / "tars").iterdir()

    def fail(_):
        raise AssertionError("the headers were read again")

    scan = tars._scan
    monkeypatch.setattr(tars, "_scan", fail)
    tars._index.cache_clear()
    assert tars.read(tar / "1.jpg") == b"one"
    monkeypatch.setattr(tars, "_scan", scan)
    write(tar, ("9.jpg", b"nine"), ("1.jpg", b"two"))
    os.utime(tar, ns=(1, 1))
    assert tars.members(tar) == [tar / "9.jpg", tar / "1.jpg"]
    assert tars.read(tar / "1.jpg") == b"two"
    for content in ("", "[]", '{"state": 1}', kept.read_text().replace("[", "{")):
        kept.write_text(content)
        tars._index.cache_clear()
        assert tars.read(tar / "1.jpg") == b"two"
