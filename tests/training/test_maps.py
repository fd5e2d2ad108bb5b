"""Trainings on maps of classes: what becomes of the classes from the folder to the model file."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import translate
from translate import images
from translate.cli import main as command
from translate.config import load_recipe
from translate.errors import UsageError
from translate.training.start import start_training
from translate.weights.card import read_card

CLASSES = ("#000000", "#00c800", "#fa0000")
TINY = {
    "data.size": 16,
    "data.load_size": 16,
    "data.classes_a": True,
    "generator.name": "resnet",
    "generator.depth": 1,
    "generator.width": 4,
    "discriminator.width": 4,
    "discriminator.layers": 1,
    "log.samples": 2,
}


def train(data: Path, run: Path, steps: int, *, resume: bool = False, **more: Any):
    overrides = ({} if resume else TINY) | {"training.steps": steps} | more
    return start_training(
        "pix2pix", data, run, overrides=overrides, resume=resume, device="cpu", quiet=True
    ).run


@pytest.fixture(scope="module")
def run(maps: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(maps, tmp_path_factory.mktemp("runs") / "maps", 2).path


@pytest.fixture
def call(monkeypatch, capsys):
    def _call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["translate", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            command.main()
        return int(caught.value.code or 0), *capsys.readouterr()

    return _call


def test_recipe_networks_and_card_know_the_classes(run: Path):
    assert load_recipe(run / "recipe.yaml").data.classes == CLASSES
    card = read_card(run / "model.safetensors")
    assert (card.classes, card.arguments["in_channels"], card.arguments["out_channels"]) == (CLASSES, 3, 3)


def test_sample_sheets_show_the_maps_in_their_colours(run: Path, maps: Path):
    sheet = images.read(run / "samples" / "step-0000002.png").pixels
    shown = sheet[2:18, 2:18]
    drawn = images.read(maps / "val" / "labels" / "0.png").pixels
    assert {tuple(c) for c in shown.reshape(-1, 3)} <= {tuple(c) for c in drawn.reshape(-1, 3)}
    # 20 pixels became 16 by the nearest: the middle of every patch is as it was.
    assert np.array_equal(shown[1::16, 1::16], drawn[2::20, 2::20])
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 1


def test_resume_with_other_classes_is_refused(run: Path, maps: Path, tmp_path: Path):
    mine = tmp_path / "run"
    shutil.copytree(run, mine)
    assert train(maps, mine, 4, resume=True).model().is_file()
    more = tmp_path / "more"
    shutil.copytree(maps, more)
    images.write(more / "train" / "labels" / "0.png", np.full((20, 20, 3), 7, np.uint8))
    with pytest.raises(
        UsageError,
        match="for maps of the classes #000000, #00c800, #fa0000, the data have #000000, #00c800, #070707",
    ):
        train(more, mine, 6, resume=True)


def test_a_dry_run_counts_the_planes(maps: Path, call):
    settings = [f"--set={key}={str(value).lower()}" for key, value in TINY.items()]
    code, out, _ = call("train", "pix2pix", "--data", maps, "--dry-run", "--json", *settings)
    facts = json.loads(out)
    assert (code, facts["recipe"]["data"]["classes"]) == (0, list(CLASSES))
    assert facts["memory_bytes"] > 0


def test_a_model_of_maps_converts_and_is_measured(run: Path, maps: Path, tmp_path: Path, call):
    folder = maps / "val" / "labels"
    code, _, err = call("convert", run, folder, "--output", tmp_path / "out", "--device", "cpu")
    assert (code, "2 of 2 converted" in err) == (0, True)
    model = translate.load(run, device="cpu")
    made = images.read(tmp_path / "out" / "0.png").pixels
    assert np.array_equal(made, model(images.read(folder / "0.png").pixels))
    sheet = tmp_path / "sheet.png"
    code, out, _ = call(
        "evaluate", run, "--data", maps, "--json", "--size", "20", "--device", "cpu", "--output", sheet
    )
    found = json.loads(out)
    truths = [images.read(maps / "val" / "images" / f"{i}.png").pixels / 255 for i in range(2)]
    inputs = [images.read(folder / f"{i}.png").pixels for i in range(2)]
    for name, answers in {"model": map(model, inputs), "copy the input": inputs}.items():
        distances = [np.abs(np.asarray(x) / 255 - y).mean() for x, y in zip(answers, truths, strict=True)]
        assert found["scores"][name]["l1"]["mean"] == pytest.approx(np.mean(distances), abs=2e-3)
    assert np.array_equal(images.read(sheet).pixels[2:22, 2:22], inputs[0])


def test_a_map_of_unknown_colours_is_measured_on_nothing(run: Path, maps: Path, tmp_path: Path, call):
    strange = tmp_path / "strange"
    shutil.copytree(maps, strange)
    images.write(strange / "val" / "labels" / "1.png", np.full((20, 20, 3), 7, np.uint8))
    code, _, err = call("evaluate", run, "--data", strange, "--device", "cpu")
    assert code == 2
    assert "1.png: holds the colour #070707, which is no class's" in err


def test_info_lists_the_classes(run: Path, call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    assert "3, of the colours #000000, #00c800, #fa0000" in call("info", run)[1]
