"""Colourisation models take and make pictures, and colour them as the reference tool does."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.color import lab2rgb, rgb2lab

import translate
from translate import images
from translate.cli import main as command
from translate.data.transforms import greyed
from translate.errors import UsageError
from translate.lab import to_lab
from translate.networks.catalogue import build_generator
from translate.networks.layers import Generator
from translate.weights import model_file
from translate.weights.card import Card, read_card
from translate.weights.exporters.reference import reference_weights, write_reference
from translate.weights.importers.opening import open_foreign
from translate.weights.in_lab import InLab

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


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command in this process; returns what it printed."""

    def call(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["translate", *map(str, arguments)])
        with suppress(SystemExit):
            command.main()
        return capsys.readouterr().out

    return call


class Painter(Generator):
    """The same colours everywhere."""

    size_multiple = minimum_size = 1

    def __init__(self, a: float, b: float):
        super().__init__()
        self.colours = torch.tensor([a, b]).view(1, 2, 1, 1) / 110

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.colours.expand(len(image), 2, *image.shape[2:])


def test_lightness_is_kept_up_to_what_a_screen_can_show():
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 1.2 - 0.6
    wanted = to_lab(picture)[0]

    def moved(colours: tuple[float, float]) -> tuple[float, torch.Tensor]:
        """By how much of L's 100 at most, and the picture in colours."""
        out = InLab(Painter(*colours))(picture)
        return float(50 * (to_lab(out)[0] - wanted).abs().max()), out

    distance, out = moved((12.0, -9.0))
    assert distance < 1e-3
    # As a file it is rounded to 8 bits, by less than half a level of grey.
    assert np.abs(rgb2lab(images.to_pixels(out))[..., 0] - 50 * (wanted[0, 0].numpy() + 1)).max() < 0.26
    distance, out = moved((90.0, -80.0))  # that screens can't show beside this lightness
    assert bool((out.abs() == 1).any(1).all())
    assert 5 < distance < 12


def test_trained_here_exported_and_imported_again(tmp_path, run, monkeypatch):
    """From one folder of photographs to a model that colours, and to the reference tool's file and back."""
    random = np.random.default_rng(1)
    for i in range(4):
        folder = "train" if i < 3 else "val"
        images.write(
            tmp_path / "photos" / folder / f"{i}.png", random.integers(0, 256, (20, 20, 3), np.uint8)
        )
    monkeypatch.chdir(tmp_path)
    run("train", "colorize", "--data", "photos", "--name", "x", "--size", 16, "--steps", 2, "--quiet",
        "--set", "generator.name=resnet", "--set", "generator.depth=6", "--set", "generator.width=4",
        "--set", "discriminator.width=4", "--set", "discriminator.layers=1", "--device", "cpu")  # fmt: skip
    trained = translate.load("checkpoints/x")
    card = trained.card
    assert (card.colour_space, card.channels, card.domains["a"]) == ("lab", (3, 3), "grey")
    pixels = images.read(tmp_path / "photos/val/3.png").pixels
    coloured = trained(pixels)
    assert np.ptp(coloured.astype(int), axis=2).max() > 0
    # The picture's own colours don't matter; its lightness is the same up to half a level of grey.
    assert np.abs(trained(greyed(pixels)).astype(int) - coloured).mean() < 1
    assert np.array_equal(trained(greyed(pixels)[..., 0]), trained(greyed(pixels)))

    Path("back").mkdir()
    file = "back/latest_net_G.pth"
    facts = json.loads(run("export", "checkpoints/x", "--format", "junyanz", "-o", file, "--json"))
    assert facts["flags"][:2] == ["--model", "colorization"]
    Path("back/train_opt.txt").write_text("model: colorization\ncrop_size: 16\n")
    imported = translate.load(file)
    assert not imported.notes
    assert np.array_equal(imported(pixels), coloured)
    with pytest.raises(UsageError, match="no colorization in Lab; pytorch-CycleGAN-and-pix2pix has"):
        reference_weights(card, {}, "cut")

    asked = ("--data", "photos", "--size", 16, "--json", "--quiet", "--device", "cpu")
    trained_here, came_back = (
        json.loads(run("evaluate", it, *asked))["scores"] for it in ("checkpoints/x", file)
    )
    assert trained_here == came_back
    assert "of CIE Lab" in trained_here["model"]["ab"]["protocol"]
    assert trained_here["copy the input"]["ab"]["mean"] > 1
