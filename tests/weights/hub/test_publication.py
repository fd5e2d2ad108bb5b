"""What is written for others, without a Hub."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import yaml

import translate
from translate.errors import ModelError, UsageError
from translate.weights.card import read_card
from translate.weights.hub.address import Address, read_address
from translate.weights.hub.publication import gather
from translate.weights.locate import locate

PICTURE = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)


def front_of(page: str) -> dict:
    return yaml.safe_load(page.split("---\n")[1])


def test_a_folder_of_what_is_published(write_model, tmp_path):
    metrics = {"Set5": {"psnr_y": 30.5, "ssim_y": 0.9}}
    recipe = {"data": {"a": "/home/jo/photos", "b": "C:\\jo\\paintings", "size": 64}, "steps": 5}
    file = write_model(tmp_path / "one.safetensors", metrics=metrics, recipe=recipe, licence="My | own terms")
    publication = gather(file, "jo/horses")
    written = publication.write(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {path.name for path in written}
    assert [path.name for path in written] == ["model.safetensors", "config.json", "README.md"]

    card = read_card(tmp_path / "out" / "model.safetensors")
    assert card.recipe == {"data": {"a": "photos", "b": "paintings", "size": 64}, "steps": 5}
    assert json.loads((tmp_path / "out" / "config.json").read_text()) == card.model_dump(mode="json")
    page = (tmp_path / "out" / "README.md").read_text()
    assert front_of(page) == {
        "library_name": "image-translate",
        "pipeline_tag": "image-to-image",
        "license": "other",
        "license_name": "my | own terms",
        "tags": ["image-translate", "image-to-image", "cyclegan", "mobile"],
        "metrics": ["psnr_y", "ssim_y"],
    }
    assert "| Set5.psnr_y | 30.5 |" in page
    assert "| licence | My \\| own terms |" in page
    assert 'translate.Translator.from_pretrained("jo/horses")' in page
    assert "translate convert hf:jo/horses" in page
    assert not any("/home" in path.read_text(errors="ignore") for path in written)
    assert np.array_equal(translate.load(tmp_path / "out")(PICTURE), translate.load(file)(PICTURE))


def test_pages_of_models_that_ask_say_how(labelled_model, captioned_model, tmp_path):
    pages = {}
    for model in (labelled_model, captioned_model):
        gather(model, "jo/x").write(tmp_path / model.stem)
        pages[model.stem] = (tmp_path / model.stem / "README.md").read_text()
    assert 'model("photo.png", label="horse")' in pages["labelled"]
    assert 'model("photo.png", text="a zebra at noon")' in pages["captioned"]


def test_a_model_of_the_other_way_alone_is_found_by_itself(write_model, tmp_path):
    file = write_model(tmp_path / "back.safetensors", direction="b2a")
    gather(file, "jo/x").write(tmp_path / "out")
    assert locate(tmp_path / "out") == locate(tmp_path / "out", "b2a")
    assert locate(tmp_path / "out").name == "model-b2a.safetensors"
    with pytest.raises(ModelError, match="translates b→a only"):
        locate(tmp_path / "out", "a2b")


def test_another_tool_s_weights_are_converted(write_model, tmp_path):
    from translate.weights.exporters.reference import write_reference
    from translate.weights.model_file import contents

    unet = {"depth": 7, "width": 2, "norm": "batch"}
    card, weights, _ = contents(write_model(tmp_path / "x.safetensors", "unet", arguments=unet))
    folder = tmp_path / "horse2zebra"
    folder.mkdir()
    for side in "AB":
        write_reference(folder / f"latest_net_G_{side}.pth", card, weights, "junyanz")
    gather(folder, "jo/x").write(tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"model.safetensors", "model-b2a.safetensors", "config.json", "README.md"}
    assert read_card(tmp_path / "out" / "model-b2a.safetensors").origin["file"] == "latest_net_G_B.pth"


def test_damaged_models_and_empty_folders_are_not_published(write_model, tmp_path):
    whole = write_model(tmp_path / "whole.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[:-8])
    with pytest.raises(ModelError, match="no whole safetensors file"):
        gather(tmp_path / "model.safetensors", "jo/x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="so it is no run"):
        gather(tmp_path / "empty", "jo/x")


@pytest.mark.parametrize("norm_statistics", ["batch", "running"])
def test_a_translator_saves_all_that_it_was_loaded_from(write_model, tmp_path, norm_statistics):
    arguments = {"depth": 5, "width": 4, "norm": "batch"}
    file = write_model(tmp_path / "unet.safetensors", "unet", arguments=arguments)
    translator = translate.load(file, norm_statistics=norm_statistics)
    assert translator.save(tmp_path / "run") == tmp_path / "run" / "model.safetensors"
    again = translate.Translator.load(tmp_path / "run")
    assert again.card == translator.card
    assert np.array_equal(again(PICTURE), translator(PICTURE))
    assert translate.load(tmp_path / "run", norm_statistics="running").card.norm_statistics == "running"


def test_a_translator_saves_its_reader_of_captions_too(captioned_model, tmp_path):
    translator = translate.load(captioned_model)
    again = translate.load(translator.save(tmp_path / "copy.safetensors"))
    assert np.array_equal(again(PICTURE, text="the grey horse"), translator(PICTURE, text="the grey horse"))


def test_a_translator_in_lab_saves_the_network_inside(write_model, tmp_path):
    arguments = {"depth": 5, "width": 4, "in_channels": 1, "out_channels": 2}
    translator = translate.load(
        write_model(tmp_path / "lab.safetensors", "unet", arguments=arguments, colour_space="lab")
    )
    folder = tmp_path / "out"
    translator.save_pretrained(folder, "jo/colours")
    assert "hf:jo/colours" in (folder / "README.md").read_text()
    again = translate.Translator.from_pretrained(folder)
    batch = torch.rand(1, 3, 32, 32) * 2 - 1
    assert torch.equal(again(batch), translator(batch))


def test_addresses():
    assert read_address("hf:jo/x") == Address("jo/x")
    assert read_address("hf:jo/x@refs/pr/1") == Address("jo/x", "refs/pr/1")
    assert str(read_address("hf:jo/x@v1")) == "hf:jo/x@v1"
    assert read_address("checkpoints/demo") is None
    wrong = ("hf:", "hf:x", "hf:a/b/c", "hf:../x", "hf:a/..", "hf:a/b--c", "hf:a/x.git", "hf:a/ b", "hf:a/b@",
             "hf:a/-b", f"hf:a/{'b' * 100}", "hf:a/é", "hf:a/b@x y")  # fmt: skip
    for text in wrong:
        with pytest.raises(UsageError, match=r"is no name of a repository|ends without a branch"):
            read_address(text)
