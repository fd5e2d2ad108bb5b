"""`translate evaluate` of models that enlarge."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from translate import images
from translate.cli import main as command
from translate.weights import model_file
from translate.weights.card import read_card


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command in a folder of its own; returns exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["translate", "evaluate", *arguments, "--device", "cpu"])
        with pytest.raises(SystemExit) as caught:
            command.main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


@pytest.fixture
def nearest(write_model, tmp_path) -> Path:
    """A ×4 network that repeats every pixel: its convolutions are 0."""
    path = write_model(tmp_path / "nearest.safetensors", "srvgg", arguments={"depth": 1, "scale": 4})
    zero = {name: torch.zeros_like(tensor) for name, tensor in load_file(path).items()}
    model_file.save(path, zero, read_card(path))
    return path


@pytest.fixture
def photos(tmp_path) -> Path:
    """A folder of pictures of two sizes, one of them grey."""
    random = np.random.default_rng(0)
    for name, size in (("1", (60, 45, 3)), ("2", (41, 52, 3)), ("3", (48, 48, 1))):
        coarse = random.integers(0, 256, (*size[:2], size[2]), np.uint8)
        images.write(tmp_path / "photos" / f"{name}.png", coarse // 4 + 90)
    return tmp_path / "photos"


def test_whole_pictures_beside_bicubic(run, nearest, photos):
    code, out, err = run(str(nearest), "--data", str(photos), "-o", "sheet.png")
    assert (code, out) == (0, "")
    assert f"3 of 3 pictures of {photos}, train, ×4:" in err
    assert [line.split()[0] for line in err.splitlines()[2:4]] == ["model", "bicubic"]
    assert "PSNR in dB, Y (BT.601, 16 to 235), 8-bit pictures, range [0, 255], 4 pixels of border left" in err
    assert "note: grey files are their own Y: 1" in err
    assert images.read("sheet.png").pixels.shape == (3 * 196, 3 * 196, 3)


def test_the_numbers_are_those_of_plain_arithmetic(run, nearest, photos):
    from translate.data.bicubic import imresize

    code, out, _ = run(str(nearest), "--data", str(photos), "--json", "-q")
    told = json.loads(out)
    assert (code, told["scale"], told["grey"], told["pictures"], told["size"]) == (0, 4, 1, 3, None)
    expected = {"psnr_y": [], "psnr_rgb": []}
    for path in sorted(photos.iterdir()):
        truth = images.read(path).pixels
        truth = truth[: truth.shape[0] // 4 * 4, : truth.shape[1] // 4 * 4]
        output = imresize(truth, 1 / 4).repeat(4, 0).repeat(4, 1)
        inner = (output.astype(float) - truth)[4:-4, 4:-4]
        luma = inner @ np.array([65.481, 128.553, 24.966]) / 255 if path.stem != "3" else inner[..., 0]
        for key, error in (("psnr_y", luma), ("psnr_rgb", inner)):
            expected[key].append(10 * np.log10(255**2 / np.square(error).mean()))
    for key, values in expected.items():
        assert told["scores"]["model"][key]["mean"] == pytest.approx(np.mean(values), abs=1e-4)


def test_what_restores_is_measured_beside_its_input(run, write_model, photos):
    """A network whose convolutions are 0 hands on its input; noise is that of the files' names."""
    recipe = {"data": {"task": "denoise", "scale": 1}}
    path = write_model(
        photos.parent / "same.safetensors",
        "srvgg",
        arguments={"depth": 1, "scale": 1},
        recipe=recipe,
        translator="superres",
    )
    zero = {name: torch.zeros_like(tensor) for name, tensor in load_file(path).items()}
    model_file.save(path, zero, read_card(path))
    (photos / "3.png").unlink()
    code, out, _ = run(str(path), "--data", str(photos), "--json", "-q")
    scores = json.loads(out)["scores"]
    assert (code, list(scores)) == (0, ["model", "copy the input"])
    assert scores["model"]["psnr_rgb"]["mean"] == pytest.approx(scores["copy the input"]["psnr_rgb"]["mean"])
    assert 12 < scores["model"]["psnr_rgb"]["mean"] < 45  # of σ below 55
    assert json.loads(run(str(path), "--data", str(photos), "--json", "-q")[1])["scores"] == scores
    _, _, err = run(str(path), "--data", str(photos), "-o", "sheet.png")
    assert f"2 of 2 pictures of {photos}, train:" in err
    assert "copy the input, output, truth" in err


@pytest.mark.parametrize("option", [("--size", "32"), ("--sets",), ("--neighbours", "n.png")])
def test_what_is_for_pictures_of_one_size_is_refused(run, nearest, photos, option):
    code, _, err = run(str(nearest), "--data", str(photos), *option)
    assert code == 2
    assert f"{option[0]} is for pictures of one size, and models of superres, whether they enlarge" in err


def test_bicubic_on_set14_is_the_published_number(run, nearest, shared_data):
    code, out, _ = run(
        str(nearest), "--data", str(shared_data / "set14/x4"), "--a", "LR", "--b", "HR", "--json", "-q"
    )
    bicubic = json.loads(out)["scores"]["bicubic"]
    assert code == 0
    assert bicubic["psnr_y"]["mean"] == pytest.approx(26.00, abs=0.02)
    assert bicubic["ssim_y"]["mean"] == pytest.approx(0.7027, abs=0.001)
