"""What augmentation does for a discriminator that has twenty pictures: does it know them by heart?

    python benchmarks/little_data.py [--steps 500] [--seeds 2] [--out benchmarks/results]

Renders 20 pairs for training and 100 others (32²) into `datasets/little`, trains a small pix2pix without,
with certain and with adaptive augmentation, into `checkpoints/little-…`, and asks each discriminator for its
verdict on real pairs: those that it was trained on, and those that it has never seen. One that judges by
heart is sure of the first alone.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor, nn

from translate import images
from translate.config import load_recipe
from translate.data.batches import to_float
from translate.inference.translator import load
from translate.networks.augment import AUGMENTATIONS
from translate.training.start import start_training
from translate.translators.catalogue import build_translator

RESULTS = Path(__file__).parent / "results"
DATA = Path("datasets/little")
SIZE = 32
LIGHT = {
    "data.size": SIZE,
    "data.load_size": SIZE,
    "data.batch_size": 4,
    "data.flip": False,
    "generator.depth": 3,
    "generator.width": 16,
    "generator.norm": "instance",
    "generator.dropout": 0.0,
    "discriminator.layers": 2,
    "discriminator.width": 32,
    "discriminator.norm": "instance",
    "losses.l1": 10,
    "optim.lr": 1e-3,
    "training.ema": 0.99,
    "log.samples_every": 100_000,
    "checkpoint.every": 100_000,
}
EVERY = {"constraints.augment": list(AUGMENTATIONS)}
ARMS: dict[str, dict] = {
    "none": {},
    "certain": EVERY,
    "adaptive": EVERY | {"constraints.augment_p": "adaptive", "constraints.augment_ramp": 400},
}


def render() -> None:
    """The data, where they are missing."""
    if not DATA.exists():
        what = ["--layout", "paired", "--pair", "chestnut:zebra", "--count", "20", "--test-count", "100"]
        command = [sys.executable, "-m", "translate", "data", "render", "savanna", str(DATA), *what]
        subprocess.run([*command, "--size", str(SIZE)], check=True, stdout=subprocess.DEVNULL)


def pairs(split: str) -> tuple[Tensor, Tensor]:
    """All pictures of both sides, float32 (N, 3, H, W) in [-1, 1]; a file has them side by side."""
    read = [torch.from_numpy(images.read(path).pixels).permute(2, 0, 1) for path in images.find(DATA / split)]
    a, b = to_float(torch.stack(read)).chunk(2, dim=3)
    return a, b


def measure(seed: int, arm: str, steps: int) -> dict:
    """Train one, and ask its discriminator."""
    run_path = Path(f"checkpoints/little-{arm}-{seed}")
    shutil.rmtree(run_path, ignore_errors=True)
    asked = LIGHT | ARMS[arm] | {"training.steps": steps, "training.seed": seed}
    begun = time.process_time()
    run = start_training("pix2pix", DATA, run_path, overrides=asked, device="cpu", quiet=True).run
    seconds = time.process_time() - begun
    recipe = load_recipe(run.recipe)
    translator = build_translator(recipe)
    weights = torch.load(run.state, weights_only=True)["translator"]
    translator.load_state_dict(weights)
    result = {"seed": seed, "augmentation": arm, "cpu_seconds": round(seconds)}
    convert = load(run.path)
    for name, split in (("training", "train"), ("held out", "val")):
        a, b = pairs(split)
        signs, accuracy = verdicts(translator.networks["discriminator_b"], a, b, convert(a))
        result |= {f"sign on {name}": signs, f"accuracy on {name}": accuracy}
        error = (convert(a).clamp(-1, 1) - b).square().mean((1, 2, 3)) / 4
        result[f"psnr on {name}"] = round(float(-10 * error.log10().mean()), 2)
    if "game.augment.p" in weights:
        result["p"] = round(float(weights["game.augment.p"]), 3)
    return result


@torch.no_grad()
def verdicts(judge: nn.Module, a: Tensor, b: Tensor, made: Tensor) -> tuple[float, float]:
    """E sign(D) of real pairs, and the share of real and made patches that are told right."""
    real, fake = judge(torch.cat([a, b], 1)), judge(torch.cat([a, made], 1))
    right = ((real > 0).float().mean() + (fake < 0).float().mean()) / 2
    return round(float(real.sign().mean()), 3), round(float(right), 3)


def averaged(runs: list[dict]) -> dict:
    """The means of all that was measured."""
    numbers = [key for key in runs[0] if key not in ("seed", "augmentation")]
    return {key: round(mean(run[key] for run in runs), 3) for key in numbers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    render()
    runs = []
    for seed in range(options.seeds):
        for arm in ARMS:
            runs.append(measure(seed, arm, options.steps))
            print(runs[-1], flush=True)
    result = {
        "date": date.today().isoformat(),
        "torch": torch.__version__,
        "steps": options.steps,
        "recipe": LIGHT,
        "mean": {arm: averaged([run for run in runs if run["augmentation"] == arm]) for arm in ARMS},
        "runs": runs,
    }
    (options.out / "little_data.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
