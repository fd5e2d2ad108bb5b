"""Which engine is fastest for a model on this machine: measured once, and remembered."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from math import log2
from pathlib import Path
from typing import Any

import torch

from translate.errors import OutputError, TranslateError
from translate.files import replacing
from translate.inference.ahead import Ahead
from translate.inference.engines.engine import Engine, cache_folder, open_engine, seconds
from translate.inference.engines.runtimes import RUNTIMES
from translate.weights.exporters.onnx import example_inputs, torch_answer
from translate.weights.model_file import Model

FEWEST = 8  # pictures: for fewer not even a remembered engine is worth opening
WORTH_SECONDS = 60.0  # of torch: what takes less is done sooner than measured
_SMALLEST, _LARGEST = 64, 512  # pixels of the side of the picture that is measured with


def choose_engine(model: Model, work: Ahead) -> tuple[Engine | None, str | None]:
    """The fastest engine for a model, None for torch itself, and a sentence where something was measured.

    It is measured with pictures of about the size of those at hand. What was measured is remembered for this
    model, this size, this number of threads and these versions. Where nothing is remembered, it is measured
    only if torch would take more than `WORTH_SECONDS` for the work. Fewer than `FEWEST` pictures are left to
    torch at once.
    """
    candidates = [name for name, runtime in RUNTIMES.items() if runtime.installed]
    if not candidates or work.pictures < FEWEST:
        return None, None
    side = min(max(2 ** round(log2(work.side)), _SMALLEST), _LARGEST)
    memory = cache_folder(model) / f"fastest-{side}.json"
    state = _state(candidates)
    remembered = _remembered(memory, state)
    if remembered is not None:
        return _opened(model, remembered), None
    inputs = _example(model, side)
    of_torch = _seconds_of_torch(model, inputs)
    if work.pictures * of_torch * (work.side / side) ** 2 < WORTH_SECONDS:
        return None, None
    found = {name: _measured(model, name, inputs) for name in candidates}
    times = {"torch": of_torch} | {name: time for name, time in found.items() if time}
    fastest = min(times, key=times.__getitem__)
    _remember(memory, {**state, "fastest": fastest, "seconds": times})
    said = ", ".join(f"{name} {time:.2g} s" for name, time in times.items())
    return _opened(
        model, fastest
    ), f"the fastest backend for this model is {fastest} ({said} a picture of {side}×{side})"


def _state(candidates: list[str]) -> dict[str, Any]:
    """What a measurement holds for."""
    return {
        "threads": torch.get_num_threads(),
        "processors": os.cpu_count(),
        "versions": {name: _version(name) for name in ("torch", *candidates)},
    }


def _version(name: str) -> str:
    package = RUNTIMES[name].package if name in RUNTIMES else name
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _remembered(path: Path, state: dict[str, Any]) -> str | None:
    try:
        content = json.loads(path.read_text())
        known = all(content[key] == value for key, value in state.items())
        return str(content["fastest"]) if known else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(path: Path, content: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n")
    except (OSError, OutputError):
        pass  # a cache that can't be written costs a measurement, not a conversion


def _opened(model: Model, name: str) -> Engine | None:
    if name not in RUNTIMES:
        return None
    try:
        return open_engine(model, name)
    except TranslateError:
        return None


def _measured(model: Model, name: str, inputs: Sequence[torch.Tensor]) -> float | None:
    """Seconds a picture; None of an engine that can't run the model."""
    try:
        engine = open_engine(model, name)
    except TranslateError:
        return None
    return seconds(engine.run, [part.numpy() for part in inputs])


def _seconds_of_torch(model: Model, inputs: Sequence[torch.Tensor]) -> float:
    return seconds(lambda _: torch_answer(model, inputs).numpy(), (), rounds=1)


def _example(model: Model, side: int) -> tuple[torch.Tensor, ...]:
    """A picture of that side, or of the next one that the network takes, and what it is asked with."""
    card = model.card
    side = -(-max(side, card.minimum_size) // card.size_multiple) * card.size_multiple
    return example_inputs(card, 1, side, side)
