"""Colourisation models take and make pictures, and colour them as the reference tool does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.color import lab2rgb, rgb2lab

import translate
from translate.networks.catalogue import build_generator
from translate.weights import model_file
from translate.weights.card import Card, read_card
from translate.weights.exporters.reference import write_reference
from translate.weights.importers.opening import open_foreign

ARGUMENTS = {"in_channels": 1, "out_channels": 2, "depth": 6, "width": 4, "norm": "instance"}


@pytest.fixture
def colouring(tmp_path) -> tuple[Path, torch.nn.Module]:
    """A file of `--model colorization`, and its network."""
    torch.manual_seed(0)
    network = build_generator("resnet", **ARGUMENTS).eval()
    card = Card(architecture="resnet", arguments=ARGUMENTS, translator="x", direction="a2b", domains={},
                size_multiple=4, minimum_size=8)  # fmt: skip
    write_reference(tmp_path / "latest_net_G.pth", card, network.state_dict(), "junyanz")
    return tmp_path / "latest_net_G.pth", network


def test_pictures_are_coloured_as_by_scikit_image(colouring):
    path, network = colouring
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    lightness = rgb2lab(pixels)[..., 0].astype(np.float32)
    with torch.inference_mode():
        colours = network(torch.from_numpy(lightness / 50 - 1)[None, None])[0].permute(1, 2, 0).numpy() * 110
    expected = lab2rgb(np.concatenate([lightness[..., None], colours], 2)) * 255
    model = translate.load(path)
    assert np.abs(model(pixels) - expected).max() < 1.6
    grey = np.full((24, 32), 120, np.uint8)
    assert model(grey).shape == (24, 32, 3)
    assert model(torch.zeros(2, 3, 24, 32)).shape == (2, 3, 24, 32)


def test_the_card(colouring, tmp_path):
    imported = open_foreign(colouring[0])
    assert (imported.card.colour_space, imported.card.translator) == ("lab", "colorization")
    assert imported.card.channels == (3, 3)
    assert imported.card.arguments["in_channels"] == 1
    model_file.save(tmp_path / "m.safetensors", imported.weights, imported.card)
    assert read_card(tmp_path / "m.safetensors").colour_space == "lab"
    picture = torch.rand(1, 3, 16, 16) * 2 - 1
    both = [translate.load(path)(picture) for path in (colouring[0], tmp_path / "m.safetensors")]
    assert torch.equal(*both)
    (tmp_path / "train_opt.txt").write_text("model: colorization\n")
    assert not open_foreign(colouring[0]).notes


def test_options_that_say_lab_of_other_weights(tmp_path):
    network = build_generator("resnet", depth=6, width=4)
    card = Card(architecture="resnet", arguments={"depth": 6, "width": 4, "norm": "instance"}, translator="x",
                direction="a2b", domains={}, size_multiple=4, minimum_size=8)  # fmt: skip
    write_reference(tmp_path / "latest_net_G.pth", card, network.state_dict(), "junyanz")
    (tmp_path / "train_opt.txt").write_text("model: colorization\n")
    assert open_foreign(tmp_path / "latest_net_G.pth").notes == (
        "train_opt.txt says model colorization, from 1 channel to 2, but the weights are of 3 channels to 3",
    )


@pytest.mark.parametrize("changes", [{"in_channels": 3}, {"out_channels": 3}])
def test_cards_that_make_no_sense(changes):
    with pytest.raises(ValueError, match="a network in lab takes 1 channel, makes 2"):
        Card(architecture="resnet", arguments=ARGUMENTS | changes, translator="x", direction="a2b",
             domains={}, size_multiple=4, minimum_size=8, colour_space="lab")  # fmt: skip
