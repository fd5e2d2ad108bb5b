"""Streamed networks give the whole picture's result, to the last digits of float32."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from translate.inference.padding import pad, padded_length
from translate.inference.streaming.program import Program
from translate.inference.streaming.record import Unstreamable, record
from translate.inference.streaming.stores import Arena, Tier
from translate.networks.catalogue import GENERATORS, accepted_arguments, build_generator
from translate.networks.layers import Generator, initialise
from translate.weights.in_lab import InLab
from translate.weights.statistics import use_picture_statistics

CPU = torch.device("cpu")
EXACT = 1e-4


def catalogue_cases() -> list[tuple[str, dict]]:
    """The cases of the network catalogue's own tests, so that a new network is also tested here."""
    path = Path(__file__).parents[2] / "networks" / "test_catalogue.py"
    spec = importlib.util.spec_from_file_location("catalogue_cases", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.EVERY_GENERATOR


CASES = catalogue_cases()
ATTENTIVE = [case for case in CASES if case[1].get("attention")]
ASKED = [name for name, build in GENERATORS.items() if "classes" in accepted_arguments(build)]
STREAMED = [case for case in CASES if not case[1].get("attention")]


def built(name: str, arguments: dict) -> Generator:
    torch.manual_seed(0)
    network = initialise(build_generator(name, **arguments), "kaiming").eval().requires_grad_(False)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean.uniform_(-0.2, 0.2)
            norm.running_var.uniform_(0.5, 2)
    return network


def picture(network: Generator, height: int, width: int) -> Tensor:
    """Of halves that differ in contrast, so that the statistics of a part are not those of the whole."""
    x = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(2)) * 2 - 1
    x[:, :, : height // 2] *= 0.1
    x[..., : width // 3] += 0.3
    sides = [padded_length(n, network.size_multiple, network.minimum_size) for n in (height, width)]
    return pad(x, *sides)


def streamed(
    network: nn.Module, x: Tensor, *, rows: int | None, budget: int, **told: Any
) -> tuple[Tensor, int]:
    """The output, and how many bytes went through the temporary file."""
    program = Program(record(network, x.shape, CPU, *told.pop("args", ()), **told))
    with torch.inference_mode(), Arena(CPU, [Tier(CPU, 0)]) as arena:
        parts = list(program.run(lambda i, j: x[:, :, i:j], arena, budget, rows))
        assert arena.tiers[0].used == 0, "memory that nobody gave back"
        written = arena.written
    starts, stops = zip(*((rows.start, rows.stop) for rows, _ in parts), strict=True)
    assert starts == (0, *stops[:-1])
    return torch.cat([band for _, band in parts], 2), written


@pytest.mark.parametrize(("name", "arguments"), STREAMED)
def test_every_generator_gives_the_whole_picture_s_result(name, arguments):
    network = built(name, arguments)
    both: list[nn.Module] = [network]
    if any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()):
        both.append(use_picture_statistics(built(name, arguments)))
    x = picture(network, 37, 22)  # odd sizes, padded by reflection to what the network takes
    for one in both:
        with torch.inference_mode():
            whole = one(x)
        largest = max(1.0, float(whole.abs().max()))
        for rows, budget in ((7, 0), (64, 2**16)):
            made, _ = streamed(one, x, rows=rows, budget=budget)
            assert made.shape == whole.shape
            assert (made - whole).abs().max() < EXACT * largest


@pytest.mark.parametrize("rows", [2, 7, 64, 96, None])
@pytest.mark.parametrize("name", ["resnet", "unet"])
def test_bands_of_any_height_give_the_same(name, rows):
    """Also where nothing fits into memory, where little does, and where everything does."""
    network = built(name, {"depth": 2, "width": 4, "norm": "instance"})
    x = picture(network, 96, 21)
    with torch.inference_mode():
        whole = network(x)
    written = []
    for budget in (0, 2**18, 2**30):
        made, bytes_written = streamed(network, x, rows=rows, budget=budget)
        assert (made - whole).abs().max() < EXACT
        written.append(bytes_written)
    assert written[0] >= written[1] >= written[2] == 0
    assert written[0] > 0 or name == "unet"  # whose few channels are made anew rather than written


@pytest.mark.parametrize(
    "name", [name for name in GENERATORS if "classes" in accepted_arguments(GENERATORS[name])]
)
def test_labels_embeddings_and_codes_are_told_once(name):
    for told, arguments in (
        ({"args": (torch.tensor([1]),)}, {"classes": 3}),
        ({"args": (torch.randn(1, 5),), "latent": torch.randn(1, 2)}, {"embedding": 5, "latent": 2}),
    ):
        network = built(name, {"depth": 2, "width": 4, "norm": "instance", **arguments})
        x = picture(network, 30, 20)
        with torch.inference_mode():
            whole = network(x, *told["args"], **{k: v for k, v in told.items() if k != "args"})
        made, _ = streamed(network, x, rows=5, budget=0, **told)
        assert (made - whole).abs().max() < EXACT


def test_networks_in_lab_and_wide_ones_too():
    lab = InLab(built("unet", {"depth": 2, "width": 4, "in_channels": 1, "out_channels": 2})).eval()
    wide = built("resnet", {"depth": 1, "width": 64})  # wide enough for the quick convolutions
    for network, height, width in ((lab, 24, 16), (wide, 48, 88)):
        x = picture(network, height, width)
        with torch.inference_mode():
            whole = network(x)
        made, _ = streamed(network, x, rows=None, budget=2**22)
        assert (made - whole).abs().max() < EXACT


@pytest.mark.parametrize(("name", "arguments"), ATTENTIVE[:2])
def test_what_can_t_be_streamed_says_which_layer_it_is(name, arguments):
    network = built(name, arguments)
    with pytest.raises(Unstreamable, match=r"its layer 'attention' computes flatten .* --tile approximate"):
        Program(record(network, (1, 3, 64, 64), CPU))


def test_recording_leaves_the_network_as_it_was():
    network = built("unet", {"depth": 2, "width": 4, "spectral": True})
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    record(network, (1, 3, 64, 64), CPU)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in network.modules())


def test_progress_rises_to_the_total_and_an_exception_ends_the_work():
    network = built("mobile", {"depth": 1, "width": 4})
    x = picture(network, 64, 16)
    program = Program(record(network, x.shape, CPU))
    seen: list[tuple[int, int]] = []

    def run(progress) -> None:
        with torch.inference_mode(), Arena(CPU, [Tier(CPU, 0)]) as arena:
            list(program.run(lambda i, j: x[:, :, i:j], arena, 0, 4, progress))

    run(lambda *share: seen.append(share))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]
    assert len({total for _, total in seen}) == 1

    def stop(done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(stop)
