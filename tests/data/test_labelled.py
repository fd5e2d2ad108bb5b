"""Labelled pictures: recognised, or refused in one sentence; drawn evenly over the classes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from translate.data.labelled import looks_labelled
from translate.data.layout import Layout, recognise, survey
from translate.data.loading import load_data
from translate.data.options import DataOptions
from translate.data.savanna import write_dataset
from translate.errors import DataError, UsageError
from translate.training.loop import to_batch

SMALL = DataOptions(size=16, load_size=18, batch_size=4, workers=0)


def describe(folder: Path, *rows: dict) -> None:
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def known(layout: Layout, split: str = "train") -> dict[str, str]:
    side = layout.split(split).a
    return {file.name: layout.labels[n] for file, n in zip(side.files, side.classes, strict=True)}


def paint_classes(paint, **counts: int) -> None:
    for seed, (folder, count) in enumerate(counts.items()):
        for i in range(count):
            paint(f"{folder.replace('__', '/')}/{folder}{i}.png", seed=100 * seed + i)


@pytest.mark.parametrize("under", ["", "train/"])
def test_a_folder_a_class(paint, tmp_path, under):
    for name in ("coat10/deep/1.png", "coat2/2.png", "coat2/3.png"):
        paint(under + name)
    layout = recognise(tmp_path, kind="labelled")
    assert (layout.kind, layout.paired, layout.captions) == ("labelled", False, False)
    assert layout.labels == ("coat2", "coat10")
    assert known(layout) == {"1.png": "coat10", "2.png": "coat2", "3.png": "coat2"}
    assert layout.split("train").a is layout.split("train").b
    assert layout.notes == ("only one training picture: coat10",)


def test_class_folders_that_hold_the_splits(paint, tmp_path):
    for name in ("x/train/1.png", "y/train/2.png", "x/test/3.png", "y/test/4.png"):
        paint(name)
    layout = recognise(tmp_path, kind="labelled")
    assert known(layout, "test") == {"3.png": "x", "4.png": "y"}


def test_rows_say_more_than_folders(paint, tmp_path):
    for name in ("train/p/1.png", "train/p/2.png", "train/3.png", "test/4.png"):
        paint(name)
    describe(
        tmp_path / "train",
        {"file_name": "p/1.png", "label": "zebra", "text": "one"},
        {"file_name": "3.png", "label": 7, "text": "three"},
        {"file_name": "p/2.png", "label": "zebra", "text": "two"},
    )
    describe(tmp_path / "test", {"file_name": "4.png", "label": "7", "text": "four"})
    layout = recognise(tmp_path)
    assert layout.kind == "labelled"
    assert layout.labels == ("7", "zebra")
    assert known(layout) == {"3.png": "7", "1.png": "zebra", "2.png": "zebra"}
    assert layout.split("train").a.texts == ("three", "one", "two")
    assert layout.split("test").a.texts == ("four",)
    assert layout.captions


def test_rows_at_the_root_and_a_split_s_own_before_them(paint, tmp_path):
    for name in ("train/1.png", "train/2.png", "val/3.png"):
        paint(name)
    rows = [{"file_name": f"{name}.png", "label": "x"} for name in ("train/1", "train/2", "val/3")]
    describe(tmp_path, *rows)
    describe(tmp_path / "train", {"file_name": "2.png", "label": "y"})
    assert known(recognise(tmp_path, kind="labelled")) == {"1.png": "x", "2.png": "y"}


def test_the_rendered_data_set(tmp_path):
    write_dataset(tmp_path / "coats", layout="labelled", count=7, test_count=7, size=64)
    layout = recognise(tmp_path / "coats")
    assert (layout.kind, layout.captions) == ("labelled", True)
    assert layout.labels == ("black", "chestnut", "giraffe", "grey", "palomino", "piebald", "zebra")
    side = layout.split("train").a
    assert all(layout.labels[n] == file.parent.name for file, n in zip(side.files, side.classes, strict=True))
    assert all(layout.labels[n] in text for n, text in zip(side.classes, side.texts, strict=True))


def test_three_folders_are_classes_unless_two_of_them_are_sides(paint, tmp_path):
    for name in ("grey", "black", "zebra"):
        paint(f"{name}/1.png")
    assert recognise(tmp_path).kind == "labelled"
    assert recognise(tmp_path, a="grey", b="zebra").kind == "two-folders"
    with pytest.raises(DataError, match="choose two"):
        recognise(tmp_path, kind="unpaired")
    paint("images/1.png")
    with pytest.raises(DataError, match=r"holds 4 folders .*; choose two"):
        recognise(tmp_path)


def test_two_folders_are_sides_unless_labels_are_asked_for(paint, tmp_path):
    paint("day/1.png")
    paint("night/2.png")
    assert recognise(tmp_path).kind == "domains"
    assert recognise(tmp_path, kind="labelled").labels == ("day", "night")
    describe(tmp_path, {"file_name": "day/1.png"}, {"file_name": "night/2.png"})
    assert recognise(tmp_path, kind="unpaired").kind == "domains"


def test_captions_alone(paint, tmp_path):
    for i in (1, 2):
        paint(f"{i}.png")
    describe(tmp_path, {"file_name": "1.png", "text": "one"}, {"file_name": "2.png", "text": "two"})
    for kind in (None, "captioned"):
        layout = recognise(tmp_path, kind=kind)
        assert (layout.labels, layout.captions) == ((), True)
    data = load_data(tmp_path, DataOptions(size=16, batch_size=2, workers=0), kind="captioned")
    batch = next(data.loader())
    assert (batch.label_a, batch.label_b) == (None, None)
    assert sorted(batch.text_a) == sorted(batch.text_b) == ["one", "two"]
    assert data.captions


def test_captions_of_some_are_not_used_and_named(paint, tmp_path):
    paint_classes(paint, x=2, y=1)
    rows = [{"file_name": f"{n[0]}/{n}.png", "label": n[0], "text": "z"} for n in ("x0", "x1", "y0")]
    rows[1]["text"] = "  "
    describe(tmp_path, *rows)
    layout = recognise(tmp_path, kind="labelled")
    assert not layout.captions
    assert "captions are not used: 1 picture without (x/x1.png)" in layout.notes
    assert load_data(tmp_path, DataOptions(size=16), kind="labelled").train[0].text_a is None


def test_rows_with_texts_alone_leave_the_folders_as_labels(paint, tmp_path):
    paint_classes(paint, x=1, y=1)
    describe(tmp_path, *({"file_name": f"{n}/{n}0.png", "text": n} for n in "xy"))
    assert recognise(tmp_path, kind="labelled").labels == ("x", "y")


def test_held_out_classes_without_training_pictures_are_left_out(paint, tmp_path):
    for name in ("train/x/1.png", "train/y/2.png", "val/x/3.png", "val/w/4.png", "test/w/5.png"):
        paint(name)
    layout = recognise(tmp_path, kind="labelled")
    assert (layout.labels, list(layout.splits)) == (("x", "y"), ["train", "val"])
    assert known(layout, "val") == {"3.png": "x"}
    assert "val: 1 picture left out, of classes without training pictures: w" in layout.notes


def test_sides_that_tell_themselves_are_no_classes(paint, tmp_path):
    paint("images/1.png")
    paint("edges/1.png")
    describe(tmp_path, {"file_name": "images/1.png", "text": "one"})
    assert recognise(tmp_path).kind == "two-folders"


X, Y = {"file_name": "x/x0.png", "label": "x"}, {"file_name": "y/y0.png", "label": "y"}
COMPLAINTS = [
    (
        "loose",
        ("x/1.png", "y/2.png", "3.png", "4.png"),
        (),
        "labelled",
        r"2 pictures in .* have no label \(3\.png, 4\.png\); sort them into a folder a class, or write",
    ),
    (
        "loose and one folder",
        ("x/1.png", "3.png"),
        (),
        "labelled",
        r"1 picture in .* has no label \(3\.png\)",
    ),
    ("nothing but loose", ("1.png",), (), "labelled", r"1 picture in .* has no label \(1\.png\)"),
    (
        "empty class",
        ("train/x/1.png", "train/y/2.png", "train/w/n.txt", "test/x/1.png"),
        (),
        "labelled",
        r"train/w holds no picture, so the class w has none; put its pictures there, or remove the folder",
    ),
    (
        "one class",
        ("x/1.png", "x/2.png"),
        (),
        "labelled",
        r"has one class, x, and a translation between classes needs two; add the pictures of another",
    ),
    ("one class in rows", ("x/x0.png", "y/y0.png"), (X, {**Y, "label": "x"}), None, r"has one class, x, and"),
    (
        "train is empty",
        ("train/n.txt", "val/x/1.png", "val/y/1.png"),
        (),
        "labelled",
        r"train holds no picture to train on",
    ),
    (
        "no row",
        ("x/x0.png", "y/y0.png", "y/y1.png"),
        (X, Y),
        None,
        r"1 picture of 3 below .* has no row in .*\.jsonl \(y/y1\.png\); add a row for each, or remove",
    ),
    (
        "no picture",
        ("x/x0.png", "y/y0.png"),
        (X, Y, {"file_name": "w/5.png", "label": "w"}),
        "labelled",
        r"1 row of .*metadata\.jsonl names no picture \(line 3: w/5\.png\); add the pictures, or",
    ),
    (
        "no picture's suffix",
        ("x/x0.png", "y/y0.png"),
        (X, Y, {"file_name": "metadata.jsonl", "label": "w"}),
        None,
        r"names no picture \(line 3: metadata\.jsonl\)",
    ),
    (
        "no label in a row",
        ("x/x0.png", "y/y0.png"),
        (X, {**Y, "label": None}),
        "labelled",
        r"1 of 2 rows have no label \(line 2 of .*: y/y0\.png\); write one for every picture, as in",
    ),
    (
        "no captions",
        ("x/x0.png", "y/y0.png"),
        (),
        "captioned",
        r"has no captions; write metadata\.jsonl beside the pictures, a line for each such as",
    ),
    ("no caption in any row", ("x/x0.png", "y/y0.png"), (X, Y), "captioned", r"has no captions"),
    (
        "no caption in a row",
        ("x/x0.png", "y/y0.png"),
        ({**X, "text": "hi"}, {**Y, "text": ""}),
        "captioned",
        r"1 of 2 rows have no text \(line 2 of .*: y/y0\.png\); write one for every picture",
    ),
    (
        "one caption for all",
        ("x/x0.png", "y/y0.png"),
        ({**X, "text": "hi"}, {**Y, "text": "hi"}),
        "captioned",
        r"every picture of .* has the same caption, so there is nothing to learn from captions; write what",
    ),
    ("no JSON", ("x/x0.png", "y/y0.png"), (X, "label"), None, r"line 2 is a string, not an object"),
]


@pytest.mark.parametrize(
    ("files", "rows", "kind", "message"), [c[1:] for c in COMPLAINTS], ids=[c[0] for c in COMPLAINTS]
)
def test_complaints(paint, tmp_path, files, rows, kind, message):
    for file in files:
        if file.endswith(".txt"):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text("")
        else:
            paint(file)
    if rows:
        describe(tmp_path, *rows)
    with pytest.raises(DataError, match=message) as caught:
        recognise(tmp_path, kind=kind)
    assert "\n" not in str(caught.value)


def test_all_problems_are_listed(paint, tmp_path):
    for name in ("x/x0.png", "y/y0.png", "y/y1.png"):
        paint(name)
    describe(tmp_path, X, {**Y, "label": ""}, {"file_name": "gone.png", "label": "x"})
    assert len(survey(tmp_path, kind="labelled").problems) == 3


def test_a_split_without_rows_says_nothing_else(paint, tmp_path):
    for name in ("train/1.png", "test/2.png"):
        paint(name)
    describe(tmp_path / "test", {"file_name": "2.png", "label": "x", "text": "two"})
    layout = survey(tmp_path, kind="labelled")
    (problem,) = layout.problems
    assert "1 picture of 2 below" in problem
    assert "test/metadata.jsonl (train/1.png); add a row for each" in problem
    assert layout.notes == ()


@pytest.mark.parametrize("options", [{"a": "x"}, {"b": "x"}, {"task": "edges"}])
def test_a_pool_has_no_sides(paint, tmp_path, options):
    paint_classes(paint, x=1, y=1)
    with pytest.raises(
        DataError, match=r"names a side, and pictures with labels .* leave --a, --b and --task out"
    ):
        recognise(tmp_path, kind="labelled", **options)


@pytest.fixture
def uneven(paint, tmp_path) -> Path:
    """Classes of 12, 3 and 1 pictures, each picture of its own noise; two held-out ones of each of two."""
    paint_classes(paint, train__often=12, train__rarely=3, train__once=1, val__often=2, val__rarely=2)
    return tmp_path


def test_labels_belong_to_their_pictures(uneven):
    data = load_data(
        uneven, DataOptions(size=30, load_size=30, batch_size=4, flip=False, workers=0), kind="labelled"
    )
    assert data.labels == ("often", "once", "rarely")
    pool = data.train.shelves[0]
    assert data.train.shelves == (pool, pool)  # one pool, cached once
    assert "20 decoded items are held" in " ".join(data.notes)
    by_label = {
        label: [pool[i][0] for i, n in enumerate(pool.sides[0].classes) if n == number]
        for number, label in enumerate(data.labels)
    }
    for batch in data.loader(0, 6):
        assert batch.label_a.dtype == batch.label_b.dtype == torch.int64
        for pictures, numbers in ((batch.a, batch.label_a), (batch.b, batch.label_b)):
            for picture, number in zip(pictures.numpy(), numbers.tolist(), strict=True):
                assert any(picture.tobytes() in _windows(whole) for whole in by_label[data.labels[number]])


def _windows(picture: np.ndarray) -> set[bytes]:
    """Every 30 × 30 crop of a picture that is 30 high."""
    return {picture[:, :, left : left + 30].tobytes() for left in range(picture.shape[2] - 29)}


def test_every_class_is_asked_for_as_often_and_every_picture_of_it(uneven):
    data = load_data(uneven, SMALL, kind="labelled")
    items = [item for items in data._schedule(0, 6000) for item in items]
    classes = Counter(data.train.classes[item.b] for item in items)
    assert all(abs(count / len(items) - 1 / 3) < 0.01 for count in classes.values())  # σ is 0.003
    rarely = [i for i, number in enumerate(data.train.classes) if data.labels[number] == "rarely"]
    shares = Counter(item.b for item in items)
    assert all(abs(shares[i] / len(items) - 1 / 9) < 0.01 for i in rarely)
    # a goes through the pool evenly, and what b is doesn't depend on it.
    assert set(Counter(item.a for item in items).values()) == {len(items) // 16}
    same = sum(data.train.classes[item.a] == data.train.classes[item.b] for item in items) / len(items)
    assert abs(same - 1 / 3) < 0.01


@pytest.mark.parametrize("workers", [0, 2])
def test_a_late_start_gives_the_same_batches(uneven, workers):
    options = DataOptions(size=16, load_size=18, batch_size=4, workers=workers, colour=0.2)
    data = load_data(uneven, options, kind="labelled")
    whole, late = list(data.loader(0, 7)), list(data.loader(5, 7))
    for one, other in zip(whole[5:], late, strict=True):
        for x, y in zip(one[:4], other[:4], strict=True):
            assert torch.equal(x, y)


def test_held_out_pictures_stand_beside_another_class(uneven):
    data = load_data(uneven, SMALL, kind="labelled")
    assert len(data.held_out) == 4
    batch = data.held_out.batch(range(4))
    assert [data.labels[n] for n in batch.label_a] == ["often", "often", "rarely", "rarely"]
    assert [data.labels[n] for n in batch.label_b] == ["rarely", "rarely", "often", "often"]
    again = data.held_out.batch(range(4))
    assert torch.equal(again.b, batch.b)
    a, b = data.held_out.names(2)
    assert (a.startswith("val__rarely"), b.startswith("val__often")) == (True, True)


def test_the_device_gets_labels_and_texts(tmp_path):
    write_dataset(tmp_path / "coats", layout="labelled", count=7, test_count=0, size=64)
    data = load_data(tmp_path / "coats", SMALL, kind="captioned")
    images = next(data.loader())
    batch = to_batch(images, torch.device("cpu"))
    assert batch.label_a is not None
    assert torch.equal(batch.label_a, images.label_a)
    assert torch.equal(batch.label_b, images.label_b)
    assert (batch.text_a, batch.text_b) == (images.text_a, images.text_b)
    for label, text in zip(images.label_b.tolist(), images.text_b, strict=True):
        assert data.labels[label] in text
    first, second = batch.split(2)
    assert torch.equal(torch.cat([first.label_b, second.label_b]), batch.label_b)
    assert first.text_a + second.text_a == batch.text_a
    assert torch.equal(torch.cat([first.b, second.b]), batch.b)


def test_unlabelled_data_carry_none(paint, tmp_path):
    paint("day/1.png")
    paint("night/2.png")
    data = load_data(tmp_path, DataOptions(size=16, workers=0), kind="unpaired")
    images = next(data.loader())
    assert images[2:] == (None, None, None, None, 0, False, None)
    assert to_batch(images, torch.device("cpu")).label_a is None
    assert (data.labels, data.captions) == ((), ())


def test_a_class_lost_to_broken_files_is_refused(uneven):
    (uneven / "train/once/train__once0.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"1 of the pictures can't be used: once/train__once0\.png"):
        load_data(uneven, SMALL, kind="labelled")
    options = DataOptions(size=16, skip_corrupt=True)
    with pytest.raises(
        DataError, match=r"no training picture of once in .* can be read; repair one, or remove"
    ):
        load_data(uneven, options, kind="labelled")
    (uneven / "train/often/train__often0.png").write_bytes(b"")
    (uneven / "train/once/train__once0.png").write_bytes(
        (uneven / "train/often/train__often1.png").read_bytes()
    )
    data = load_data(uneven, options, kind="labelled")
    assert Counter(data.train.classes) == {0: 11, 1: 1, 2: 3}


def test_one_pool_has_one_number_of_channels(uneven):
    with pytest.raises(
        UsageError, match=r"data\.channels_a=1 and data\.channels_b=3 differ, .*make them equal"
    ):
        load_data(uneven, DataOptions(size=16, channels_a=1), kind="labelled")


def test_lettered_folders_do_not_look_labelled(paint, tmp_path):
    from translate.data.folders import scan

    for name in ("trainA/1.png", "trainB/1.png"):
        paint(name)
    describe(tmp_path, {"file_name": "trainA/1.png", "label": "x"})
    tree = scan(tmp_path)
    assert not looks_labelled(tree, tree.bodies["train"])
