"""Short trainings of each translator on rendered pictures, and what they are worth on held-out ones.

    python benchmarks/savanna_results.py [cut fastcut …] [--out benchmarks/results]

The data are rendered where they are missing (64², into `datasets/`), the runs go to
`checkpoints/savanna-NAME`, the figures and the sheet of `translate evaluate` to
`benchmarks/results/savanna_NAME.json` and `.png`. A run that exists is gone on with. The networks are light:
each training is meant to take twenty minutes on one CPU core.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import torch

from translate.config import load_recipe

RESULTS = Path(__file__).parent / "results"
SHORT = ("--size", "64", "--set", "data.load_size=64", "--set", "training.ema=0.99")
LIGHT = ("--set", "generator.width=24", "--set", "discriminator.width=32", "--set", "optim.lr=4e-4")
UNPAIRED = ("--pair", "chestnut:zebra", "--count", "600", "--test-count", "60")


@dataclass(frozen=True)
class Training:
    """A recipe on a rendering, with options of `translate train`."""

    recipe: str
    layout: str
    rendering: tuple[str, ...]
    options: tuple[str, ...]


CONTRASTED = ("--set", "data.batch_size=2", "--set", "generator.depth=4", "--set", "discriminator.layers=2")
CONTRASTED += ("--set", "losses.layers=[0,4,8,10,12]")
MAPS = ("--pair", "mask:zebra", "--count", "600", "--test-count", "60")
SYNTHESIS = ("--set", "discriminator.width=32", "--set", "discriminator.layers=2", "--set", "optim.lr=4e-4")
SYNTHESIS += ("--set", "data.batch_size=2", "--set", "losses.backbone=efficientnet-lite0")
SPADE = ("--set", "generator.width=16", "--set", "generator.depth=4", "--set", "generator.hidden=16")
PIX2PIXHD = ("--set", "generator.width=16", "--set", "generator.halvings=3", "--set", "generator.depth=4")
PIX2PIXHD += ("--set", "data.classes_a=true")
MANY = ("--pair", "mask:photo", "--count", "1500", "--test-count", "100")
CODED = ("--set", "data.batch_size=2", "--set", "discriminator.name=patch", "--set", "discriminator.layers=2")
CODED += ("--set", "discriminator.width=24", "--set", "discriminator.norm=instance")
TRAININGS: dict[str, Training] = {
    "cut": Training("cut", "unpaired", UNPAIRED, (*LIGHT, *CONTRASTED, "--steps", "1800")),
    "fastcut": Training("fastcut", "unpaired", UNPAIRED, (*LIGHT, *CONTRASTED, "--steps", "3600")),
    "spade": Training("spade", "paired", MAPS, (*SYNTHESIS, *SPADE, "--steps", "1500")),
    "pix2pixhd": Training("pix2pixhd", "paired", MAPS, (*SYNTHESIS, *PIX2PIXHD, "--steps", "2400")),
    "bicyclegan": Training(
        "bicyclegan",
        "paired",
        MANY,
        (*LIGHT, *CODED, "--set", "encoder.width=16", "--set", "encoder.depth=3", "--steps", "2200"),
    ),
    # What BicycleGAN is held against: the same pairs and generator, with dropout as its only noise.
    "pix2pix-mask": Training(
        "pix2pix", "paired", MANY, (*LIGHT, *CODED, "--set", "generator.norm=instance", "--steps", "1450")
    ),
}


def translate(*arguments: str) -> str:
    """Run the command line; its standard output."""
    command = [sys.executable, "-m", "translate", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def run(name: str, out: Path) -> dict:
    """Render, train and evaluate; the figures, with the commands that gave them."""
    training = TRAININGS[name]
    data = Path("datasets") / (
        "-".join(["savanna", training.layout, *training.rendering[1:2]]).replace(":", "-")
    )
    render = ["data", "render", "savanna", str(data), "--layout", training.layout]
    render += [*training.rendering, "--size", "64"]
    translate(*render)
    checkpoint = Path("checkpoints") / f"savanna-{name}"
    train = ["train", training.recipe, "--data", str(data), "--name", checkpoint.name]
    train += [*SHORT, *training.options]
    translate(*train, *(["--resume"] if checkpoint.exists() else []))
    entries = [json.loads(line) for line in (checkpoint / "log.jsonl").read_text().splitlines()]
    pictures = entries[-1]["step"] * load_recipe(checkpoint / "recipe.yaml").data.batch_size
    rate = sum(entry["images_per_second"] for entry in entries) / len(entries)
    sheet = out / f"savanna_{name}.png"
    held_out = translate("evaluate", str(checkpoint), "--data", str(data), "--json", "--output", str(sheet))
    return {
        "date": date.today().isoformat(),
        "commands": [" ".join(["translate", *command]) for command in (render, train)],
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "minutes": round(pictures / rate / 60, 1),
        "held_out": json.loads(held_out),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=list(TRAININGS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    for name in options.names:
        figures = run(name, options.out)
        (options.out / f"savanna_{name}.json").write_text(json.dumps(figures, indent=2) + "\n")
        print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
