"""Short trainings on real pictures, on the CPU, and what they are worth on held-out ones.

    python benchmarks/real_data.py FOLDER [facades edges day2night]

FOLDER holds `facades`, `bsds500_edges` and `day2night`. Each training is the paper's recipe at 128² (CycleGAN
with narrower networks), as long as ten minutes on two cores allow; the runs go to `checkpoints/real-NAME`,
the logs and figures to `benchmarks/results`. Sheets stay beside the runs: the pictures are not ours to show.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"
SHORT = ["--size", "128", "--set", "log.samples_every=200", "--set", "checkpoint.every=200"]
LIGHT = ["--set", "generator.width=24", "--set", "discriminator.width=32", "--set", "optim.lr=4e-4"]
TRAININGS: dict[str, tuple[str, str, list[str]]] = {
    "facades": ("pix2pix", "facades", ["--direction", "b2a", "--steps", "1000"]),
    "edges": ("pix2pix", "bsds500_edges", ["--steps", "700"]),
    "day2night": ("cyclegan", "day2night", ["--steps", "400", *LIGHT]),
}


def translate(*arguments: str) -> str:
    """Run the command line; its standard output."""
    command = [sys.executable, "-m", "translate", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def run(name: str, root: Path) -> dict:
    recipe, folder, options = TRAININGS[name]
    options = [*options, *SHORT, "--set", "training.ema=0.99"]
    checkpoint = Path("checkpoints") / f"real-{name}"
    command = ["train", recipe, "--data", str(root / folder), "--name", checkpoint.name, *options]
    translate(*command, *(["--resume"] if checkpoint.exists() else []))
    shutil.copy(checkpoint / "log.jsonl", RESULTS / f"real_{name}.log.jsonl")
    entries = [json.loads(line) for line in (checkpoint / "log.jsonl").read_text().splitlines()]
    result = {
        "date": date.today().isoformat(),
        "command": f"translate train {recipe} --data {folder} {' '.join(options)}",
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "minutes": round(sum(20 / entry["images_per_second"] for entry in entries) / 60, 1),
    }
    if recipe == "pix2pix":
        sheet = checkpoint / "held-out.png"
        arguments = [str(checkpoint), "--data", str(root / folder), "--json", "--output", str(sheet)]
        result["held_out"] = json.loads(translate("evaluate", *arguments))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=list(TRAININGS))
    options = parser.parse_args()
    for name in options.names:
        result = run(name, options.folder)
        (RESULTS / f"real_{name}.json").write_text(json.dumps(result, indent=2) + "\n")
        print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
