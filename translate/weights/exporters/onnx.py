"""A trained network as an ONNX file that any runtime runs, at any size and batch."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from translate.errors import ModelError, UsageError
from translate.files import replacing
from translate.weights.card import METADATA_KEY, Card
from translate.weights.model_file import Model
from translate.weights.onnx_file import OUTPUT, input_names, onnx_runtime

if TYPE_CHECKING:
    from torch.export import ExportedProgram

TOLERANCE = 1e-3  # of values in a range of 2: an eighth of a grey level
_NEEDED = ("onnx", "onnxruntime", "onnxscript")
_FIXED = 2  # the batch that is traced with; 1 would be taken for a constant


class _ByName(nn.Module):
    """A network whose inputs have names that tell what they are, for those who see nothing but the file."""

    def __init__(self, network: nn.Module, names: tuple[str, ...]):
        super().__init__()
        self.network = network
        self.names = names

    def forward(self, *inputs: Tensor) -> Tensor:
        given = dict(zip(self.names, inputs, strict=True))
        latent = {"latent": given.pop("latent")} if "latent" in given else {}
        return self.network(*given.values(), **latent)


def write_onnx(path: Path, model: Model, *, rewrite: Callable[[Path], None] = lambda exported: None) -> float:
    """Write `model` to `path`, whole or not at all, after comparing it with torch at three sizes.

    Batch, height and width are free; height and width are multiples of the card's `size_multiple`, from its
    `minimum_size` on. The metadata hold the card (`card`, JSON), and what a program needs that doesn't read
    it: `value_range`, `size_multiple`, `minimum_size` and `scale`.

    Args:
        rewrite: changes the exported file before it is compared.

    Returns:
        the largest difference from torch, of values in the card's range.

    Raises:
        UsageError: a package is missing.
        ModelError: torch can't export the network, or its answers differ by more than `TOLERANCE`.
        OutputError: the file can't be written.
    """
    require_onnx()
    with replacing(path) as temporary:
        _convert(model, temporary)
        rewrite(temporary)
        return _compared(model, temporary)


def require_onnx() -> None:
    """Refuse to go on without the packages.

    Raises:
        UsageError: naming the missing ones and the remedy.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"ONNX needs {' and '.join(missing)}, which aren't installed: pip install 'image-translate[onnx]'"
        )


def traced(model: Model) -> ExportedProgram:
    """The network as `torch.export` sees it, with free batch, height and width.

    Raises:
        ModelError: it does something that can't be traced.
    """
    names = input_names(model.card)
    multiple = model.card.size_multiple
    smallest = -(-max(model.card.minimum_size, 2 * multiple, 32) // multiple)
    side = {
        name: multiple * torch.export.Dim(name, min=2) if multiple > 1 else torch.export.Dim.DYNAMIC
        for name in ("height", "width")
    }
    free: list[dict[int, Any]] = [{0: torch.export.Dim.DYNAMIC} for _ in names]
    free[0] |= {2: side["height"], 3: side["width"]}
    inputs = example_inputs(model.card, _FIXED, smallest * multiple, (smallest + 1) * multiple)
    try:
        with torch.no_grad(), _quiet():
            return torch.export.export(
                _ByName(model.network, names), inputs, dynamic_shapes=(tuple(free),), strict=False
            )
    except Exception as error:  # torch has no common class for what tracing meets
        raise ModelError(
            f"torch can't export this {model.card.architecture}: {_first_line(error)}"
        ) from error


def _convert(model: Model, path: Path) -> None:
    program = traced(model)
    names = input_names(model.card)
    try:
        with torch.no_grad(), _quiet():
            converted = torch.onnx.export(
                program, dynamo=True, input_names=list(names), output_names=[OUTPUT], verbose=False
            )
    except Exception as error:
        raise ModelError(
            f"ONNX has no way to say what this {model.card.architecture} does: {_first_line(error)}"
        ) from error
    assert converted is not None
    card = model.card
    converted.model.metadata_props.update(
        {
            METADATA_KEY: card.model_dump_json(),
            "value_range": f"{card.value_range[0]:g} {card.value_range[1]:g}",
            "size_multiple": str(card.size_multiple),
            "minimum_size": str(card.minimum_size),
            "scale": str(card.scale),
        }
    )
    converted.save(path, external_data=False)


def _compared(model: Model, path: Path) -> float:
    """The largest difference between ONNX Runtime and torch at three sizes and batches."""
    session = onnx_runtime().InferenceSession(str(path), providers=["CPUExecutionProvider"])
    card, names = model.card, input_names(model.card)
    first = -(-max(card.minimum_size, 2 * card.size_multiple) // card.size_multiple)

    def run(inputs: Sequence[np.ndarray]) -> np.ndarray:
        return session.run([OUTPUT], dict(zip(names, inputs, strict=True)))[0]

    sizes = [
        (batch, (first + rows) * card.size_multiple, (first + columns) * card.size_multiple)
        for batch, rows, columns in ((1, 0, 0), (2, 1, 3), (1, 3, 2))
    ]
    worst = largest_difference(model, run, sizes)
    low, high = card.value_range
    most = TOLERANCE * (high - low) / 2
    if not worst <= most:
        raise ModelError(
            f"the exported network's answers differ from torch's by {worst:.2g}, more than {most:g}; "
            "nothing was written."
        )
    return worst


def largest_difference(
    model: Model,
    run: Callable[[Sequence[np.ndarray]], np.ndarray],
    sizes: Sequence[tuple[int, int, int]],
) -> float:
    """Between torch's answers and those of `run`, for inputs of (batch, height, width); NaN if one is NaN."""
    differences = []
    for size in sizes:
        inputs = example_inputs(model.card, *size)
        answer = torch.from_numpy(run([part.numpy() for part in inputs]))
        differences.append((answer - torch_answer(model, inputs)).abs().max())
    return float(torch.stack(differences).max())


def torch_answer(model: Model, inputs: Sequence[Tensor]) -> Tensor:
    """What torch makes of the inputs, in the order of `input_names`."""
    with torch.inference_mode():
        return _ByName(model.network, input_names(model.card))(*inputs)


def example_inputs(card: Card, batch: int, height: int, width: int) -> tuple[Tensor, ...]:
    """Some input of each kind, the same ones every time; in the order of `input_names`."""
    source = torch.Generator().manual_seed(0)
    low, high = card.value_range
    image = (
        torch.rand(batch, card.channels[0] + card.mask, height, width, generator=source) * (high - low) + low
    )
    if card.mask:
        image[:, -1] = torch.where(image[:, -1] > 0, 1.0, -1.0)
    inputs = [image]
    if card.labels:
        inputs.append(torch.arange(batch) % len(card.labels))
    if card.text:
        inputs.append(torch.randn(batch, int(card.arguments["embedding"] or 0), generator=source))
    if card.latent:
        inputs.append(torch.randn(batch, card.latent, generator=source))
    return tuple(inputs)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's exporter from talking to a user who can do nothing about it."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip() if lines else type(error).__name__
