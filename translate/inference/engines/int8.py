"""A network in 8-bit integers, calibrated on the pictures at hand and measured on others of them.

Weights and activations of convolutions are rounded to 8 bits, the former for each output channel, the latter
between the extremes that calibration saw (Jacob et al. 2018, "Quantization and training of neural networks
for efficient integer-arithmetic-only inference", §2); ONNX Runtime's quantiser writes that, OpenVINO or ONNX
Runtime runs it. Everything between the convolutions stays float32.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from translate import images
from translate.errors import BadImage, ModelError, OutputError, TranslateError, UsageError
from translate.files import explain, replacing
from translate.inference.engines.engine import Engine, cache_folder, export_once
from translate.inference.engines.runtimes import RUNTIMES, Run
from translate.weights.card import Card
from translate.weights.exporters.onnx import input_names, require_onnx, torch_answer
from translate.weights.model_file import Model

LEAST_DB = 35.0  # of the worst picture: a root mean square of 4.5 grey levels
FEWEST, MOST = 8, 16  # pictures; every second one calibrates, the others are what is measured
_SIDE = 512  # pixels; of larger pictures the middle
_BACKENDS = ("openvino", "onnx")


def runtime_of(backend: str) -> str:
    """The name of the runtime that a backend stands for.

    Raises:
        UsageError: it has no 8-bit integers, or isn't installed.
    """
    installed = [name for name in _BACKENDS if RUNTIMES[name].installed]
    if backend not in ("auto", *_BACKENDS):
        raise UsageError(f"the backend {backend} has no int8; take --backend openvino or onnx.")
    if not installed or backend not in ("auto", *installed):
        missing = RUNTIMES["openvino" if backend == "auto" else backend]
        raise UsageError(
            f"int8 needs {missing.package}, which isn't installed: "
            f"pip install 'image-translate[{missing.extra}]'"
        )
    return installed[0] if backend == "auto" else backend


def inputs_of(
    pictures: Sequence[Path], card: Card, prepare: Callable[[np.ndarray], np.ndarray]
) -> list[np.ndarray]:
    """What the network is given of up to `MOST` pictures from all over the list; unreadable ones are left.

    Args:
        prepare: from uint8 pixels (H, W, C) to float32 (1, C, H, W).

    Raises:
        UsageError: fewer than `FEWEST` can be read, or the model is given more than a picture.
    """
    if input_names(card) != ("image",) or card.mask or card.classes:
        raise UsageError("int8 is for models that are given a photograph alone; leave --precision out.")
    found = []
    for number in range(0, len(pictures), max(1, len(pictures) // MOST)):
        with contextlib.suppress(BadImage):
            found.append(prepare(_middle(images.read(pictures[number]).pixels)))
        if len(found) == MOST:
            break
    if len(found) < FEWEST:
        raise UsageError(
            f"int8 is calibrated and measured on at least {FEWEST} of the pictures to convert, and "
            f"{len(found)} could be read; leave --precision out."
        )
    return found


def _middle(pixels: np.ndarray) -> np.ndarray:
    top, left = (max(0, size - _SIDE) // 2 for size in pixels.shape[:2])
    return pixels[top : top + _SIDE, left : left + _SIDE]


def open_int8(model: Model, name: str, inputs: Sequence[np.ndarray]) -> tuple[Engine, str]:
    """Have the runtime `name` run the model in 8 bits; with a sentence that says how well.

    The quantised file is kept in the user's cache folder, for this model and these calibrating pictures.

    Args:
        inputs: float32 (1, C, H, W) as the network takes them; every second one calibrates.

    Raises:
        ModelError: it can't be done, or on one of the other pictures the result is less than `LEAST_DB` from
            float32's.
        OutputError: there is no place for the file.
    """
    require_onnx()
    calibrating, others = inputs[::2], inputs[1::2]
    digest = hashlib.blake2b(digest_size=8)
    for picture in calibrating:
        digest.update(np.ascontiguousarray(picture).data)
    folder = cache_folder(model)
    path = folder / f"int8-{digest.hexdigest()}.onnx"
    try:
        if not path.exists():
            export_once(model, name, folder / "model.onnx")
            _quantise(folder / "model.onnx", path, calibrating)
        run = RUNTIMES[name].open(path, ("image",), torch.get_num_threads())
        found, difference = _quality(model, run, others)
    except TranslateError:
        raise
    except OSError as error:
        raise OutputError(f"the network in 8 bits can't be written to {folder}: {explain(error)}") from error
    except Exception as error:  # each runtime has exceptions of its own
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"this {model.card.architecture} can't be run in 8 bits by {name}: {lines[0]}; "
            "leave --precision out."
        ) from error
    if not found >= LEAST_DB:
        raise ModelError(
            f"in 8 bits the model's pictures would be {found:.1f} dB from what they are, less than "
            f"{LEAST_DB:g} (PSNR of the worst of {len(others)}); leave --precision out."
        )
    return Engine(f"{name} int8", difference, run), (
        f"int8 by {name}: {found:.1f} dB from float32 (PSNR of the worst of {len(others)} pictures that "
        "were not calibrated with)"
    )


def _quality(model: Model, run: Run, pictures: Sequence[np.ndarray]) -> tuple[float, float]:
    """PSNR of the worst picture, and the largest difference, from torch's answers."""
    low, high = model.card.value_range
    worst, largest = float("inf"), 0.0
    for picture in pictures:
        error = run([picture]) - torch_answer(model, [torch.from_numpy(picture)]).numpy()
        mean_square = float(np.square(error, dtype=np.float64).mean())
        worst = min(worst, 10 * np.log10((high - low) ** 2 / max(mean_square, 1e-12)))
        largest = max(largest, float(np.abs(error).max()))
        if not np.isfinite(mean_square):
            return -float("inf"), float("inf")
    return worst, largest


def _quantise(source: Path, target: Path, pictures: Sequence[np.ndarray]) -> None:
    quantization: Any = import_module("onnxruntime.quantization")

    class Pictures(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._left = iter(pictures)

        def get_next(self) -> dict[str, np.ndarray] | None:
            picture = next(self._left, None)
            return None if picture is None else {"image": picture}

    with replacing(target) as temporary, _quiet():
        quantization.quantize_static(
            str(source),
            str(temporary),
            Pictures(),
            per_channel=True,
            op_types_to_quantize=["Conv", "ConvTranspose"],
            extra_options={"WeightSymmetric": True},
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the quantiser from recommending what a user can do nothing about."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)
