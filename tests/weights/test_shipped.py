"""The models that come with the project: where they are found, and that each is worth it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import translate
from translate import images
from translate.cli.serve import _folders
from translate.data.bicubic import imresize
from translate.data.savanna import render_scene, sample_scene
from translate.errors import UsageError
from translate.metrics.coats import classify
from translate.metrics.superres import resolved
from translate.weights import locate as locating
from translate.weights.card import read_card
from translate.weights.locate import MODEL_FILES
from translate.weights.shipped import shipped

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "checkpoints"
NAMES = re.findall(r"^!checkpoints/([\w-]+)/$", (ROOT / ".gitignore").read_text(), re.MULTILINE)
FOLDERS = [MODELS / name for name in NAMES]
MEGABYTE = 1_000_000
SCENE = sample_scene(2_026, 3)  # that of the first examples


def test_a_wheel_has_them_inside_and_a_clone_beside(tmp_path):
    package = tmp_path / "translate"
    (tmp_path / "checkpoints").mkdir()
    package.mkdir()
    assert shipped(package) is None, "a folder of this name in site-packages is somebody else's"
    (tmp_path / "pyproject.toml").touch()
    assert shipped(package) == tmp_path / "checkpoints"
    (package / "shipped").mkdir()
    assert shipped(package) == package / "shipped"
    assert shipped() == MODELS


def test_names_are_runs_first_and_shipped_models_then(tmp_path, monkeypatch):
    came = tmp_path / "came"
    for name in ("own", "both", "came/both", "came/theirs"):
        folder = tmp_path / ("checkpoints/" if "/" not in name else "") / name
        folder.mkdir(parents=True)
        (folder / "model.safetensors").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(locating, "shipped", lambda: came)
    assert locating.resolve("own") == Path("checkpoints/own")
    assert locating.resolve("both") == Path("checkpoints/both")
    assert locating.resolve("theirs") == came / "theirs"
    assert locating.locate("theirs/model.safetensors", None) == came / "theirs" / "model.safetensors"
    assert locating.resolve("none") == Path("none")


def test_the_studio_offers_runs_and_shipped_models_unless_told_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _folders(None) == (Path("checkpoints"), MODELS)
    (tmp_path / "checkpoints").mkdir()
    assert _folders(None) == (Path("checkpoints"), MODELS)
    assert _folders(tmp_path) == (tmp_path, None)
    monkeypatch.chdir(ROOT)
    assert _folders(None) == (Path("checkpoints"), None), "they are the same folder"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checkpoints").rmdir()
    monkeypatch.setattr("translate.weights.shipped.shipped", lambda: None)
    with pytest.raises(UsageError, match="checkpoints: no such folder"):
        _folders(None)


def test_they_are_small_and_described():
    assert len(FOLDERS) >= 7
    table = (MODELS / "README.md").read_text()
    total = 0
    for folder in FOLDERS:
        assert f"`{folder.name}`" in table
        files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        models = [name for name in files if name in MODEL_FILES.values()]
        examples = [name for name in files if re.fullmatch(r"examples/[\w-]+\.png", name)]
        assert sorted(models + examples) == sorted(files), "nothing but models and examples"
        assert 3 <= len(examples) <= 4
        size = sum((folder / name).stat().st_size for name in files)
        assert size <= 10 * MEGABYTE
        total += size
        for name in models:
            card = read_card(folder / name)
            assert card.licence
            assert card.metrics
            assert card.recipe
            assert card.data.get("photographs") or "savanna" in card.data["rendered"]
            assert set(card.domains.values()).isdisjoint({"A", "B", "left", "right"})
    assert total <= 40 * MEGABYTE


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_does_its_work_on_its_first_example(folder):
    example = images.read(min((folder / "examples").iterdir())).pixels
    translator = translate.load(folder, device="cpu")
    if translator.card.scale > 1:
        scale = translator.card.scale
        side = example.shape[0] * scale
        truth = images.to_tensor(render_scene(SCENE, ["chestnut"], side).images["chestnut"])
        ours, plain = (
            float(resolved(images.to_tensor(picture), truth, border=scale).psnr_y)
            for picture in (translator(example), imresize(example, scale))
        )
        assert ours > plain + 0.5
        return
    answer = translator(example, label="zebra" if translator.card.labels else None)
    assert answer.shape == example.shape
    assert classify(images.to_tensor(answer)) == ["zebra"]


def test_there_is_a_way_back_to_horses():
    back = translate.load(MODELS / "horse2zebra", "b2a", device="cpu")
    zebra = images.to_tensor(render_scene(SCENE, ["zebra"], 64).images["zebra"])
    assert classify(back(zebra)) == ["chestnut"]
