"""Generators of the reference tools answer in our networks as they do at home."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from translate.errors import ModelError, UsageError
from translate.weights import model_file
from translate.weights.importers.generators import recognise_generator
from translate.weights.importers.opening import open_foreign

NAME = Path("latest_net_G.pth")


def picture(channels: int = 3, size: int = 32) -> Tensor:
    return torch.rand(1, channels, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def with_picture_statistics(network: nn.Module) -> nn.Module:
    """The reference tools' way to convert: training mode; but without their dropout."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d | nn.InstanceNorm2d):
            part.train()
    return network


def saved(network: nn.Module, path: Path) -> Path:
    torch.save(network.state_dict(), path)
    return path


def furthest(ours: nn.Module, theirs: nn.Module, x: Tensor) -> float:
    with torch.inference_mode():
        return float((ours(x) - theirs(x)).abs().max())


RESIDUAL = {
    "CycleGAN": {},
    "nine blocks": {"blocks": 9, "width": 4},
    "an odd number of blocks": {"blocks": 3, "width": 5, "channels": (2, 1)},
    "dropout": {"dropout": True},
    "old averages": {"norm": "instance-old"},
    "affine instance norm": {"norm": "instance-affine"},
    "batch norm": {"norm": "batch"},
    "batch norm, dropout": {"norm": "batch", "dropout": True},
    "batch norm without averages": {"norm": "batch-bare"},
    "no norm": {"norm": "none"},
    "CUT": {"antialias": True, "antialias_up": True},
    "CUT, half of it": {"antialias": True},
    "CUT, the other half": {"antialias_up": True, "norm": "batch", "dropout": True},
    "pix2pixHD": {"halvings": 3, "blocks": 2, "width": 4},
    "pix2pixHD, batch norm": {"halvings": 4, "blocks": 2, "width": 2, "norm": "batch", "bias": True},
}


@pytest.mark.parametrize("case", RESIDUAL)
def test_residual_generators(case, reference, tmp_path):
    theirs = with_picture_statistics(reference("residual", **RESIDUAL[case]))
    # At 64 pixels the innermost features of four halvings are 4 × 4, of which statistics are well defined.
    x = picture(RESIDUAL[case].get("channels", (3, 3))[0], size=64)
    model = model_file.load(saved(theirs, tmp_path / NAME))
    assert furthest(model.network, theirs, x) < 2e-5


@pytest.mark.parametrize("norm", ["batch", "instance", "instance-old", "none"])
@pytest.mark.parametrize("depth", [5, 6, 7])
def test_unets(norm, depth, reference, tmp_path):
    theirs = with_picture_statistics(reference("unet", depth=depth, norm=norm, channels=(1, 3)))
    model = model_file.load(saved(theirs, tmp_path / NAME))
    assert model.card.arguments["depth"] == depth
    assert furthest(model.network, theirs, picture(1, size=2 * 2**depth)) < 2e-5


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_the_local_enhancer(norm, reference, tmp_path):
    theirs = with_picture_statistics(reference("enhanced", norm=norm))
    model = model_file.load(saved(theirs, tmp_path / NAME))
    assert (model.card.architecture, model.card.arguments["enhancer"]) == ("pix2pixhd", True)
    assert furthest(model.network, theirs, picture(size=64)) < 2e-5


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("unet", {"norm": "batch"}),
        ("residual", {"norm": "batch"}),
        ("residual", {"norm": "batch", "bias": True, "halvings": 3}),  # biases that the means take up
        ("residual", {"norm": "batch", "bias": True}),
    ],
)
def test_running_statistics(name, arguments, reference, tmp_path):
    theirs = reference(name, **arguments)
    model = model_file.load(saved(theirs, tmp_path / NAME), "running")
    assert model.card.norm_statistics == "running"
    assert furthest(model.network, theirs, picture(size=64)) < 2e-5
    assert furthest(model_file.load(tmp_path / NAME, "batch").network, theirs, picture(size=64)) > 0.01


def test_running_statistics_that_were_never_kept(reference, tmp_path):
    path = saved(reference("residual", norm="batch-bare"), tmp_path / NAME)
    with pytest.raises(UsageError, match=r"has no statistics of its training, so batch norm can only"):
        model_file.load(path, "running")
    imported = open_foreign(path)
    model_file.save(tmp_path / "m.safetensors", imported.weights, imported.card)
    with pytest.raises(UsageError, match=r"leave --norm-statistics out\."):
        model_file.load(tmp_path / "m.safetensors", "running")


def test_what_is_read_off(reference):
    def read(name: str, **arguments) -> dict:
        found = recognise_generator(NAME, reference(name, **arguments).state_dict())
        assert found is not None
        return {"tool": found.tool, "network": found.architecture, **found.arguments}

    assert read("residual", width=6, blocks=4, dropout=True, channels=(1, 3)) == {
        "tool": "pytorch-CycleGAN-and-pix2pix",
        "network": "resnet",
        "in_channels": 1,
        "out_channels": 3,
        "width": 6,
        "depth": 4,
        "norm": "instance",
        "dropout": 0.5,
        "antialias": False,
        "upsampling": "transpose",
    }
    cut = read("residual", antialias=True, antialias_up=True)
    assert (cut["tool"], cut["antialias"], cut["upsampling"]) == ("CUT", True, "blur")
    hd = read("enhanced", halvings=2, blocks=3, local=1)
    assert (hd["tool"], hd["halvings"], hd["depth"], hd["local_blocks"]) == ("pix2pixHD", 2, 3, 1)
    assert (hd["width"], hd["enhancer"]) == (4, True)
    unet = read("unet", depth=6, width=3, norm="instance")
    assert (unet["network"], unet["depth"], unet["width"], unet["norm"]) == ("unet", 6, 3, "instance")


def test_batch_norm_of_before_torch_0_4_1(reference, tmp_path):
    theirs = reference("unet", norm="batch")
    state = {k: v for k, v in theirs.state_dict().items() if not k.endswith("num_batches_tracked")}
    torch.save(state, tmp_path / NAME)
    assert furthest(model_file.load(tmp_path / NAME, "running").network, theirs, picture()) < 2e-5


def test_real_files(checkpoints):
    files = {"facades_unet128": "latest_net_G.pth", "horse2zebra_resnet6": "latest_net_G_A.pth"}
    for folder, file in files.items():
        expected = {
            key: torch.from_numpy(value)
            for key, value in np.load(checkpoints / folder / "expected.npz").items()
        }
        for asked, key in (
            (None, "batch_statistics"),
            ("batch", "batch_statistics"),
            ("running", "eval_mode"),
        ):
            network = model_file.load(checkpoints / folder / file, asked).network
            with torch.inference_mode():
                answer = network(expected["input"])
            assert float((answer - expected[key]).abs().max()) < 1e-5, (folder, asked)


def refusal(weights: dict[str, Tensor]) -> str:
    with pytest.raises(ModelError) as caught:
        recognise_generator(NAME, weights)
    return str(caught.value)


def test_networks_that_only_look_alike(reference):
    state = reference("residual").state_dict()
    assert "has model.99.weight, too, so it is another network" in refusal(
        state | {"model.99.weight": torch.ones(3)}
    )
    assert "a layer differs (encoder.0.weight is 8×3×5×5, not 8×3×7×7)" in refusal(
        state | {"model.1.weight": torch.ones(8, 3, 5, 5)}
    )
    assert "(encoder.3.bias is missing)" in refusal({k: v for k, v in state.items() if k != "model.4.bias"})
    assert "isn't whole" in refusal({k: v for k, v in state.items() if k != "model.23.weight"})
    plain = state | {"model.16.weight": torch.ones(16, 32, 3, 3)}
    assert "enlarges by plain convolutions" in refusal(plain)


def test_the_filters_of_cut_are_looked_at(reference):
    state = reference("residual", antialias=True, antialias_up=True).state_dict()
    assert "model.7.filt is missing or none of CUT's" in refusal(
        state | {"model.7.filt": torch.ones(16, 1, 3, 3) / 9}
    )
    assert "model.11.filt is missing" in refusal({k: v for k, v in state.items() if k != "model.11.filt"})


def test_two_local_enhancers_are_refused(reference):
    state = reference("enhanced").state_dict()
    assert "several local enhancers" in refusal(state | {"model2_1.1.weight": torch.ones(1)})


@pytest.mark.parametrize("weights", [{}, {"a": torch.ones(1)}, {"body.0.weight": torch.ones(3, 3, 3, 3)}])
def test_others_are_not_recognised(weights):
    assert recognise_generator(NAME, weights) is None
