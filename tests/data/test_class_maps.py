"""Maps of classes: found by their colours, delivered as numbers, in step with their partners."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from translate.colours import names, packed
from translate.data.batches import to_colours, to_one_hot
from translate.data.inspect import inspect
from translate.data.loading import load_data
from translate.data.options import DataOptions
from translate.data.sampling import SampleIndex
from translate.errors import DataError
from translate.training.loop import to_batch

COLOURS = np.array([[0, 0, 0], [0, 128, 9], [0, 128, 10], [200, 0, 0], [255, 255, 255]], np.uint8)
GREYS = np.array([0, 1, 2, 7, 255], np.uint8)


def numbers(seed: int, size: tuple[int, int] = (40, 30)) -> np.ndarray:
    """A map of the classes 0 to 4 in patches of 5 × 5, uint8 (height, width)."""
    patches = np.random.default_rng(seed).integers(0, 5, (size[1] // 5, size[0] // 5), dtype=np.uint8)
    return patches.repeat(5, 0).repeat(5, 1)


def save(path: Path, classes: np.ndarray, form: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "colour":
        Image.fromarray(COLOURS[classes]).save(path)
    elif form == "grey":
        Image.fromarray(GREYS[classes]).save(path)
    else:
        shuffled = np.array([3, 1, 0, 4, 2], np.uint8)  # an index says nothing of its colour's place
        image = Image.fromarray(shuffled[classes]).convert("P")
        image.putdata(shuffled[classes].ravel().tolist())
        image.putpalette(COLOURS[np.argsort(shuffled)].ravel().tolist())
        image.save(path)


def make(root: Path, form: str = "colour", count: int = 4, splits: tuple[str, ...] = ("train",)) -> None:
    """Maps, and as their partners the same maps in colours."""
    for split in splits:
        for i in range(count):
            save(root / split / "labels" / f"{i}.png", numbers(i), form)
            save(root / split / "images" / f"{i}.png", numbers(i), "colour")


WHOLE = DataOptions(size=30, load_size=30, classes_a=True, workers=0)


@pytest.mark.parametrize("form", ["colour", "grey", "palette"])
def test_numbers_stay_in_step_with_the_partner(tmp_path, form):
    make(tmp_path, form)
    data = load_data(tmp_path, WHOLE, kind="paired")
    expected = ("0", "1", "2", "7", "255") if form == "grey" else (
        "#000000", "#008009", "#00800a", "#c80000", "#ffffff",
    )  # fmt: skip
    assert data.classes_a == expected
    flipped = set()
    for seed in range(12):
        item = data.train[SampleIndex(1, 1, seed)]
        assert (item.a.shape, item.a.dtype, item.classes_a) == ((1, 30, 30), np.uint8, 5)
        assert np.array_equal(COLOURS[item.a[0]].transpose(2, 0, 1), item.b)
        flipped.add(item.a.tobytes())
    assert len(flipped) > 2


def test_resizing_and_turning_make_no_new_classes(tmp_path):
    make(tmp_path)
    options = DataOptions(size=23, load_size=23, classes_a=True, rotate=30, zoom=0.5, colour=0.5, workers=0)
    data = load_data(tmp_path, options, kind="paired")
    for seed in range(6):
        item = data.train[SampleIndex(0, 0, seed)]
        assert set(np.unique(item.a)) <= set(range(5))
        # The middle of most patches is its class's colour still.
        assert (np.abs(COLOURS[item.a[0]].transpose(2, 0, 1).astype(int) - item.b) < 60).mean() > 0.5


def test_classes_are_those_of_all_splits_after_the_swap(tmp_path):
    make(tmp_path, splits=("train",))
    for i in range(2):
        save(tmp_path / "val/images" / f"{i}.png", numbers(i) % 2, "colour")
        save(tmp_path / "val/labels" / f"{i}.png", numbers(i) % 2, "grey")
    save(tmp_path / "val/labels/0.png", np.full((30, 40), 3, np.uint8), "grey")
    both = ("#000000", "#008009", "#00800a", "#010101", "#070707", "#c80000", "#ffffff")
    assert load_data(tmp_path, WHOLE, kind="paired").classes_a == both
    options = DataOptions(size=30, load_size=30, classes_a=True, direction="b2a", workers=0)
    data = load_data(tmp_path, options, kind="unpaired")
    assert data.classes_a == ("#000000", "#008009", "#00800a", "#c80000", "#ffffff")
    assert data.held_out.batch([0]).a.unique().tolist() == [0, 1]


def test_batches_become_one_hot_on_the_device(tmp_path):
    make(tmp_path, "grey")
    images = next(
        load_data(tmp_path, DataOptions(size=16, batch_size=3, classes_a=True), kind="paired").loader()
    )
    assert (images.a.dtype, images.a.shape, images.classes_a) == (torch.uint8, (3, 1, 16, 16), 5)
    expected = torch.nn.functional.one_hot(images.a[:, 0].long(), 5).permute(0, 3, 1, 2).float()
    assert torch.equal(to_one_hot(images.a, 5), expected)
    batch = to_batch(images, torch.device("cpu"))
    assert torch.equal(batch.a, expected)
    assert batch.b.shape == (3, 3, 16, 16)


def test_numbers_are_painted_in_their_colours():
    maps = torch.tensor([[[[4, 0], [2, 3]]]], dtype=torch.uint8)
    painted = to_colours(maps, packed(COLOURS[None])[0].tolist())
    assert painted.dtype == torch.uint8
    assert np.array_equal(painted[0].permute(1, 2, 0).numpy(), COLOURS[maps[0, 0].numpy()])


def test_the_log_lists_the_classes(tmp_path):
    make(tmp_path, "grey")
    assert "maps of 5 classes: 0, 1, 2, 7, 255" in load_data(tmp_path, WHOLE, kind="paired").notes


def test_pictures_stay_pictures_unless_asked(tmp_path):
    make(tmp_path, "grey")
    data = load_data(tmp_path, DataOptions(size=30, load_size=30, workers=0), kind="paired")
    assert data.classes_a == ()
    assert data.train[0].classes_a == 0
    assert data.train[0].a.shape == (3, 30, 30)
    assert set(np.unique(data.train[0].a)) <= set(GREYS.tolist())


def test_what_is_no_map_of_classes_is_refused(paint, tmp_path):
    for i in range(2):
        paint(f"labels/{i}.png", seed=i)
        paint(f"images/{i}.png", seed=i)
    with pytest.raises(
        DataError,
        match=r"labels holds no maps of classes: over 256 colours up to 0\.png, which has 1200; save maps",
    ):
        load_data(tmp_path, WHOLE, kind="paired")
    for i in range(2):
        save(tmp_path / "labels" / f"{i}.png", np.full((30, 40), 2, np.uint8), "grey")
    with pytest.raises(DataError, match="have one colour in all, so one class; a map needs two at least"):
        load_data(tmp_path, WHOLE, kind="paired")
    with pytest.raises(DataError, match="gives inputs made from pictures, and no maps of classes; set data"):
        load_data(tmp_path / "images", DataOptions(size=16, task="edges", classes_a=True), kind="paired")
    with pytest.raises(DataError, match="gives one pool without sides, and no maps of classes; set data"):
        load_data(tmp_path, WHOLE, kind="labelled")


def test_unreadable_maps_are_reported_with_the_rest(tmp_path):
    make(tmp_path, "grey")
    (tmp_path / "train/labels/2.png").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"1 of the pictures can't be used: labels/2\.png \(the file is empty\)"
    ):
        load_data(tmp_path, WHOLE, kind="paired")
    data = load_data(
        tmp_path, DataOptions(size=30, load_size=30, classes_a=True, skip_corrupt=True), kind="paired"
    )
    assert (len(data.train), len(data.classes_a)) == (3, 5)


def test_a_colour_that_came_later_is_refused(tmp_path):
    make(tmp_path, "colour")
    options = DataOptions(size=30, load_size=30, classes_a=True, cache="off", batch_size=4, workers=0)
    data = load_data(tmp_path, options, kind="paired")
    Image.fromarray(np.full((30, 40, 3), 77, np.uint8)).save(tmp_path / "train/labels/2.png")
    with pytest.raises(
        DataError, match=r"2\.png: holds the colour #4d4d4d, which is no class's; it was good"
    ):
        next(data.loader())


@pytest.mark.parametrize("form", ["colour", "grey", "palette"])
def test_inspection_lists_the_classes(paint, tmp_path, form):
    make(tmp_path, form)
    for i in range(4):
        paint(f"train/images/{i}.png", seed=i)
    save(tmp_path / "train/labels/3.png", np.ones((30, 40), np.uint8), form)
    report = inspect(tmp_path)
    a, b = report.splits["train"].a, report.splits["train"].b
    expected = ("0", "1", "2", "7", "255") if form == "grey" else names(packed(COLOURS[None])[0].tolist())
    assert a.classes == dict(zip(expected, (3, 4, 3, 3, 3), strict=True))
    assert b.classes == {}
    assert f"train, labels: usable as maps of 5 classes: {', '.join(expected)}" in report.notes


def test_noise_of_few_colours_and_jpegs_are_no_maps(tmp_path):
    for i in range(2):
        for side in ("labels", "images"):
            (tmp_path / side).mkdir(exist_ok=True)
            few = np.random.default_rng(i).integers(0, 60, (20, 20), dtype=np.uint8)
            Image.fromarray(few).save(tmp_path / side / f"{i}.{'png' if side == 'labels' else 'jpg'}")
    report = inspect(tmp_path)
    assert report.splits["train"].a.classes == report.splits["train"].b.classes == {}


@pytest.mark.parametrize(
    ("folder", "classes"),
    [("camvid", tuple(map(str, range(12)))), ("facades_full", ("0", "1", "2", "3", "4", "5", "6", "255"))],
)
def test_real_maps(shared_data: Path, folder, classes):
    options = DataOptions(size=64, classes_a=True, cache="off")
    data = load_data(shared_data / folder, options, kind="paired", verify=False)
    assert data.classes_a == classes
