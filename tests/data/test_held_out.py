"""Held-out pairs, found in any layout."""

from __future__ import annotations

import numpy as np
import pytest

from translate import images
from translate.data.held_out import both_sides, held_out
from translate.data.options import DataOptions
from translate.errors import DataError

OPTIONS = DataOptions(size=16)


def _unpaired(paint, *, truth: bool = True, mask: bool = True):
    for n in range(3):
        paint(f"set/trainA/{n}.png", seed=n)
        paint(f"set/trainB/{n}.png", seed=10 + n)
        paint(f"set/testA/{n}.png", seed=20 + n)
        paint(f"set/testB/{n}.png", seed=30 + n)
        if truth:
            paint(f"set/testTruth/{n}.png", seed=40 + n)
        if mask:
            paint(f"set/testMask/{n}.png", seed=50 + n)


def _halves(paint):
    for split in ("train", "val"):
        for n in range(2):
            paint(f"set/{split}/{n}.png", (32, 16), seed=n)


def test_truth_is_matched_by_name_and_directed(paint, tmp_path):
    _unpaired(paint)
    root = tmp_path / "set"
    there, back = held_out(root, OPTIONS), held_out(root, DataOptions(size=16, direction="b2a"))
    assert (there.split, there.masks, len(there.pictures)) == ("test", True, 3)
    assert [path.parent.name for path in there.pictures.shelf.files(1)] == ["testA", "testTruth", "testMask"]
    assert [path.parent.name for path in back.pictures.shelf.files(1)] == ["testTruth", "testA", "testMask"]
    assert {path.name for path in there.pictures.shelf.files(1)} == {"1.png"}
    assert there.training.shelf.files(0)[0].parent.name == "trainB"
    assert back.training.shelf.files(0)[0].parent.name == "trainA"
    inputs, truth, mask = there.pictures[1]
    assert (inputs.shape, truth.shape, mask.shape) == ((3, 16, 16), (3, 16, 16), (1, 16, 16))


def test_pictures_are_the_centre_at_the_trained_size(paint, tmp_path):
    _halves(paint)
    found = held_out(tmp_path / "set", OPTIONS)
    assert (found.split, found.masks) == ("val", False)
    both = images.read(tmp_path / "set/val/1.png").pixels
    for picture, half in zip(found.pictures[1], (both[:, :16], both[:, 16:]), strict=True):
        np.testing.assert_array_equal(picture.transpose(1, 2, 0), half)


def test_batches_hold_the_positions_asked_for(paint, tmp_path):
    _unpaired(paint, mask=False)
    pictures = held_out(tmp_path / "set", OPTIONS).pictures
    batches = list(pictures.batches([2, 0, 1], 2))
    assert [tuple(side.shape for side in batch) for batch in batches] == [
        ((2, 3, 16, 16),) * 2,
        ((1, 3, 16, 16),) * 2,
    ]
    np.testing.assert_array_equal(batches[0][0][0].numpy(), pictures[2][0])
    np.testing.assert_array_equal(batches[1][1][0].numpy(), pictures[1][1])


def test_unpaired_pictures_without_truth_are_refused(paint, tmp_path):
    _unpaired(paint, truth=False)
    with pytest.raises(DataError, match=r"3 in testA, 3 in testB.*without a truth.*testTruth"):
        held_out(tmp_path / "set", OPTIONS)


def test_a_model_of_pairs_may_take_lettered_folders_as_pairs(paint, tmp_path):
    _unpaired(paint, truth=False, mask=False)
    found = held_out(tmp_path / "set", OPTIONS, kind="paired")
    assert [path.parent.name for path in found.pictures.shelf.files(0)] == ["testA", "testB"]


def test_an_input_without_its_truth_is_named(paint, tmp_path):
    _unpaired(paint)
    (tmp_path / "set/testTruth/1.png").unlink()
    with pytest.raises(DataError, match=r"1 pictures in .* have no partner .*testA/1.png"):
        held_out(tmp_path / "set", OPTIONS)


def test_missing_splits(paint, tmp_path):
    _halves(paint)
    with pytest.raises(DataError, match="no test split to measure on; there is train, val"):
        held_out(tmp_path / "set", OPTIONS, split="test")
    flat = tmp_path / "set/train"
    with pytest.raises(DataError, match=r"no val or test split.*--split train"):
        held_out(flat, OPTIONS)
    assert len(held_out(flat, OPTIONS, split="train").pictures) == 2


def test_a_missing_split_of_truth(paint, tmp_path):
    _unpaired(paint)
    with pytest.raises(DataError, match="no val split with a truth folder to measure on; there is test"):
        held_out(tmp_path / "set", OPTIONS, split="val")


def test_no_training_pictures_no_baseline(paint, tmp_path):
    paint("set/test/0.png", (32, 16))
    assert held_out(tmp_path / "set", OPTIONS).training is None


def test_task_makes_the_inputs(paint, tmp_path):
    paint("set/test/0.png")
    inputs, truth = held_out(tmp_path / "set", DataOptions(size=16, task="edges")).pictures[0]
    assert set(np.unique(inputs)) <= {0, 255}
    assert len(np.unique(truth)) > 2


def test_a_file_that_cannot_be_read_is_named(paint, tmp_path):
    _halves(paint)
    (tmp_path / "set/val/1.png").write_text("text")
    with pytest.raises(DataError, match=r"val/1.png: .*; repair it or take it out"):
        _ = held_out(tmp_path / "set", OPTIONS).pictures[1]


def test_classes_have_no_truth_and_two_of_them_are_sides(paint, tmp_path):
    for name in ("train/x/1.png", "train/y/2.png", "train/z/3.png", "test/x/4.png", "test/z/5.png"):
        paint(name)
    with pytest.raises(DataError) as error:
        held_out(tmp_path, OPTIONS)
    assert str(error.value) == (
        f"{tmp_path} holds one pool of 2 pictures without a truth to compare outputs with; give a folder "
        "of pairs whose truths are of the class that --label names, or compare the outputs with pictures of "
        "that kind as sets: --sets and --a CLASS --b CLASS, of x, y, z."
    )
    with pytest.raises(DataError) as error:
        both_sides(tmp_path, OPTIONS)
    assert str(error.value) == (
        f"{tmp_path} holds one pool of pictures, and what is to be compared are outputs and pictures that "
        "are of the class that --label names; say which those are with --a CLASS --b CLASS, of x, y, z."
    )
    found = both_sides(tmp_path, DataOptions(size=16, a="x", b="z"))
    assert [side.shelf.files(0)[0].parent.name for side in (found.inputs, found.targets)] == ["x", "z"]


def test_captions_have_no_sides_to_name(paint, tmp_path):
    for split in ("train", "test"):
        paint(f"{split}/1.png")
        (tmp_path / split / "metadata.jsonl").write_text('{"file_name": "1.png", "text": "one"}')
    sides = r"a folder that has inputs in testA and the targets in testB\.$"
    with pytest.raises(DataError, match=r"truths are what --text asks for, or .*--sets and " + sides):
        held_out(tmp_path, OPTIONS)
    with pytest.raises(DataError, match=r"are what --text asks for; say which those are with " + sides):
        both_sides(tmp_path, OPTIONS)


def test_both_sides_need_no_truth(paint, tmp_path):
    _unpaired(paint, truth=False, mask=False)
    paint("set/testB/more.png", seed=60)
    there = both_sides(tmp_path / "set", OPTIONS)
    assert (there.split, len(there.inputs), len(there.targets), len(there.training)) == ("test", 3, 4, 3)
    back = both_sides(tmp_path / "set", DataOptions(size=16, direction="b2a"))
    for found, folders in (
        (there, ("testA", "testB", "trainB")),
        (back, ("testB", "testA", "trainA")),
    ):
        sides = (found.inputs, found.targets, found.training)
        assert tuple(side.shelf.files(0)[0].parent.name for side in sides) == folders


def test_both_sides_of_pairs_are_their_halves(paint, tmp_path):
    _halves(paint)
    found = both_sides(tmp_path / "set", OPTIONS, kind="paired")
    pairs = held_out(tmp_path / "set", OPTIONS).pictures
    assert found.split == "val"
    for i in range(2):
        np.testing.assert_array_equal(found.inputs[i][0], pairs[i][0])
        np.testing.assert_array_equal(found.targets[i][0], pairs[i][1])


def test_a_pool_of_labelled_pictures_has_no_sides(paint, tmp_path):
    for label in ("x", "y", "z"):
        for split in ("train", "test"):
            paint(f"set/{split}/{label}/0.png")
    with pytest.raises(DataError, match="one pool of pictures"):
        both_sides(tmp_path / "set", OPTIONS, kind="labelled")
