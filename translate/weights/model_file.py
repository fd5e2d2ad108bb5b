"""Writing and loading model files: one `.safetensors` with weights and card. No pickle, ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from translate.errors import ModelError, OutputError, UsageError
from translate.files import replacing
from translate.networks.catalogue import build_generator
from translate.networks.filling import Filling
from translate.networks.layers import Generator
from translate.networks.text import TextEncoder, build_text_encoder
from translate.weights.card import METADATA_KEY, Card, NormStatistics, read_card
from translate.weights.importers.found import SPANDREL
from translate.weights.in_lab import InLab
from translate.weights.locate import is_foreign
from translate.weights.onnx_file import is_exported
from translate.weights.statistics import use_picture_statistics

_SHOWN_KEYS = 3
_OF_TEXT_ENCODER = "text_encoder."


@dataclass(frozen=True)
class Model:
    """A network ready for use (eval mode, no gradients, on the CPU), its card, and its reader of captions.

    Attributes:
        notes: what a person should know of weights of another tool, one sentence each.
        weights: all that belongs into its file, under the names there, which `network` may have left behind:
            it has no running averages where it doesn't use them.
    """

    network: nn.Module
    card: Card
    text_encoder: TextEncoder | None = None
    notes: tuple[str, ...] = ()
    weights: Mapping[str, Tensor] = field(default_factory=dict, repr=False)


def save(
    path: str | Path,
    state_dict: Mapping[str, Tensor],
    card: Card,
    *,
    text_encoder: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a model file, whole or not at all.

    Args:
        state_dict: of the generator that `card` describes, on any device.
        text_encoder: what the text encoder of `card` has learnt, a state dict, too.

    Raises:
        OutputError: the folder can't be written, the disk is full.
    """
    encoder = {f"{_OF_TEXT_ENCODER}{key}": value for key, value in (text_encoder or {}).items()}
    everything = {**state_dict, **encoder}
    tensors = {key: value.detach().to("cpu").contiguous() for key, value in everything.items()}
    with replacing(path) as temporary:
        temporary.touch()
        usual = temporary.stat().st_mode  # safetensors makes files that nobody else may read
        try:
            save_file(tensors, temporary, {"format": "pt", METADATA_KEY: card.model_dump_json()})
            temporary.chmod(usual)
        except SafetensorError as error:  # how the library reports the system's own errors
            raise OutputError(f"{path} can't be written: {error}") from error


def load(path: str | Path, norm_statistics: NormStatistics | None = None) -> Model:
    """Build the network that a model file's card names, and fill it; another tool's file likewise.

    Batch norm is already made to use the statistics that are asked for.

    Args:
        norm_statistics: `batch`, those of each picture, or `running`, those of the training; None is what the
            card says. Networks without batch norm don't care.

    Raises:
        ModelError: see `read_card`; an unknown architecture, arguments that it doesn't take, weights that
            don't fit it, a text encoder whose package is missing; for a file of another tool see
            `importers.opening.open_foreign`.
        UsageError: running statistics of a model that has none.
    """
    path = Path(path)
    return assemble(path, *contents(path), norm_statistics)


def contents(path: Path) -> tuple[Card, Mapping[str, Tensor], tuple[str, ...]]:
    """Card, weights and notes of a model file, or of another tool's.

    Raises:
        ModelError: see `load`.
    """
    if is_exported(path):
        raise ModelError(
            f"{path} is an exported model, which convert and info take; this needs the .safetensors file "
            "that it was exported from."
        )
    if not is_foreign(path):
        return read_card(path), _read_weights(path), ()
    from translate.weights.importers.opening import open_foreign

    imported = open_foreign(path)
    return imported.card, imported.weights, imported.notes


def assemble(
    path: Path,
    card: Card,
    weights: Mapping[str, Tensor],
    notes: tuple[str, ...] = (),
    norm_statistics: NormStatistics | None = None,
) -> Model:
    """What `load` makes of a card and weights; `path` is for messages.

    Raises:
        ModelError, UsageError: see `load`.
    """
    card = _with_statistics(path, card, norm_statistics)
    everything, weights = weights, dict(weights)
    if card.architecture == SPANDREL:
        network = _build_foreign(path, card, weights)
        return Model(network, card, notes=notes, weights=everything)
    network = _build(path, card)
    encoder = None
    if card.text is not None:
        encoder = _build_text_encoder(path, card)
        learnt = {key: weights.pop(key) for key in list(weights) if key.startswith(_OF_TEXT_ENCODER)}
        _fill(path, encoder, {key.removeprefix(_OF_TEXT_ENCODER): value for key, value in learnt.items()})
        encoder.eval().requires_grad_(False)
    _fill(path, network, weights)
    if card.norm_statistics == "batch":
        network = use_picture_statistics(network)
    if card.colour_space == "lab":
        network = InLab(cast(Generator, network))
    return Model(network.eval().requires_grad_(False), card, encoder, notes, everything)


def _with_statistics(path: Path, card: Card, asked: NormStatistics | None) -> Card:
    if asked is None or asked == card.norm_statistics:
        return card
    if asked == "running" and card.origin.get("averages"):
        raise UsageError(
            f"{path} has no statistics of its training, so batch norm can only use those of each picture; "
            "leave --norm-statistics out."
        )
    return card.model_copy(update={"norm_statistics": asked})


def _build_foreign(path: Path, card: Card, weights: dict[str, Tensor]) -> nn.Module:
    from translate.weights.importers.spandrel import build_spandrel

    return build_spandrel(path, card.arguments, weights).eval().requires_grad_(False)


def _build(path: Path, card: Card) -> nn.Module:
    try:
        with torch.device("meta"):  # so that no random weights are drawn only to be thrown away
            network = build_generator(card.architecture, **card.arguments)
            network = Filling(network) if card.mask else network
    except UsageError as error:
        raise ModelError(f"{path}: {error}") from error
    if card.size_multiple % network.size_multiple or card.minimum_size < network.minimum_size:
        raise ModelError(
            f"{path}: the card promises sizes from {card.minimum_size} in steps of {card.size_multiple}, "
            f"but its {card.architecture} needs {network.minimum_size} and {network.size_multiple}."
        )
    return network


def _build_text_encoder(path: Path, card: Card) -> TextEncoder:
    assert card.text is not None
    try:
        with torch.random.fork_rng(devices=[]):  # its first weights are thrown away, and cost no numbers
            encoder = build_text_encoder(card.text.encoder, **card.text.arguments)
    except UsageError as error:
        raise ModelError(f"{path}: {error}") from error
    if encoder.size != card.arguments.get("embedding"):
        raise ModelError(
            f"{path}: the card's text encoder gives {encoder.size} numbers, but the network takes "
            f"{card.arguments.get('embedding')}."
        )
    return encoder


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} can't be read: {error}") from error


def _fill(path: Path, network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    expected = network.state_dict()
    problems = {
        "missing": sorted(expected.keys() - weights.keys()),
        "unknown": sorted(weights.keys() - expected.keys()),
        "of another shape": [
            f"{key} ({_shape(weights[key])}, not {_shape(value)})"
            for key, value in expected.items()
            if key in weights and weights[key].shape != value.shape
        ],
    }
    found = [f"{len(keys)} {kind}: {_some(keys)}" for kind, keys in problems.items() if keys]
    if found:
        raise ModelError(f"{path}: the weights don't fit the network on the card: {'; '.join(found)}.")
    network.load_state_dict({key: weights[key].to(expected[key].dtype) for key in expected}, assign=True)


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a number"


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - _SHOWN_KEYS} more" if len(keys) > _SHOWN_KEYS else ""
    return ", ".join(keys[:_SHOWN_KEYS]) + more
