"""The canonical PyTorch implementation's own checkpoints run in our networks and answer as they do there.

Its tensors are taken over in the order in which they lie in the file, shape by shape, so this proves the
layers and their order, padding, normalisation and skip connections at once.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from translate.networks.catalogue import build_generator
from translate.networks.layers import Generator
from translate.weights.statistics import use_picture_statistics

CHECKPOINTS = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "peer_checkpoints"
FILES = {
    "facades_unet128": "latest_net_G.pth",
    "horse2zebra_resnet6": "latest_net_G_A.pth",
}


def read_options(folder: Path) -> dict[str, str]:
    """What the other tool was told: lines of `key: value`."""
    lines = (folder / "train_opt.txt").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {key.strip(): value.split("[")[0].strip() for key, value in pairs}


def build_like(options: dict[str, str]) -> Generator:
    """Our generator for the other tool's name: `unet_128` has 7 halvings, `resnet_6blocks` 6 blocks."""
    kind, size = options["netG"].split("_")
    dropout = 0.0 if options["no_dropout"] == "True" else 0.5
    depth = int(size).bit_length() - 1 if kind == "unet" else int(size.removesuffix("blocks"))
    return build_generator(
        kind,
        in_channels=int(options["input_nc"]),
        out_channels=int(options["output_nc"]),
        depth=depth,
        width=int(options["ngf"]),
        norm=options["norm"],
        dropout=dropout,
    )


def take_over(network: nn.Module, weights: dict[str, Tensor]) -> None:
    ours = network.state_dict()
    assert [tuple(tensor.shape) for tensor in weights.values()] == [
        tuple(tensor.shape) for tensor in ours.values()
    ]
    network.load_state_dict(dict(zip(ours, weights.values(), strict=True)))


@pytest.fixture(params=FILES)
def published(request: pytest.FixtureRequest) -> tuple[Generator, dict[str, Tensor]]:
    folder = CHECKPOINTS / request.param
    if not folder.is_dir():
        pytest.skip("the other tool's checkpoints (../shared/fixtures/peer_checkpoints) are not here")
    network = build_like(read_options(folder))
    take_over(network, torch.load(folder / FILES[request.param], weights_only=True))
    expected = {key: torch.from_numpy(array) for key, array in np.load(folder / "expected.npz").items()}
    return network, expected


def furthest(answer: Tensor, expected: Tensor) -> float:
    return float((answer - expected).abs().max())


def test_in_evaluation_mode(published):
    network, expected = published
    with torch.inference_mode():
        assert furthest(network.eval()(expected["input"]), expected["eval_mode"]) < 1e-5


def test_with_the_statistics_of_the_picture(published):
    network, expected = published
    for part in network.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    with torch.inference_mode():
        assert furthest(network.train()(expected["input"]), expected["batch_statistics"]) < 1e-5


def test_with_batch_norm_replaced_for_one_picture_at_a_time(published):
    network, expected = published
    with torch.inference_mode():
        answer = use_picture_statistics(network).eval()(expected["input"])
    assert furthest(answer, expected["batch_statistics"]) < 1e-5


def test_the_two_modes_differ_where_there_is_batch_norm(published):
    _, expected = published
    differ = furthest(expected["eval_mode"], expected["batch_statistics"]) > 0.1
    assert differ == any(isinstance(part, nn.BatchNorm2d) for part in published[0].modules())
