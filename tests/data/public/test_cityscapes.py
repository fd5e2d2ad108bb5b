"""Cityscapes' preparation, on small files of its layout."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from translate.data.inspect import inspect
from translate.data.public import cityscapes
from translate.data.public.cards import find_card
from translate.data.public.getting import get
from translate.errors import DataError, DownloadError

ROAD, SKY, CAR = (128, 64, 128), (70, 130, 180), (0, 0, 142)
NAMES = {"train": ["aachen_000000_000019", "bochum_000001_000019"], "val": ["lindau_000000_000019"]}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(cityscapes, "HEIGHT", 32)


def png(pixels: np.ndarray) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG")
    return encoded.getvalue()


def photo(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (64, 128, 3), dtype=np.uint8)


def classes(number: int) -> np.ndarray:
    """Blocks of 16 pixels in three colours, opaque, as the originals are."""
    colours = np.array([(*ROAD, 255), (*SKY, 255), (*CAR, 255)], np.uint8)
    numbers = np.random.default_rng(number).integers(0, 3, (4, 8))
    numbers[0, :3] = 0, 1, 2
    return colours[numbers.repeat(16, 0).repeat(16, 1)]


def contents() -> tuple[dict[str, bytes], dict[str, bytes]]:
    maps, photos = {"README": b"licence"}, {"license.txt": b"licence"}
    for split, names in {**NAMES, "test": ["berlin_000000_000019"]}.items():
        for number, name in enumerate(names):
            city = name.partition("_")[0]
            photos[f"leftImg8bit/{split}/{city}/{name}_leftImg8bit.png"] = png(photo(number))
            maps[f"gtFine/{split}/{city}/{name}_gtFine_color.png"] = png(classes(number))
            maps[f"gtFine/{split}/{city}/{name}_gtFine_labelIds.png"] = png(classes(number)[..., 0])
            maps[f"gtFine/{split}/{city}/{name}_gtFine_polygons.json"] = b"{}"
    return maps, photos


def zips(folder: Path, maps: dict[str, bytes], photos: dict[str, bytes]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "gtFine_trainvaltest.zip", folder / "leftImg8bit_trainvaltest.zip"]
    for path, files in zip(paths, (maps, photos), strict=True):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    return paths


@pytest.fixture
def card():
    return find_card("cityscapes").model_copy(update={"counts": {"train": 2, "val": 1}})


def test_the_archives_become_pairs_of_maps_and_photographs(card, tmp_path):
    given = [str(path) for path in zips(tmp_path / "downloads", *contents())]
    told = []
    got = get(card, tmp_path / "cityscapes", addresses=given, progress=lambda *report: told.append(report))
    assert got.pictures == {"train": 2, "val": 1}
    assert all(Path(path).is_file() for path in given)
    assert told[-1] == ("preparing pairs", 3, 3)
    for split, names in NAMES.items():
        for number, name in enumerate(names):
            with Image.open(tmp_path / "cityscapes" / split / "labels" / f"{name}.png") as image:
                assert (image.mode, image.size) == ("P", (64, 32))
                assert (np.asarray(image.convert("RGB")) == classes(number)[::2, ::2, :3]).all()
            with Image.open(tmp_path / "cityscapes" / split / "images" / f"{name}.jpg") as image:
                halved = photo(number).reshape(32, 2, 64, 2, 3).mean((1, 3))
                assert np.abs(np.asarray(image).astype(float) - halved).mean() < 8
    report = inspect(tmp_path / "cityscapes", progress=False)
    assert report.domains == {"a": "labels", "b": "images"}
    assert list(report.splits["train"].a.classes) == ["#00008e", "#4682b4", "#804080"]
    assert report.command.split() == card.command(tmp_path / "cityscapes")


def test_archives_beside_the_folder_and_folders_will_do(card, tmp_path):
    zips(tmp_path / "one", *contents())
    assert get(card, tmp_path / "one" / "cityscapes").pictures["train"] == 2
    for files in contents():
        for name, content in files.items():
            path = tmp_path / "two" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    got = get(card, tmp_path / "three", addresses=[str(tmp_path / "two")])
    assert got.pictures == {"train": 2, "val": 1}
    both = [str(tmp_path / "two" / side) for side in ("gtFine", "leftImg8bit")]
    assert get(card, tmp_path / "four", addresses=both).pictures == got.pictures


def test_without_archives_it_says_where_they_are(card, tmp_path):
    with pytest.raises(
        DownloadError, match=r"register at https://www\.cityscapes-dataset\.com and download"
    ) as caught:
        get(card, tmp_path / "cityscapes")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_or_damaged_is_named(card, tmp_path):
    maps, photos = contents()
    first = "leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png"
    for number, (left, right, words) in enumerate(
        (
            (maps, {k: v for k, v in photos.items() if k != first}, "the photograph of aachen_000000_000019"),
            (
                maps,
                {**photos, first: photos[first][:-30]},
                "aachen_000000_000019_leftImg8bit.png: it can't be read",
            ),
            (maps, {"other.png": b""}, "holds no train/CITY/NAME_leftImg8bit.png"),
            (maps, {**photos, first: png(photo(0)[:32])}, "the photograph is"),
        )
    ):
        given = [str(path) for path in zips(tmp_path / str(number), left, right)]
        with pytest.raises(DataError, match=words):
            get(card, tmp_path / "cityscapes", addresses=given)
        assert not (tmp_path / "cityscapes").exists()
        assert len(list((tmp_path / str(number)).iterdir())) == 2
