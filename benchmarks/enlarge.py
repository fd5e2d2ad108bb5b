"""×4 by the compact network that ships, on one thread of a CPU: as we run it, and by other engines.

The other engines come in packages (`pip install onnx onnxscript onnxruntime openvino MNN`, into a folder that
PYTHONPATH names); those that aren't there are left out. All have the same weights and the same picture, and
their outputs are compared. Engines take turns, first with the C library's default for freed memory, then with
memory kept (`translate.allocator`), as the command line has it, for all of them; times are the processor's.

    python benchmarks/enlarge.py [--size 512] [--rounds 3]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import translate
from translate.allocator import keep_freed_memory
from translate.weights import model_file

MODEL = Path(__file__).parents[1] / "checkpoints" / "sr-x4" / "model.safetensors"
OURS, PLAIN = "translate", "torch, contiguous"
Engine = Callable[[], np.ndarray]


def engines(picture: Tensor, folder: Path) -> dict[str, Engine]:
    """By name: the enlarged picture, float32 `(1, 3, 4H, 4W)`."""
    network, ours = model_file.load(MODEL).network, translate.load(MODEL, device="cpu")
    found: dict[str, Engine] = {
        OURS: lambda: ours.run(picture).numpy(),
        PLAIN: torch.inference_mode()(lambda: network(picture).numpy()),
    }
    if find_spec("onnxscript") is None:
        return found
    exported = str(folder / "x4.onnx")
    program = torch.onnx.export(network, (picture,), dynamo=True, input_names=["x"], output_names=["y"])
    assert program is not None
    program.save(exported)
    others = {"onnxruntime": _onnxruntime, "openvino": _openvino, "MNN": _mnn}
    for name, build in others.items():
        if find_spec(name) is not None:
            module = importlib.import_module(name)
            found[f"{name} {version(name)}"] = build(module, exported, picture.numpy())
    return found


def _onnxruntime(module: Any, path: str, picture: np.ndarray) -> Engine:
    options = module.SessionOptions()
    options.intra_op_num_threads = 1
    session = module.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": picture})[0]


def _openvino(module: Any, path: str, picture: np.ndarray) -> Engine:
    options = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = module.Core().compile_model(path, "CPU", options)
    return lambda: compiled(picture)[0].copy()


def _mnn(module: Any, path: str, picture: np.ndarray) -> Engine:
    converted = path.replace(".onnx", ".mnn")
    # The package's own command would report its use to its makers.
    converter = importlib.import_module("_tools")
    converter.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", path, "--MNNModel", converted])
    manager = module.nn.create_runtime_manager(({"numThread": 1, "backend": 0, "precision": "high"},))
    network = module.nn.load_module_from_file(converted, ["x"], ["y"], runtime_manager=manager)
    height, width = picture.shape[2:]

    def run() -> np.ndarray:
        given = module.expr.placeholder(list(picture.shape), module.expr.NCHW)
        given.write(picture)
        made = network.forward([given])[0].read()
        return np.array(made).reshape(1, 3, 4 * height, 4 * width)

    return run


def timed(runs: dict[str, Engine], rounds: int) -> dict[str, float]:
    """The median of the processor's seconds, in turns; a first call isn't counted."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            start = time.process_time()
            run()
            if turn:
                times[name].append(time.process_time() - start)
    return {name: round(statistics.median(values), 3) for name, values in times.items()}


def page(facts: dict[str, Any]) -> str:
    default, kept, apart = (facts[key] for key in ("default_seconds", "kept_seconds", "largest_difference"))
    fastest = min(kept.values())
    rows = "\n".join(
        f"| {name} | {default[name]:.2f} | {seconds:.2f} | {seconds / fastest:.2f} | {apart[name]:.0e} |"
        for name, seconds in kept.items()
    )
    size = facts["size"]
    return (
        "# Enlarging ×4 by the compact network\n\n"
        f"`checkpoints/sr-x4` on a picture of {size}², one thread; seconds of the processor, medians of "
        f"{facts['rounds']}.\n`{OURS}` is `Translator.run`; memory is kept on the command line. The "
        f"difference is the largest to\n`{PLAIN}`, on the range [-1, 1].\n\n"
        "| | freed memory given back | kept | times the fastest | difference |\n|---|---|---|---|---|\n"
        f"{rows}\n\n"
        f"{facts['date']}, torch {facts['torch']}, load of the machine before {facts['load']}; "
        f"`{facts['command']}`\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    picture = torch.rand(1, 3, options.size, options.size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    facts: dict[str, Any] = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/enlarge.py --size {options.size} --rounds {options.rounds}",
        "torch": torch.__version__,
        "load": round(os.getloadavg()[0], 1),
        "size": options.size,
        "rounds": options.rounds,
    }
    with tempfile.TemporaryDirectory() as folder:
        runs = engines(picture, Path(folder))
        truth = runs[PLAIN]()
        facts["largest_difference"] = {name: float(np.abs(run() - truth).max()) for name, run in runs.items()}
        facts["default_seconds"] = timed(runs, options.rounds)
        facts["kept"] = keep_freed_memory()
        facts["kept_seconds"] = timed(runs, options.rounds)
    (options.out / "enlarge.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    (options.out / "enlarge.md").write_text(page(facts), encoding="utf-8")
    print(page(facts))


if __name__ == "__main__":
    main()
