"""Train the models of rendered animals that we ship, measure them, and put them where they are shipped from.

    python benchmarks/train_savanna_models.py [horse2zebra savanna-coats …] [--out benchmarks/results]

Data are rendered into `datasets/NAME`, runs go to `checkpoints/NAME-run` (one that exists is gone on with),
models with their cards and examples to `checkpoints/NAME/`, figures and sheets to
`benchmarks/results/shipped_NAME.json` and `.png`. Each is meant to take three quarters of an hour on one CPU
core. What is measured are renders of another seed than the training's.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import example_pictures
import numpy as np
import stargan_savanna
import torch
from savanna_results import RESULTS, translate

from translate import images
from translate import load as load_translator
from translate.metrics.coats import classify
from translate.weights import model_file
from translate.weights.card import FORMAT_VERSION
from translate.weights.locate import MODEL_FILES

LICENCE = "Apache-2.0"
HELD_OUT = ("--count", "1", "--test-count", "60", "--seed", "1")
SCENES = 40  # of the many-coat model's measurement, each in every coat
MEASURES = ("l1", "psnr", "ssim")


@dataclass(frozen=True)
class Shipped:
    """A model that we ship.

    Args:
        recipe, size, options: of `translate train`; what is set, with spaces between.
        layout, pair, count: of `translate data render`; no pair is every coat.
        truths: sides of the pairs that it is measured on; None: asked for every coat (`stargan_savanna.py`).
        domains: what the card calls a and b.
        crop: the size of what a training step sees; None is the whole picture.
    """

    recipe: str
    size: int
    options: str
    layout: str
    pair: str | None
    count: int
    truths: str | None
    domains: tuple[str, str]
    crop: int | None = None

    def render(self, name: str) -> list[str]:
        pair = [] if self.pair is None else ["--pair", self.pair]
        command = ["data", "render", "savanna", f"datasets/{name}", "--layout", self.layout, *pair]
        return [*command, "--count", str(self.count), "--test-count", "60", "--size", str(self.size)]

    def train(self, name: str) -> list[str]:
        options = (f"data.load_size={self.size}", *self.options.split())
        settings = (part for option in options for part in ("--set", option))
        start = ["train", self.recipe, "--data", f"datasets/{name}", "--name", f"{name}-run"]
        return [*start, "--size", str(self.crop or self.size), *settings]


SHORT = "training.ema=0.995 checkpoint.every=200 log.samples_every=200"
UNET = "generator.name=unet generator.norm=instance generator.dropout=0"
LIGHT = "data.batch_size=4 optim.discriminator_lr=4e-4"
MODELS = {
    "horse2zebra": Shipped(
        "demo",
        64,
        "",
        "unpaired",
        "chestnut:zebra",
        200,
        "chestnut:zebra",
        ("horse", "zebra"),
    ),
    "savanna-coats": Shipped(
        "stargan",
        96,
        f"{UNET} generator.depth=4 generator.width=24 generator.masked=true losses.cycle=5 {LIGHT} "
        f"discriminator.width=24 discriminator.layers=2 optim.lr=1e-3 training.steps=6000 {SHORT}",
        "labelled",
        None,
        2100,
        None,
        ("any coat", "any coat"),
        crop=64,  # of what costs more than twice as much whole
    ),
    "savanna-edges": Shipped(
        "pix2pix",
        128,
        f"{UNET} generator.depth=5 generator.width=16 {LIGHT} discriminator.width=24 "
        f"discriminator.norm=instance optim.lr=8e-4 training.steps=3000 {SHORT}",
        "paired",
        "edges:zebra",
        1200,
        "edges:zebra",
        ("edges", "zebra"),
    ),
    "savanna-masks": Shipped(
        "spade",
        64,
        "data.batch_size=2 discriminator.width=32 discriminator.layers=2 optim.lr=4e-4 training.steps=1500 "
        "losses.backbone=efficientnet-lite0 generator.width=16 generator.depth=4 generator.hidden=16 "
        "training.ema=0.99",
        "paired",
        "mask:zebra",
        600,
        "mask:zebra",
        ("mask", "zebra"),
    ),
}


def ship(name: str, run: Path) -> dict[str, Path]:
    """The run's models with what their cards should say of where they come from, by direction."""
    shipped = MODELS[name]
    domains = dict(zip("ab", shipped.domains, strict=True))
    found = {}
    for direction, file in MODEL_FILES.items():
        if not (run / file).exists():
            continue
        trained = model_file.load(run / file)
        data = {**trained.card.data, "name": name, "domains": domains}
        data["rendered"] = " ".join(["translate", *shipped.render(name)])
        data["pictures"] = "rendered by translate's savanna; no photograph was used"
        update = {"licence": LICENCE, "domains": domains, "data": data, "format_version": FORMAT_VERSION}
        found[direction] = Path("checkpoints") / name / file
        found[direction].parent.mkdir(parents=True, exist_ok=True)
        model_file.save(found[direction], trained.weights, trained.card.model_copy(update=update))
    return found


def pairs(name: str, direction: str, sheet: Path) -> dict[str, float]:
    """What `translate evaluate` says on pairs of unseen scenes, and which coat a classifier sees."""
    shipped = MODELS[name]
    data = f"datasets/{name}-held-out"
    asked = ["--layout", "paired", "--pair", str(shipped.truths), "--size", str(shipped.size), *HELD_OUT]
    translate("data", "render", "savanna", data, *asked)
    model, output = f"checkpoints/{name}", ["--output", str(sheet)] if direction == "a2b" else []
    said = translate("evaluate", model, "--data", data, "--direction", direction, "--json", *output)
    scores = json.loads(said)["scores"]
    figures = {measure: round(scores["model"][measure]["mean"], 4) for measure in MEASURES}
    figures["psnr_of_the_input"] = round(scores["copy the input"]["psnr"]["mean"], 4)
    target = str(shipped.truths).split(":")[direction == "a2b"]
    inputs = [_half(path, direction) for path in sorted(Path(data, "val").iterdir())]
    translator = load_translator(model, direction=direction)
    called = [classify(images.to_tensor(translator(pixels)))[0] == target for pixels in inputs]
    return {"pictures": len(inputs), **figures, f"called_{target}": round(float(np.mean(called)), 4)}


def _half(path: Path, direction: str) -> np.ndarray:
    pixels = images.read(path).pixels
    middle = pixels.shape[1] // 2
    return pixels[:, :middle] if direction == "a2b" else pixels[:, middle:]


def measure(name: str, direction: str, sheet: Path) -> dict[str, float]:
    """The card's metrics; a sheet of the first direction is written to `sheet`."""
    if MODELS[name].truths is not None:
        return pairs(name, direction, sheet)
    figures, outputs = stargan_savanna.measure(Path("checkpoints") / name, SCENES, MODELS[name].size)
    images.write(sheet, stargan_savanna.sheet(outputs, 7))
    return figures


def run(name: str, out: Path) -> dict:
    """Render, train, measure and ship one; the figures, with the commands that gave them."""
    render, train = MODELS[name].render(name), MODELS[name].train(name)
    folder = Path("checkpoints") / f"{name}-run"
    translate(*render)
    translate(*train, *(["--resume"] if folder.exists() else []))
    return finish(name, folder, out) | {
        "commands": [" ".join(["translate", *command]) for command in (render, train)]
    }


def finish(name: str, folder: Path, out: Path) -> dict:
    """Ship the models of a run that is over, with metrics and examples; the figures."""
    models = ship(name, folder)
    figures = {}
    for direction, path in models.items():
        figures[direction] = measure(name, direction, out / f"shipped_{name}.png")
        loaded = model_file.load(path)
        card = loaded.card.model_copy(update={"metrics": figures[direction]})
        model_file.save(path, loaded.weights, card)
    example_pictures.write(name, Path("checkpoints"))
    return {
        "date": date.today().isoformat(),
        "torch": torch.__version__,
        "bytes": {path.name: path.stat().st_size for path in models.values()},
        "held_out": figures,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=list(MODELS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    for name in options.names:
        figures = run(name, options.out)
        (options.out / f"shipped_{name}.json").write_text(json.dumps(figures, indent=2) + "\n")
        print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
