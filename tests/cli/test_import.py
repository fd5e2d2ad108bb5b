"""`translate import`, and other tools' files given as models."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import translate
from translate.cli import main as cli
from translate.weights.card import read_card


@pytest.fixture
def run(monkeypatch, capsys):
    def _run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["translate", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "100")
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return _run


def write_unet(path: Path, seed: int = 0) -> Path:
    """A U-Net of the reference's names, with batch norm, five halvings and two channels at the top."""
    generator = torch.Generator().manual_seed(seed)
    widths = [2, 4, 8, 16, 16]
    state: dict[str, torch.Tensor] = {}

    def draw(key: str, *shape: int) -> None:
        state[key] = torch.randn(*shape, generator=generator) / 4

    def norm(key: str, channels: int) -> None:
        draw(f"{key}.weight", channels)
        draw(f"{key}.bias", channels)
        draw(f"{key}.running_mean", channels)
        state[f"{key}.running_var"] = torch.rand(channels, generator=generator) + 0.5
        state[f"{key}.num_batches_tracked"] = torch.tensor(5)

    draw("model.model.0.weight", widths[0], 3, 4, 4)
    prefix = "model.model.1.model"
    for level in range(1, 5):
        outer, inner = widths[level - 1], widths[level]
        innermost = level == 4
        draw(f"{prefix}.1.weight", inner, outer, 4, 4)
        if not innermost:
            norm(f"{prefix}.2", inner)
        up = 3 if innermost else 5
        draw(f"{prefix}.{up}.weight", inner if innermost else 2 * inner, outer, 4, 4)
        norm(f"{prefix}.{up + 1}", outer)
        prefix += ".3.model"
    draw("model.model.3.weight", 4, 3, 4, 4)
    draw("model.model.3.bias", 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path)
    return path


@pytest.fixture
def picture(tmp_path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    return tmp_path / "in.png"


def test_one_file(run, tmp_path, picture):
    source, target = write_unet(tmp_path / "day2night" / "latest_net_G.pth"), tmp_path / "m.safetensors"
    code, out, err = run("import", source, "--output", target)
    assert (code, out) == (0, "")
    assert err.splitlines() == [
        f"{source} → {target}",
        "  unet of pytorch-CycleGAN-and-pix2pix, 0.02 M: in_channels 3, out_channels 3, width 2, depth 5, "
        "norm batch, dropout 0.5",
        "  batch norm uses the statistics of each picture (--norm-statistics)",
    ]
    card = read_card(target)
    assert (card.source, card.target, card.norm_statistics) == ("day", "night", "batch")
    assert card.origin["file"] == "latest_net_G.pth"
    ours, theirs = (translate.load(path)(picture) for path in (target, source))
    assert np.array_equal(ours, theirs)


def test_the_statistics_are_kept_in_the_card(run, tmp_path, picture):
    source, target = write_unet(tmp_path / "latest_net_G.pth"), tmp_path / "m.safetensors"
    assert run("import", source, "-o", target, "--norm-statistics", "running", "-q") == (0, "", "")
    assert read_card(target).norm_statistics == "running"
    assert not np.array_equal(translate.load(target)(picture), translate.load(source)(picture))


def test_both_ways_of_a_model_make_a_run(run, tmp_path):
    a, b = (write_unet(tmp_path / f"latest_net_G_{side}.pth", seed) for seed, side in enumerate("AB"))
    code, out, _ = run("import", a, b, "--output", tmp_path / "run", "--json", "-q")
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert [Path(line["output"]).name for line in lines] == ["model.safetensors", "model-b2a.safetensors"]
    assert [line["direction"] for line in lines] == ["a2b", "b2a"]
    assert translate.load(tmp_path / "run", "b2a").direction == "b2a"
    assert run("import", tmp_path, "-o", tmp_path / "again", "-q")[0] == 0
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == [
        "model-b2a.safetensors",
        "model.safetensors",
    ]


def test_a_bad_file_does_not_stop_the_others(run, tmp_path):
    first, second = (write_unet(tmp_path / name / "latest_net_G.pth") for name in ("one", "two"))
    bad = tmp_path / "bad.pth"
    bad.write_bytes(b"")
    code, _, err = run("import", first, bad, second, "--output", tmp_path / "all", "-q")
    assert (code, err) == (1, f"failed: {bad} is empty; copy or download it again.\n")
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == [
        "one-latest_net_G.safetensors",
        "two-latest_net_G.safetensors",
    ]


def test_mistakes(run, tmp_path):
    source = write_unet(tmp_path / "latest_net_G.pth")
    code, _, err = run("import", tmp_path / "none.pth", "-o", tmp_path / "m.safetensors")
    assert (code, err) == (4, f"error: {tmp_path / 'none.pth'}: no such file.\n")
    code, _, err = run("import", source, source, "-o", tmp_path / "m.safetensors")
    assert (code, "is one file, but these are 2 models; give a folder." in err) == (2, True)
    code, _, err = run("import", "-o", tmp_path / "m.safetensors")
    assert (code, "name at least one file of weights to import." in err) == (2, True)
    (tmp_path / "empty").mkdir()
    code, _, err = run("import", tmp_path / "empty", "-o", tmp_path / "m")
    assert (code, "is a folder without latest_net_G.pth or latest_net_G_A.pth" in err) == (4, True)
    assert run("import", source, "-o", tmp_path / "m.safetensors", "-q")[0] == 0
    code, _, err = run("import", tmp_path / "m.safetensors", "-o", tmp_path / "n.safetensors")
    assert (code, "is a model file already" in err) == (4, True)


def test_every_command_takes_the_file_itself(run, tmp_path, picture):
    source = write_unet(tmp_path / "day2night" / "latest_net_G.pth")
    code, out, _ = run("info", source)
    assert code == 0
    assert "day → night (a2b)" in out
    assert "tool pytorch-CycleGAN-and-pix2pix" in " ".join(out.split())
    assert "trained for" not in out
    assert run("convert", source, picture, "-o", tmp_path / "out", "-q")[0] == 0
    with Image.open(tmp_path / "out" / "in.png") as converted:
        assert converted.size == (50, 40)


def test_info_of_a_file_that_is_no_model(run, tmp_path):
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "x.pth")
    code, _, err = run("info", tmp_path / "x.pth")
    assert (code, "translate doesn't know (tensors: 2; weight, bias …)." in err) == (4, True)


def test_statistics_and_contradictions_when_converting(run, tmp_path, picture):
    source = write_unet(tmp_path / "x" / "latest_net_G.pth")
    (source.parent / "train_opt.txt").write_text("ngf: 64\n")
    pixels = []
    for options in ((), ("--norm-statistics", "batch"), ("--norm-statistics", "running")):
        code, _, err = run("convert", source, picture, "-o", tmp_path / "out", *options)
        assert code == 0
        assert "note: train_opt.txt says ngf 64, but the weights are of ngf 2" in err
        pixels.append(np.asarray(Image.open(tmp_path / "out" / "in.png")))
    assert np.array_equal(pixels[0], pixels[1])
    assert not np.array_equal(pixels[0], pixels[2])


def test_statistics_when_evaluating(run, tmp_path):
    source = write_unet(tmp_path / "x" / "latest_net_G.pth")
    pairs = np.random.default_rng(0).integers(0, 256, (3, 32, 64, 3), dtype=np.uint8)
    for number, pair in enumerate(pairs):
        (tmp_path / "data" / "test").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pair).save(tmp_path / "data" / "test" / f"{number}.png")
    found = []
    for statistics in ("batch", "running"):
        code, out, err = run("evaluate", source, "--data", tmp_path / "data", "--norm-statistics", statistics,
                             "--json", "-q")  # fmt: skip
        assert code == 0, err
        found.append(json.loads(out))
    assert [facts["size"] for facts in found] == [32, 32]  # as such a U-Net was trained
    assert found[0]["scores"]["model"] != found[1]["scores"]["model"]


def test_export(run, tmp_path, write_model):
    arguments = {"depth": 6, "norm": "batch"}
    model = write_model(tmp_path / "m.safetensors", "resnet", arguments=arguments)
    target = tmp_path / "latest_net_G.pth"
    code, out, _ = run("export", model, "--format", "junyanz", "--output", target)
    assert (code, out.splitlines()) == (
        0,
        [
            f"{model} → {target}",
            "pytorch-CycleGAN-and-pix2pix loads it with --netG resnet_6blocks --ngf 4 --norm batch "
            "--input_nc 3 --output_nc 3 --no_dropout --eval",
        ],
    )
    assert json.loads(run("export", target, "--format", "cut", "-o", tmp_path / "y.pth", "--json")[1])[
        "flags"
    ]
    code, _, err = run("export", model, "--format", "junyanz", "-o", tmp_path / "x.onnx")
    assert (code, "junyanz files end in .pth; give a name that does." in err) == (2, True)
    code, _, err = run("export", write_model(tmp_path / "n.safetensors"), "--format", "cut", "-o", target)
    assert (code, "can't be written for CUT, whose code has no network like mobile" in err) == (2, True)
