"""Generators as state dicts that pytorch-CycleGAN-and-pix2pix or CUT load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor

from translate.errors import UsageError
from translate.files import replacing
from translate.weights.card import Card
from translate.weights.importers.layouts import SMALLEST_UNET, Layer, filter_rows, layers

Format = Literal["junyanz", "cut"]
FORMATS: dict[Format, str] = {"junyanz": "pytorch-CycleGAN-and-pix2pix", "cut": "CUT"}
BLOCKS: dict[Format, tuple[int, ...]] = {"junyanz": (6, 9), "cut": (4, 6, 9)}
UNET_DEPTHS = (7, 8)  # unet_128 and unet_256
_FIELDS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
# What our networks can do and those can't, with the value that they have.
_PLAIN = {"masked": False, "attention": False, "spectral": False, "classes": 0, "embedding": 0, "latent": 0}
_UPSAMPLING: dict[Format, tuple[str, ...]] = {"junyanz": ("transpose",), "cut": ("transpose", "blur")}


def reference_weights(card: Card, weights: Mapping[str, Tensor], form: Format) -> dict[str, Tensor]:
    """A state dict with the keys, shapes and order of the reference tool's network.

    Args:
        weights: a state dict of the network that the card names; its numbers are taken over as they are.

    Raises:
        UsageError: that tool's code has no such network; the message says what it lacks.
    """
    _require_expressible(card, form)
    table = layers(card.architecture, card.arguments)
    return dict(_renamed(table, weights))


def write_reference(path: Path, card: Card, weights: Mapping[str, Tensor], form: Format) -> None:
    """Write `reference_weights` to a `.pth` file, whole or not at all.

    Raises:
        UsageError: see `reference_weights`.
        OutputError: it can't be written.
    """
    state = reference_weights(card, weights, form)
    with replacing(path) as temporary:
        torch.save(state, temporary)


def reference_options(card: Card, form: Format) -> list[str]:
    """The flags by which the reference tool builds that network: `--netG unet_128`, …"""
    arguments = cast(Mapping[str, Any], card.arguments)
    kind = "unet" if card.architecture == "unet" else "resnet"
    name = f"unet_{2 ** arguments['depth']}" if kind == "unet" else f"resnet_{arguments['depth']}blocks"
    norm = "--normG" if form == "cut" else "--norm"
    flags = ["--model", "colorization"] if card.colour_space == "lab" else []
    flags += ["--netG", name, "--ngf", str(arguments["width"]), norm, str(arguments["norm"])]
    for flag, key in (("--input_nc", "in_channels"), ("--output_nc", "out_channels")):
        flags += [flag, str(arguments.get(key) or 3)]
    if not arguments.get("dropout"):
        flags += ["--no_dropout", "true"] if form == "cut" else ["--no_dropout"]
    if form == "cut" and kind == "resnet":
        flags += [] if arguments.get("antialias") else ["--no_antialias"]
        flags += [] if arguments.get("upsampling") == "blur" else ["--no_antialias_up"]
    if arguments["norm"] == "batch" and card.norm_statistics == "running":
        flags += ["--eval"]
    return flags


def _renamed(table: list[Layer], weights: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    following = dict(pairwise(table))
    before = None
    for layer in table:
        if layer.kind == "filter":
            yield f"{layer.theirs}.filt", _filter(layer, before, following[layer], weights)
        for field in _FIELDS:
            if f"{layer.ours}.{field}" in weights:
                # A copy of its own memory: a view would be saved with all of what it is a view of.
                yield f"{layer.theirs}.{field}", weights[f"{layer.ours}.{field}"].detach().clone()
        if layer.kind == "convolution":
            before = layer


def _filter(layer: Layer, before: Layer | None, after: Layer, weights: Mapping[str, Tensor]) -> Tensor:
    """The constants of an anti-aliasing filter, one for each channel, (C, 1, n, n)."""
    assert before is not None
    row, gain = filter_rows(layer)
    halving = layer.ours.startswith("encoder")
    channels = (
        weights[f"{before.ours}.weight"].shape[0] if halving else weights[f"{after.ours}.weight"].shape[1]
    )
    kernel = torch.outer(torch.tensor(row), torch.tensor(row))
    return (kernel / kernel.sum() * gain).expand(channels, 1, -1, -1).clone()


def _require_expressible(card: Card, form: Format) -> None:
    reason = _lacking(card, form)
    if reason:
        raise UsageError(f"the model can't be written for {FORMATS[form]}, whose code has {reason}.")


def _lacking(card: Card, form: Format) -> str | None:
    """What the reference code has no way to say, or None."""
    arguments = card.arguments
    if card.architecture not in ("unet", "resnet"):
        return f"no network like {card.architecture}, but U-Nets and ResNets alone"
    for key, plain in _PLAIN.items():
        if (arguments.get(key) or plain) != plain:
            return f"no generator with {key}"
    if card.classes:
        return "no inputs that are maps of classes"
    if card.colour_space == "lab" and form == "cut":
        return "no colorization in Lab; pytorch-CycleGAN-and-pix2pix has: --format junyanz"
    if card.mask:
        return "no inputs with a mask"
    if card.value_range != (-1.0, 1.0):
        return "no values but those from -1 to 1"
    if arguments.get("norm") not in ("batch", "instance"):
        return f"no generator with the norm {arguments.get('norm')} and biases"
    return _lacking_shape(card.architecture, arguments, form)


def _lacking_shape(architecture: str, arguments: Mapping[str, Any], form: Format) -> str | None:
    depth, upsampling = arguments["depth"], arguments.get("upsampling", "transpose")
    filtered = "; CUT has: --format cut" if form == "junyanz" and architecture == "resnet" else ""
    if upsampling not in ("transpose", *(("blur",) if architecture == "resnet" else ())):
        return f"no upsampling by {upsampling}"
    if upsampling not in _UPSAMPLING[form] or (arguments.get("antialias") and form == "junyanz"):
        return f"no anti-aliasing filters{filtered}"
    if architecture == "unet" and depth not in UNET_DEPTHS:
        least = f", and none of less than {SMALLEST_UNET}" if depth < SMALLEST_UNET else ""
        return f"no name for a U-Net of {depth} halvings (unet_128 has 7, unet_256 8{least})"
    if architecture == "resnet" and depth not in BLOCKS[form]:
        *some, last = map(str, BLOCKS[form])
        return f"no name for a ResNet of {depth} blocks, but for {', '.join(some)} and {last}"
    return None
