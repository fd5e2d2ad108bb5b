"""What runs a network fastest on this CPU: torch, ONNX Runtime, OpenVINO or MNN, in the same run.

    pip install -e '.[onnx,openvino,mnn]'
    python benchmarks/engines.py --threads 1

Generators at 256×256, batch 1, random weights. Turns are interleaved, and the median of a turn's time by the
processor's clock is reported as how many times faster than torch it is; with it the largest difference from
torch, of values in [-1, 1]. Writes benchmarks/results/engines.json and engines.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import sys
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from translate.inference.engines.engine import open_engine
from translate.inference.engines.runtimes import RUNTIMES
from translate.networks.catalogue import build_generator
from translate.weights import model_file
from translate.weights.card import Card

RESULTS = Path(__file__).parent / "results"
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "ResNet, 9 blocks, width 64": ("resnet", {"depth": 9, "width": 64, "norm": "instance"}),
    "U-Net, 8 halvings, width 64": ("unet", {"depth": 8, "width": 64, "norm": "batch"}),
    "mobile ResNet": ("mobile", {}),
    "compact ×4, 8 layers, width 48": ("srvgg", {"depth": 8, "width": 48, "scale": 4}),
}
SIDE = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    names = ("torch", *RUNTIMES)
    packages = {"torch": "torch"} | {name: runtime.package for name, runtime in RUNTIMES.items()}
    facts = {
        "date": date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/engines.py", *sys.argv[1:]]),
        "load of the machine before": round(os.getloadavg()[0], 1),
        "versions": {name: version(package) for name, package in packages.items()},
        "networks": {title: measure(*NETWORKS[title], names, options.rounds) for title in NETWORKS},
    }
    (RESULTS / "engines.json").write_text(json.dumps(facts, indent=2) + "\n")
    (RESULTS / "engines.md").write_text(page(facts, names))
    print(page(facts, names))


def measure(architecture: str, arguments: dict, names: tuple[str, ...], rounds: int) -> dict[str, dict]:
    """Seconds of the processor, and the difference from torch, by engine."""
    model = _model(architecture, {"in_channels": 3, "out_channels": 3, **arguments})
    image = torch.rand(1, 3, SIDE, SIDE) * 2 - 1
    engines = {name: model.network if name == "torch" else open_engine(model, name) for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    answers = {}
    with torch.inference_mode():
        for turn in range(rounds + 1):
            for name, engine in engines.items():
                started = time.process_time()
                answers[name] = engine(image)
                if turn:  # the first is for warming up
                    times[name].append(time.process_time() - started)
    return {
        name: {
            "seconds": round(statistics.median(times[name]), 4),
            "difference": float((answers[name] - answers["torch"]).abs().max()),
        }
        for name in names
    }


def _model(architecture: str, arguments: dict) -> model_file.Model:
    network = build_generator(architecture, **arguments)
    card = Card(
        architecture=architecture,
        arguments=arguments,
        translator="x",
        direction="a2b",
        domains={},
        size_multiple=network.size_multiple,
        minimum_size=network.minimum_size,
    )
    return model_file.assemble(Path("x"), card, network.state_dict())


def page(facts: dict, names: tuple[str, ...]) -> str:
    lines = [
        "# Engines on a CPU",
        "",
        f"Times faster than torch at {SIDE}×{SIDE}, batch 1; in brackets the largest difference from torch.",
        "",
        "| | torch, s | " + " | ".join(names[1:]) + " |",
        "|---|" + "---|" * len(names),
    ]
    for title, found in facts["networks"].items():
        of_torch = found["torch"]["seconds"]
        others = (
            f"{of_torch / found[name]['seconds']:.2f}× ({found[name]['difference']:.0e})"
            for name in names[1:]
        )
        lines.append(f"| {title} | {of_torch:.3f} | {' | '.join(others)} |")
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    load = facts["load of the machine before"]
    lines += ["", f"{facts['date']}, `{facts['command']}`; {versions}; load of the machine before {load}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
