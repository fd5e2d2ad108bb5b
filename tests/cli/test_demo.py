"""The demo, shortened: every stage runs and leaves what it promises. Its quality is measured, not tested."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from translate import images
from translate.cli.demo import demo, measure

FEW = {"steps": 2, "count": 6, "test_count": 4, "device": "cpu"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    assert demo(folder, **FEW, quiet=True) == 0
    return folder


def test_leaves_a_run_outputs_and_a_sheet(place: Path):
    assert (place / "checkpoints/demo/model-b2a.safetensors").is_file()
    inputs = sorted(path.name for path in (place / "datasets/savanna-demo/testA").iterdir())
    assert sorted(path.name for path in (place / "outputs/demo").glob("[!.]*")) == inputs
    assert images.read(place / "outputs/demo.png").pixels.shape == (3 * 3 * 64, 4 * 3 * 64, 3)


def test_may_be_run_again_and_says_what_it_measured(place: Path, capsys: pytest.CaptureFixture[str]):
    model = (place / "checkpoints/demo/model.safetensors").read_bytes()
    assert demo(place, **FEW, quiet=True, json_=True) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["pictures"] == 4
    assert 0 <= measured["changed_outside_mask"] < 1
    assert (place / "checkpoints/demo/model.safetensors").read_bytes() == model


def test_the_truth_is_called_zebra_and_changes_nothing_outside(place: Path):
    data = place / "datasets/savanna-demo"
    measured = measure(data / "testTruth", data)
    assert measured["called_zebra"] == 1
    assert measured["changed_outside_mask"] == 0
    assert measured["l1"] == 0


def test_horses_left_as_they_are_are_no_zebras(place: Path):
    data = place / "datasets/savanna-demo"
    measured = measure(data / "testA", data)
    assert measured["called_zebra"] == 0
    assert measured["psnr"] == pytest.approx(measured["psnr_copy"])
