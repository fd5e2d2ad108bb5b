"""What the options file and the names beside the weights say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from translate.weights.importers import names
from translate.weights.importers.opening import Imported, open_foreign
from translate.weights.importers.options import read_options


def test_lines_of_options(tmp_path):
    (tmp_path / "train_opt.txt").write_text(
        "----------------- Options ---------------\n"
        "                 dataroot: C:\\data\\horse2zebra\t[default: None]\n"
        "               batch_size: 4                             \t[default: 1]\n"
        "                     suffix: \n"
        "               no_dropout: True\n"
        "----------------- End -------------------\n"
    )
    options = read_options(tmp_path / "latest_net_G.pth")
    assert options.file == "train_opt.txt"
    assert (options["dataroot"], options["suffix"], options["nothing"]) == ("C:\\data\\horse2zebra", "", None)
    assert (options.number("batch_size"), options.number("dataroot")) == (4, None)
    assert (options.flag("no_dropout"), options.flag("batch_size")) == (True, None)
    assert read_options(tmp_path / "elsewhere" / "x.pth").file is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("horse2zebra", ("horse", "zebra")),
        ("facades_label2photo_pretrained", ("label", "photo")),
        ("maps", None),
        ("pix2pix", None),
        ("my-pix2pixhd", None),
        ("a2b", None),
        ("Summer2Winter_yosemite", ("summer", "winter")),
    ],
)
def test_names_of_two_sides(name, expected):
    assert names.domains(name) == expected


def test_names_of_files():
    way = {
        "latest_net_G.pth": "a2b",
        "latest_net_G_A.pth": "a2b",
        "200_net_G_B.pth": "b2a",
        "zebra.pth": "a2b",
    }
    assert {name: names.direction(Path(name)) for name in way} == way
    assert names.other_direction(Path("x/5_net_G_B.pth")) == Path("x/5_net_G_A.pth")
    assert names.other_direction(Path("x/5_net_G_A.pth")) == Path("x/5_net_G_B.pth")
    assert (names.epoch(Path("iter_500_net_G.pth")), names.epoch(Path("zebra.pth"))) == ("iter_500", None)


@pytest.fixture
def opened(tmp_path, reference):
    """A function that opens a reference network with an options file beside it."""

    def _open(name: str, options: dict[str, object], file: str = "latest_net_G.pth", **arguments) -> Imported:
        torch.save(reference(name, **arguments).state_dict(), tmp_path / file)
        lines = [f"{key:>25}: {value}" for key, value in options.items()]
        (tmp_path / "train_opt.txt").write_text("\n".join(lines))
        return open_foreign(tmp_path / file)

    return _open


def test_the_card(opened):
    options = {"model": "cycle_gan", "dataroot": "./datasets/horse2zebra", "crop_size": 128, "name": "mine",
               "netG": "resnet_6blocks", "norm": "instance", "ngf": 8, "no_dropout": True}  # fmt: skip
    card = opened("residual", options, "latest_net_G_B.pth").card
    assert (card.translator, card.direction, card.domains) == (
        "cyclegan",
        "b2a",
        {"a": "horse", "b": "zebra"},
    )
    assert (card.source, card.target) == ("zebra", "horse")
    assert card.recipe == {"data": {"size": 128, "direction": "a2b"}}
    assert card.norm_statistics == "running"  # there is no batch norm
    assert {key: card.origin[key] for key in ("tool", "file", "epoch", "options", "experiment")} == {
        "tool": "pytorch-CycleGAN-and-pix2pix",
        "file": "latest_net_G_B.pth",
        "epoch": "latest",
        "options": "train_opt.txt",
        "experiment": "mine",
    }
    assert len(card.origin["sha256"]) == 64
    assert "contradictions" not in card.origin


def test_the_direction_of_training(opened):
    card = opened("unet", {"dataroot": "/x/day2night/", "direction": "BtoA"}).card
    assert card.domains == {"a": "night", "b": "day"}
    assert card.recipe["data"]["direction"] == "b2a"
    named = opened(
        "unet", {"dataroot": "/x/facades", "direction": "BtoA", "name": "facades_label2photo"}
    ).card
    assert (named.source, named.target) == ("label", "photo")  # names of experiments say input and output


def test_the_dropout_of_a_unet_is_told_or_assumed(opened):
    assert opened("unet", {"no_dropout": True}).card.arguments["dropout"] == 0.0
    assumed = opened("unet", {}).card
    assert assumed.arguments["dropout"] == 0.5
    assert assumed.origin["assumed"] == "dropout 0.5, which weights of a U-Net don't show"
    assert "assumed" not in opened("unet", {"no_dropout": False}).card.origin


def test_contradictions_are_reported_and_the_weights_are_right(opened):
    options = {"netG": "resnet_9blocks", "norm": "batch", "ngf": 64, "input_nc": 1, "output_nc": 3,
               "no_dropout": False}  # fmt: skip
    imported = opened("residual", options)
    assert imported.card.arguments["depth"] == 6
    assert imported.notes == (
        "train_opt.txt says netG resnet_9blocks, but the weights are of netG resnet_6blocks",
        "train_opt.txt says ngf 64, but the weights are of ngf 8",
        "train_opt.txt says norm batch, but the weights are of norm instance",
        "train_opt.txt says input_nc 1, but the weights are of input_nc 3",
        "train_opt.txt says no_dropout False, but the weights are of no_dropout True",
    )
    assert imported.card.origin["contradictions"] == "; ".join(imported.notes)


def test_the_way_back_has_inputs_and_outputs_swapped(opened):
    both = {"input_nc": 1, "output_nc": 3}
    assert not opened("residual", both, "latest_net_G_A.pth", channels=(1, 3)).notes
    assert not opened("residual", both, "latest_net_G_B.pth", channels=(3, 1)).notes
    assert len(opened("residual", both, "latest_net_G_B.pth", channels=(1, 3)).notes) == 2


def test_maps_of_labels_of_pix2pixhd(opened):
    labels = {"label_nc": 5, "no_instance": True}
    card = opened("residual", labels, halvings=3, blocks=1, channels=(5, 3)).card
    assert card.classes == ("0", "1", "2", "3", "4")
    assert card.colours == (0, 0x010101, 0x020202, 0x030303, 0x040404)
    with_edges = {"label_nc": 5, "no_instance": False}
    assert opened("residual", with_edges, halvings=3, blocks=1, channels=(6, 3)).card.classes == ()


def test_options_of_pix2pixhd(opened):
    right = {"label_nc": 0, "no_instance": True, "input_nc": 3, "netG": "local", "ngf": 4,
             "n_downsample_global": 3, "n_blocks_global": 2, "norm": "instance"}  # fmt: skip
    assert not opened("enhanced", right).notes
    assert len(opened("enhanced", right | {"n_blocks_global": 9, "ngf": 32}).notes) == 2
    assert not opened("enhanced", right | {"label_nc": 35, "input_nc": 9}).notes
