"""Before the first step: bad files together in one sentence, and the cache only where it fits."""

from __future__ import annotations

import pytest
from PIL import Image

from translate.data import preflight
from translate.data.loading import load_data
from translate.data.options import DataOptions
from translate.errors import DataError, UsageError


@pytest.fixture
def pairs(paint, tmp_path):
    for side in ("A", "B"):
        for i in range(6):
            paint(f"train/{side}/{i}.png", (32, 32), seed=i)
    return tmp_path


def spoil(pairs):
    whole = (pairs / "train/A/1.png").read_bytes()
    (pairs / "train/A/1.png").write_bytes(whole[: len(whole) // 2])
    (pairs / "train/B/3.png").write_bytes(b"")
    (pairs / "train/B/4.png").write_text("<svg/>")
    paint_size = Image.new("RGB", (64, 32))
    paint_size.save(pairs / "train/B/5.png")


def test_all_bad_files_in_one_sentence(pairs):
    spoil(pairs)
    with pytest.raises(DataError) as caught:
        load_data(pairs, DataOptions(size=16), kind="paired")
    sentence = str(caught.value)
    assert sentence.startswith("4 of the pictures can't be used: A/1.png (")
    assert "B/3.png (the file is empty)" in sentence
    assert "…" in sentence
    assert "repair or remove them, or leave them out with --set data.skip_corrupt=true." in sentence
    assert "\n" not in sentence


def test_pairs_of_different_shape_are_named(pairs):
    Image.new("RGB", (64, 32)).save(pairs / "train/B/5.png")
    with pytest.raises(
        DataError, match=r"B/5\.png \(64×32, but its partner 5\.png is 32×32, another shape\)"
    ):
        load_data(pairs, DataOptions(size=16), kind="paired")


def test_strips_are_refused(pairs):
    for side in "AB":
        Image.new("RGB", (400, 20)).save(pairs / f"train/{side}/5.png")
    with pytest.raises(DataError, match="400×20 is over ten times as long as wide"):
        load_data(pairs, DataOptions(size=16), kind="paired")


@pytest.mark.parametrize("cache", ["ram", "off"])
def test_bad_pairs_can_be_left_out(pairs, cache):
    spoil(pairs)
    data = load_data(pairs, DataOptions(size=16, skip_corrupt=True, cache=cache, workers=0), kind="paired")
    assert len(data.train) == 2
    assert {data.train.names(i) for i in range(2)} == {("0.png", "0.png"), ("2.png", "2.png")}
    assert data.notes[0].startswith("left out 4 pictures that can't be used: A/1.png (")
    assert len(list(data.loader(0, 4))) == 4


def test_half_of_a_side_by_side_file_is_counted_once(paint, tmp_path):
    for i in range(3):
        paint(f"{i}.png", (64, 32))
    (tmp_path / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"^1 of the pictures can't be used"):
        load_data(tmp_path, DataOptions(size=16), kind="unpaired")
    data = load_data(tmp_path, DataOptions(size=16, skip_corrupt=True), kind="unpaired")
    assert data.train.sizes == (2, 2)


def test_nothing_left_is_an_error(pairs):
    for path in (pairs / "train/A").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="no pictures to train on"):
        load_data(pairs, DataOptions(size=16, skip_corrupt=True), kind="paired")


def test_cache_says_what_it_holds(pairs):
    data = load_data(pairs, DataOptions(size=16, load_size=32), kind="paired")
    assert all(shelf.kept for shelf in data.train.shelves)
    assert data.notes[-1] == "6 decoded items are held in RAM (0 MB)"
    for path in (pairs / "train/A").iterdir():
        path.unlink()
    assert len(list(data.loader(0, 6))) == 6


def test_cache_is_given_up_where_it_does_not_fit(pairs, monkeypatch):
    need = 6 * 2 * 3 * 32 * 32
    options = DataOptions(size=16, load_size=32, workers=0)
    monkeypatch.setattr(preflight, "available_memory", lambda: int(need / 0.4) - 10)
    data = load_data(pairs, options, kind="paired")
    assert not any(shelf.kept for shelf in data.train.shelves)
    assert "over 40% of what is available: they are decoded anew each time" in data.notes[-1]
    monkeypatch.setattr(preflight, "available_memory", lambda: int(need / 0.4) + 10)
    assert all(shelf.kept for shelf in load_data(pairs, options, kind="paired").train.shelves)


def test_cache_asked_for_and_too_large(pairs, monkeypatch):
    monkeypatch.setattr(preflight, "available_memory", lambda: 1000)
    with pytest.raises(DataError, match=r"data\.cache=ram needs about .*available; use data\.cache=auto"):
        load_data(pairs, DataOptions(size=16, cache="ram"), kind="paired")


def test_without_the_check_nothing_is_opened_and_the_first_bad_picture_ends_it(paint, tmp_path):
    for i in range(3):
        paint(f"a/{i}.png", seed=i)
        paint(f"b/{i}.png", seed=i)
    (tmp_path / "b/1.png").write_bytes(b"")
    options = DataOptions(size=16, batch_size=3, check=False, workers=0)
    data = load_data(tmp_path, options, kind="paired")
    assert not any(shelf.kept for shelf in data.train.shelves)
    with pytest.raises(DataError, match=r"1\.png: the file is empty; repair or remove it; data\.check=true"):
        next(data.loader())
    for wrong in ({"skip_corrupt": True}, {"cache": "ram"}):
        with pytest.raises(UsageError, match="needs the check of every picture"):
            DataOptions(check=False, **wrong)
