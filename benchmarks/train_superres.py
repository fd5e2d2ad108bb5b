"""Train the super-resolution models that we ship, and measure them where papers measure.

    python benchmarks/superres_photos.py unpacked datasets/photos          # see there
    python benchmarks/train_superres.py datasets/photos --benchmarks DIR   # trains what is missing, measures
    python benchmarks/train_superres.py datasets/photos --benchmarks DIR --check    # measures what is shipped

DIR holds `set5`, `set14` and `bsd100`, each with a folder `x4` (set5 also `x2`) of `HR` and `LR` as Huang et
al. 2015 distribute them. No picture of theirs is trained on, nor used to choose anything: settings were
fixed before the first measurement. Runs go to `checkpoints/NAME-run`, models to
`checkpoints/NAME/model.safetensors`, figures to `benchmarks/results/superres.json` and `.md`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import torch
from superres_photos import BUNDLED, HELD_OUT, SOURCES

from translate.files import replacing
from translate.weights import model_file
from translate.weights.card import read_card

RESULTS = Path(__file__).resolve().parent / "results"
# Compact, L1 alone: the settings that a core trains in less than an hour.
OPTIONS = (
    "losses.pretrain=1",
    "losses.gan=0",
    "losses.perceptual=0",
    "generator.depth=8",
    "generator.width=48",
)
OPTIONS += ("optim.lr=1e-3", "optim.warmup=200")
MODELS = {
    "sr-x4": (4, (*OPTIONS, "data.scale=4", "data.size=128"), 12_000),
    "sr-x2": (2, (*OPTIONS, "data.scale=2", "data.size=64"), 8_000),
}
SETS = {2: ("set5",), 4: ("set5", "set14", "bsd100")}
MEASURES = ("psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb")
TITLES = {"set5": "Set5", "set14": "Set14", "bsd100": "BSD100"}


def train(name: str, photographs: Path) -> Path:
    """A run of `name`, trained to its end; its folder."""
    _, options, steps = MODELS[name]
    run = Path("checkpoints") / f"{name}-run"
    settings = [part for option in options for part in ("--set", option)]
    command = ["train", "superres", "--data", str(photographs), "--name", run.name, "--steps", str(steps)]
    resume = ["--resume"] if run.exists() else []
    subprocess.run([sys.executable, "-m", "translate", *command, *settings, *resume], check=True)
    return run


def ship(run: Path, name: str) -> Path:
    """The run's model with what its card should say of where it comes from."""
    trained = model_file.load(run / "model.safetensors")
    photographs = {}
    for source in SOURCES:
        stems = [Path(file).stem for file in source.files]
        photographs[f"{source.package} ({source.licence})"] = [stem for stem in stems if stem not in HELD_OUT]
    photographs["scikit-image (public domain or CC0)"] = [Path(file).stem for file in BUNDLED]
    domains = {"a": "small", "b": "large"}
    data = {**trained.card.data, "name": "photographs", "domains": domains, "photographs": photographs}
    card = trained.card.model_copy(update={"licence": "Apache-2.0", "domains": domains, "data": data})
    path = Path("checkpoints") / name / "model.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    model_file.save(path, trained.network.state_dict(), card)
    return path


def measure(model: Path, scale: int, benchmarks: Path) -> dict[str, dict]:
    """Per data set, what `translate evaluate` says of the model and of bicubic."""
    found = {}
    for name in SETS[scale]:
        data = ["--data", str(benchmarks / name / f"x{scale}"), "--a", "LR", "--b", "HR"]
        command = [sys.executable, "-m", "translate", "evaluate", str(model), *data, "--json", "--quiet"]
        found[name] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["scores"]
        print(f"{TITLES[name]} x{scale}: {_means(found[name]['model'])}", flush=True)
    return found


def _means(scores: dict[str, dict]) -> dict[str, float]:
    return {measure: round(scores[measure]["mean"], 4) for measure in MEASURES}


def _minutes(run: Path, batch_size: int) -> float:
    """What the training took, by the rates in its log."""
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    steps = np.diff([0, *(row["step"] for row in rows)])
    rates = np.array([row["images_per_second"] for row in rows])
    return round(float((steps * batch_size / rates).sum() / 60), 1)


def report(results: dict, path: Path) -> None:
    lines = [
        "# Super-resolution, measured",
        "",
        "Means over pictures of PSNR in dB and SSIM on Y, in brackets PSNR on RGB; as many pixels of border",
        "as the scale left out. The small pictures are the distributed ones.",
        f"`python benchmarks/train_superres.py`, torch {torch.__version__}, {date.today()}.",
        "",
        "| | pictures | bicubic | shipped model |",
        "|---|---|---|---|",
    ]
    for name, result in results.items():
        scale = MODELS[name][0]
        for data, scores in result["scores"].items():
            cells = [
                f"{row['psnr_y']:.2f} / {row['ssim_y']:.4f} ({row['psnr_rgb']:.2f})"
                for row in map(_means, (scores["bicubic"], scores["model"]))
            ]
            lines.append(f"| `{name}` | {TITLES[data]} ×{scale} | {' | '.join(cells)} |")
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("photographs", type=Path, help="what superres_photos.py made")
    parser.add_argument("--benchmarks", type=Path, required=True, help="the folder of set5, set14 and bsd100")
    parser.add_argument("--check", action="store_true", help="measure the shipped models, train nothing")
    given = parser.parse_args()
    results = {}
    for name, (scale, options, steps) in MODELS.items():
        path = Path("checkpoints") / name / "model.safetensors"
        if not given.check:
            run = train(name, given.photographs)
            path = ship(run, name)
        scores = measure(path, scale, given.benchmarks)
        if given.check:
            continue
        card, weights = read_card(path), model_file.load(path).network.state_dict()
        minutes = _minutes(run, card.recipe["data"]["batch_size"])
        results[name] = {
            "parameters": sum(weight.numel() for weight in weights.values()),
            "bytes": path.stat().st_size,
            "options": list(options),
            "steps": steps,
            "minutes by the clock": minutes,
            "scores": scores,
        }
        metrics = {TITLES[data]: _means(found["model"]) for data, found in scores.items()}
        model_file.save(path, weights, card.model_copy(update={"metrics": metrics}))
    if results:
        with replacing(RESULTS / "superres.json") as temporary:
            temporary.write_text(json.dumps(results, indent=1) + "\n")
        report(results, RESULTS / "superres.md")


if __name__ == "__main__":
    main()
