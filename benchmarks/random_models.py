"""Models with random weights, for benchmarks that ask how fast one is and not how good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from translate.networks.catalogue import build_generator
from translate.networks.layers import Generator
from translate.weights import model_file
from translate.weights.card import Card


def random_model(architecture: str, arguments: dict[str, Any]) -> model_file.Model:
    """A generator with its card; the same weights every time."""
    network, card = _built(architecture, arguments)
    return model_file.assemble(Path("random"), card, network.state_dict())


def write_random_model(path: Path, architecture: str, arguments: dict[str, Any]) -> Path:
    """The same as a model file."""
    network, card = _built(architecture, arguments)
    model_file.save(path, network.state_dict(), card)
    return path


def _built(architecture: str, arguments: dict[str, Any]) -> tuple[Generator, Card]:
    torch.manual_seed(0)
    arguments = {"in_channels": 3, "out_channels": 3, **arguments}
    network = build_generator(architecture, **arguments)
    card = Card(
        architecture=architecture,
        arguments=arguments,
        translator="cyclegan",
        direction="a2b",
        domains={"a": "noise", "b": "noise"},
        size_multiple=network.size_multiple,
        minimum_size=network.minimum_size,
    )
    return network, card
