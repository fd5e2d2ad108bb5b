"""From the start of `translate convert` to its first written picture: an exported model, and a model file.

    pip install -e '.[onnx]'
    python benchmarks/first_picture.py

A light generator with random weights, exported; one JPEG of 256×256. Each round starts a process with
either kind of file, one after the other, and watches for the output. Reported are medians, in seconds by the
clock and of the processor's, and how many times sooner the exported model was there: compare that, for both
kinds met the same load. Writes benchmarks/results/first_picture.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
from random_models import write_random_model

from translate import images
from translate.weights import model_file
from translate.weights.exporters.onnx import write_onnx

RESULTS = Path(__file__).parent / "results"
SIDE = 256
RUN = "from translate.cli.main import main; main()"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_files(folder)
        times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in files}
        for number in range(options.rounds + 1):
            for kind, model in files.items():
                measured = first_picture(model, folder)
                if number:  # the first round fills the disk's cache
                    times[kind].append(measured)
    facts = {
        "date": date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/first_picture.py", *sys.argv[1:]]),
        "load of the machine before": load,
        "versions": {name: version(name) for name in ("torch", "onnxruntime")},
        "seconds": {kind: median(pairs, 0) for kind, pairs in times.items()},
        "processor seconds": {kind: median(pairs, 1) for kind, pairs in times.items()},
        "fastest, seconds": {
            kind: round(min(seconds for seconds, _ in pairs), 2) for kind, pairs in times.items()
        },
        "times sooner": round(
            statistics.median(
                b[0] / a[0] for a, b in zip(times["exported"], times["model file"], strict=True)
            ),
            1,
        ),
    }
    (RESULTS / "first_picture.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps(facts, indent=2))


def write_files(folder: Path) -> dict[str, Path]:
    """A model of either kind, and the picture."""
    path = write_random_model(folder / "model.safetensors", "mobile", {})
    write_onnx(folder / "model.onnx", model_file.load(path))
    write_picture(folder / "in.jpg")
    return {"exported": folder / "model.onnx", "model file": path}


def write_picture(path: Path) -> None:
    """Waves in three colours."""
    steps = np.linspace(0, 3, SIDE)
    waves = np.sin(steps[:, None, None] * [3, 5, 7] + steps[None, :, None] * [11, 2, 6])
    images.write(path, ((waves + 1) * 127.5).astype(np.uint8))


def first_picture(model: Path, folder: Path) -> tuple[float, float]:
    """Seconds until the output is there, and the processor's seconds of the whole command."""
    output = folder / "out"
    shutil.rmtree(output, ignore_errors=True)
    command = [
        sys.executable,
        "-c",
        RUN,
        "convert",
        str(model),
        str(folder / "in.jpg"),
        "-o",
        str(output),
        "-q",
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with subprocess.Popen(command) as process:
        while not (output / "in.jpg").exists():
            if process.poll():
                raise SystemExit(f"{shlex.join(command)} ended with {process.returncode}")
            time.sleep(0.002)
        seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def median(pairs: list[tuple[float, float]], which: int) -> float:
    return round(statistics.median(pair[which] for pair in pairs), 2)


if __name__ == "__main__":
    main()
