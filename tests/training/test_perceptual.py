"""Trainings that compare through a frozen network: planned without its weights, never started without."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from translate.cli.info import info
from translate.cli.train import train
from translate.config import load_recipe
from translate.errors import ModelError, UsageError
from translate.training.plan import step_memory
from translate.training.start import start_training
from translate.translators.catalogue import build_translator
from translate.weights.card import read_card

TINY = {
    "data.size": 16,
    "data.load_size": 18,
    "generator.name": "resnet",
    "generator.depth": 1,
    "generator.width": 4,
    "discriminator.width": 4,
    "discriminator.layers": 1,
    "checkpoint.every": 2,
    "log.samples": 1,
    "log.every": 1,
    "losses.perceptual": 2,
}
SAID = [f"{key}={value}" for key, value in TINY.items()]


@pytest.fixture
def nothing_there(tmp_path, monkeypatch) -> Path:
    """An empty hub cache, and a network that is down."""

    def down(*_):
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", down)
    return tmp_path


def test_a_run_says_which_backbone_and_resumes_without_a_copy_of_it(
    paired, vgg19_folder, nothing_there, capsys
):
    def go(run: Path, steps: int, resume: bool = False) -> dict:
        overrides = {"training.steps": steps} | ({} if resume else TINY)
        start_training(
            "pix2pix",
            paired,
            run,
            overrides=overrides,
            resume=resume,
            weights_dir=vgg19_folder,
            device="cpu",
            quiet=True,
        )
        return torch.load(run / "state" / "last.pt", weights_only=True)["translator"]

    whole = go(nothing_there / "whole", 3)
    go(nothing_there / "parts", 2)
    resumed = go(nothing_there / "parts", 3, resume=True)
    assert not any("backbone" in name for name in whole)
    assert all(torch.equal(resumed[name], tensor) for name, tensor in whole.items())

    run = nothing_there / "whole"
    assert read_card(run / "model.safetensors").recipe["losses"]["backbone"] == "vgg19"
    info(str(run))
    assert "features of vgg19, weight 2" in " ".join(capsys.readouterr().out.split())
    logged = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert all("perceptual" in json.dumps(line) for line in logged)


def test_without_the_weights_there_is_a_remedy_and_no_run(paired, nothing_there):
    with pytest.raises(ModelError) as error:
        start_training("pix2pix", paired, nothing_there / "run", overrides=TINY, device="cpu", quiet=True)
    assert str(error.value) == (
        "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth can't be downloaded: connection refused. Put "
        "the file into a folder and name that by --weights-dir, or set losses.backbone=efficientnet-lite0, "
        "which comes with a package"
    )
    assert not (nothing_there / "run").exists()


def test_a_dry_run_counts_the_backbone_without_its_weights(paired, nothing_there, capsys):
    def planned(*changes: str) -> dict:
        train("pix2pix", data=paired, set_=[*SAID, *changes], dry_run=True, json_=True)
        return json.loads(capsys.readouterr().out)

    with_it, without = planned(), planned("losses.perceptual=0")
    assert (with_it["frozen"], without["frozen"]) == ({"vgg19": 12_944_966}, {})
    more = with_it["memory_bytes"] - without["memory_bytes"]
    activations = more - 4 * 12_944_966
    # Of the output alone: two convolutions' results of 16×16×64, and so on.
    assert 4 * 16 * 16 * 64 * 2 < activations < 4 * 16 * 16 * 64 * 12
    train("pix2pix", data=paired, set_=SAID, dry_run=True)
    assert "vgg19: 12,944,966 weights" in capsys.readouterr().out


def test_a_dry_run_says_what_is_still_to_be_downloaded_or_where_it_is(
    paired, nothing_there, vgg19_folder, random_vgg19, capsys
):
    def said(*changes: str, weights_dir: Path | None = None) -> str:
        train("pix2pix", data=paired, set_=[*SAID, *changes], dry_run=True, weights_dir=weights_dir)
        return capsys.readouterr().out

    cache = nothing_there / "hub" / "checkpoints"
    missing = f"vgg19: 'still to be downloaded, 548 MiB: vgg19-dcbb9e9d.pth into {cache}'"
    assert missing in said()
    assert not cache.exists()
    assert f"vgg19: found, {random_vgg19}\n" in said(weights_dir=vgg19_folder)
    cache.mkdir(parents=True)
    (cache / random_vgg19.name).symlink_to(random_vgg19)
    assert f"vgg19: found, {cache / random_vgg19.name}\n" in said()
    for none in ("losses.perceptual=0", "losses.backbone=efficientnet-lite0"):
        assert "weights of frozen" not in said(none)
    with pytest.raises(
        ModelError, match=r"has no vgg19-dcbb9e9d\.pth; it is at .* Put the file into a folder"
    ):
        said(weights_dir=nothing_there)


def test_a_dry_run_says_which_package_a_backbone_lacks(paired, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(
        UsageError, match=r"efficientnet-lite0 needs timm; pip install 'image-translate\[feat"
    ):
        train("pix2pix", data=paired, set_=[*SAID, "losses.backbone=efficientnet-lite0"], dry_run=True)


def test_the_truth_s_features_keep_no_graph():
    """A truth with a graph would keep as many activations as the output."""
    chosen = load_recipe("pix2pix", TINY | {"data.size": 64, "data.load_size": 64})
    plain = load_recipe("pix2pix", TINY | {"data.size": 64, "data.load_size": 64, "losses.perceptual": 0})
    with torch.device("meta"):
        one, none = build_translator(chosen), build_translator(plain)
        more = step_memory(one, chosen) - step_memory(none, plain) - 4 * 12_944_966
        see = one.distance.features
        kept: dict[int, int] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            if tensor.shape[0] == 1:
                kept[tensor.untyped_storage()._cdata] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            found = see(torch.empty(1, 3, 64, 64, requires_grad=True))
    once = sum(kept.values())
    features = sum(x.nbytes for x in found)
    # One set of activations, and the signs that the distances keep.
    assert more < once + 1.5 * features


def test_pictures_too_small_for_the_backbone_are_refused():
    with (
        torch.device("meta"),
        pytest.raises(UsageError, match="the backbone vgg19, which needs 16; choose a"),
    ):
        build_translator(load_recipe("pix2pix", TINY | {"data.size": 12, "data.load_size": 12}))
