"""ESRGAN, Real-ESRGAN and its compact network, under the names of BasicSR and of earlier code."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from translate.errors import UsageError
from translate.networks.catalogue import build_generator
from translate.networks.layers import Generator
from translate.weights.importers.found import Found

TOOL = "BasicSR"
# ESRGAN's first code, and the one after it; ours has BasicSR's names.
_BLOCKS = (
    (r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.(\w+)", r"body.\1.rdb\2.conv\3.\4"),
    (r"RRDB_trunk\.(\d+)\.RDB(\d)\.conv(\d)\.(\w+)", r"body.\1.rdb\2.conv\3.\4"),
    (r"model\.1\.sub\.\d+\.(weight|bias)", r"conv_body.\1"),
    (r"trunk_conv\.(\w+)", r"conv_body.\1"),
    (r"model\.0\.(\w+)", r"conv_first.\1"),
    (r"model\.3\.(\w+)", r"conv_up1.\1"),
    (r"model\.6\.(\w+)", r"conv_up2.\1"),
    (r"model\.8\.(\w+)", r"conv_hr.\1"),
    (r"model\.10\.(\w+)", r"conv_last.\1"),
    (r"upconv(\d)\.(\w+)", r"conv_up\1.\2"),
    (r"HRconv\.(\w+)", r"conv_hr.\1"),
)
_FOLDED = {1: 4, 4: 2, 16: 1}  # channels that enter for each that leaves, and the scale


def recognise_superres(weights: Mapping[str, Tensor]) -> Found | None:
    """The network of ours that these weights fit exactly, and they under its names; None where none does."""
    for read in (_rrdb, _compact):
        known = read(weights)
        if known is None:
            continue
        architecture, arguments, renamed = known
        network = _build(architecture, arguments)
        if network is not None and _fits(network, renamed):
            sizes = network.size_multiple, network.minimum_size
            return Found(TOOL, "superres", architecture, arguments, renamed, sizes)
    return None


Known = tuple[str, dict[str, Any], dict[str, Tensor]]


def _rrdb(weights: Mapping[str, Tensor]) -> Known | None:
    renamed = {_renamed(key): tensor for key, tensor in weights.items()}
    first, last = renamed.get("conv_first.weight"), renamed.get("conv_last.weight")
    dense = renamed.get("body.0.rdb1.conv1.weight")
    if first is None or last is None or dense is None:
        return None
    outputs, entering = last.shape[0], first.shape[1]
    scale = _FOLDED.get(entering // outputs, 4) if entering % outputs == 0 else 4
    arguments = {
        "in_channels": entering // (4 // scale) ** 2,
        "out_channels": outputs,
        "depth": _count(renamed, r"body\.(\d+)\.rdb1\.conv1\.weight"),
        "width": first.shape[0],
        "growth": dense.shape[0],
        "scale": scale,
    }
    return "rrdb", arguments, renamed


def _compact(weights: Mapping[str, Tensor]) -> Known | None:
    first = weights.get("body.0.weight")
    count = _count(weights, r"body\.(\d+)\.weight")
    last = weights.get(f"body.{count - 1}.weight")
    if first is None or first.ndim != 4 or last is None or count < 3 or first.shape[1] == 0:
        return None
    channels = first.shape[1]
    scale = math.isqrt(last.shape[0] // channels)
    if scale < 1 or scale**2 * channels != last.shape[0]:
        return None
    # A convolution and its slopes first, then as many pairs as `depth`, then the last convolution.
    arguments = {
        "in_channels": channels,
        "out_channels": channels,
        "depth": (count - 3) // 2,
        "width": first.shape[0],
        "scale": scale,
    }
    return "srvgg", arguments, dict(weights)


def _renamed(key: str) -> str:
    for pattern, replacement in _BLOCKS:
        if match := re.fullmatch(pattern, key):
            return match.expand(replacement)
    return key


def _count(weights: Mapping[str, Tensor], pattern: str) -> int:
    """One more than the highest number that `pattern` finds in the keys."""
    numbers = [int(match[1]) for key in weights if (match := re.fullmatch(pattern, key))]
    return max(numbers, default=-1) + 1


def _build(architecture: str, arguments: dict[str, Any]) -> Generator | None:
    try:
        with torch.device("meta"):
            return build_generator(architecture, **arguments)
    except UsageError:
        return None


def _fits(network: Generator, weights: Mapping[str, Tensor]) -> bool:
    expected = network.state_dict()
    return expected.keys() == weights.keys() and all(
        weights[key].shape == tensor.shape for key, tensor in expected.items()
    )
