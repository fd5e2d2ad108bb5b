"""A model's network run by another runtime, checked against torch before it is used."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from platformdirs import user_cache_path
from torch import Tensor

import translate
from translate.errors import ModelError, OutputError, TranslateError, UsageError
from translate.files import explain
from translate.inference.engines.runtimes import RUNTIMES, Run, first_line, ran_out_of_memory
from translate.weights.exporters.onnx import largest_difference, require_onnx, write_onnx
from translate.weights.model_file import Model
from translate.weights.onnx_file import input_names

TOLERANCE = 4e-3  # of values in a range of 2: half a grey level


@dataclass(frozen=True)
class Engine:
    """Stands in for a network: `engine(image, condition=None, latent=None)`, tensors on the CPU.

    Attributes:
        name: of the runtime.
        difference: the largest one from torch that was seen, of values in the card's range.
    """

    name: str
    difference: float
    run: Run

    def __call__(
        self, image: Tensor, condition: Tensor | None = None, latent: Tensor | None = None
    ) -> Tensor:
        """float32 (B, C, H, W) to (B, C', scale · H, scale · W); see `Generator`."""
        given = [part for part in (image, condition, latent) if part is not None]
        try:
            return torch.from_numpy(self.run([part.contiguous().numpy() for part in given]))
        except Exception as error:  # each runtime has exceptions of its own
            if ran_out_of_memory(error):
                raise MemoryError(str(error)) from error
            raise ModelError(f"{self.name} can't run the network: {first_line(error)}") from error


def open_engine(model: Model, name: str) -> Engine:
    """Have `name` of `RUNTIMES` run the model's network with as many threads as torch has.

    The first time this exports the network, which takes from seconds to half a minute; the file is kept in
    the user's cache folder.

    Raises:
        UsageError: the runtime isn't installed.
        ModelError: it can't run this network, or its answers differ from torch's by more than `TOLERANCE`.
    """
    runtime = RUNTIMES[name]
    if not runtime.installed:
        raise UsageError(
            f"the backend {name} needs {runtime.package}, which isn't installed: "
            f"pip install 'image-translate[{runtime.extra}]'"
        )
    path = cache_folder(model) / "model.onnx"
    known = path.exists()
    try:
        run, difference = _opened(model, name, path)
    except ModelError:
        if not known:
            raise
        for file in (path, path.with_suffix(".mnn")):  # which may be damaged
            file.unlink(missing_ok=True)
        run, difference = _opened(model, name, path)
    low, high = model.card.value_range
    if not difference <= TOLERANCE * (high - low) / 2:
        raise ModelError(
            f"the backend {name} answers otherwise than torch, by {difference:.2g}; use --backend torch."
        )
    return Engine(name, difference, run)


def cache_folder(model: Model) -> Path:
    """Where what is made of a model is kept: one folder for each card, weights and versions."""
    made_by = f"{translate.__version__} {torch.__version__} {model.card.model_dump_json()}"
    digest = hashlib.blake2b(made_by.encode(), digest_size=16)
    for key, value in model.network.state_dict().items():
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return user_cache_path("image-translate") / "engines" / digest.hexdigest()


def seconds(run: Run, inputs: Sequence[np.ndarray], rounds: int = 3) -> float:
    """The shortest time of a call, the first of which doesn't count."""
    times = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        run(inputs)
        times.append(time.perf_counter() - started)
    return min(times[1:])


def export_once(model: Model, name: str, path: Path) -> None:
    """Write the model to `path` for the backend `name`, unless it is there.

    Raises:
        UsageError, ModelError: see `write_onnx`.
        OutputError: there is no place for it.
    """
    if path.exists():
        return
    require_onnx()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path.parent} can't be made, where the backend {name} keeps files: {explain(error)}; set "
            "XDG_CACHE_HOME to a folder that can be written, or use --backend torch."
        ) from error
    write_onnx(path, model)


def _opened(model: Model, name: str, path: Path) -> tuple[Run, float]:
    """The runtime at work, and how far its answers are from torch's."""
    export_once(model, name, path)
    try:
        run = RUNTIMES[name].open(path, input_names(model.card), torch.get_num_threads())
        return run, _difference(model, run)
    except TranslateError:
        raise
    except Exception as error:  # each runtime has exceptions of its own
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"the backend {name} can't run this {model.card.architecture}: {lines[0]}; use --backend torch."
        ) from error


def _difference(model: Model, run: Run) -> float:
    card = model.card
    side = 2 * max(card.minimum_size, card.size_multiple)
    sizes = ((1, side, side + card.size_multiple), (2, side + card.size_multiple, side))
    return largest_difference(model, run, sizes)
