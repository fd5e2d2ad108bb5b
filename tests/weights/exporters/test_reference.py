"""What is written is what the reference tools' code loads, and what was read before."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from translate.errors import UsageError
from translate.networks.catalogue import build_generator
from translate.weights.card import Card
from translate.weights.exporters.reference import reference_options, reference_weights, write_reference
from translate.weights.importers.opening import open_foreign
from translate.weights.importers.reading import read_weights

CHECKPOINTS = Path(__file__).resolve().parents[4] / "shared" / "fixtures" / "peer_checkpoints"
FILES = ("facades_unet128/latest_net_G.pth", "horse2zebra_resnet6/latest_net_G_A.pth")


def card_of(architecture: str, arguments: dict, **changes) -> tuple[Card, dict[str, Tensor]]:
    with torch.device("meta"):
        network = build_generator(architecture, in_channels=3, out_channels=3, **arguments)
    state = {
        key: torch.zeros(tensor.shape, dtype=tensor.dtype) for key, tensor in network.state_dict().items()
    }
    card = Card(
        architecture=architecture,
        arguments={"in_channels": 3, "out_channels": 3, **arguments},
        translator="pix2pix",
        direction="a2b",
        domains={},
        size_multiple=network.size_multiple,
        minimum_size=network.minimum_size,
        **changes,
    )
    return card, state


@pytest.mark.parametrize("file", FILES)
def test_a_real_file_comes_back_bit_for_bit(file, tmp_path):
    source = CHECKPOINTS / file
    if not source.exists():
        pytest.skip("the other tool's checkpoints (../shared/fixtures/peer_checkpoints) are not here")
    original = torch.load(source, weights_only=True)
    imported = open_foreign(source)
    write_reference(tmp_path / "x.pth", imported.card, imported.weights, "junyanz")
    back = torch.load(tmp_path / "x.pth", weights_only=True)
    assert list(back) == list(original)
    assert all(torch.equal(back[key], original[key]) for key in original)
    assert all(back[key].dtype == original[key].dtype for key in original)


RESNET = {"depth": 6, "width": 4, "norm": "instance"}
UNET = {"depth": 7, "width": 2, "norm": "batch"}


def test_keys_of_the_published_layouts():
    card, state = card_of("resnet", RESNET)
    keys = list(reference_weights(card, state, "junyanz"))
    assert keys[:4] == ["model.1.weight", "model.1.bias", "model.4.weight", "model.4.bias"]
    assert len(keys) == 36  # 18 convolutions with biases
    dropped = reference_weights(*card_of("resnet", RESNET | {"dropout": 0.5}), "junyanz")
    assert "model.10.conv_block.6.weight" in dropped
    card, state = card_of("unet", {"depth": 8, "width": 2, "norm": "batch"})
    assert len(reference_weights(card, state, "junyanz")) == 82
    card, state = card_of("unet", {"depth": 8, "width": 2, "norm": "instance"})
    assert len(reference_weights(card, state, "junyanz")) == 32
    card, state = card_of("resnet", RESNET | {"depth": 9, "norm": "batch"})
    assert len(reference_weights(card, state, "junyanz")) == 140


def test_the_filters_of_cut():
    card, state = card_of("resnet", RESNET | {"depth": 9, "antialias": True, "upsampling": "blur"})
    weights = reference_weights(card, state, "cut")
    filters = {key: tuple(tensor.shape) for key, tensor in weights.items() if key.endswith("filt")}
    assert filters == {
        "model.7.filt": (8, 1, 3, 3),
        "model.11.filt": (16, 1, 3, 3),
        "model.21.filt": (16, 1, 4, 4),
        "model.25.filt": (8, 1, 4, 4),
    }
    assert torch.equal(weights["model.7.filt"][0, 0, 1], torch.tensor([2.0, 4.0, 2.0]) / 16)
    assert torch.equal(weights["model.21.filt"][0, 0, 0], torch.tensor([1.0, 3.0, 3.0, 1.0]) / 16)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("upsampling", ["transpose", "blur"])
@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_there_and_back(antialias, upsampling, norm, tmp_path):
    arguments = RESNET | {"norm": norm, "antialias": antialias, "upsampling": upsampling, "dropout": 0.5}
    card, _ = card_of("resnet", arguments)
    torch.manual_seed(0)
    state = build_generator("resnet", **card.arguments).state_dict()
    write_reference(tmp_path / "x.pth", card, state, "cut")
    back = open_foreign(tmp_path / "x.pth")
    assert back.weights.keys() == state.keys()
    assert all(torch.equal(back.weights[key], state[key]) for key in state)
    assert back.card.arguments.items() >= arguments.items()


def test_views_are_saved_alone(tmp_path):
    card, state = card_of("resnet", RESNET)
    large = torch.zeros(10_000_000)
    views = {key: large[: tensor.numel()].view(tensor.shape) for key, tensor in state.items()}
    write_reference(tmp_path / "x.pth", card, views, "junyanz")
    assert (tmp_path / "x.pth").stat().st_size < 500_000
    assert read_weights(tmp_path / "x.pth").keys() == reference_weights(card, state, "junyanz").keys()


def test_flags():
    unet = card_of("unet", UNET | {"dropout": 0.5}, norm_statistics="running")[0]
    assert " ".join(reference_options(unet, "junyanz")) == (
        "--netG unet_128 --ngf 2 --norm batch --input_nc 3 --output_nc 3 --eval"
    )
    resnet = card_of("resnet", RESNET | {"antialias": True})[0]
    assert " ".join(reference_options(resnet, "cut")) == (
        "--netG resnet_6blocks --ngf 4 --normG instance --input_nc 3 --output_nc 3 --no_dropout true "
        "--no_antialias_up"
    )


@pytest.mark.parametrize(
    ("architecture", "arguments", "changes", "reason"),
    [
        ("mobile", {}, {}, "no network like mobile, but U-Nets and ResNets alone."),
        ("resnet", RESNET | {"antialias": True}, {}, "no anti-aliasing filters; CUT has: --format cut."),
        ("resnet", RESNET | {"upsampling": "blur"}, {}, "no anti-aliasing filters; CUT has: --format cut."),
        ("resnet", RESNET | {"upsampling": "resize"}, {}, "no upsampling by resize."),
        ("resnet", RESNET | {"depth": 4}, {}, "no name for a ResNet of 4 blocks, but for 6 and 9."),
        ("resnet", RESNET | {"masked": True}, {}, "no generator with masked."),
        ("resnet", RESNET | {"latent": 3}, {"latent": 3}, "no generator with latent."),
        ("resnet", RESNET | {"norm": "group"}, {}, "no generator with the norm group and biases."),
        ("resnet", RESNET, {"value_range": (0.0, 1.0)}, "no values but those from -1 to 1."),
        ("unet", UNET | {"depth": 6}, {}, "no name for a U-Net of 6 halvings (unet_128 has 7, unet_256 8)."),
        ("unet", UNET | {"upsampling": "blur"}, {}, "no upsampling by blur."),
    ],
)
def test_refusals(architecture, arguments, changes, reason):
    card, state = card_of(architecture, arguments, **changes)
    with pytest.raises(UsageError) as caught:
        reference_weights(card, state, "junyanz")
    assert str(caught.value) == (
        f"the model can't be written for pytorch-CycleGAN-and-pix2pix, whose code has {reason}"
    )
