"""Data sets on disk: their files, their bytes, and what stands in the way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from translate.data.savanna import COATS, HORSES, render_scene, sample_scene, write_dataset
from translate.data.savanna import dataset as dataset_module
from translate.data.savanna.drawing import CLASS_COLOURS
from translate.data.savanna.plan import jobs, make_plan
from translate.errors import OutputError, UsageError

SIZE = 32


def _files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


@pytest.fixture(scope="module")
def unpaired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("savanna") / "unpaired"
    write_dataset(root, count=5, test_count=3, size=SIZE, workers=1)
    return root


def test_unpaired_holds_what_it_should(unpaired: Path):
    counts = {
        folder.name: len(list(folder.glob("*.png"))) for folder in unpaired.iterdir() if folder.is_dir()
    }
    assert counts == {"trainA": 5, "trainB": 5, "testA": 3, "testB": 3, "testTruth": 3, "testMask": 3}
    for path in unpaired.rglob("*.png"):
        assert _pixels(path).shape == ((SIZE, SIZE) if path.parent.name == "testMask" else (SIZE, SIZE, 3))


def test_truth_is_the_test_picture_but_for_the_animal(unpaired: Path):
    for path in sorted((unpaired / "testA").glob("*.png")):
        horse, zebra = _pixels(path), _pixels(unpaired / "testTruth" / path.name)
        mask = _pixels(unpaired / "testMask" / path.name)
        np.testing.assert_array_equal(horse[mask == 0], zebra[mask == 0])
        assert np.abs(horse[mask == 255].astype(int) - zebra[mask == 255]).mean() > 15


def test_the_two_sides_show_different_scenes():
    plan = make_plan("unpaired", None, 40, 20, SIZE, 0)
    work = jobs(plan)
    scenes = [job.index for job in work]
    assert len(set(scenes)) == len(scenes)
    assert all(int(Path(name).stem) == job.index for job in work for name, _ in job.files)
    shown = {what[0] for job in work for name, what in job.files if name.startswith(("trainA", "testA/"))}
    assert shown == set(HORSES)
    shown = {
        what for job in work for name, what in job.files if name.startswith(("trainB", "testB", "testT"))
    }
    assert shown == {("zebra",)}


def test_bytes_do_not_depend_on_count_or_workers(unpaired: Path, tmp_path: Path):
    write_dataset(tmp_path / "more", count=7, test_count=4, size=SIZE, workers=2)
    few, more = _files(unpaired), _files(tmp_path / "more")
    for name, content in few.items():
        assert name == "savanna.json" or more[name] == content


def test_another_seed_gives_other_pictures(unpaired: Path, tmp_path: Path):
    write_dataset(tmp_path / "other", count=1, test_count=0, size=SIZE, seed=1)
    assert (tmp_path / "other/trainA/00000.png").read_bytes() != (unpaired / "trainA/00000.png").read_bytes()


def test_a_pair_of_coats_may_be_chosen(tmp_path: Path):
    written = write_dataset(tmp_path / "set", pair="grey:giraffe", count=1, test_count=1, size=SIZE, seed=3)
    assert written.folders == dict.fromkeys(
        ("trainA", "trainB", "testA", "testTruth", "testMask", "testB"), 1
    )
    index = jobs(written.plan)[0].index
    expected = render_scene(sample_scene(3, index), ["grey"], SIZE).images["grey"]
    np.testing.assert_array_equal(_pixels(tmp_path / "set/trainA/00000.png"), expected)


@pytest.mark.parametrize("pair", ["edges:photo", "mask:photo", "chestnut:zebra", "photo:mask", "edges:zebra"])
def test_paired_files_hold_both_sides_of_one_scene(tmp_path: Path, pair: str):
    written = write_dataset(tmp_path / "set", layout="paired", pair=pair, count=3, test_count=2, size=SIZE)
    assert written.folders == {"train": 3, "val": 2}
    for job in jobs(written.plan):
        ((name, kinds),) = job.files
        both = _pixels(tmp_path / "set" / name)
        assert both.shape == (SIZE, 2 * SIZE, 3)
        rendering = render_scene(sample_scene(0, job.index), COATS, SIZE, edges=True)
        for half, kind in zip((both[:, :SIZE], both[:, SIZE:]), kinds, strict=True):
            if kind == "classes":
                assert {tuple(c) for c in half.reshape(-1, 3).tolist()} <= set(CLASS_COLOURS.values())
            elif kind == "edges":
                np.testing.assert_array_equal(half, np.repeat(rendering.edges[..., None], 3, 2))
            else:
                np.testing.assert_array_equal(half, rendering.images[kind])


def test_labelled_sets_describe_every_file(tmp_path: Path):
    write_dataset(tmp_path / "set", layout="labelled", count=14, test_count=7, size=SIZE)
    for split, count in (("train", 14), ("test", 7)):
        folder = tmp_path / "set" / split
        rows = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
        assert len(rows) == count
        assert {row["label"] for row in rows} == set(COATS)
        assert {row["file_name"] for row in rows} == {
            str(p.relative_to(folder)) for p in folder.rglob("*.png")
        }
        for row in rows:
            assert row["file_name"].startswith(f"{row['label']}/")
            assert row["label"] in row["text"]


def test_labelled_sets_may_be_limited_to_two_coats(tmp_path: Path):
    options = {"layout": "labelled", "pair": "horses:zebra", "count": 8, "test_count": 0, "size": SIZE}
    folders = write_dataset(tmp_path / "set", **options).folders
    assert folders.pop("train/zebra") == 4
    assert set(folders) <= {f"train/{coat}" for coat in HORSES}
    assert sum(folders.values()) == 4


def test_a_second_run_does_nothing(unpaired: Path):
    before = {path: path.stat().st_mtime_ns for path in unpaired.rglob("*")}
    written = write_dataset(unpaired, count=5, test_count=3, size=SIZE)
    assert written.existing
    assert before == {path: path.stat().st_mtime_ns for path in unpaired.rglob("*")}


def test_other_parameters_need_overwrite(tmp_path: Path):
    target = tmp_path / "set"
    options = {"count": 1, "test_count": 0, "size": SIZE}
    write_dataset(target, **options)
    with pytest.raises(
        OutputError, match=r"made with other parameters; name another folder, or .*--overwrite"
    ):
        write_dataset(target, **options, seed=1)
    assert not write_dataset(target, **options, seed=1, overwrite=True).existing
    assert json.loads((target / "savanna.json").read_text())["seed"] == 1
    (target / "trainA/00000.png").unlink()
    with pytest.raises(OutputError, match="is incomplete"):
        write_dataset(target, **options, seed=1)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_other_peoples_files_are_never_touched(tmp_path: Path, overwrite: bool):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="holds other files, which are never overwritten"):
        write_dataset(tmp_path, count=1, size=SIZE, overwrite=overwrite)
    assert _files(tmp_path) == {"thesis.txt": b"years of work"}
    with pytest.raises(OutputError, match="is a file"):
        write_dataset(tmp_path / "thesis.txt", count=1, size=SIZE, overwrite=overwrite)


def test_an_empty_folder_is_filled(tmp_path: Path):
    (tmp_path / "set").mkdir()
    inode = (tmp_path / "set").stat().st_ino
    assert not write_dataset(tmp_path / "set", count=1, test_count=0, size=SIZE).existing
    assert (tmp_path / "set/trainA/00000.png").is_file()
    assert (tmp_path / "set").stat().st_ino == inode
    assert write_dataset(tmp_path / "set", count=1, test_count=0, size=SIZE).existing


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure):
    real = dataset_module._render_one

    def fail(root, plan, job):
        if job.index >= 8:
            raise failure
        real(root, plan, job)

    monkeypatch.setattr(dataset_module, "_render_one", fail)
    with pytest.raises((KeyboardInterrupt, OutputError)) as caught:
        write_dataset(tmp_path / "set", count=4, test_count=0, size=SIZE)
    if caught.type is OutputError:
        assert "can't be written: no space left on device" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_progress_counts_every_scene(tmp_path: Path):
    seen: list[tuple[int, int]] = []
    write_dataset(
        tmp_path / "set",
        count=2,
        test_count=1,
        size=SIZE,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(done, 6) for done in range(7)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "heap"}, "no layout 'heap'; the layouts are unpaired, paired, labelled"),
        ({"count": 0}, "count must be at least 1, but it is 0"),
        ({"count": -4}, "count must be at least 1, but it is -4"),
        ({"test_count": -1}, "test count must not be negative"),
        ({"seed": -1}, "seed must not be negative"),
        ({"size": 8}, "at least 16 pixels, but it is 8"),
        ({"pair": "horse:zebra"}, "'horse:zebra' is no pair for the unpaired layout; .* chestnut, black"),
        ({"pair": "zebra:zebra"}, "two different names"),
        ({"pair": "zebra"}, "write A:B"),
        ({"pair": "edges:photo"}, "no pair for the unpaired layout"),
        ({"layout": "paired", "pair": "photo:drawing"}, "out of .*edges, mask"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path, options: dict, message: str):
    with pytest.raises(UsageError, match=message) as caught:
        write_dataset(tmp_path / "set", **options)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
