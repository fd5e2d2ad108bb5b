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
import random
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import torch
from superres_photos import BUNDLED, HELD_OUT, SOURCES

import translate
from translate import images
from translate.data.bicubic import imresize
from translate.data.degrade import draws
from translate.data.degrade.steps import apply
from translate.files import replacing
from translate.metrics.superres import resolved
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
# For photographs as they come; its second stage is measured, and what is shipped is what the first one made.
PHOTO = ("data.degradation=realistic", "data.scale=4", "data.size=128", "data.batch_size=12")
PHOTO += ("losses.pretrain=0.8", "losses.backbone=efficientnet-lite0", *OPTIONS[3:])
PHOTO += ("discriminator.name=patch", "discriminator.width=32", "discriminator.spectral=true")
MODELS = {
    "sr-x4": (4, (*OPTIONS, "data.scale=4", "data.size=128"), 12_000),
    "sr-x2": (2, (*OPTIONS, "data.scale=2", "data.size=64"), 8_000),
    "sr-x4-photo": (4, PHOTO, 10_000),
}
FIRST_STAGE = {"sr-x4-photo"}  # the models that are shipped as their first stage left them
CROPS, CROP = 24, 256  # of each photograph that is held out, in pixels; inputs are a quarter of it
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
    stage = "model-pixel.safetensors" if name in FIRST_STAGE else "model.safetensors"
    trained = model_file.load(run / stage)
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


def measure_realistic(photographs: Path, models: dict[str, Path]) -> dict[str, dict[str, float]]:
    """Mean PSNR and SSIM on Y of crops of the held-out photographs, damaged as Real-ESRGAN's inputs are."""
    networks = {name: translate.load(path, device="cpu") for name, path in models.items()}
    found: dict[str, list[tuple[float, float]]] = {"bicubic": [], **{name: [] for name in networks}}
    for path in sorted((photographs / "val").iterdir()):
        planes = images.read(path).pixels.transpose(2, 0, 1)
        rng = random.Random(0)
        for _ in range(CROPS):
            top, left = (rng.randrange(side - CROP + 1) for side in planes.shape[1:])
            truth = np.ascontiguousarray(planes[:, top : top + CROP, left : left + CROP])
            small = apply(draws.realistic(rng, (CROP, CROP), 4), truth).transpose(1, 2, 0)
            outputs = {name: network(small) for name, network in networks.items()}
            outputs["bicubic"] = imresize(small, 4)
            for name, output in outputs.items():
                scores = resolved(
                    images.to_tensor(output), images.to_tensor(truth.transpose(1, 2, 0)), border=4
                )
                found[name].append((float(scores.psnr_y), float(scores.ssim_y)))
    return {
        name: dict(zip(("psnr_y", "ssim_y"), np.mean(rows, 0).round(4).tolist(), strict=True))
        for name, rows in found.items()
    }


def _means(scores: dict[str, dict]) -> dict[str, float]:
    return {measure: round(scores[measure]["mean"], 4) for measure in MEASURES}


def _minutes(run: Path, batch_size: int) -> float:
    """What the training took, by the rates in its log."""
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    steps = np.diff([0, *(row["step"] for row in rows)])
    rates = np.array([row["images_per_second"] for row in rows])
    return round(float((steps * batch_size / rates).sum() / 60), 1)


def report(results: dict, realistic: dict[str, dict[str, float]], path: Path) -> None:
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
    for name, (scale, *_) in MODELS.items():
        result = results[name]
        for data, scores in result["scores"].items():
            cells = [
                f"{row['psnr_y']:.2f} / {row['ssim_y']:.4f} ({row['psnr_rgb']:.2f})"
                for row in map(_means, (scores["bicubic"], scores["model"]))
            ]
            lines.append(f"| `{name}` | {TITLES[data]} ×{scale} | {' | '.join(cells)} |")
    lines += [
        "",
        f"`sr-x4-photo` is for photographs as they come. {CROPS} crops of {CROP}² of each of the two that",
        "were held out, damaged as Real-ESRGAN's inputs are (blur, resizing, noise, JPEG, twice);",
        "PSNR and SSIM on Y:",
        "",
        "| bicubic | " + " | ".join(f"`{name}`" for name in realistic if name != "bicubic") + " |",
        "|---" * len(realistic) + "|",
        "| " + " | ".join(f"{row['psnr_y']:.2f} / {row['ssim_y']:.4f}" for row in realistic.values()) + " |",
    ]
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
        models = {name: Path("checkpoints") / name / "model.safetensors" for name in ("sr-x4", "sr-x4-photo")}
        models["its second stage"] = Path("checkpoints") / "sr-x4-photo-run" / "model.safetensors"
        results["realistic"] = measure_realistic(given.photographs, models)
        with replacing(RESULTS / "superres.json") as temporary:
            temporary.write_text(json.dumps(results, indent=1) + "\n")
        report(results, results["realistic"], RESULTS / "superres.md")


if __name__ == "__main__":
    main()
