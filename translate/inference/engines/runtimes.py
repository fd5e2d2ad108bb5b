"""The runtimes: ONNX Runtime, OpenVINO and MNN, each from an ONNX file to a function of arrays."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from translate.errors import ModelError
from translate.files import replacing
from translate.weights.onnx_file import onnx_runtime

# Inputs in the order of the file's, float32 or int64, to the output, float32.
Run = Callable[[Sequence[np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class Runtime:
    """A way to run an ONNX file.

    Attributes:
        package: what is imported; `extra` of `image-translate` installs it.
        open: (file, names of its inputs, threads) to a `Run`; may raise whatever the runtime raises.
    """

    package: str
    extra: str
    open: Callable[[Path, tuple[str, ...], int], Run]

    @property
    def installed(self) -> bool:
        return find_spec(self.package) is not None


def _onnx_runtime(path: Path, names: tuple[str, ...], threads: int) -> Run:
    onnxruntime = onnx_runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, dict(zip(names, inputs, strict=True)))[0]


def _openvino(path: Path, names: tuple[str, ...], threads: int) -> Run:
    import openvino

    core = openvino.Core()
    # Half precision and bfloat16 are its defaults where a processor has them.
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(path), "CPU", settings)
    # A copy, because the runtime writes its next answer into the same memory.
    return lambda inputs: compiled(dict(zip(names, inputs, strict=True)))[0].copy()


def _mnn(path: Path, names: tuple[str, ...], threads: int) -> Run:
    if names != ("image",):
        raise ModelError(f"MNN is used for models that are given a picture alone, not {', '.join(names)}")
    converted = path.with_suffix(".mnn")
    if not converted.exists():
        with replacing(converted) as temporary:
            _to_mnn(path, temporary)
    settings = {"numThread": threads, "backend": 0, "precision": "high"}
    with _silent():
        mnn: Any = import_module("MNN")
        manager = mnn.nn.create_runtime_manager((settings,))
        module = mnn.nn.load_module_from_file(str(converted), ["image"], ["output"], runtime_manager=manager)

    def run(inputs: Sequence[np.ndarray]) -> np.ndarray:
        (image,) = inputs
        given = mnn.expr.placeholder(list(image.shape), mnn.expr.NCHW)
        given.write(np.ascontiguousarray(image))
        return np.array(mnn.expr.convert(module.forward([given])[0], mnn.expr.NCHW).read())

    return run


def _to_mnn(path: Path, target: Path) -> None:
    """Convert by the package's own converter, but not through `MNN.tools`: that reports to its makers."""
    arguments = ["mnnconvert", "-f", "ONNX", "--modelFile", str(path), "--MNNModel", str(target)]
    with _silent():
        import _tools  # pyright: ignore[reportMissingImports] (MNN's, beside it)

        _tools.mnnconvert([*arguments, "--bizCode", "translate"])
    if not target.exists():
        raise ModelError("MNN's converter made nothing of it")


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Nothing on stdout, which C++ writes to as well and which is for results."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


RUNTIMES: dict[str, Runtime] = {
    "onnx": Runtime("onnxruntime", "onnx", _onnx_runtime),
    "openvino": Runtime("openvino", "openvino", _openvino),
    "mnn": Runtime("MNN", "mnn", _mnn),
}


def ran_out_of_memory(error: Exception) -> bool:
    """Whether a runtime says so, each in words of its own."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or "alloc" in words or "out of memory" in words


def first_line(error: Exception) -> str:
    """What a runtime says, without the stack that some add."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip() if lines else type(error).__name__
