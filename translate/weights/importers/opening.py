"""A file of another tool as what our own model files hold: a card and weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

import translate
from translate.errors import ModelError
from translate.files import explain
from translate.weights.card import Card
from translate.weights.importers import names
from translate.weights.importers.found import Found
from translate.weights.importers.generators import recognise_generator
from translate.weights.importers.options import Options, contradictions, find_domains, read_options
from translate.weights.importers.reading import read_weights
from translate.weights.importers.refused import refuse_discriminator, unknown
from translate.weights.importers.superres import recognise_superres

_METHODS = {"cycle_gan": "cyclegan", "pix2pix": "pix2pix", "colorization": "colorization", "cut": "cut"}
_TRAINED_AT = 256  # crops of the reference tools, unless their options say otherwise


@dataclass(frozen=True)
class Imported:
    """Another tool's model.

    Attributes:
        card: `card.origin` says where it comes from.
        weights: a state dict of the network that the card names.
        notes: what a person should know, one sentence each.
    """

    card: Card
    weights: Mapping[str, Tensor]
    notes: tuple[str, ...] = ()


def open_foreign(path: str | Path) -> Imported:
    """Recognise the network in a file of another tool, and describe it.

    Architecture, width, blocks, norm, dropout and channels come from the weights; an options file beside it
    says the rest, and where it says something else than the weights, `notes` does, too.

    Raises:
        ModelError: see `reading.read_weights`; a discriminator or a network that translate doesn't know.
    """
    path = Path(path)
    weights = read_weights(path)
    refuse_discriminator(path, weights)
    found = recognise_generator(path, weights) or recognise_superres(weights)
    if found is None:
        from translate.weights.importers.spandrel import recognise_spandrel

        found = recognise_spandrel(path, weights)
    if found is None:
        raise unknown(path, weights)
    options = read_options(path)
    if found.architecture == "unet" and options.flag("no_dropout"):
        found = replace(found, arguments=found.arguments | {"dropout": 0.0})
    notes = contradictions(options, found.architecture, found.arguments, names.direction(path))
    if options["model"] == "colorization" and not _colours(found):
        channels = f"{found.arguments['in_channels']} channels to {found.arguments['out_channels']}"
        notes += (
            f"{options.file} says model colorization, from 1 channel to 2, but the weights are of {channels}",
        )
    return Imported(_card(path, found, options, notes), found.weights, notes)


def _card(path: Path, found: Found, options: Options, notes: tuple[str, ...]) -> Card:
    return Card(
        architecture=found.architecture,
        arguments=found.arguments,
        translator=_METHODS.get(
            options["model"] or "", "colorization" if _colours(found) else found.translator
        ),
        direction="b2a" if names.direction(path) == "b2a" else "a2b",
        domains=dict(zip(("a", "b"), _domains(path, found, options), strict=True)),
        classes=_classes(found, options),
        colour_space="lab" if _colours(found) else "rgb",
        value_range=found.value_range,
        size_multiple=found.sizes[0],
        minimum_size=found.sizes[1],
        norm_statistics=_norm_statistics(found),
        recipe={"data": _data(found, options)},
        origin=_origin(path, found, options, notes),
        versions={"translate": translate.__version__, "torch": torch.__version__},
    )


def _domains(path: Path, found: Found, options: Options) -> tuple[str, str]:
    if _restores(found):
        return ("small", "large") if found.arguments["scale"] > 1 else ("damaged", "restored")
    return find_domains(path, options)


def _classes(found: Found, options: Options) -> tuple[str, ...]:
    """Of a network that takes maps of labels without edges of instances: the labels, as grey levels."""
    count = options.number("label_nc") or 0
    plain = options.flag("no_instance") and count > 1 and found.arguments["in_channels"] == count
    return tuple(map(str, range(count))) if plain else ()


def _colours(found: Found) -> bool:
    """From one channel to two: lightness to colours, as the reference tool's colorization has it."""
    return (found.arguments["in_channels"], found.arguments["out_channels"]) == (1, 2)


def _restores(found: Found) -> bool:
    return "scale" in found.arguments


def _norm_statistics(found: Found) -> Literal["batch", "running"]:
    """The reference tools convert in training mode, one picture at a time, so batch norm sees it alone."""
    return "batch" if found.arguments.get("norm") == "batch" else "running"


def _data(found: Found, options: Options) -> dict[str, Any]:
    """How it was trained, in the words of our recipes; evaluating looks there."""
    if _restores(found):
        return (
            {"task": "downscale", "scale": found.arguments["scale"]} if found.arguments["scale"] > 1 else {}
        )
    task = {"task": "colorize"} if _colours(found) else {}
    usual = 2 ** found.arguments["depth"] if found.architecture == "unet" else _TRAINED_AT
    size = options.number("crop_size") or options.number("fineSize") or usual
    return {"size": size, "direction": "b2a" if options.swapped else "a2b"} | task


def _origin(path: Path, found: Found, options: Options, notes: tuple[str, ...]) -> dict[str, Any]:
    facts = {
        "tool": found.tool,
        "file": path.name,
        "sha256": _digest(path),
        "epoch": names.epoch(path),
        "options": options.file,
        "experiment": options["name"],
        "averages": None if found.running else "none in the file",
        "assumed": "; ".join(_assumed(found, options)),
        "contradictions": "; ".join(notes),
    }
    return {key: value for key, value in facts.items() if value}


def _assumed(found: Found, options: Options) -> tuple[str, ...]:
    return () if options["no_dropout"] is not None else found.assumed


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} can't be read: {explain(error)}.") from error
