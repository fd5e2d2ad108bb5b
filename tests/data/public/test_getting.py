"""From an address to a folder that trains, or to one line and nothing left behind."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from translate import archives, downloads
from translate.data.inspect import inspect
from translate.data.public import getting, records
from translate.data.public.cards import Archive
from translate.data.public.getting import get
from translate.errors import DataError, DownloadError, OutputError, TranslateError, UsageError


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "cache") if folder.is_dir() else []


def test_a_set_is_downloaded_checked_unpacked_and_moved_into_place(web, tmp_path, unpaired, card_of):
    address, page = web("/a2b.zip", unpaired)
    sha256 = hashlib.sha256(unpaired).hexdigest()
    card, told = card_of(address, size=len(unpaired), sha256=sha256), set()
    got = get(card, tmp_path / "a2b", progress=lambda what, done, total: told.add(what))
    assert got.pictures == {"trainA": 3, "trainB": 2, "testA": 1, "testB": 1}
    assert (got.existing, got.kept, got.problems) == (False, (), ())
    assert told == {"downloading a2b.zip", "checking a2b.zip", "unpacking a2b.zip"}
    assert listing(tmp_path) == ["a2b"]
    assert listing(tmp_path / "a2b") == [records.RECORD, "testA", "testB", "trainA", "trainB"]
    report = inspect(tmp_path / "a2b", progress=False)
    assert report.domains == {"a": "a", "b": "b"}
    assert report.command.split() == card.command(tmp_path / "a2b")
    record = json.loads((tmp_path / "a2b" / records.RECORD).read_text())
    source = {"name": "a2b.zip", "origin": address, "size": len(unpaired), "sha256": sha256}
    assert record["archives"] == [source]

    again = get(card, tmp_path / "a2b")
    assert again.existing
    assert again.pictures == got.pictures
    assert len(page.asked) == 1

    (tmp_path / "a2b/trainA/0.png").unlink()
    forced = get(card, tmp_path / "a2b", force=True, keep_archive=True)
    assert not forced.existing
    assert (tmp_path / "a2b/trainA/0.png").is_file()
    assert forced.kept == (tmp_path / "a2b.zip",)
    assert len(page.asked) == 2
    get(card, tmp_path / "a2b", force=True)
    assert len(page.asked) == 2  # what was kept is taken
    assert listing(tmp_path) == ["a2b", "a2b.zip"]


def test_folders_with_anything_else_are_never_touched(web, tmp_path, unpaired, card_of):
    card = card_of(web("/a2b.zip", unpaired)[0])
    mine = tmp_path / "mine" / "notes.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    for force in (False, True):
        with pytest.raises(OutputError, match="holds other files, which are never overwritten"):
            get(card, mine.parent, force=force)
        with pytest.raises(OutputError, match="is a file"):
            get(card, mine, force=force)
    get(card, tmp_path / "other")
    with pytest.raises(OutputError, match="holds the data set a2b"):
        get(card.model_copy(update={"name": "c2d"}), tmp_path / "other", force=True)
    assert mine.read_text() == "mine"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert get(card, empty).pictures["trainA"] == 3


def hostile(name: str, **attributes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        for key, value in attributes.items():
            setattr(info, key, value)
        archive.addfile(info)
    return packed.getvalue()


def linked_zip() -> bytes:
    packed = io.BytesIO()
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    return packed.getvalue()


BAD = {
    "html": (b"<!DOCTYPE html><html>Moved</html>", "a2b.zip is a web page and no archive"),
    "empty file": (b"", "a2b.zip is empty"),
    "something else": (b"hello", "is neither a zip nor a tar file"),
    "empty zip": (b"PK\x05\x06" + bytes(18), "a2b.zip holds no file"),
    "way out": (
        hostile("../../out.png"),
        "isn't to be trusted: it holds '../../out.png', and its path leads out",
    ),
    "link": (hostile("l.png", type=tarfile.SYMTYPE, linkname="/"), "isn't to be trusted: .*it is a link"),
    "link in a zip": (linked_zip(), "isn't to be trusted: it holds 'link.png', and it is a link"),
    "device": (hostile("d.png", type=tarfile.CHRTYPE), "isn't to be trusted"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_good_is_said_in_a_line_and_leaves_nothing(web, tmp_path, card_of, case):
    content, words = BAD[case]
    with pytest.raises((DownloadError, DataError), match=words) as caught:
        get(card_of(web("/a2b.zip", content)[0]), tmp_path / "sets" / "a2b")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert listing(tmp_path / "sets") == []
    assert not (tmp_path / "out.png").exists()
    assert not records.first_seen().exists()


def test_what_is_cut_short_swollen_or_damaged_leaves_nothing(
    web, tmp_path, unpaired, pack, card_of, monkeypatch
):
    folder = tmp_path / "sets"
    damaged = bytearray(unpaired)
    damaged[damaged.index(b"\x89PNG" if b"\x89PNG" in damaged else b"IDAT") + 60] ^= 1
    tar = pack({"a2b/trainA": 3}, "tar.gz")
    for content, words in (
        (unpaired[:-300], "is no whole archive: its end is missing"),
        (tar[: len(tar) // 2], "no whole"),
        (bytes(damaged), "is damaged: it holds 'a2b/"),
    ):
        with pytest.raises(TranslateError, match=words):
            get(card_of(web("/a2b.zip", content)[0]), folder / "a2b")
        assert listing(folder) == []
    monkeypatch.setattr(getting, "ALWAYS_ROOM", 100_000)
    bomb = pack({"a2b/trainA/0.png": bytes(1_000_000)})
    with pytest.raises(DataError, match=r"unpacked it would be more than .* GB; nothing of it was kept"):
        get(card_of(web("/a2b.zip", bomb)[0]), folder / "a2b")
    assert listing(folder) == []


def test_checksums_are_verified_and_those_of_nobody_remembered(web, tmp_path, unpaired, card_of):
    address, page = web("/a2b.zip", unpaired)
    with pytest.raises(DownloadError, match=r"is damaged or another file: its sha256 is \w{64}, not 0{64}"):
        get(card_of(address, sha256="0" * 64), tmp_path / "a2b")
    assert listing(tmp_path) == []
    said = []
    get(card_of(address), tmp_path / "a2b", say=said.append)
    assert "is remembered in" in said[0]
    seen = json.loads(records.first_seen().read_text())
    assert seen[address]["sha256"] == hashlib.sha256(unpaired).hexdigest()
    page.content = unpaired[:-1] + b"x"  # another comment: the same pictures
    with pytest.raises(DownloadError, match="sends another file than on 20"):
        get(card_of(address), tmp_path / "b2a")
    assert listing(tmp_path) == ["a2b"]
    for edited in (json.dumps({address: {}}), "[1]", '{"a": 1}', "{"):
        records.first_seen().write_text(edited)
        assert not get(card_of(address), tmp_path / "a2b", force=True).existing
        assert address in json.loads(records.first_seen().read_text())


def test_mirrors_are_tried_in_turn_and_files_are_taken_where_they_are(web, tmp_path, unpaired, card_of):
    gone, dead = web("/x/a2b.zip", status=[404, 404])[0], web("/y/a2b.zip", b"<html>", kind="text/html")[0]
    good, page = web("/z/a2b.zip", unpaired)
    said = []
    get(card_of(gone, dead, good), tmp_path / "one", say=said.append)
    assert ["404 Not Found. The next address is tried." in said[0], "web page" in said[1]] == [True, True]
    get(card_of(gone), tmp_path / "two", addresses=[dead, good])
    with pytest.raises(
        DownloadError, match=r"404 Not Found\. A file that you have can be given with --address"
    ):
        get(card_of(gone), tmp_path / "three")

    mine = tmp_path / "downloads" / "whatever.zip"
    mine.parent.mkdir()
    mine.write_bytes(unpaired)
    page.asked.clear()
    got = get(card_of(gone, size=len(unpaired)), tmp_path / "four", addresses=[str(mine)])
    assert got.kept == ()
    assert page.asked == []
    for address, words in (
        (str(mine), "5 are expected"),
        ("no.zip", "no such file"),
        (".", "is made of a2b.zip"),
    ):
        with pytest.raises((DownloadError, UsageError), match=words):
            get(card_of(gone, size=5), tmp_path / "five", addresses=[address])
    assert mine.read_bytes() == unpaired


def test_sets_of_several_archives(web, tmp_path, pack, card_of):
    web("/m/HR.zip", pack({"DIV2K_train_HR": 3}))
    address, _ = web("/m/VAL.zip", pack({"DIV2K_valid_HR": 2}))
    places = {"HR": "train", "VAL": "val"}
    parts = [Archive(addresses=(f"http://nowhere.invalid/{n}.zip",), into=into) for n, into in places.items()]
    counts = {"train": 3, "val": 2}
    card = card_of(archives=tuple(parts), layout="plain", make="downscale", recipe="superres", counts=counts)
    got = get(card, tmp_path / "set", addresses=[address.removesuffix("VAL.zip")])
    assert got.pictures == {"train": 3, "val": 2}
    assert listing(tmp_path / "set/val") == ["0.png", "1.png"]
    report = inspect(tmp_path / "set", task="downscale", progress=False)
    assert report.command.split() == card.command(tmp_path / "set")


def test_what_isn_t_as_its_card_says_leaves_the_archive_alone(web, tmp_path, unpaired, card_of):
    address, page = web("/a2b.zip", unpaired)
    for change, words in (
        (
            {"counts": {"trainA": 4}},
            r"holds 3 pictures in trainA, and its card says 4; .*/a2b\.zip stays; remove it",
        ),
        ({"counts": {"all": 5}}, "holds 7 pictures, and its card says 5"),
        (
            {"layout": "side-by-side", "recipe": "pix2pix"},
            "is recognised as unpaired, and its card says side-by-side",
        ),
    ):
        with pytest.raises(DataError, match=words):
            get(card_of(address, **change), tmp_path / "a2b")
        assert listing(tmp_path) == ["a2b.zip"]
    assert len(page.asked) == 1
    assert get(card_of(address), tmp_path / "a2b").pictures["trainA"] == 3


def test_a_full_disk_and_an_interruption_leave_no_half_made_folder(
    web, tmp_path, unpaired, card_of, monkeypatch
):
    address, page = web("/a2b.zip", unpaired)
    card = card_of(address)
    open_ = Path.open

    def full(path: Path, mode: str = "r", *args, **named):
        if "x" in mode and path.parent.name == "trainB":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return open_(path, mode, *args, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(
            OutputError, match=r"no space left on device; make room, .* with .*a2b\.zip"
        ) as caught:
            get(card, tmp_path / "a2b")
    assert caught.value.exit_code == 5
    assert ".part" not in str(caught.value)
    assert listing(tmp_path) == ["a2b.zip"]

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(archives, "unpack", interrupt)
        with pytest.raises(KeyboardInterrupt):
            get(card, tmp_path / "a2b")
    assert listing(tmp_path) == ["a2b.zip"]
    assert not records.first_seen().exists()
    assert get(card, tmp_path / "a2b").kept == ()  # it was the earlier call's, not the user's
    assert listing(tmp_path) == ["a2b"]
    assert address in json.loads(records.first_seen().read_text())
    assert len(page.asked) == 1


def test_two_calls_for_one_folder_don_t_meet(web, tmp_path, unpaired, card_of):
    card = card_of(web("/a2b.zip", unpaired)[0])

    def inside(what: str, done: int, total: int | None) -> None:
        with pytest.raises(UsageError, match="another call is getting this data set"):
            get(card, tmp_path / "a2b")

    get(card, tmp_path / "a2b", progress=inside)
    assert downloads.part_of(tmp_path / "a2b.zip").exists() is False


def test_without_a_cache_to_write_to_sets_come_all_the_same(web, tmp_path, unpaired, card_of):
    address, _ = web("/a2b.zip", unpaired)
    records.first_seen().parent.write_text("a file in its place")
    said = []
    assert get(card_of(address), tmp_path / "a2b", say=said.append).pictures["trainA"] == 3
    assert "can't be remembered: " in said[0]
