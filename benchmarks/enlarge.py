"""×4 of a picture by the compact network that ships, on one thread: as we run it, and by other engines.

    pip install -e '.[onnx,openvino,mnn]'
    python benchmarks/enlarge.py

All have the same weights and the same picture of 512×512, and memory as the command line has it. Engines take
turns; the median of the processor's time is reported. Writes benchmarks/results/enlarge.json and enlarge.md.
"""

from __future__ import annotations

import os

os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # read when torch is imported; see translate.cli.main

import argparse
import json
import shlex
import statistics
import sys
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch

import translate
from translate.inference.engines.engine import open_engine
from translate.inference.engines.runtimes import RUNTIMES
from translate.weights import model_file

RESULTS = Path(__file__).parent / "results"
MODEL = Path(__file__).parents[1] / "checkpoints" / "sr-x4" / "model.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--side", type=int, default=512, help="of the picture, in pixels")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    image = torch.rand(1, 3, options.side, options.side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    load = round(os.getloadavg()[0], 1)
    model, ours = model_file.load(MODEL), translate.load(MODEL, device="cpu")
    engines = {"translate": ours.run, "torch alone": model.network}
    engines |= {name: open_engine(model, name) for name in RUNTIMES}
    times: dict[str, list[float]] = {name: [] for name in engines}
    answers = {}
    with torch.inference_mode():
        for turn in range(options.rounds + 1):
            for name, engine in engines.items():
                started = time.process_time()
                answers[name] = engine(image)
                if turn:  # the first is for warming up
                    times[name].append(time.process_time() - started)
    seconds = {name: statistics.median(taken) for name, taken in times.items()}
    fastest = min(seconds.values())
    facts = {
        "date": date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/enlarge.py", *sys.argv[1:]]),
        "load of the machine before": load,
        "versions": {
            package: version(package) for package in ("torch", *(r.package for r in RUNTIMES.values()))
        },
        "engines": {
            name: {
                "seconds": round(taken, 3),
                "times the fastest": round(taken / fastest, 2),
                "difference": float((answers[name] - answers["torch alone"]).abs().max()),
            }
            for name, taken in seconds.items()
        },
    }
    lines = [
        f"# ×4 of {options.side}×{options.side} by `sr-x4`, one thread",
        "",
        "| | s | × the fastest | largest difference from torch |",
        "|---|---|---|---|",
        *(
            f"| {name} | {row['seconds']:.2f} | {row['times the fastest']:.2f} | {row['difference']:.0e} |"
            for name, row in facts["engines"].items()
        ),
        "",
        f"{facts['date']}, `{facts['command']}`; "
        + ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
        + f"; load of the machine before {load}.",
    ]
    (RESULTS / "enlarge.json").write_text(json.dumps(facts, indent=2) + "\n")
    (RESULTS / "enlarge.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
