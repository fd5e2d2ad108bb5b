"""Zips of strangers: pictures come out, nothing else does."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from translate.errors import BadImage
from translate_apps.studio import archives


def zipped(path: Path, entries: dict[str, bytes], **how: int) -> Path:
    with zipfile.ZipFile(path, "w", **how) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_pictures_come_out_in_their_folders_and_all_else_is_named(tmp_path):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    entries = {
        "a.png": b"1",
        "deep/ünï.JPG": b"22",
        "notes.txt": b"3",
        "../out.png": b"4",
        "deep/../../out.png": b"5",
        "/abs.png": b"6",
        "..\\out.png": b"7",
        "C:\\out.png": b"8",
        "__MACOSX/a.png": b"9",
        "deep/.hidden.png": b"10",
        f"{'x' * 240}.png": b"11",
    }
    path = zipped(tmp_path / "a.zip", entries)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.png", b"another")
    into = tmp_path / "in"
    into.mkdir()
    used, left_out = archives.unpack(path, "a.zip", into)
    assert files(into) == {"a.png", "deep/ünï.JPG"}
    assert (into / "a.png").read_bytes() == b"1"
    assert used == 3
    assert files(tmp_path) == {"a.zip", "in/a.png", "in/deep/ünï.JPG"}
    reasons = dict(left_out)
    assert len(left_out) == 11
    assert all("leads out" in reasons[name] for name in ("../out.png", "/abs.png", "..\\out.png"))
    assert "link" in reasons["link.png"]
    assert "no picture" in reasons["notes.txt"]
    assert "has its name" in reasons["a.png"]


def test_bombs_are_refused_by_what_they_say_and_by_what_they_are(tmp_path):
    bomb = zipped(tmp_path / "bomb.zip", {"a.png": bytes(10_000_000)}, compression=zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 20_000
    into = tmp_path / "in"
    with pytest.raises(BadImage, match=r"bomb.zip: unpacked it would be more than 0.001 GB"):
        archives.unpack(bomb, "bomb.zip", into, room=1_000_000)
    assert not into.exists()

    lying = bytearray(bomb.read_bytes())  # its directory says 10 bytes
    place = lying.rindex(b"PK\x01\x02")
    lying[place + 24 : place + 28] = struct.pack("<I", 10)
    (tmp_path / "lying.zip").write_bytes(lying)
    used, left_out = archives.unpack(tmp_path / "lying.zip", "lying.zip", into, room=1_000_000)
    assert used <= 1_000_000
    assert [name for name, _ in left_out] == ["a.png"]
    assert not files(into)

    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(archives.MOST_ENTRIES + 1):
            archive.writestr(f"{number}.png", b"")
    (tmp_path / "many.zip").write_bytes(many.getvalue())
    with pytest.raises(BadImage, match="10001 files"):
        archives.unpack(tmp_path / "many.zip", "many.zip", into)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 and no more"])
def test_what_is_no_zip_is_said(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(BadImage, match=r"a.zip: it is no whole zip file"):
        archives.unpack(tmp_path / "a.zip", "a.zip", tmp_path)


def test_damaged_and_locked_entries_are_left_out_and_the_others_not(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": b"a" * 50, "b.png": b"b" * 50, "c.png": b"c" * 50})
    content = bytearray(path.read_bytes())
    content[content.index(b"a" * 50)] ^= 1  # its checksum doesn't fit any more
    places = [n for n in range(len(content)) if content[n : n + 4] in (b"PK\x01\x02", b"PK\x03\x04")]
    content[places[1] + 6] |= 1  # the second is encrypted, by its own header
    content[places[4] + 8] |= 1  # and by the directory
    path.write_bytes(content)
    _, left_out = archives.unpack(path, "a.zip", tmp_path / "in")
    assert files(tmp_path / "in") == {"c.png"}
    assert "damaged" in dict(left_out)["a.png"]
    assert "encrypted" in dict(left_out)["b.png"]
