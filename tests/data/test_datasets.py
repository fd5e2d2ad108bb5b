"""Items and batches: aligned, right in every picture format, and the same by every way of loading."""

from __future__ import annotations

import pickle
import random
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from translate.data.batches import Batch, Fault, collate, to_float
from translate.data.datasets import paired_dataset, unpaired_dataset
from translate.data.layout import recognise
from translate.data.loading import load_data
from translate.data.options import DataOptions
from translate.data.sampling import SampleIndex
from translate.errors import BadImage, DataError, UsageError

PLAIN = DataOptions(size=16, load_size=24, cache="off", workers=0)


@pytest.fixture
def negatives(tmp_path: Path) -> Path:
    """Twelve pairs, 30×24, of which b is the negative of a."""
    for i in range(12):
        a = np.random.default_rng(i).integers(0, 256, (24, 30, 3), dtype=np.uint8)
        for side, pixels in (("A", a), ("B", 255 - a)):
            (tmp_path / "train" / side).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "train" / side / f"{i}.png")
    return tmp_path


@pytest.fixture
def strangers(paint, tmp_path: Path) -> Path:
    """Five pictures on one side, three on the other, of many sizes."""
    for side, count in (("A", 5), ("B", 3)):
        for i in range(count):
            paint(f"strangers/train{side}/{i}.png", (30 + 7 * i, 40), seed=i)
    return tmp_path / "strangers"


def same(one: Batch, other: Batch) -> bool:
    return torch.equal(one.a, other.a) and torch.equal(one.b, other.b)


def test_pairs_stay_aligned(negatives):
    dataset = paired_dataset(recognise(negatives, kind="paired"), "train", options=PLAIN)
    corners = set()
    for seed in range(40):
        item = dataset[SampleIndex(3, 3, seed)]
        assert item.a.shape == item.b.shape == (3, 16, 16)
        assert item.a.dtype == np.uint8
        assert np.array_equal(item.a, 255 - item.b)
        corners.add(item.a.tobytes())
    assert len(corners) > 20


def test_flips_can_be_left_out(negatives):
    whole = np.asarray(Image.open(negatives / "train/A/0.png")).transpose(2, 0, 1)
    windows = {whole[:, y : y + 16, x : x + 16].tobytes() for y in range(9) for x in range(15)}
    layout = recognise(negatives, kind="paired")
    straight = paired_dataset(layout, "train", options=DataOptions(size=16, load_size=24, flip=False))
    assert all(straight[SampleIndex(0, 0, seed)].a.tobytes() in windows for seed in range(30))
    flipped = paired_dataset(layout, "train", options=PLAIN)
    share = np.mean([flipped[SampleIndex(0, 0, seed)].a.tobytes() in windows for seed in range(200)])
    assert 0.35 < share < 0.65


def test_direction_swaps_the_sides(negatives):
    layout = recognise(negatives, kind="paired")
    there = paired_dataset(layout, "train", options=PLAIN)[SampleIndex(1, 1, 9)]
    options = DataOptions(size=16, load_size=24, direction="b2a")
    back = paired_dataset(layout, "train", options=options)[SampleIndex(1, 1, 9)]
    assert np.array_equal(there.a, back.b)
    assert np.array_equal(there.b, back.a)


def test_colour_touches_the_input_alone(negatives):
    layout = recognise(negatives, kind="paired")
    at = SampleIndex(2, 2, 11)
    plain = paired_dataset(layout, "train", options=PLAIN)[at]
    shaken = paired_dataset(layout, "train", options=DataOptions(size=16, load_size=24, colour=0.4))[at]
    assert np.array_equal(plain.b, shaken.b)
    assert not np.array_equal(plain.a, shaken.a)


def test_unpaired_sides_move_and_change_on_their_own(strangers):
    layout = recognise(strangers, kind="unpaired")
    dataset = unpaired_dataset(layout, "train", options=DataOptions(size=16, load_size=24, colour=0.3))
    assert (len(dataset), dataset.sizes, dataset.paired) == (5, (5, 3), False)
    items = [dataset[SampleIndex(4, 2, seed)] for seed in range(20)]
    assert len({item.a.tobytes() for item in items}) == len({item.b.tobytes() for item in items}) == 20
    assert dataset.names(4) == ("4.png", "1.png")


def test_rotated_and_zoomed_pairs_stay_aligned(tmp_path):
    ramp = np.tile(np.linspace(0, 255, 40).astype(np.uint8)[None, :, None], (40, 1, 3))
    for side, pixels in (("A", ramp), ("B", 255 - ramp)):
        (tmp_path / side).mkdir()
        Image.fromarray(pixels).save(tmp_path / side / "1.png")
    options = DataOptions(size=16, load_size=40, rotate=20, zoom=0.3)
    dataset = paired_dataset(recognise(tmp_path, kind="paired"), "train", options=options)
    for seed in range(10):
        item = dataset[SampleIndex(0, 0, seed)]
        assert np.abs(item.a.astype(int) + item.b - 255).max() <= 2


def test_evaluation_is_whole_pictures_in_their_middle(negatives):
    options = DataOptions(size=24, train=False, colour=0.5, rotate=10)
    dataset = paired_dataset(recognise(negatives, kind="paired"), "train", options=options)
    expected = np.asarray(Image.open(negatives / "train/A/5.png")).transpose(2, 0, 1)[:, :, 3:27]
    assert np.array_equal(dataset[5].a, expected)
    assert np.array_equal(dataset[SampleIndex(5, 5, 99)].a, expected)
    batch = dataset.batch([5, 0])
    assert batch.a.shape == (2, 3, 24, 24)
    assert np.array_equal(batch.a[0].numpy(), expected)
    assert dataset.names(5) == ("5.png", "5.png")


def test_halves_of_side_by_side_files(tmp_path):
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :20], pixels[:, 20:] = (255, 0, 0), (0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "1.png")
    layout = recognise(tmp_path, kind="paired")
    item = paired_dataset(layout, "train", options=DataOptions(size=16, load_size=18))[SampleIndex(0, 0, 0)]
    assert (item.a[0] == 255).all()
    assert (item.a[1:] == 0).all()
    assert (item.b[2] == 255).all()
    assert (item.b[:2] == 0).all()


def test_edges_are_made_from_the_target(tmp_path):
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[12:28, 12:28] = (200, 120, 40)
    Image.fromarray(pixels).save(tmp_path / "1.png")
    options = DataOptions(size=40, load_size=40, task="edges", flip=False, channels_a=1)
    layout = recognise(tmp_path, task="edges", kind="paired")
    item = paired_dataset(layout, "train", options=options)[SampleIndex(0, 0, 0)]
    assert item.a.shape == (1, 40, 40)
    assert np.array_equal(item.b, pixels.transpose(2, 0, 1))
    assert item.a[0, 20, 20] == item.a[0, 2, 2] == 255
    assert item.a[0, 20, 10:14].min() == 0


def test_partner_of_another_scale_takes_the_same_geometry(tmp_path):
    large = np.tile(np.linspace(0, 255, 80).astype(np.uint8)[None, :, None], (60, 1, 3))
    for side, pixels in (("HR", large), ("LR", large[::4, ::4])):
        (tmp_path / side).mkdir()
        Image.fromarray(pixels).save(tmp_path / side / "1.png")
    options = DataOptions(size=32, load_size=60)
    item = paired_dataset(recognise(tmp_path, kind="paired"), "train", options=options)[SampleIndex(0, 0, 1)]
    assert np.abs(item.a[:, 2:-2, 2:-2].astype(int) - item.b[:, 2:-2, 2:-2]).mean() < 8


def colour_of(path: Path, tmp_path: Path) -> list[int]:
    """The middle of the picture at `path` as side A of a pair, by way of a data set."""
    Image.new("RGB", Image.open(path).size).save(tmp_path / "B" / "1.png")
    layout = recognise(tmp_path, kind="paired")
    options = DataOptions(size=16, train=False)
    return paired_dataset(layout, "train", options=options).batch([0]).a[0, :, 8, 8].tolist()


def save_exif(path: Path) -> None:
    pixels = np.full((16, 32, 3), (200, 30, 30), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(path, exif=exif, quality=95)


FORMATS = {
    "grey.png": (lambda p: Image.new("L", (20, 20), 90).save(p), [90, 90, 90]),
    "bilevel.png": (lambda p: Image.new("1", (20, 20), 1).save(p), [255, 255, 255]),
    "palette.png": (lambda p: Image.new("RGB", (20, 20), (10, 200, 60)).quantize(4).save(p), [10, 200, 60]),
    "alpha.png": (lambda p: Image.new("RGBA", (20, 20), (200, 0, 0, 0)).save(p), [255, 255, 255]),
    "sixteen.png": (lambda p: Image.fromarray(np.full((20, 20), 10000, np.uint16)).save(p), [39, 39, 39]),
    "cmyk.jpg": (lambda p: Image.new("CMYK", (20, 20), (0, 255, 255, 0)).save(p, quality=95), [255, 0, 0]),
    "rgb.webp": (lambda p: Image.new("RGB", (20, 20), (10, 200, 60)).save(p, lossless=True), [10, 200, 60]),
}


@pytest.mark.parametrize("name", FORMATS)
def test_picture_formats_load_right(tmp_path, name):
    save, expected = FORMATS[name]
    (tmp_path / "A").mkdir()
    (tmp_path / "B").mkdir()
    path = tmp_path / "A" / f"1{Path(name).suffix}"
    save(path)
    assert np.abs(np.subtract(colour_of(path, tmp_path), expected)).max() <= 3


def test_exif_rotation_is_applied_before_anything_else(tmp_path):
    for side in ("A", "B"):
        (tmp_path / side).mkdir()
    save_exif(tmp_path / "A" / "1.jpg")
    Image.new("RGB", (16, 32)).save(tmp_path / "B" / "1.png")  # upright, as the other one is to be
    options = DataOptions(size=16, train=False)
    item = paired_dataset(recognise(tmp_path, kind="paired"), "train", options=options)[0]
    assert not isinstance(item, Fault)


def test_workers_and_cache_change_nothing(negatives):
    made = []
    for cache, workers in (("off", 0), ("off", 2), ("ram", 0), ("ram", 1)):
        options = DataOptions(
            size=16, load_size=20, batch_size=3, seed=5, colour=0.2, cache=cache, workers=workers
        )
        made.append(list(load_data(negatives, options, kind="paired").loader(0, 9)))
    assert all(same(x, y) for others in made[1:] for x, y in zip(made[0], others, strict=True))
    assert made[0][0].a.dtype == torch.uint8
    assert made[0][0].a.is_contiguous()


@pytest.mark.parametrize("paired", [True, False])
def test_resumed_batches_are_the_uninterrupted_ones(negatives, strangers, paired):
    options = DataOptions(size=16, load_size=20, batch_size=2, seed=3)
    data = (
        load_data(negatives, options, kind="paired")
        if paired
        else load_data(strangers, options, kind="unpaired")
    )
    whole = list(data.loader(0, 13))
    assert len(whole) == 13
    assert all(same(x, y) for x, y in zip(whole[6:], data.loader(6, 13), strict=True))
    assert not same(whole[0], whole[1])


def test_global_random_states_are_left_alone(negatives):
    options = DataOptions(size=16, load_size=20, colour=0.3, rotate=5, cache="off", workers=0)
    data = load_data(negatives, options, kind="paired")
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    assert len(list(islice(data.loader(), 4))) == 4
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()
    assert np.array_equal(before[2], np.random.get_state()[1])


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_vanishes_during_training_is_one_sentence(negatives, workers):
    options = DataOptions(size=16, load_size=20, cache="off", workers=workers)
    data = load_data(negatives, options, kind="paired")
    (negatives / "train/B/7.png").unlink()
    with pytest.raises(DataError, match=r"B/7\.png: no such file; it was good before the training") as caught:
        list(data.loader(0, 12))
    assert "\n" not in str(caught.value)


def test_samples_of_a_bad_file_are_refused(negatives):
    dataset = paired_dataset(recognise(negatives, kind="paired"), "train", options=PLAIN)
    (negatives / "train/A/0.png").write_bytes(b"")
    assert isinstance(collate([dataset[1], dataset[0]]), Fault)
    with pytest.raises(BadImage, match="empty"):
        dataset.batch([0])


def test_held_out_follows_the_sides_and_the_direction(negatives):
    (negatives / "train").rename(negatives / "val")
    (negatives / "train/A").mkdir(parents=True)
    (negatives / "train/B").mkdir()
    for side in "AB":
        Image.open(negatives / f"val/{side}/0.png").save(negatives / f"train/{side}/0.png")
    data = load_data(negatives, DataOptions(size=24, direction="b2a"), kind="paired")
    assert data.held_out is not None
    assert (len(data.train), len(data.held_out)) == (1, 12)
    assert data.domains == {"a": "B", "b": "A"}
    pair = data.held_out.batch([4])
    assert torch.equal(pair.a, 255 - pair.b)
    expected = np.asarray(Image.open(negatives / "val/B/4.png")).transpose(2, 0, 1)[:, :, 3:27]
    assert np.array_equal(pair.a[0].numpy(), expected)


def test_steps_per_epoch_and_batches_too_large(negatives):
    assert load_data(negatives, DataOptions(size=16, batch_size=5), kind="paired").steps_per_epoch == 2
    with pytest.raises(DataError, match="has 12 pairs, fewer than one batch of 13"):
        load_data(negatives, DataOptions(size=16, batch_size=13), kind="paired")


def test_a_dry_run_opens_no_picture(negatives):
    (negatives / "train/A/3.png").write_bytes(b"broken")
    assert len(load_data(negatives, DataOptions(size=16), kind="paired", verify=False).train) == 12


def test_load_size_below_the_crop_is_refused():
    with pytest.raises(UsageError, match=r"data\.load_size=100 is smaller than the crop data\.size=128"):
        DataOptions(size=128, load_size=100)
    assert DataOptions(size=256).short == 286
    assert DataOptions(size=128, train=False).short == 128


def test_to_float_spans_minus_one_to_one():
    pictures = torch.tensor([0, 255], dtype=torch.uint8).reshape(1, 1, 1, 2)
    assert to_float(pictures).flatten().tolist() == [-1.0, 1.0]
    assert pictures.dtype == torch.uint8


@pytest.mark.parametrize(
    ("folder", "kind", "options"),
    [
        ("facades", "paired", {"direction": "b2a"}),
        ("facades_full", "paired", {}),
        ("bsds500_edges", "paired", {"channels_a": 1}),
        ("day2night", "unpaired", {"colour": 0.2}),
        ("afhq_samples", "unpaired", {"a": "cat", "b": "wild"}),
    ],
)
def test_real_folders(shared_data, folder, kind, options):
    chosen = DataOptions(size=64, batch_size=4, cache="off", workers=0, **options)
    data = load_data(shared_data / folder, chosen, kind=kind, verify=False)
    first, second = islice(data.loader(), 2)
    assert first.a.shape == (4, chosen.channels_a, 64, 64)
    assert first.b.shape == (4, 3, 64, 64)
    assert not same(first, second)
    assert first.b.float().std() > 10


def test_loader_processes_that_are_not_forked_get_the_same_data_set(negatives):
    dataset = paired_dataset(recognise(negatives, kind="paired"), "train", options=PLAIN)
    sent = pickle.loads(pickle.dumps(dataset))
    at = SampleIndex(4, 4, 21)
    assert np.array_equal(sent[at].a, dataset[at].a)
