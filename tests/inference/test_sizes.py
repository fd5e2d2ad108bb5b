"""Pictures of any size through a translator: whole, in bands, in tiles."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import translate
from translate import images
from translate.cli.main import app
from translate.errors import UsageError
from translate.inference import sizes
from translate.inference.sizes import Sizes
from translate.inference.streaming import memory
from translate.inference.streaming.record import Unstreamable, record
from translate.networks.catalogue import build_generator

CPU = torch.device("cpu")


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_every_kind_of_picture_is_the_same_in_bands(run_folder, tmp_path):
    pixels = noise(51, 38, 3)
    images.write(tmp_path / "x.png", pixels)
    batch = torch.cat([images.to_tensor(pixels), -images.to_tensor(pixels)])
    whole, exact = (translate.load(run_folder, device="cpu", tile=tile) for tile in ("whole", "exact"))
    seen: list[tuple[int, int]] = []
    exact.progress = lambda *share: seen.append(share)
    assert np.abs(exact(pixels).astype(int) - whole(pixels)).max() <= 1
    assert seen[-1][0] == seen[-1][1]
    assert np.array_equal(np.asarray(exact(tmp_path / "x.png")), exact(pixels))
    torch.testing.assert_close(exact(batch), whole(batch), rtol=0, atol=1e-5)


def test_labels_and_scales_go_with_bands(labelled_model, latent_model, tmp_path, write_model):
    small = {"depth": 1, "width": 4, "scale": 2}
    large = write_model(tmp_path / "large.safetensors", "srresnet", arguments=small)
    picture = torch.rand(2, 3, 21, 14) * 2 - 1
    for path, told in (
        (labelled_model, {"label": ["zebra", "horse"]}),
        (latent_model, {"seed": 3}),
        (large, {}),
    ):
        whole, exact = (translate.load(path, device="cpu", tile=tile) for tile in ("whole", "exact"))
        expected = whole(picture, **told)
        assert expected.shape[2:] == ((42, 28) if path == large else (21, 14))
        torch.testing.assert_close(exact(picture, **told), expected, rtol=0, atol=1e-5)


def test_auto_takes_bands_where_the_whole_doesn_t_fit(run_folder, monkeypatch):
    translator = translate.load(run_folder, device="cpu", max_memory="1GB")
    calls: list[str] = []
    banded = Sizes.bands
    monkeypatch.setattr(Sizes, "bands", lambda *args, **more: calls.append("bands") or banded(*args, **more))
    picture = torch.rand(1, 3, 64, 64) * 2 - 1
    expected = translator(picture)
    assert not calls
    monkeypatch.setattr(memory, "budget", lambda device, most: 2**18)
    other = torch.cat([picture, picture[..., :32]], 3)
    whole = translate.load(run_folder, device="cpu", tile="whole")(other)
    torch.testing.assert_close(translator(other), whole, rtol=0, atol=1e-5)
    assert calls == ["bands"]
    assert torch.equal(translator(picture), expected), "what has fitted once fits again"


class Greedy(nn.Module):
    """Runs out of memory at whole pictures, as torch does."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "meta":
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to")
        return self.network(x)


def test_out_of_memory_falls_back_to_bands():
    torch.manual_seed(0)
    network = build_generator("resnet", depth=1, width=4).eval()
    x = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        made = Sizes(Greedy(network), CPU, 4).run(x, (), {})
        torch.testing.assert_close(made, network(x), rtol=0, atol=1e-5)
        with pytest.raises(RuntimeError, match="can't allocate"):
            Sizes(Greedy(network), CPU, 4, "whole").run(x, (), {})


class Roomy(Greedy):
    """Has room for two pictures at a time."""

    def __init__(self, network: nn.Module):
        super().__init__(network)
        self.calls: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "meta":
            self.calls.append(len(x))
        return self.network(x) if len(x) <= 2 else super().forward(x)


@pytest.mark.parametrize("tile", ["auto", "whole"])
def test_out_of_memory_halves_a_batch_first(tile):
    torch.manual_seed(0)
    network = Roomy(build_generator("resnet", depth=1, width=4).eval())
    x = torch.rand(5, 3, 32, 32)
    sizes = Sizes(network, CPU, 4, tile)
    with torch.inference_mode():
        expected = torch.cat([network.network(one) for one in x.split(1)])
        torch.testing.assert_close(sizes.run(x, (), {}), expected, rtol=0, atol=1e-5)
        assert network.calls == [5, 3, 2, 1, 2]
        network.calls.clear()
        sizes.run(x, (), {})
    if tile == "auto":
        assert network.calls == [2, 1, 2], "what didn't fit isn't tried again"


def test_attention_is_named_and_tiles_are_nearly_the_whole(monkeypatch):
    torch.manual_seed(0)
    network = build_generator("resnet", depth=1, width=8, attention=True).eval()
    with torch.no_grad():
        network.attention.gamma.fill_(1.0)
    down, across = torch.arange(96.0)[:, None], torch.arange(128.0)
    x = (torch.sin(down / 12) * across / 128 + torch.cos(across / 9) * 0.3).repeat(1, 3, 1, 1).clamp(-1, 1)
    with torch.inference_mode():
        whole = network(x)
        with pytest.raises(Unstreamable, match="layer 'attention'"):
            Sizes(network, CPU, 4, "exact").run(x, (), {})
        monkeypatch.setattr(sizes, "SIDES", (64,))
        seen: list[tuple[int, int]] = []
        tiled = Sizes(network, CPU, 4, "approximate").run(x, (), {}, lambda *share: seen.append(share))
        naive = torch.cat([network(x[..., :64]), network(x[..., 64:])], 3)
    assert seen == [(done, 6) for done in range(1, 7)]
    assert (tiled - whole).abs().mean() < (naive - whole).abs().mean()
    seams = [(made[..., 64] - made[..., 63]).abs().mean() for made in (tiled, whole, naive)]
    assert seams[0] < min(1.5 * seams[1], seams[2])


def test_whole_bytes_are_those_of_a_hand_counted_network():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))
    recording = record(network, (1, 3, 16, 16), CPU)
    plane = 16 * 16 * 4
    # At the last convolution its input and output are alive, and copied.
    assert memory.whole_bytes(recording, torch.device("cuda")) == int(memory.SLACK * 2 * 8 * plane)
    assert memory.whole_bytes(recording, CPU) == int(memory.SLACK * 2 * (3 + 8) * plane)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("2GB", 2 * 10**9), ("1.5 GiB", 3 * 2**29), ("800mb", 8 * 10**8), ("64k", 64000), (4096, 4096)],
)
def test_amounts_of_memory(text, amount):
    assert memory.parse_bytes(text) == amount


def test_what_is_no_amount_or_no_way_is_refused(run_folder):
    for text in ("much", "0GB", "-1", "2 PB"):
        with pytest.raises(UsageError, match="is no amount of memory; write for instance 2GB"):
            memory.parse_bytes(text)
    with pytest.raises(UsageError, match="unknown tile 'some'; choose one of auto, whole, exact"):
        translate.load(run_folder, device="cpu", tile="some")  # type: ignore[arg-type]


def test_convert_takes_bands_by_option(run_folder, tmp_path):
    images.write(tmp_path / "in" / "x.png", noise(40, 24, 3))
    for tile in ("whole", "exact"):
        arguments = [str(run_folder), str(tmp_path / "in"), "-o", str(tmp_path / tile), "--tile", tile]
        with pytest.raises(SystemExit) as end:
            app(["convert", *arguments, "--max-memory", "2GB", "--quiet", "--device", "cpu"])
        assert end.value.code == 0
    one, other = (images.read(tmp_path / tile / "x.png").pixels.astype(int) for tile in ("whole", "exact"))
    assert np.abs(one - other).max() <= 1
