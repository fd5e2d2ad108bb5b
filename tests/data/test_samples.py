"""Shards: every layout from tar files, the same batches as from folders, and what other tools write."""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from translate.data.held_out import held_out
from translate.data.inspect import inspect
from translate.data.layout import recognise, survey
from translate.data.loading import load_data
from translate.data.options import DataOptions
from translate.errors import DataError


def picture(seed: int, size: tuple[int, int] = (24, 20), kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def shard(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def pairs(*keys: str) -> dict[str, bytes]:
    return {
        f"{key}.{side}.png": picture(zlib.crc32(f"{key}{side}".encode())) for key in keys for side in "ab"
    }


def names(files: tuple[Path, ...]) -> list[str]:
    return ["/".join(file.parts[-2:]) for file in files]


def same_batches(one: Path, other: Path, kind, **options) -> None:
    loaded = [
        load_data(root, DataOptions(size=16, batch_size=2, seed=3, **options), kind=kind)
        for root in (one, other)
    ]
    assert loaded[0].steps_per_epoch == loaded[1].steps_per_epoch
    for a, b in zip(*(data.loader(1, 5) for data in loaded), strict=True):
        for x, y in zip(a, b, strict=True):
            assert x.equal(y) if hasattr(x, "equal") else x == y


@pytest.mark.parametrize("workers", [0, 2])
def test_pairs_give_the_batches_of_the_same_pairs_in_folders(tmp_path, workers):
    members = pairs(*(f"{i:03}" for i in range(7)))
    for name, content in members.items():
        key, side, _ = name.split(".")
        path = tmp_path / "folders/train" / side / f"{key}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    ordered = list(members.items())
    for number in range(3):  # of three, three and one sample
        shard(tmp_path / f"shards/train/{number}.tar", dict(ordered[6 * number : 6 * number + 6]))
    layout = recognise(tmp_path / "shards", kind="paired")
    assert (layout.kind, layout.domains) == ("two-folders", {"a": "a", "b": "b"})
    assert names(layout.split("train").b.files)[2:4] == ["0.tar/002.b.png", "1.tar/003.b.png"]
    assert layout.notes == ("pictures are read from 3 tar files, where they lie",)
    options = {"cache": "off", "workers": workers} if workers else {}
    same_batches(tmp_path / "folders", tmp_path / "shards", "paired", **options)


def test_each_sample_once_an_epoch(tmp_path):
    for number in range(3):
        shard(tmp_path / f"{number}.tar", pairs(*(f"{number}{i}" for i in range(4))))
    data = load_data(
        tmp_path, DataOptions(size=16, load_size="full", batch_size=3, flip=False), kind="paired"
    )
    epoch = [item.a for batch in data._schedule(0, 4) for item in batch]
    assert sorted(epoch) == list(range(12))
    assert epoch != sorted(epoch)


@pytest.mark.parametrize(
    ("root", "files"),
    [
        ("", ("train/0.tar", "test/0.tar")),
        ("", ("set-train-0.tar", "set-test-0.tar")),
        ("", ("train-0.tar", "test-0.tar")),
        ("", ("training.tar", "testing_01.tar")),
        ("{train-{0..1},test-0}.tar", ("train-0.tar", "train-1.tar", "test-0.tar")),
    ],
)
def test_where_splits_come_from(tmp_path, root, files):
    for name in files:
        shard(tmp_path / name, pairs(f"{name.replace('/', '-').removesuffix('.tar')}0"))
    layout = recognise(tmp_path / root, kind="paired")
    if files[0].startswith("set"):
        assert list(layout.splits) == ["train"]
        assert len(layout.split("train").a.files) == 2
        return
    assert list(layout.splits) == ["train", "test"]
    assert len(layout.split("train").a.files) == len(files) - 1


def test_a_pattern_and_a_single_shard_are_all_training_data(tmp_path):
    for number in range(8, 12):
        shard(tmp_path / f"set-{number:03}.tar", pairs(f"{number}"))
    layout = recognise(tmp_path / "set-{009..011}.tar", kind="paired")
    assert names(layout.split("train").a.files) == [f"set-{n:03}.tar/{n}.a.png" for n in (9, 10, 11)]
    report = inspect(tmp_path / "set-008.tar", progress=False)
    assert report.usable
    assert f"--name {tmp_path.name}" in report.command
    with pytest.raises(DataError, match=r"2 of the 4 shards .* aren't there: .*set-012\.tar"):
        recognise(tmp_path / "set-{010..013}.tar")
    with pytest.raises(DataError, match="doesn't exist"):
        recognise(tmp_path / "other.tar")
    shard(tmp_path / "{braces}" / "{1,2}.tar", pairs("1"))  # a name, though it looks like a pattern
    assert recognise(tmp_path / "{braces}" / "{1,2}.tar", kind="paired").split("train").a.files


def test_a_pattern_s_pictures_without_labels_are_named(tmp_path):
    for number in range(2):
        shard(tmp_path / f"{number}.tar", {f"{number}.png": picture(number), f"{number}.cls": b"x"})
    shard(tmp_path / "2.tar", {"2.png": picture(2)})
    with pytest.raises(DataError, match=r"1 picture of 3 below .*\(.*2\.tar/2\.png\)"):
        recognise(tmp_path / "{0..2}.tar", kind="labelled")


def test_without_pairs(tmp_path):
    for side, count in (("A", 3), ("B", 2)):
        shard(tmp_path / f"letters/train{side}/0.tar", {f"{side}{i}.png": picture(i) for i in range(count)})
    shard(tmp_path / "one/0.tar", {"1.a.png": picture(1), "2.b.png": picture(2), "3.b.png": picture(3)})
    for kind, counts in (("letters", (3, 2)), ("one", (1, 2))):
        layout = recognise(tmp_path / kind)
        assert not layout.paired
        assert (len(layout.split("train").a.files), len(layout.split("train").b.files)) == counts


def test_truth_beside_letters(tmp_path):
    for folder in ("trainA", "trainB", "testA", "testB", "testTruth"):
        shard(tmp_path / folder / f"{folder}-0.tar", {"1.png": picture(len(folder)), "2.png": picture(5)})
    found = held_out(tmp_path, DataOptions(size=16))
    assert (found.split, len(found.pictures)) == ("test", 2)
    assert found.pictures[0][1].shape == (3, 16, 16)


def test_halves_and_plain_pictures(tmp_path):
    shard(tmp_path / "halves/0.tar", {f"{i}.png": picture(i, (48, 20)) for i in range(3)})
    assert recognise(tmp_path / "halves").kind == "side-by-side"
    shard(tmp_path / "plain/0.tar", {f"{i}.jpg": picture(i, kind="JPEG") for i in range(3)})
    (tmp_path / "files").mkdir()
    for i in range(3):
        (tmp_path / f"files/{i}.jpg").write_bytes(picture(i, kind="JPEG"))
    # Damage of held-out pictures goes by names, that of training crops by the seed.
    same_batches(tmp_path / "plain", tmp_path / "files", "paired", task="denoise")


def test_labels_and_captions(tmp_path):
    said = [{"label": "zebra", "text": "a zebra"}, {"label": "horse", "text": "ein Pferd, größer"}]
    members = {}
    for i, row in enumerate(said):
        members |= {f"x/{i}.jpg": picture(i, kind="JPEG"), f"x/{i}.json": json.dumps(row).encode()}
    members |= {"x/2.jpg": picture(2, kind="JPEG"), "x/2.cls": b"horse\n", "x/2.txt": b"another\n"}
    shard(tmp_path / "train-0.tar", members)
    layout = recognise(tmp_path)
    side = layout.split("train").a
    assert (layout.kind, layout.labels) == ("labelled", ("horse", "zebra"))
    assert (side.classes, side.texts) == ((1, 0, 0), ("a zebra", "ein Pferd, größer", "another"))
    batch = next(load_data(tmp_path, DataOptions(size=16, batch_size=3), kind="labelled").loader())
    assert batch.label_a is not None
    assert sorted(batch.label_a.tolist()) == [0, 0, 1]

    for i in "ab":
        shard(tmp_path / f"folders/{i}/0.tar", {f"{i}.jpg": picture(3)})
    assert recognise(tmp_path / "folders", kind="labelled").labels == ("a", "b")


SENTENCES = {
    "no row": (
        {"1.png": b"", "1.cls": b"x", "2.png": b""},
        "1 picture of 2 .* has no row in .*0.tar .*2.png",
    ),
    "no label": (
        {"1.png": b"", "1.cls": b"x", "2.png": b"", "2.json": b"{}"},
        "no label .sample 2 of .*0.tar: ",
    ),
    "no json": ({"1.png": b"", "1.json": b"{"}, r"1\.json isn't JSON"),
    "no utf-8": ({"1.png": b"", "1.cls": b"\xff"}, r"1\.cls isn't UTF-8"),
    "no partner": ({"1.a.png": b"", "2.b.png": b"", "2.a.png": b""}, "0.tar/1.a.png"),
    "no picture": ({"1.txt": b"x", "1.mp3": b"y"}, "holds no picture"),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_what_is_wrong_is_said_with_the_shard_s_name(tmp_path, case):
    members, said = SENTENCES[case]
    shard(tmp_path / "train/0.tar", {n: picture(1) if n.endswith("png") else c for n, c in members.items()})
    kind = "paired" if case == "no partner" else "labelled"
    with pytest.raises(DataError, match=said):
        recognise(tmp_path, kind=kind)


def test_shards_that_can_t_be_read(tmp_path):
    whole = shard(tmp_path / "train-0.tar", pairs("1", "2")).read_bytes()
    (tmp_path / "train-0.tar").write_bytes(whole[:-9000])
    with pytest.raises(DataError, match=r"train-0\.tar is truncated or damaged"):
        survey(tmp_path)
    (tmp_path / "train-0.tar").rename(tmp_path / "train-0.tar.gz")
    with pytest.raises(DataError, match=r"train-0\.tar\.gz is compressed, decompress it first"):
        survey(tmp_path)
    shard(tmp_path / "x/trainA/0.tar", pairs("1"))
    with pytest.raises(DataError, match=r"several pictures a sample \(a, b\)"):
        survey(tmp_path / "x")


def test_a_bad_picture_in_a_shard_is_named(tmp_path):
    members = pairs("1", "2")
    shard(tmp_path / "0.tar", {**members, "2.a.png": members["2.a.png"][:60], "2.b.png": b""})
    report = inspect(tmp_path, progress=False)
    assert report.splits["train"].unreadable == {
        str(tmp_path / "0.tar/2.b.png"): "the file is empty",
        str(tmp_path / "0.tar/2.a.png"): "the file is truncated",
    }


def test_what_webdataset_writes(tmp_path):
    webdataset = pytest.importorskip("webdataset")
    with webdataset.ShardWriter(str(tmp_path / "train-%06d.tar"), maxcount=2, verbose=0) as sink:
        for i in range(5):
            sink.write({"__key__": f"{i:04}", "a.png": picture(i), "b.jpg": picture(i, kind="JPEG")})
    with webdataset.TarWriter(str(tmp_path / "val-000000.tar")) as sink:
        sink.write({"__key__": "x", "a.png": picture(9), "b.jpg": picture(9, kind="JPEG"), "json": {"n": 1}})
    layout = recognise(tmp_path, kind="paired")
    assert [len(split.a.files) for split in layout.splits.values()] == [5, 1]
    assert names(layout.split("train").b.files)[4:] == ["train-000002.tar/0004.b.jpg"]
    assert next(load_data(tmp_path, DataOptions(size=16), kind="paired").loader()).a.shape == (1, 3, 16, 16)
