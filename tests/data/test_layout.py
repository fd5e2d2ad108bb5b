"""Every layout that is recognised, and every sentence that says why one isn't."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from translate.data.layout import Layout, recognise, survey
from translate.errors import DataError


def names(layout: Layout, split: str = "train") -> list[tuple[str, str]]:
    found = layout.split(split)
    return [(a.name, b.name) for a, b in zip(found.a.files, found.b.files, strict=True)]


def sides(layout: Layout, split: str = "train") -> tuple[list[str], list[str]]:
    found = layout.split(split)
    return [a.name for a in found.a.files], [b.name for b in found.b.files]


@pytest.mark.parametrize("under", ["", "train/"])
def test_side_by_side(paint, tmp_path, under):
    for name in ("2.png", "10.png"):
        paint(under + name, (80, 40))
    layout = recognise(tmp_path, kind="paired")
    assert (layout.kind, layout.paired, layout.domains) == ("side-by-side", True, {"a": "left", "b": "right"})
    assert names(layout) == [("2.png", "2.png"), ("10.png", "10.png")]
    assert (layout.split("train").a.part, layout.split("train").b.part) == ("left", "right")
    assert recognise(tmp_path, kind="unpaired").paired is False


def test_direction_swaps_sides_and_names(paint, tmp_path):
    paint("1.png", (80, 40))
    layout = recognise(tmp_path).directed("b2a")
    assert layout.domains == {"a": "right", "b": "left"}
    assert (layout.split("train").a.part, layout.split("train").b.part) == ("right", "left")
    assert recognise(tmp_path).directed("a2b") == recognise(tmp_path)


@pytest.mark.parametrize("size", [(80, 40), (160, 40)])
def test_two_to_one_and_wider_is_side_by_side(paint, tmp_path, size):
    paint("1.png", size)
    assert recognise(tmp_path).kind == "side-by-side"


def test_told_halves_may_have_any_shape(paint, tmp_path):
    paint("1.png", (40, 40))
    layout = recognise(tmp_path, a="right", b="left")
    assert (layout.kind, layout.split("train").a.part) == ("side-by-side", "right")
    assert layout.domains == {"a": "right", "b": "left"}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("labels", "images"),
        ("edges", "images"),
        ("masks", "photos"),
        ("A", "B"),
        ("a", "b"),
        ("target", "input"),
        ("HR", "LR"),
        ("source", "target"),
    ],
)
def test_names_tell_the_sides(paint, tmp_path, a, b):
    expected = (b, a) if a in ("target", "HR") else (a, b)
    for folder in (a, b):
        paint(f"{folder}/x.png")
        paint(f"{folder}/y.png")
    layout = recognise(tmp_path, kind="paired")
    assert (layout.kind, layout.paired) == ("two-folders", True)
    assert (layout.domains["a"], layout.domains["b"]) == expected
    assert names(layout) == [("x.png", "x.png"), ("y.png", "y.png")]


def test_two_folders_under_splits_in_any_order(paint, tmp_path):
    for split in ("testing", "train", "val"):
        paint(f"{split}/images/deep/1.png")
        paint(f"{split}/labels/deep/1.jpg")
    layout = recognise(tmp_path)
    assert list(layout.splits) == ["train", "val", "test"]
    assert names(layout, "test") == [("1.jpg", "1.png")]
    assert layout.held_out == "val"


def test_sides_that_hold_the_splits(paint, tmp_path):
    for side in ("A", "B"):
        for split in ("train", "val"):
            paint(f"{side}/{split}/1.png")
    layout = recognise(tmp_path, kind="paired")
    assert list(layout.splits) == ["train", "val"]
    assert layout.split("val").a.files[0] == tmp_path / "A" / "val" / "1.png"


@pytest.mark.parametrize("form", ["{}{}", "{}_{}"])
def test_lettered_folders_are_unpaired(paint, tmp_path, form):
    root = tmp_path / "horse2zebra"
    for split in ("train", "test"):
        for side, count in (("A", 2), ("B", 3)):
            for i in range(count):
                paint(f"horse2zebra/{form.format(split, side)}/{side}{i}.png")
    paint("horse2zebra/testTruth/A0.png")
    paint("horse2zebra/testMask/A0.png")
    layout = recognise(root, kind="unpaired")
    assert (layout.kind, layout.paired) == ("unpaired", False)
    assert layout.domains == {"a": "horse", "b": "zebra"}
    assert sides(layout, "test") == (["A0.png", "A1.png"], ["B0.png", "B1.png", "B2.png"])
    assert any("testMask, testTruth" in note for note in layout.notes)


def test_lettered_folders_with_equal_names_are_pairs_only_when_asked(paint, tmp_path):
    for side in ("trainA", "trainB"):
        paint(f"{side}/1.png")
    assert recognise(tmp_path).paired is False
    assert any("usable as pairs" in note for note in recognise(tmp_path).notes)
    assert recognise(tmp_path, kind="paired").kind == "two-folders"


@pytest.mark.parametrize("under", ["", "train/"])
def test_a_folder_per_domain(paint, tmp_path, under):
    paint(under + "zebra/z.png")
    paint(under + "horse/h1.png")
    paint(under + "horse/h2.png")
    layout = recognise(tmp_path, kind="unpaired")
    assert (layout.kind, layout.paired) == ("domains", False)
    assert layout.domains == {"a": "horse", "b": "zebra"}
    assert sides(layout) == (["h1.png", "h2.png"], ["z.png"])


def test_two_of_many_domains_by_name(paint, tmp_path):
    for name in ("cat", "dog", "wild"):
        paint(f"{name}/{name}.png")
    assert sides(recognise(tmp_path, a="wild", b="cat")) == (["wild.png"], ["cat.png"])
    paint("one/x/1.png")
    paint("one/y/1.png")
    assert recognise(tmp_path / "one", b="x").domains == {"a": "y", "b": "x"}


def test_unknown_names_are_assumed_for_a_look_and_asked_for_in_training(paint, tmp_path):
    for side in ("day", "night"):
        paint(f"{side}/1.png")
    assert recognise(tmp_path).paired
    assert any("by the alphabet" in note for note in recognise(tmp_path).notes)
    with pytest.raises(
        DataError, match="don't tell the input from the target; say it with --a NAME --b NAME"
    ):
        recognise(tmp_path, kind="paired")
    assert recognise(tmp_path, a="night", b="day", kind="paired").domains == {"a": "night", "b": "day"}


def test_plain_folder_with_a_task(paint, tmp_path):
    paint("pets/cats/1.png")
    paint("pets/2.png")
    layout = recognise(tmp_path / "pets", task="edges", kind="paired")
    assert (layout.kind, layout.paired, layout.domains) == ("plain", True, {"a": "edges", "b": "pets"})
    assert layout.split("train").a.part == "edges"
    assert names(layout) == [("2.png", "2.png"), ("1.png", "1.png")]


def test_task_on_the_folder_named(paint, tmp_path):
    paint("train/images/1.png")
    paint("train/labels/1.png")
    layout = recognise(tmp_path, task="edges", b="images")
    assert layout.split("train").b.files == (tmp_path / "train/images/1.png",)


def test_index_pictures_are_labels_and_photos_are_not(paint, tmp_path):
    paint("images/1.png")
    classes = np.repeat(np.arange(8, dtype=np.uint8), 150).reshape(30, 40)
    (tmp_path / "labels").mkdir()
    Image.fromarray(classes).save(tmp_path / "labels/1.png")
    train = recognise(tmp_path).split("train")
    assert (train.a.labels, train.b.labels) == (True, False)
    Image.fromarray(classes).save(tmp_path / "images/1.png")  # grey of few values, but nothing says classes
    assert recognise(tmp_path).split("train").b.labels is False
    noise = np.random.default_rng(0).integers(0, 256, (30, 40), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "labels/1.png")  # a soft mask
    assert recognise(tmp_path).split("train").a.labels is False


def test_empty_held_out_side_is_left_out_with_a_note(paint, tmp_path):
    for name in ("trainA/1.png", "trainB/1.png", "testA/1.png"):
        paint(name)
    layout = recognise(tmp_path)
    assert list(layout.splits) == ["train"]
    assert any(note.startswith("test is left out") for note in layout.notes)


def test_hidden_and_other_files_are_not_pictures(paint, tmp_path):
    for side in ("images", "labels"):
        paint(f"{side}/1.png")
        (tmp_path / side / "._1.png").write_bytes(b"junk of a file manager")
        (tmp_path / side / "notes.txt").write_text("")
    paint("readme.png")
    assert names(recognise(tmp_path)) == [("1.png", "1.png")]


def test_splits_that_are_missing_are_named(paint, tmp_path):
    paint("val/1.png", (80, 40))
    with pytest.raises(DataError, match="has no train split, only val; add a folder train"):
        recognise(tmp_path).split("train")


def test_what_is_not_on_a_disk_or_not_to_be_read_there_is_refused(tmp_path):
    for address in ("https://example.org/train-000000.tar", "s3://set/train-{000000..000009}.tar"):
        with pytest.raises(DataError, match=r"is an address, and .* from disks alone; download it") as caught:
            recognise(Path(address))
        assert str(caught.value).startswith(f"{address} ")
    (tmp_path / "1.tar.gz").write_bytes(b"x")
    with pytest.raises(DataError, match=r"1\.tar\.gz is compressed, .*; decompress it"):
        recognise(tmp_path / "1.tar.gz")


def folder(paint, *files: str, size: tuple[int, int] = (40, 30)):
    for file in files:
        paint(file, size)


COMPLAINTS = [
    ("missing folder", (), {"root": "gone"}, r"gone doesn't exist; give the folder"),
    ("a file", ("1.png",), {"root": "1.png"}, r"1\.png is a file; give the folder"),
    ("nothing in it", (), {}, r"holds no picture that can be read; supported are .*\.png"),
    ("plain without task", ("1.png",), {}, r"single pictures \(1\.png is 40×30\).*--task edges"),
    ("unknown task", ("1.png",), {"task": "magic"}, r"no task 'magic'; choose one of edges"),
    ("a with a task", ("1.png",), {"task": "edges", "a": "x"}, r"--a has no use with --task edges"),
    (
        "task on pairs",
        ("images/1.png", "labels/1.png"),
        {"task": "edges"},
        r"say with --b which are the targets",
    ),
    (
        "three domains",
        ("x/1.png", "y/1.png", "z/1.png"),
        {"kind": "unpaired"},
        r"3 folders \(x, y, z\); choose two: --a NAME --b",
    ),
    (
        "one of three named",
        ("x/1.png", "y/1.png", "z/1.png"),
        {"a": "x"},
        r"name both sides: --a NAME --b NAME",
    ),
    ("no such folder", ("x/1.png", "y/1.png"), {"a": "w", "b": "y"}, r"has no folder 'w'; there are x, y"),
    ("twice the same", ("x/1.png", "y/1.png"), {"a": "x", "b": "x"}, r"--a and --b both name x"),
    ("one folder", ("photos/1.png",), {}, r"only in photos, but a translation has two sides"),
    (
        "one side empty",
        ("images/1.png", "labels/1.txt"),
        {},
        r"labels holds no picture, so one side is empty",
    ),
    ("trainB missing", ("trainA/1.png",), {}, r"trainB holds no picture, so one side is empty"),
    (
        "no pairs",
        ("images/1.png", "labels/2.png"),
        {},
        r"share no file name, so they hold no pairs; .*cyclegan",
    ),
    (
        "unmatched",
        ("images/1.png", "images/2.png", "labels/1.png", "labels/3.png"),
        {},
        r"2 pictures in .*labels and .*images have no partner .* \(labels/3\.png, images/2\.png\)",
    ),
    (
        "one name twice",
        ("images/1.png", "images/1.jpg", "labels/1.png"),
        {},
        r"1 pictures share their name with another of the same side \(images/1\.",
    ),
    (
        "two folders for a split",
        ("val/1.png", "valid/1.png"),
        {},
        r"val and valid, two folders for one split",
    ),
    (
        "train is empty",
        ("train/x.txt", "val/1.png"),
        {"size": (80, 40)},
        r"train holds no picture to train on",
    ),
    ("odd width", ("1.png",), {"size": (81, 40)}, r"1\.png is 81 pixels wide, which can't be halved"),
]


@pytest.mark.parametrize(
    ("files", "options", "message"), [c[1:] for c in COMPLAINTS], ids=[c[0] for c in COMPLAINTS]
)
def test_complaints(paint, tmp_path, files, options, message):
    size = options.get("size", (40, 30))
    for file in files:
        if file.endswith(".txt"):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text("")
        else:
            paint(file, size)
    how = {key: value for key, value in options.items() if key not in ("root", "size")}
    with pytest.raises(DataError, match=message) as caught:
        recognise(tmp_path / options.get("root", ""), **how)
    assert "\n" not in str(caught.value)


def test_one_single_picture_among_side_by_side_files(paint, tmp_path):
    for i in range(4):
        paint(f"{i}.png", (80, 40))
    paint("5.png", (50, 40))
    with pytest.raises(DataError, match=r"5\.png is 50×40, not an A\|B file like those beside it"):
        recognise(tmp_path)


def test_survey_lists_problems_without_raising(paint, tmp_path):
    for file in ("train/images/1.png", "train/labels/2.png", "val/images/1.png", "val/labels/1.png"):
        paint(file)
    layout = survey(tmp_path)
    assert len(layout.problems) == 1
    assert len(layout.split("train").unmatched) == 2
    assert names(layout, "val") == [("1.png", "1.png")]


def test_unreadable_files_do_not_decide_the_layout(paint, tmp_path):
    paint("1.png", (80, 40))
    (tmp_path / "0.png").write_bytes(b"not a picture")
    assert recognise(tmp_path).kind == "side-by-side"


def test_recognising_needs_no_heavy_library():
    code = (
        "import sys, translate.data.layout;"
        "print([m for m in ('torch', 'cv2', 'albumentations', 'torchvision') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("folder_name", "options", "expected"),
    [
        ("facades", {}, ("side-by-side", {"train": 64, "val": 15}, {"a": "left", "b": "right"})),
        ("facades_full", {}, ("two-folders", {"train": 64, "val": 15}, {"a": "labels", "b": "images"})),
        ("camvid", {}, ("two-folders", {"train": 367, "val": 101}, {"a": "labels", "b": "images"})),
        ("bsds500_edges", {}, ("two-folders", {"train": 100, "test": 25}, {"a": "edges", "b": "images"})),
        ("day2night", {}, ("unpaired", {"train": 120, "test": 39}, {"a": "day", "b": "night"})),
        ("afhq_samples", {"a": "cat", "b": "dog"}, ("domains", {"train": 15}, {"a": "cat", "b": "dog"})),
        ("set14/x4", {}, ("two-folders", {"train": 14}, {"a": "LR", "b": "HR"})),
    ],
)
def test_real_folders(shared_data: Path, folder_name, options, expected):
    layout = recognise(shared_data / folder_name, **options)
    counts = {name: len(split.a.files) for name, split in layout.splits.items()}
    assert (layout.kind, counts, layout.domains) == expected
    labels = folder_name in ("facades_full", "camvid")
    assert all(split.a.labels == labels and not split.b.labels for split in layout.splits.values())
