"""Generators of pytorch-CycleGAN-and-pix2pix, CUT and pix2pixHD, known by their weights' keys and shapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from translate.errors import ModelError, UsageError
from translate.networks.catalogue import build_generator
from translate.weights.importers.found import Found
from translate.weights.importers.layouts import SMALLEST_UNET, Layer, filter_rows, layers

JUNYANZ, CUT, PIX2PIXHD = "pytorch-CycleGAN-and-pix2pix", "CUT", "pix2pixHD"
_DROPOUT = 0.5  # the only one that the reference code knows
# What batch norm keeps besides its weights, and how it starts.
_AVERAGES: dict[str, Callable[..., Tensor]] = {
    "running_mean": torch.zeros,
    "running_var": torch.ones,
    "num_batches_tracked": torch.zeros,
}
_SHOWN_KEYS = 3

Weights = Mapping[str, Tensor]


def recognise_generator(path: Path, weights: Weights) -> Found | None:
    """The network that these weights are of, and they under its names; None where it is another tool's.

    Args:
        path: for messages.
        weights: see `reading.read_weights`.

    Raises:
        ModelError: it looks like one of these networks, but differs from what our networks compute.
    """
    try:
        known = _unet(weights) or _enhanced(path, weights) or _residual(path, weights)
        return None if known is None else _found(path, weights, *known)
    except (
        KeyError,
        IndexError,
        ValueError,
        UsageError,
    ) as error:  # a layer missing or not what it seems
        raise ModelError(
            f"{path} looks like a generator of pix2pix or its kin, but isn't whole; copy it again."
        ) from error


def _unet(weights: Weights) -> tuple[str, str, str, dict[str, Any]] | None:
    first = weights.get("model.model.0.weight")
    if first is None or "model.model.3.weight" not in weights:
        return None
    depth, inside = 1, "model.model.1.model"
    while f"{inside}.1.weight" in weights:
        depth, inside = depth + 1, f"{inside}.3.model"
    if depth < SMALLEST_UNET:
        return None
    arguments = {
        **_channels(first, weights["model.model.3.weight"].shape[1]),
        "depth": depth,
        "norm": _norm(weights, "model.model.1.model.1", "model.model.1.model.2"),
        "dropout": _DROPOUT,
    }
    return JUNYANZ, "pix2pix", "unet", arguments


def _residual(path: Path, weights: Weights) -> tuple[str, str, str, dict[str, Any]] | None:
    kinds = _sequence(weights, "model")
    blocks = [place for place, kind in kinds.items() if kind == "block"]
    if not blocks or kinds.get(1) != "convolution":
        return None
    before = {place: kind for place, kind in kinds.items() if place < blocks[0]}
    after = {place: kind for place, kind in kinds.items() if place > blocks[-1]}
    last = weights[f"model.{max(kinds)}.weight"]
    halvings = _count(before, "convolution") - 1
    arguments = {
        **_channels(weights["model.1.weight"], last.shape[0]),
        "depth": len(blocks),
        "norm": _norm(weights, "model.1", "model.2"),
    }
    if halvings != 2:
        return PIX2PIXHD, "pix2pixhd", "pix2pixhd", arguments | {"halvings": halvings, "enhancer": False}
    antialias, blur = "filter" in before.values(), "filter" in after.values()
    if not blur:
        _require_transposed(path, weights, arguments["width"], after)
    second = weights.get(f"model.{blocks[0]}.conv_block.6.weight")  # without dropout the norm's, if anybody's
    dropout = _DROPOUT if second is not None and second.ndim == 4 else 0.0
    arguments |= {
        "dropout": dropout,
        "antialias": antialias,
        "upsampling": "blur" if blur else "transpose",
    }
    return (
        (CUT, "cut", "resnet", arguments) if antialias or blur else (JUNYANZ, "cyclegan", "resnet", arguments)
    )


def _enhanced(path: Path, weights: Weights) -> tuple[str, str, str, dict[str, Any]] | None:
    first = weights.get("model1_1.1.weight")
    if first is None:
        return None
    if any(key.startswith("model2_1.") for key in weights):
        raise ModelError(
            f"{path} is of pix2pixHD with several local enhancers; translate knows one with a single."
        )
    inside, local = _sequence(weights, "model"), _sequence(weights, "model1_2")
    blocks = [place for place, kind in inside.items() if kind == "block"]
    before = {place: kind for place, kind in inside.items() if blocks and place < blocks[0]}
    arguments = {
        **_channels(first, weights[f"model1_2.{max(local)}.weight"].shape[0]),
        "depth": len(blocks),
        "norm": _norm(weights, "model1_1.1", "model1_1.2"),
        "halvings": _count(before, "convolution") - 1,
        "enhancer": True,
        "local_blocks": _count(local, "block"),
    }
    return PIX2PIXHD, "pix2pixhd", "pix2pixhd", arguments


def _channels(first: Tensor, outputs: int) -> dict[str, int]:
    return {"in_channels": first.shape[1], "out_channels": outputs, "width": first.shape[0]}


def _sequence(weights: Weights, name: str) -> dict[int, str]:
    """What lies where in a numbered sequence: `convolution`, `norm`, `filter` or `block`."""
    kinds: dict[int, str] = {}
    for key, tensor in weights.items():
        match = re.fullmatch(rf"{name}\.(\d+)\.(\w+)(?:\..*)?", key)
        if match is None:
            continue
        place, field = int(match[1]), match[2]
        if field == "conv_block":
            kinds[place] = "block"
        elif field == "filt":
            kinds[place] = "filter"
        elif field == "weight" and tensor.ndim == 4:
            kinds[place] = "convolution"
        else:
            kinds.setdefault(place, "norm")
    return dict(sorted(kinds.items()))


def _count(kinds: Mapping[int, str], kind: str) -> int:
    return sum(1 for value in kinds.values() if value == kind)


def _norm(weights: Weights, convolution: str, norm: str) -> str:
    """The norm behind a convolution.

    One with a learnt scale is batch norm, or instance norm with one, which is batch norm over one picture.
    The reference code leaves the bias out before batch norm and none, not before instance norm.
    """
    if f"{norm}.weight" in weights:
        return "batch"
    plain = f"{convolution}.bias" in weights or f"{norm}.running_mean" in weights
    return "instance" if plain else "none"


def _require_transposed(path: Path, weights: Weights, width: int, after: Mapping[int, str]) -> None:
    place = next((place for place, kind in after.items() if kind == "convolution"), None)
    if place is not None and tuple(weights[f"model.{place}.weight"].shape[:2]) == (2 * width, 4 * width):
        raise ModelError(
            f"{path} enlarges by plain convolutions, and weights don't show how pixels are repeated before "
            "them; the generators of pytorch-CycleGAN-and-pix2pix (transposed convolutions) and CUT (filters "
            "`filt`) can be imported."
        )


def _found(
    path: Path, weights: Weights, tool: str, translator: str, architecture: str, arguments: dict[str, Any]
) -> Found:
    with torch.device("meta"):
        network = build_generator(architecture, **arguments)
    expected = network.state_dict()
    table = layers(architecture, arguments)
    renamed, left = _renamed(weights, expected, table)
    _check_filters(path, left, table)
    running = not any(key.endswith(".running_mean") and key not in renamed for key in expected)
    _fold_biases(renamed, left, table)
    for layer in table:
        if layer.kind == "norm" and f"{layer.ours}.weight" not in expected:
            for field in _AVERAGES:  # what torch before 0.4 kept of instance norm, and nobody ever used
                left.pop(f"{layer.theirs}.{field}", None)
    if left:
        raise ModelError(
            f"{path} looks like a generator of {tool}, but has {_some(left)}, too, so it is another network."
        )
    return Found(
        tool=tool,
        translator=translator,
        architecture=architecture,
        arguments=arguments,
        weights=_completed(path, renamed, expected, table, tool),
        sizes=(network.size_multiple, network.minimum_size),
        running=running,
        assumed=("dropout 0.5, which weights of a U-Net don't show",) if architecture == "unet" else (),
    )


def _renamed(
    weights: Weights, expected: Weights, table: list[Layer]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights under our names, and those that have none of ours."""
    ours = {layer.theirs: layer.ours for layer in table}
    renamed, left = {}, {}
    for key, tensor in weights.items():
        module, _, field = key.rpartition(".")
        name = f"{ours.get(module)}.{field}"
        (renamed if name in expected else left)[name if name in expected else key] = tensor
    return renamed, left


def _check_filters(path: Path, left: dict[str, Tensor], table: list[Layer]) -> None:
    """Take out the anti-aliasing filters, which our networks have without weights; they must be CUT's."""
    for layer in table:
        if layer.kind != "filter":
            continue
        row, gain = filter_rows(layer)
        usual = torch.outer(torch.tensor(row), torch.tensor(row))
        usual = usual / usual.sum() * gain
        found = left.pop(f"{layer.theirs}.filt", None)
        if found is None or found.shape[-2:] != usual.shape or not torch.allclose(found, usual, atol=1e-6):
            raise ModelError(
                f"{path}: the anti-aliasing filter {layer.theirs}.filt is missing or none of CUT's, so our "
                "network would give other pictures."
            )


def _fold_biases(renamed: dict[str, Tensor], left: dict[str, Tensor], table: list[Layer]) -> None:
    """Biases before batch norm, which our convolutions leave out: its mean takes them up.

    norm(x + b) with the running mean m is norm(x) with m − b; over the picture's own mean they cancel.
    """
    for convolution, norm in pairwise(table):
        key = f"{convolution.theirs}.bias"
        if norm.kind == "norm" and key in left and f"{norm.ours}.weight" in renamed:
            bias, mean = left.pop(key), f"{norm.ours}.running_mean"
            if mean in renamed:
                renamed[mean] = renamed[mean] - bias


def _completed(
    path: Path, renamed: dict[str, Tensor], expected: Weights, table: list[Layer], tool: str
) -> dict[str, Tensor]:
    """With what such files may lack throughout: biases, zeros then, and the averages of batch norms."""
    plain = {f"{layer.ours}.bias" for layer in table[:-1] if layer.kind == "convolution"}
    starts: dict[str, Callable[..., Tensor]] = (
        {} if plain & renamed.keys() else dict.fromkeys(plain, torch.zeros)
    )
    kept = {key.rpartition(".")[2] for key in renamed}
    for field, start in _AVERAGES.items():
        if field not in kept:
            starts |= {key: start for key in expected if key.endswith(f".{field}")}
    whole = {}
    for key, like in expected.items():
        tensor = renamed.get(key)
        if tensor is None and key in starts:
            tensor = starts[key](like.shape, dtype=like.dtype)
        if tensor is None or tensor.shape != like.shape:
            found = "missing" if tensor is None else f"{_shape(tensor)}, not {_shape(like)}"
            raise ModelError(
                f"{path} looks like a generator of {tool}, but a layer differs ({key} is {found}), so it is "
                "another network, or the file isn't whole."
            )
        whole[key] = tensor
    return whole


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a number"


def _some(keys: Mapping[str, Tensor]) -> str:
    more = f" and {len(keys) - _SHOWN_KEYS} more" if len(keys) > _SHOWN_KEYS else ""
    return ", ".join(list(keys)[:_SHOWN_KEYS]) + more
