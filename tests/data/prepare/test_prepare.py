"""Folders made into data sets: what is matched, split, left out, written, and that nothing is overwritten."""

from __future__ import annotations

import io
import json
import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from translate import images, tars
from translate.data.folders import pictures
from translate.data.held_out import held_out
from translate.data.layout import recognise
from translate.data.loading import load_data
from translate.data.options import DataOptions
from translate.data.prepare import Report, ShardSize, Wishes, prepare
from translate.data.prepare.alike import ALIKE, distance, hash_of
from translate.data.savanna import write_dataset
from translate.errors import DataError, OutputError, UsageError


def scene(seed: int, size: tuple[int, int] = (48, 40)) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    return cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)


def put(path: Path, pixels: np.ndarray, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def made(
    root: Path, *folders: Path, shards: ShardSize | None = None, dry_run: bool = False, **wishes
) -> Report:
    return prepare(folders, root, Wishes(**wishes), shards=shards, dry_run=dry_run, progress=False)


def tree(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "prepared.json"
    }


@pytest.fixture
def pairs(tmp_path) -> tuple[Path, Path]:
    """Twenty pairs in two folders, JPEG and PNG, with a subfolder."""
    for i in range(20):
        folder = "far/" if i % 2 else ""
        put(tmp_path / f"x/{folder}{i}.jpg", scene(i), quality=95)
        put(tmp_path / f"y/{folder}{i}.png", 255 - scene(i))
    return tmp_path / "x", tmp_path / "y"


def test_two_folders_become_pairs_in_three_splits_byte_by_byte(pairs, tmp_path):
    report = made(tmp_path / "out", *pairs, seed=3)
    assert report.splits == {"train": {"": 16}, "val": {"": 2}, "test": {"": 2}}
    files = tree(tmp_path / "out")
    assert len(files) == len(report.files) == report.copied == 40
    layout = recognise(tmp_path / "out", kind="paired")
    assert (layout.domains, len(layout.split("train").a.files)) == ({"a": "a", "b": "b"}, 16)
    for name, content in files.items():
        source = pairs[name.split("/")[1] == "b"] / Path(*name.split("/")[2:])
        assert content == source.read_bytes()
    assert tree_of(made(tmp_path / "again", *pairs, seed=3)) == tree_of(report)
    assert tree_of(made(tmp_path / "other", *pairs, seed=4)) != tree_of(report)


def tree_of(report: Report) -> list[str]:
    return [f"{file['split']}/{file['name']}" for file in report.files]


def test_a_dry_run_says_what_is_then_done_and_does_nothing(pairs, tmp_path):
    before = tree(tmp_path)
    for shards in (None, ShardSize(samples=7)):
        said = made(tmp_path / "out", *pairs, dry_run=True, shards=shards, size=20, crop=True)
        assert tree(tmp_path) == before
        done = made(tmp_path / "out", *pairs, shards=shards, size=20, crop=True)
        assert said.as_dict() | {"dry_run": False} == done.as_dict()
        files = tree(tmp_path / "out")
        if shards is None:
            assert sorted(files) == sorted(f"{file['split']}/{file['name']}" for file in said.files)
        else:
            found = [m for tar in (tmp_path / "out").rglob("*.tar") for m in tars.members(tar)]
            names = [f"{file['split']}/{file['name']}" for file in said.files]
            assert sorted(names) == sorted(
                "/".join(
                    (m.relative_to(tmp_path / "out").parts[0], *m.relative_to(tmp_path / "out").parts[2:])
                )
                for m in found
            )
        assert all(size == "20×20" for size in said.sizes)
        shutil.rmtree(tmp_path / "out")


def test_nothing_is_overwritten_and_nothing_is_left_behind(pairs, tmp_path, monkeypatch):
    for place in (pairs[0], pairs[0] / "new", tmp_path / "x/1.jpg"):
        before = tree(tmp_path)
        with pytest.raises(OutputError):
            made(place, *pairs)
        assert tree(tmp_path) == before

    from translate.data.prepare import pictures

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pictures.shutil, "copyfile", full)
    for shards in (None, ShardSize(samples=3)):
        with pytest.raises(OutputError, match="can't be written: no space left on device"):
            made(tmp_path / "out", *pairs, shards=shards)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["x", "y"]


def test_matching_by_order_by_table_and_not_at_all(pairs, tmp_path):
    flat = tmp_path / "flat"
    for i in range(20):
        put(flat / f"photo {i}.png", scene(100 + i))
    with pytest.raises(DataError, match="share no file name"):
        made(tmp_path / "out", pairs[0], flat)
    ordered = made(tmp_path / "order", pairs[0], flat, match="order", val=0, test=0)
    first = {Path(f["from"][0]).name for f in ordered.files if f["name"].endswith("/0.png")}
    assert first == {"photo 0.png"}
    assert recognise(tmp_path / "order", kind="paired").split("train").unmatched == ()

    rows = ["A;B;split", "far/3.jpg;photo 7.png;val", "0;photo 1;train", "gone;photo 2.png;train"]
    (tmp_path / "t.csv").write_text("\n".join(rows), encoding="utf-8-sig")
    table = made(tmp_path / "table", pairs[0], flat, table=tmp_path / "t.csv")
    assert table.splits == {"train": {"": 1}, "val": {"": 1}}
    assert table.left_out[f"{tmp_path / 't.csv'}, line 4"] == f"gone is not in {pairs[0]}"
    assert tree_of(table) == ["train/a/0.jpg", "train/b/0.png", "val/a/far/3.jpg", "val/b/far/3.png"]

    apart = made(tmp_path / "apart", pairs[0], flat, match="none", test=0, val=5)
    assert apart.splits == {"train": {"a": 15, "b": 15}, "val": {"a": 5, "b": 5}}
    assert not recognise(tmp_path / "apart").paired
    assert not set(tree_of(apart)) ^ set(tree(tmp_path / "apart"))


TABLES = {
    "no columns": ("x,y\n1,2\n", "has no columns a and b"),
    "no split": ("a,b,split\n0.jpg,0.png,dev\n", "line 2: there is no split 'dev'"),
    "some splits": ("a,b,split\n0.jpg,0.png,val\n2.jpg,2.png,\n", "of some pairs only"),
    "nothing": ("a,b\n../x/0.jpg,0.png\n", "names no pair that is there: ../x/0.jpg is not in"),
}


@pytest.mark.parametrize("case", TABLES)
def test_tables_that_say_nothing(case, pairs, tmp_path):
    text, said = TABLES[case]
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        made(tmp_path / "out", *pairs, table=tmp_path / "t.csv")


def test_what_is_bad_is_left_out_and_listed(pairs, tmp_path):
    x, y = pairs
    (x / "0.jpg").write_bytes((x / "0.jpg").read_bytes()[:200])
    (y / "2.png").write_bytes(b"")
    put(y / "4.png", scene(4, (40, 48)))
    (y / "6.png").unlink()
    put(x / "8.png", scene(8))
    report = made(tmp_path / "out", x, y)
    reasons = {Path(path).name: reason for path, reason in report.left_out.items()}
    assert reasons.keys() == {"0.jpg", "2.png", "4.png", "6.jpg", "8.png"}
    assert (reasons["2.png"], reasons["6.jpg"]) == ("the file is empty", "has no partner")
    assert "another shape" in reasons["4.png"]
    assert sum(report.splits["train"].values()) + 4 == 20 - 4
    assert recognise(tmp_path / "out", kind="paired").problems == ()


def test_copies_and_look_alikes(tmp_path):
    """Copies go; what looks alike stays in one split, whatever the seed."""
    for i in range(30):
        put(tmp_path / f"in/{i}.png", scene(i, (96, 80)))
    for i in range(0, 12, 2):
        put(tmp_path / f"in/copy-{i}.bmp", scene(i, (96, 80)))
        put(tmp_path / f"in/small-{i}.jpg", cv2.resize(scene(i, (96, 80)), (60, 50)), quality=60)
        put(tmp_path / f"in/mirrored-{i}.png", scene(i, (96, 80))[:, ::-1])
    for seed in range(4):
        report = made(tmp_path / "out", tmp_path / "in", seed=seed, val=0.2, test=0.2, dry_run=True)
        assert len(report.copies) == 6
        assert report.groups == (3,) * 6
        splits = {Path(file["from"][0]).stem: file["split"] for file in report.files}
        assert all(splits[f"small-{i}"] == splits[f"mirrored-{i}"] for i in range(0, 12, 2))
        assert Counter(splits.values()) == {"train": 26, "val": 8, "test": 8} or report.notes
    once = made(tmp_path / "near", tmp_path / "in", duplicates="near", dry_run=True)
    assert (len(once.copies), len(once.lookalikes), len(once.files)) == (6, 12, 30)
    every = made(tmp_path / "all", tmp_path / "in", duplicates="keep", dry_run=True)
    assert (len(every.files), every.groups) == (48, (4,) * 6)


def test_splits_that_are_there_stay_and_train_gives_way(tmp_path):
    for i in range(8):
        put(tmp_path / f"in/train/{i}.png", scene(i, (96, 80)))
    put(tmp_path / "in/test/0.png", scene(0, (96, 80)))
    put(tmp_path / "in/test/x.png", scene(1, (48, 40)))
    put(tmp_path / "in/test/y.png", scene(50))
    report = made(tmp_path / "out", tmp_path / "in")
    assert report.splits == {"train": {"": 6}, "test": {"": 3}}
    assert [Path(path).name for path in report.copies] == ["0.png"]
    assert [Path(path).name for path in report.lookalikes] == ["1.png"]
    again = made(tmp_path / "again", tmp_path / "in", val=2, test=2)
    assert again.splits == {"train": {"": 6}, "val": {"": 2}, "test": {"": 2}}
    assert any("split anew" in note for note in again.notes)


def test_a_video_s_frames_are_one_group_and_the_report_says_so(tmp_path):
    for i in range(20):
        put(tmp_path / f"in/{i:02}.png", scene(0, (130, 90))[:, i : i + 110])
    report = made(tmp_path / "out", tmp_path / "in", dry_run=True)
    assert report.splits == {"train": {"": 20}}
    assert [note for note in report.notes if note.startswith(("val", "test"))] == [
        "val has 0 samples, 2 were asked for; groups of up to 20 look alike and stay together",
        "test has 0 samples, 2 were asked for; groups of up to 20 look alike and stay together",
    ]


def test_resizing_keeps_kinds_of_files_and_classes(tmp_path):
    """JPEG, 16 bit, grey, transparency and palettes stay; maps of classes get no new values; EXIF turns."""
    x, y = tmp_path / "x", tmp_path / "y"
    exif = Image.Exif()
    exif[0x0112] = 6
    put(x / "1.jpg", scene(1, (60, 90)), exif=exif)  # upright 90×60
    Image.fromarray(scene(2)[..., 0].astype(np.uint16) * 256).save(x / "2.png")
    put(x / "3.png", np.dstack((scene(3), scene(4)[..., 0])))
    put(x / "4.webp", scene(5))
    put(x / "5.gif", scene(6)[..., 0])
    put(x / "6.jpg", scene(7)[..., 0])
    numbers = np.random.default_rng(0).integers(0, 5, (6, 8), dtype=np.uint8).repeat(10, 0).repeat(11, 1)
    palette = Image.fromarray(numbers, "P")
    palette.putpalette([10, 0, 0, 0, 250, 0, 9, 9, 9, 0, 0, 99, 255, 255, 255])
    y.mkdir()
    for i, size in enumerate([(90, 60), (48, 40), (48, 40), (48, 40), (48, 40), (48, 40)], start=1):
        palette.resize(size, Image.Resampling.NEAREST).save(y / f"{i}.png")
    report = made(tmp_path / "out", x, y, size=20, val=0, test=0)
    assert (report.maps, report.copied) == (("b",), 0)
    assert sorted(tree_of(report)) == sorted(
        [f"train/images/{name}" for name in ("1.jpg", "2.png", "3.png", "4.webp", "5.png", "6.jpg")]
        + [f"train/labels/{i}.png" for i in range(1, 7)]
    )
    assert any("--direction b2a" in note for note in report.notes)
    found = {path.name: Image.open(path) for path in (tmp_path / "out/train/images").iterdir()}
    assert {name: image.mode.split(";")[0] for name, image in found.items()} == {
        "1.jpg": "RGB", "2.png": "I", "3.png": "RGBA", "4.webp": "RGB", "5.png": "RGB", "6.jpg": "L",
    }  # fmt: skip
    assert found["1.jpg"].size == (30, 20)
    upright = ImageOps.exif_transpose(Image.open(x / "1.jpg")).resize((30, 20), Image.Resampling.BICUBIC)
    assert np.abs(np.array(upright, int) - np.array(found["1.jpg"], int)).mean() < 3
    wide = np.array(found["2.png"]).astype(float)
    exact = np.array(Image.open(x / "2.png")).astype(np.float32)
    expected = np.array(Image.fromarray(exact).resize((24, 20), Image.Resampling.BICUBIC))
    assert np.abs(wide - expected.clip(0, 65535)).max() <= 2
    for i in range(1, 7):
        small, large = (Image.open(p) for p in (tmp_path / f"out/train/labels/{i}.png", y / f"{i}.png"))
        assert (small.mode, small.getpalette()[:15]) == ("P", large.getpalette()[:15])
        assert set(np.unique(small)) <= set(np.unique(large))
        assert small.size == ((30, 20) if i == 1 else (24, 20))


def test_photographs_of_telephones_become_jpegs(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    for name in ("a/1.HEIC", "a/2.heic", "b/1.heic"):
        put(tmp_path / name, scene(len(name)), format="HEIF")
    put(tmp_path / "a/3.png", scene(9))
    put(tmp_path / "ab/4.png", scene(9, (96, 40)))
    put(tmp_path / "ab/5.heic", scene(1), format="HEIF")
    for folder, files in (("a", {"1.jpg", "2.jpg", "3.png"}), ("b", {"1.jpg"})):
        made(tmp_path / f"out-{folder}", tmp_path / folder, val=0, test=0, duplicates="keep")
        assert set(tree(tmp_path / f"out-{folder}/train")) == files
    found = images.read(tmp_path / "out-a/train/1.jpg")
    assert found.format == "JPEG"
    assert np.abs(found.pixels.astype(int) - images.read(tmp_path / "a/1.HEIC").pixels).mean() < 3
    assert [Path(path).name for path in made(tmp_path / "halves", tmp_path / "ab").left_out] == ["5.heic"]


def test_pairs_of_two_scales_stay_in_proportion_and_nothing_is_enlarged(tmp_path):
    for i in range(4):
        put(tmp_path / f"lr/{i}.png", scene(i, (48, 40)))
        put(tmp_path / f"hr/{i}.png", scene(i, (192, 160)))
    report = made(tmp_path / "out", tmp_path / "lr", tmp_path / "hr", size=80, val=0, test=0)
    assert report.sizes == {"24×20": 4, "96×80": 4}
    for i in range(2):  # three times as large and a rest: the scale stays exact, and both show the same
        whole = scene(i, (303, 251))
        put(tmp_path / f"3/{i}.png", whole)
        put(tmp_path / f"1/{i}.png", cv2.resize(whole[:249], (101, 83), interpolation=cv2.INTER_AREA))
    odd = made(tmp_path / "odd", tmp_path / "1", tmp_path / "3", size=100, crop=True, val=0, test=0)
    assert odd.sizes == {"33×33": 2, "99×99": 2}
    small, large = (images.read(tmp_path / f"odd/train/{side}/0.png").pixels for side in "ab")
    again = cv2.resize(large, (33, 33), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - again).mean() < 4
    assert made(tmp_path / "same", tmp_path / "lr", tmp_path / "hr", size=500, dry_run=True).copied == 8
    beside = made(
        tmp_path / "ab", tmp_path / "lr", tmp_path / "hr", layout="combined", crop=True, val=0, test=0
    )
    assert beside.sizes == {"320×160": 4}
    assert recognise(tmp_path / "ab").kind == "side-by-side"
    assert beside.command == f"translate data inspect {tmp_path / 'ab'}"
    for i in range(4):
        put(tmp_path / f"high/{i}.png", scene(i, (160, 192)))
    tall = made(tmp_path / "tall", tmp_path / "high", tmp_path / "high", layout="combined", val=0, test=0)
    assert tall.command.endswith("--a left --b right")


def test_halves_are_taken_apart_and_put_together(tmp_path):
    for i in range(6):
        put(tmp_path / f"in/{i}.png", np.concatenate([scene(i), 255 - scene(i)], 1))
    apart = made(tmp_path / "two", tmp_path / "in", layout="folders", val=0, test=0)
    assert (apart.kind, apart.copied, apart.sizes) == ("halves", 0, {"48×40": 12})
    made(tmp_path / "one", tmp_path / "two", layout="combined")
    for i in range(6):
        assert np.array_equal(images.read(tmp_path / f"two/train/b/{i}.png").pixels, 255 - scene(i))
        again = images.read(tmp_path / f"one/train/{i}.png").pixels
        assert np.array_equal(again, images.read(tmp_path / f"in/{i}.png").pixels)
    whole = made(tmp_path / "whole", tmp_path / "in", val=0, test=0)
    assert whole.copied == 6
    turned = made(tmp_path / "turned", tmp_path / "in", a="right", b="left", val=0, test=0)
    assert turned.copied == 0
    assert np.array_equal(images.read(tmp_path / "turned/train/0.png").pixels[:, 48:], scene(0))


def test_grey_halves_of_few_levels_may_be_maps(tmp_path):
    for i in range(3):
        levels = np.random.default_rng(i).integers(0, 5, (4, 6), dtype=np.uint8).repeat(12, 0).repeat(8, 1)
        put(tmp_path / f"in/{i}.png", np.concatenate([levels[..., None].repeat(3, 2), scene(i, (48, 48))], 1))
    asks = [
        any(
            "say --maps a" in note
            for note in made(tmp_path / "out", tmp_path / "in", dry_run=True, **wishes).notes
        )
        for wishes in ({"size": 20}, {"size": 20, "maps": "a"}, {})
    ]
    assert asks == [True, False, False]


def test_labels_and_captions_of_any_kind(tmp_path):
    labels = ["zebra", "a/b", "..", "Zebra", "zebra"]
    rows = []
    for i in range(20):
        put(tmp_path / f"in/{i}.png", scene(i))
        rows.append({"file_name": f"{i}.png", "label": labels[i % 5], "text": f"number {i}: ü"})
    (tmp_path / "in/metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    before = recognise(tmp_path / "in")
    texts = dict(
        zip((f.name for f in before.split("train").a.files), before.split("train").a.texts, strict=True)
    )
    for shards in (None, ShardSize(samples=3)):
        report = made(tmp_path / "out", tmp_path / "in", val=0.25, test=0, shards=shards)
        assert report.splits == {"train": {"": 15}, "val": {"": 5}}
        layout = recognise(tmp_path / "out", kind="labelled")
        assert layout.labels == before.labels
        for split in layout.splits.values():
            assert {layout.labels[n] for n in split.a.classes} == set(labels)
            for path, text, number in zip(split.a.files, split.a.texts, split.a.classes, strict=True):
                assert texts[path.name] == text
                assert labels[int(path.stem) % 5] == layout.labels[number]
        shutil.rmtree(tmp_path / "out")


def test_a_pool_and_unpaired_sides_in_shards(tmp_path, pairs):
    plain = made(tmp_path / "plain", pairs[0], shards=ShardSize(bytes=6000), val=0, test=0)
    assert (plain.kind, plain.splits) == ("plain", {"train": {"": 20}})
    shards = sorted((tmp_path / "plain/train").iterdir())
    assert len(shards) > 5
    assert all(len(tars.members(tar)) == 1 or tar.stat().st_size <= 6000 + 10240 for tar in shards)
    assert len(recognise(tmp_path / "plain", task="edges").split("train").b.files) == 20
    made(tmp_path / "apart", *pairs, match="none", shards=ShardSize(samples=6))
    layout = recognise(tmp_path / "apart")
    assert (layout.kind, len(layout.split("train").a.files)) == ("unpaired", 16)
    # And shards are a source like any other: `far/1.jpg` was `far/1` there.
    back = made(tmp_path / "back", tmp_path / "apart")
    assert back.splits == {name: {"a": n, "b": n} for name, n in (("train", 16), ("val", 2), ("test", 2))}
    assert (tmp_path / "back/trainA/far/3.jpg").exists() or (tmp_path / "back/testA/far/3.jpg").exists()


def test_savanna_from_shards_gives_the_folder_s_batches(tmp_path):
    for layout, kind in (("paired", "paired"), ("labelled", "captioned")):
        write_dataset(tmp_path / layout, layout=layout, count=7, test_count=2, size=32)
        root = tmp_path / f"{layout}-shards"
        report = made(root, tmp_path / layout, shards=ShardSize(samples=4), duplicates="keep", alike=0)
        folder = made(tmp_path / f"{layout}-again", tmp_path / layout, duplicates="keep", alike=0)
        assert report.splits == folder.splits
        loaded = [
            load_data(place, DataOptions(size=16, batch_size=2, seed=1), kind=kind)
            for place in (tmp_path / layout, tmp_path / f"{layout}-again", root)
        ]
        for batches in zip(*(data.loader(2, 6) for data in loaded), strict=True):
            for x, *others in zip(*batches, strict=True):
                assert all(x.equal(y) if hasattr(x, "equal") else x == y for y in others)


def test_shards_have_the_folder_s_order_whatever_the_source_s(tmp_path, pairs):
    kept = made(tmp_path / "split", *pairs, val=0.3, test=0)
    cases = {
        "anew": ([tmp_path / "split"], {"val": 2, "test": 0}),
        "combined": (pairs, {"layout": "combined"}),
        "pool": (pairs[:1], {}),
        "apart": (pairs, {"match": "none"}),
    }
    assert kept.splits["val"]
    for name, (folders, wishes) in cases.items():
        names = []
        for shards in (None, ShardSize(samples=3)):
            root = tmp_path / f"{name}-{shards is None}"
            made(root, *folders, shards=shards, **wishes)
            sides = {"task": "edges"} if name == "pool" else {}
            sides = {"a": "left", "b": "right"} if name == "combined" else sides
            train = recognise(root, **sides).split("train")
            names.append([path.name.partition(".")[0] for path in train.b.files])
        assert names[0] == names[1]
        assert len(names[0]) > 14


def test_truth_and_masks_go_with_their_inputs(tmp_path):
    for folder, count in (
        ("trainA", 6),
        ("trainB", 6),
        ("testA", 4),
        ("testB", 3),
        ("testTruth", 4),
        ("testMask", 4),
    ):
        for i in range(count):
            put(tmp_path / f"in/{folder}/{i}.png", scene(sum(folder.encode()) + i))
    for name, wishes in (("kept", {}), ("anew", {"val": 0, "test": 3, "seed": 1, "size": 20})):
        for shards in (None, ShardSize(samples=2)):
            root = tmp_path / f"{name}-{shards is None}"
            made(root, tmp_path / "in", shards=shards, **wishes)
            folders = {p.name: {f.name for f in pictures(p)} for p in root.iterdir() if p.is_dir()}
            assert folders["trainB"] | folders["testB"]
            truths = folders["testTruth"] | folders.get("trainTruth", set())
            assert len(truths) == 4
            assert folders["testTruth"] == folders["testMask"] <= folders["testA"]
    found = held_out(tmp_path / "kept-False", DataOptions(size=40, load_size="full"))
    assert (len(found.pictures), found.masks) == (4, True)
    a, truth, _ = found.pictures[1]
    first, second = (
        images.read(tmp_path / f"in/{name}/1.png").pixels[:, 4:44] for name in ("testA", "testTruth")
    )
    assert np.array_equal(a, first.transpose(2, 0, 1))
    assert np.array_equal(truth, second.transpose(2, 0, 1))


def test_our_shards_are_webdataset_s(tmp_path, pairs):
    webdataset = pytest.importorskip("webdataset")
    made(tmp_path / "out", *pairs, shards=ShardSize(samples=6), val=0, test=0)
    urls = str(tmp_path / "out/train/train-{000000..000003}.tar")
    samples = list(webdataset.WebDataset(urls, shardshuffle=False, empty_check=False).decode("pil"))
    assert [sample["__key__"] for sample in samples[:3]] == ["0", "2", "4"]
    assert len(samples) == 20
    assert all(sample["a.jpg"].size == sample["b.png"].size == (48, 40) for sample in samples)
    for single in ("train-000003.tar", "train-{000003..000003}.tar"):
        made(root := tmp_path / single[:10], tmp_path / "out/train" / single, val=0, test=0)
        assert {file.stem for file in pictures(root)} == {Path(s["__key__"]).name for s in samples[18:]}


def test_wishes_that_can_t_be(pairs, tmp_path):
    for folders, wishes, said in (
        (pairs, {"val": 0.6, "test": 0.5}, "ask for 22 of 20 samples"),
        (pairs, {"val": 20}, "ask for 20 of 20"),
        (pairs, {"a": "x"}, "--a and --b name the sides of one folder"),
        (pairs[:1], {"match": "order"}, "name both"),
        (pairs[:1], {"layout": "combined"}, "is of pairs, and these are none"),
    ):
        with pytest.raises(UsageError, match=said):
            made(tmp_path / "out", *folders, **wishes)
    with pytest.raises(DataError, match="doesn't exist"):
        made(tmp_path / "out", pairs[0], tmp_path / "none")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/1.png").write_bytes(b"x")
    with pytest.raises(DataError, match="none of the pictures can be used"):
        made(tmp_path / "out", tmp_path / "bad")


def test_no_look_alikes_in_two_splits_of_real_pictures(shared_data, tmp_path):
    report = made(tmp_path / "out", shared_data / "afhq_samples", val=0.2, test=0.2, dry_run=True)
    known: dict[str, list] = {}
    for file in report.files:
        found = hash_of(images.read(file["from"][0]).pixels)
        known.setdefault(file["split"], []).append(found)
    assert len(known) == 3
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        assert min(distance(x, y) for x in known[one] for y in known[other]) > ALIKE


def test_names_that_would_meet_are_told_apart(tmp_path):
    for name in ("train/1.png", "val/1.png", "train/2.a.png", "train/2_a.png", "test/X.png", "val/x.png"):
        put(tmp_path / "in" / name, scene(sum(name.encode())))
    report = made(tmp_path / "out", tmp_path / "in", val=0, test=0)
    assert len({name.casefold() for name in tree(tmp_path / "out")}) == len(report.files) == 6
    shards = made(tmp_path / "tar", tmp_path / "in", val=0, test=0, shards=ShardSize(samples=9))
    assert len({f["name"] for f in shards.files}) == 6
    assert io.BytesIO(tars.read(tars.members(tmp_path / "tar/train/train-000000.tar")[0]) or b"").read(4)
