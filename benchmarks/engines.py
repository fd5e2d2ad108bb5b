"""What runs a network fastest on this CPU: torch, ONNX Runtime, OpenVINO or MNN, in the same run.

    pip install -e '.[onnx,openvino,mnn]'
    python benchmarks/engines.py --threads 1 --models RUN… --pictures FOLDER…

Generators at 256×256, batch 1. The measure is plain eager torch: torch's own layers, in its own memory
format, inference mode. Against it: the same weights as `translate convert` runs them by torch alone, each
runtime, and OpenVINO in 8 bits. Turns are interleaved; the shortest turn by the processor's clock is reported
as how many times faster than plain torch it is, with the PSNR of the answers against plain torch's. The named
networks have random weights; `--models` are trained ones, each with a folder of pictures of its kind.
Writes benchmarks/results/engines.json and engines.md.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import shlex
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from plain import with_plain_convolutions
from random_models import random_model
from torch import nn

from translate import images
from translate.inference.engines import int8
from translate.inference.engines.engine import open_engine
from translate.inference.engines.runtimes import RUNTIMES
from translate.weights import model_file
from translate.weights.locate import locate

RESULTS = Path(__file__).parent / "results"
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "ResNet, 9 blocks, width 64": ("resnet", {"depth": 9, "width": 64, "norm": "instance"}),
    "U-Net, 8 halvings, width 64": ("unet", {"depth": 8, "width": 64, "norm": "batch"}),
    "mobile ResNet": ("mobile", {}),
    "compact ×4, 8 layers, width 48": ("srvgg", {"depth": 8, "width": 48, "scale": 4}),
}
SIDE = 256
COLUMNS = ("ours, torch alone", *RUNTIMES, "openvino int8")
Network = Callable[[torch.Tensor], torch.Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--models", type=Path, nargs="*", default=[])
    parser.add_argument("--pictures", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    models = {title: (random_model(*NETWORKS[title]), _noise()) for title in NETWORKS}
    for path, folder in zip(options.models, options.pictures, strict=True):
        models[f"trained: {path.name}"] = model_file.load(locate(path)), _pictures(folder)
    packages = {"torch": "torch"} | {name: runtime.package for name, runtime in RUNTIMES.items()}
    facts = {
        "date": date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/engines.py", *_without_folders(sys.argv[1:])]),
        "load of the machine before": round(os.getloadavg()[0], 1),
        "versions": {name: version(package) for name, package in packages.items()},
        "networks": {
            title: measure(model, pictures, options.rounds) for title, (model, pictures) in models.items()
        },
    }
    (RESULTS / "engines.json").write_text(json.dumps(facts, indent=2) + "\n")
    (RESULTS / "engines.md").write_text(page(facts))
    print(page(facts))


def measure(model: model_file.Model, pictures: list[np.ndarray], rounds: int) -> dict[str, dict]:
    """Seconds of the processor, shortest and median, and PSNR from plain torch, of each way to run it."""
    ways = _ways(model, pictures)
    times: dict[str, list[float]] = {name: [] for name in ways}
    errors: dict[str, list[float]] = {name: [] for name in ways}
    with torch.inference_mode():
        for turn in range(rounds + 1):
            image = torch.from_numpy(pictures[1::2][turn % len(pictures[1::2])])
            answers = {}
            for name, network in ways.items():
                started = time.process_time()
                answers[name] = network(image)
                if turn:  # the first is for warming up
                    times[name].append(time.process_time() - started)
            for name, answer in answers.items():
                errors[name].append(float((answer - answers["plain"]).square().double().mean()))
    return {
        name: {
            "seconds": round(min(times[name]), 4),
            "median": round(statistics.median(times[name]), 4),
            "psnr": round(10 * np.log10(4 / max(*errors[name], 1e-13)), 1),
        }
        for name in ways
    }


def _ways(model: model_file.Model, pictures: list[np.ndarray]) -> dict[str, Network]:
    plain = with_plain_layers(copy.deepcopy(model.network))
    ours = copy.deepcopy(model.network)
    if ours.channels_last:
        ours.to(memory_format=torch.channels_last)
    int8.LEAST_DB = -100.0  # how far random weights are off says nothing, but how fast they are
    eight, _ = int8.open_int8(model, "openvino", pictures)
    engines = {name: open_engine(model, name) for name in RUNTIMES}
    return {"plain": plain, "ours, torch alone": ours, **engines, "openvino int8": eight}


def with_plain_layers(network: nn.Module) -> nn.Module:
    with_plain_convolutions(network)
    for module in network.modules():
        if isinstance(module, nn.InstanceNorm2d):
            module.__class__ = nn.InstanceNorm2d
    return network


def _noise() -> list[np.ndarray]:
    return [np.random.default_rng(n).uniform(-1, 1, (1, 3, SIDE, SIDE)).astype(np.float32) for n in range(8)]


def _pictures(folder: Path) -> list[np.ndarray]:
    found = []
    for path in images.find(folder)[: int8.MOST]:
        pixels = cv2.resize(images.read(path).pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        found.append(pixels.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1)
    return found


def _without_folders(arguments: list[str]) -> list[str]:
    """Paths by their last part: a machine's own folders mean nothing elsewhere."""
    return [Path(argument).name if "/" in argument else argument for argument in arguments]


def page(facts: dict) -> str:
    lines = [
        "# Engines on a CPU",
        "",
        f"Times faster than plain eager torch at {SIDE}×{SIDE}, batch 1; in brackets the PSNR from its",
        "answers, of several the worst. Of random weights those of 8 bits say nothing.",
        "",
        "| | plain, s | " + " | ".join(COLUMNS) + " |",
        "|---|" + "---|" * (len(COLUMNS) + 1),
    ]
    for title, found in facts["networks"].items():
        plain = found["plain"]["seconds"]
        others = (f"{plain / found[name]['seconds']:.2f}× ({found[name]['psnr']:.0f} dB)" for name in COLUMNS)
        lines.append(f"| {title} | {plain:.3f} | {' | '.join(others)} |")
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    load = facts["load of the machine before"]
    lines += ["", f"{facts['date']}, `{facts['command']}`; {versions}; load of the machine before {load}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
