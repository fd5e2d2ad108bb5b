"""What a training would be, found out without starting it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from translate.config import Recipe
from translate.data.loading import TrainingData
from translate.data.naming import name_of
from translate.networks.backbones import Frozen
from translate.networks.catalogue import parameter_count
from translate.networks.reference import WithReference
from translate.translators.base import Batch, Translator
from translate.translators.catalogue import build_translator, channels, needed_weights


def plan(recipe: Recipe, data: TrainingData, steps: int, weights_dir: Path | None = None) -> dict[str, Any]:
    """Everything that `--dry-run` prints: recipe, data, networks, and the memory of one step.

    Raises:
        UsageError: the networks can't be built, or the pictures are too small for them.
        ModelError: weights of a backbone are not in `weights_dir`, or aren't the right ones.
    """
    with torch.device("meta"):
        translator = build_translator(recipe)
    held_out = data.held_out
    return {
        "recipe": recipe.model_dump(mode="json"),
        "data": {**data_facts(data), "held_out": len(held_out) if held_out else 0},
        "networks": {
            name: {"name": _kind(network), "parameters": parameter_count(network)}
            for name, network in translator.networks.items()
        },
        "frozen": _frozen(translator),
        "files": {
            name: {"url": file.url, "bytes": file.size, "path": str(path), "there": there}
            for name, (file, path, there) in needed_weights(translator, weights_dir).items()
        },
        "steps": steps,
        "epochs": round(steps / data.steps_per_epoch, 2),
        "memory_bytes": step_memory(translator, recipe),
    }


def _kind(network: nn.Module) -> str:
    return type(network.network if isinstance(network, WithReference) else network).__name__


def _frozen(translator: Translator) -> dict[str, int]:
    """Backbones that don't learn, and of how many numbers they are."""
    backbones = [part for part in translator.modules() if isinstance(part, Frozen)]
    return {backbone.name: sum(buffer.numel() for buffer in backbone.buffers()) for backbone in backbones}


def data_facts(data: TrainingData) -> dict[str, Any]:
    """What the training pictures are, for the plan and the model's card; no path beyond the folder's name."""
    sizes = data.train.sizes
    return {
        "name": name_of(data.layout.root),
        "layout": data.layout.kind,
        "domains": data.domains,
        "train": {"a": sizes[0], "b": sizes[0] if sizes[1] is None else sizes[1]},
        "steps_per_epoch": data.steps_per_epoch,
    } | ({"digest_of_captions": _digest(data.captions)} if data.kind == "captioned" else {})


def _digest(captions: Iterable[str]) -> str:
    """The same for the same captions in the same order; says nothing of what they say."""
    return hashlib.sha256(json.dumps(list(captions)).encode()).hexdigest()[:16]


def _empty_batch(recipe: Recipe) -> Batch:
    data = recipe.data
    a, b = (
        torch.empty(data.batch_size, planes, size, size, device="meta")
        for planes, size in zip(channels(recipe), (data.size // data.scale, data.size), strict=True)
    )
    labels = torch.empty(data.batch_size, dtype=torch.long, device="meta") if data.labels else None
    texts = [(text,) * data.batch_size if recipe.kind == "captioned" else None for text in ("one", "another")]
    return Batch(a, b, label_a=labels, label_b=labels, text_a=texts[0], text_b=texts[1])


def step_memory(translator: Translator, recipe: Recipe) -> int:
    """Bytes that a training step needs, from a trial on the meta device, which computes nothing.

    Weights, gradients, both moments of Adam and the averages, what doesn't learn (frozen backbones, means),
    and what the phases keep for their backward passes. Scratch memory of the convolutions and the framework's
    own is not in it.
    """
    weights = sum(parameter.nbytes for parameter in translator.parameters())
    averaged = sum(
        parameter.nbytes for name in translator.served for parameter in translator.networks[name].parameters()
    )
    fixed = sum(buffer.nbytes for buffer in translator.buffers())
    own = {tensor.untyped_storage()._cdata for tensor in (*translator.parameters(), *translator.buffers())}
    # Tensors are kept alive here, so that two of them can't share an address one after the other.
    kept: dict[int, torch.Tensor] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if (address := tensor.untyped_storage()._cdata) not in own:
            kept[address] = tensor
        return tensor

    batch = _empty_batch(recipe)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = translator(batch)
        graphs = [phase.loss(batch, out) for phase in translator.phases]
    activations = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    del graphs
    return 4 * weights + averaged + fixed + activations
