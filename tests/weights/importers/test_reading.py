"""What lies in a file is told in one line, and nothing of it is ever run."""

from __future__ import annotations

import gzip
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from translate.errors import ModelError
from translate.weights.importers.opening import open_foreign
from translate.weights.importers.reading import read_weights

WEIGHTS = {"a.weight": torch.arange(4.0).view(2, 2), "a.bias": torch.ones(2)}


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        open_foreign(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < len(str(path)) + 300
    return message.removeprefix(str(path))


def written(path: Path, content: object, **options) -> Path:
    torch.save(content, path, **options)
    return path


def same(found: dict, expected: dict = WEIGHTS) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[key], expected[key]) for key in expected)


def test_plain_files(tmp_path):
    assert same(read_weights(written(tmp_path / "zip.pth", WEIGHTS)))
    legacy = written(tmp_path / "old.pth", OrderedDict(WEIGHTS), _use_new_zipfile_serialization=False)
    assert same(read_weights(legacy))
    save_file(WEIGHTS, tmp_path / "m.safetensors")
    assert same(read_weights(tmp_path / "m.safetensors"))


@pytest.mark.parametrize(
    "content",
    [
        {"params": WEIGHTS},
        {"params": {"b": torch.zeros(1)}, "params_ema": WEIGHTS},
        {"state_dict": {f"module.{key}": value for key, value in WEIGHTS.items()}, "epoch": 3},
        {"netG": {f"module._orig_mod.{key}": value for key, value in WEIGHTS.items()}, "optimizer": {}},
        {"model": {"state_dict": WEIGHTS}},
        {"something": WEIGHTS, "iter": 5},
        {"state_dict": {**{f"generator_ema.{key}": value for key, value in WEIGHTS.items()},
                        **{f"generator.{key}": value + 1 for key, value in WEIGHTS.items()},
                        "discriminator.x": torch.ones(1), "step_counter": torch.tensor(7)}},
        {**WEIGHTS, "_metadata": {"version": 1}},
        {key: nn.Parameter(value) for key, value in WEIGHTS.items()},
    ],
)  # fmt: skip
def test_wrappers(tmp_path, content):
    found = read_weights(written(tmp_path / "m.pth", content))
    assert same(found)
    assert not any(tensor.requires_grad for tensor in found.values())


def test_metadata_of_a_state_dict(tmp_path):
    assert same(read_weights(written(tmp_path / "m.pth", nn.Linear(2, 2).state_dict())), {}) is False
    network = nn.Linear(2, 2)
    assert same(read_weights(written(tmp_path / "n.pth", network.state_dict())), dict(network.state_dict()))


def test_half_precision_becomes_float(tmp_path):
    half = {"a": torch.tensor([0.5, 1.5], dtype=torch.float16), "n": torch.tensor(3)}
    found = read_weights(written(tmp_path / "m.pth", half))
    assert (found["a"].dtype, found["n"].dtype) == (torch.float32, torch.int64)


class Trap:
    """Unpickled, it makes a folder."""

    def __init__(self, sentinel: Path):
        self.sentinel = sentinel

    def __reduce__(self):
        return os.mkdir, (str(self.sentinel),)


@pytest.mark.parametrize("kind", ["zip", "legacy", *range(6)])
def test_a_malicious_pickle_runs_nothing(tmp_path, kind):
    path, sentinel = tmp_path / "m.pth", tmp_path / "executed"
    content = {**WEIGHTS, "w": Trap(sentinel)}
    if isinstance(kind, int):
        path.write_bytes(pickle.dumps(content, protocol=kind))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    message = refusal(path)
    assert not sentinel.exists()
    if isinstance(kind, str):
        assert "can't be opened without running code (posix.mkdir), which could do anything" in message
        assert "nothing was run" in message
        torch.load(path, weights_only=False)
        assert sentinel.exists(), "the trap itself must work"


def test_a_whole_pickled_network_needs_code(tmp_path):
    message = refusal(written(tmp_path / "m.pth", nn.Sequential(nn.Conv2d(3, 3, 3))))
    assert "can't be opened without running code (torch.nn.modules." in message


def test_torchscript(tmp_path):
    torch.jit.trace(nn.Conv2d(3, 3, 3), torch.zeros(1, 3, 8, 8)).save(str(tmp_path / "m.pt"))  # type: ignore
    assert " is a TorchScript program, code beside weights, and was not opened" in refusal(tmp_path / "m.pt")


def test_damaged_files(tmp_path):
    path = tmp_path / "m.pth"
    path.write_bytes(b"")
    assert refusal(path) == " is empty; copy or download it again."
    for legacy in (False, True):
        written(path, {"a": torch.ones(5000)}, _use_new_zipfile_serialization=not legacy)
        whole = path.read_bytes()
        for share in (0.01, 0.1, 0.5, 0.98):
            path.write_bytes(whole[: int(len(whole) * share)])
            assert "; copy or download it again." in refusal(path), (legacy, share)


def test_files_of_other_kinds(tmp_path):
    path = tmp_path / "m.pth"
    for content, said in {
        b"<!DOCTYPE html><html>not found</html>": " is a web page, not weights; download the file itself.",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n": "is the pointer that Git LFS leaves",
        b"\x89HDF\r\n\x1a\n": "is an HDF5 file, as Keras writes",
        gzip.compress(b"x"): "is packed by gzip; unpack it first.",
        b"hello": "is no file that PyTorch writes; give a .pth, .pt or .safetensors file.",
    }.items():
        path.write_bytes(content)
        assert said in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "x")
    assert "is a zip archive, but none that PyTorch writes" in refusal(path)
    assert "no such file" in refusal(tmp_path / "none.pth")
    path.unlink()
    path.mkdir()
    assert "can't be read: is a directory" in refusal(path)


def test_what_holds_no_weights(tmp_path):
    network = nn.Linear(2, 2)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    for content, said in {
        "an optimiser": (optimizer.state_dict(), "holds the state of an optimiser, not a network's weights"),
        "a training state": (
            {"epoch": 1, "iter": 2, "optimizers": [optimizer.state_dict()], "schedulers": []},
            "holds optimisers and schedules, to go on with a training, but no weights",
        ),
        "a tensor": (torch.ones(3), "holds a single tensor, not the weights of a network."),
        "a list": ([torch.ones(3)], "holds a list, not the weights"),
        "options": ({"lr": 0.1}, "holds no weights at all."),
        "two networks": (
            {"first": WEIGHTS, "second": WEIGHTS},
            "holds several networks (first, second); save the generator's state dict alone.",
        ),
    }.values():
        assert said in refusal(written(tmp_path / "m.pth", content))


def test_numbers_that_are_none(tmp_path):
    broken = {"a": torch.tensor([1.0, float("nan")])}
    assert ": a has numbers that are not finite, so the training had failed." in refusal(
        written(tmp_path / "m.pth", broken)
    )
    sparse = {"a": torch.ones(2, 2).to_sparse()}
    assert "is sparse or quantised" in refusal(written(tmp_path / "m.pth", sparse))


def patch_discriminator(norm: bool, antialias: bool = False) -> dict:
    layers: dict[str, torch.Tensor] = {
        "model.0.weight": torch.ones(8, 3, 4, 4),
        "model.0.bias": torch.ones(8),
    }
    if antialias:
        layers["model.2.filt"] = torch.ones(8, 1, 3, 3)
    layers["model.3.weight"] = torch.ones(16, 8, 4, 4)
    if norm:
        layers |= {"model.4.weight": torch.ones(16), "model.4.running_mean": torch.ones(16)}
    return layers | {"model.11.weight": torch.ones(1, 16, 4, 4), "model.11.bias": torch.ones(1)}


@pytest.mark.parametrize(
    "weights",
    [
        patch_discriminator(norm=True),
        patch_discriminator(norm=False),
        patch_discriminator(norm=False, antialias=True),
        {"net.0.weight": torch.ones(8, 6, 1, 1), "net.2.weight": torch.ones(8, 8, 1, 1),
         "net.5.weight": torch.ones(1, 8, 1, 1)},
        {"scale0_layer0.0.weight": torch.ones(8, 6, 4, 4), "scale0_layer1.0.weight": torch.ones(1, 8, 4, 4)},
        {"layer0.0.weight": torch.ones(8, 6, 4, 4)},
        {"conv0.weight": torch.ones(8, 3, 3, 3), "conv1.weight_orig": torch.ones(8, 8, 4, 4),
         "conv9.weight": torch.ones(1, 8, 3, 3)},
    ],
)  # fmt: skip
def test_discriminators(tmp_path, weights):
    message = refusal(written(tmp_path / "latest_net_D.pth", weights))
    assert "is a discriminator: it judges pictures and makes none; give the generator's file" in message


def test_other_networks(tmp_path):
    helper = {"mlp_0.0.weight": torch.ones(4, 3), "mlp_0.2.weight": torch.ones(4, 4)}
    assert "is CUT's projection of features (net_F)" in refusal(
        written(tmp_path / "latest_net_F.pth", helper)
    )
    assert (
        "holds the weights of a network that translate doesn't know (tensors: 2; a.weight, a.bias …)."
        in refusal(written(tmp_path / "m.pth", WEIGHTS))
    )
