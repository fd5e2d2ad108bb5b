"""A projected discriminator against a PatchGAN, each given the same CPU time.

    python benchmarks/projected.py [--facades FOLDER] [--seconds 240] [--seeds 2] [--judges patch projected]

Each training runs in a process of its own, with one thread, until that process has used so many CPU seconds,
reading pictures and averaging weights included; rates are constant, so there is no length to tune them to.
The measures look at held-out pictures through EfficientNet-Lite2, another network than the discriminator's.

- savanna: the demo's recipe, chestnut horses to zebras, unpaired, 64². KID is to other zebras; the true
  zebras, which no training sees, are for PSNR, SSIM and the distance.
- facades: pix2pix from labels to photographs, 64², of FOLDER. Only 15 pairs are held out, so KID is to all
  photographs, held out or not.

A linear probe says how well the seven coats of savanna can be read off the discriminator of zebras, before
and after the training.

Runs and their figures go to `checkpoints/projected`; what is there is not taken again, and with `--report`
nothing else is. Sheets of photographs stay there, too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

import translate
from translate import images
from translate.cli.evaluate_data import data_options, spread
from translate.config import load_recipe
from translate.data.batches import to_float
from translate.data.held_out import WholePictures, both_sides, held_out
from translate.data.savanna import COATS, render_scene, sample_scene, write_dataset
from translate.metrics.evaluate import Score, summarise
from translate.metrics.features import PictureFeatures
from translate.metrics.fidelity import Fidelity, fidelity
from translate.metrics.kid import kid
from translate.metrics.probe import linear_probe, probe_features
from translate.networks.catalogue import parameter_count
from translate.training.loop import train
from translate.training.run import RunFolder, create_run
from translate.training.start import open_data, save_run
from translate.training.state import new_state
from translate.translators.catalogue import build_translator

RESULTS = Path(__file__).parent / "results"
WORK = Path("checkpoints/projected")
ENDLESS = 10**9  # steps
PROBED = 77_001  # seed of scenes that no training sees


@dataclass(frozen=True)
class Task:
    title: str
    recipe: str
    overrides: Mapping[str, object] = field(default_factory=dict)


LIGHT: dict[str, object] = {
    "generator.width": 32,
    "optim.lr": 4e-4,
    "training.ema": 0.99,
    "data.batch_size": 4,
}
TASKS = {
    "savanna": Task("chestnut to zebra, rendered, unpaired, 64²", "demo"),
    "facades": Task(
        "labels to photographs of facades, pairs, 64²",
        "pix2pix",
        LIGHT | {"data.size": 64, "data.direction": "b2a"},
    ),
}
SAME: dict[str, object] = {
    "optim.schedule": "constant",
    "data.workers": 0,
    "log.every": 10,
    "log.samples_every": ENDLESS,
    "checkpoint.every": ENDLESS,
}
PROJECTED: dict[str, object] = {"losses.adversarial": "projected", "discriminator.name": "projected"}
JUDGES: dict[str, dict[str, object]] = {
    "patch": {"discriminator.layers": 2, "discriminator.width": 32},
    "projected": PROJECTED | {"discriminator.width": 32, "discriminator.enlarge": 128},
    "projected-224": PROJECTED,  # the paper's size of pictures and heads
}


def train_for(seconds: float, task: str, judge: str, seed: int, data_root: Path, run_path: Path) -> dict:
    """Train in this process until it has used so many CPU seconds; the facts of the training."""
    overrides = {**TASKS[task].overrides, **SAME, **JUDGES[judge], "training.seed": seed}
    recipe = load_recipe(TASKS[task].recipe, overrides)
    data = open_data(data_root, recipe)
    torch.manual_seed(seed)
    state = new_state(build_translator(recipe), recipe, torch.device("cpu"))
    run = create_run(run_path, recipe)
    began = time.process_time()
    train(
        state,
        recipe,
        data.loader(),
        steps=ENDLESS,
        precision=torch.float32,
        on_step=lambda *_: None,
        on_log=lambda _: None,
        on_sample=lambda _: None,
        on_save=lambda _: None,
        should_stop=lambda: time.process_time() - began >= seconds,
    )
    used = time.process_time() - began
    save_run(run, state, recipe, data, ENDLESS)
    return {
        "task": task,
        "judge": judge,
        "seed": seed,
        "cpu_seconds": round(used, 1),
        "steps": state.step,
        "cpu_ms_per_step": round(1000 * used / state.step, 1),
        "weights_of_a_discriminator": parameter_count(state.translator.networks["discriminator_b"]),
        "recipe": TASKS[task].recipe,
        "overrides": overrides,
    }


class Measures:
    """A model's held-out pictures, and what its outputs are measured against."""

    def __init__(self, run: Path, data_root: Path):
        options = data_options(translate.load(run).card, size=None, a=None, b=None, task=None)
        found = held_out(data_root, options)
        self.pictures, self.onlooker = found.pictures, PictureFeatures()
        sources = [both_sides(data_root, options).targets]
        if not found.masks and found.training is not None:
            sources.append(found.training)
        seen = [self.onlooker.pooled(batch) for source in sources for (batch,) in batches(source)]
        self.real = torch.cat(seen)

    def __call__(self, answer: Callable[[Tensor], Tensor]) -> dict[str, Score]:
        """Scores of `answer`, from an input to an output."""
        close: list[Fidelity] = []
        features, distances = [], []
        for inputs, truth, *_ in batches(self.pictures):
            output = answer(inputs)
            close.append(fidelity(output, truth))
            features.append(self.onlooker.pooled(output))
            distances.append(self.onlooker.distance(output, truth))
        scores = summarise(close, 3)
        return {
            "kid": kid(torch.cat(features), self.real),
            "distance": self.onlooker.distance_score(distances),
            "psnr": scores.psnr,
            "ssim": scores.ssim,
        }


def batches(pictures: WholePictures, size: int = 10) -> Iterator[tuple[Tensor, ...]]:
    for batch in pictures.batches(range(len(pictures)), size):
        yield tuple(to_float(side) for side in batch)


def sheet(runs: list[Path], data_root: Path, path: Path, columns: int = 8) -> None:
    """Rows: inputs, each run's outputs, truths."""
    translators = [translate.load(run) for run in runs]
    options = data_options(translators[0].card, size=None, a=None, b=None, task=None)
    pictures = held_out(data_root, options).pictures
    inputs, truth, *_ = map(to_float, next(pictures.batches(spread(len(pictures), columns), columns)))
    rows = [inputs, *(translator(inputs) for translator in translators), truth]
    padded = [F.pad(row, (1, 1, 1, 1), value=1.0) for row in rows]
    grid = torch.cat([torch.cat(list(row), -1) for row in padded], -2)[None]
    images.write(path, images.to_pixels(F.interpolate(grid, scale_factor=2.0, mode="nearest")))


def figures_of(task: str, judge: str, seed: int) -> Path:
    """Where a training's figures are kept; beside them, without suffix, its run."""
    return WORK / f"{task}-{judge}-{seed}.json"


def take(task: str, judge: str, seed: int, seconds: float, data_root: Path) -> None:
    """A training and its figures, in this process."""
    torch.set_num_threads(1)
    run = figures_of(task, judge, seed).with_suffix("")
    shutil.rmtree(run, ignore_errors=True)  # one that didn't get as far as its figures
    facts = train_for(seconds, task, judge, seed, data_root, run)
    scores = Measures(run, data_root)(translate.load(run))
    facts["scores"] = {name: score.mean for name, score in scores.items()}
    facts["protocols"] = {name: score.protocol for name, score in scores.items()}
    run.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n")


def coats(scenes: range) -> tuple[Tensor, Tensor]:
    """Fresh scenes in every coat, float (N, 3, 64, 64) in [-1, 1], and which coat, (N,)."""
    rendered = [render_scene(sample_scene(PROBED, scene), COATS, 64).images for scene in scenes]
    pictures = [images.to_tensor(one[coat]) for one in rendered for coat in COATS]
    return torch.cat(pictures), torch.arange(len(COATS)).repeat(len(scenes))


def probe(run: Path) -> dict[str, float | None]:
    """How often a linear classifier tells the coat from the discriminator's features, before and after."""
    recipe = load_recipe(run / "recipe.yaml")
    torch.manual_seed(recipe.training.seed)
    state = new_state(build_translator(recipe), recipe, torch.device("cpu"))
    seen, held = coats(range(8)), coats(range(8, 28))

    def accuracy() -> float | None:
        discriminator = cast(Any, state.translator.networks["discriminator_b"].eval())
        with torch.no_grad():
            train, test = (
                torch.cat([probe_features(discriminator.features(part)) for part in pictures.split(20)])
                for pictures in (seen[0], held[0])
            )
        return linear_probe(train, seen[1], test, held[1]).mean

    untrained = accuracy()
    state.restore(RunFolder(run).state)
    return {"untrained": untrained, "trained": accuracy()}


def of_the_input(task: str, run: Path, data_root: Path) -> dict[str, float]:
    """What leaving the pictures as they are would score."""
    path = WORK / f"{task}-input.json"
    if not path.exists():
        scores = Measures(run, data_root)(lambda inputs: inputs)
        path.write_text(json.dumps({name: score.mean for name, score in scores.items()}) + "\n")
    return json.loads(path.read_text())


def figures(task: str, judge: str, seed: int, seconds: float, data_root: Path) -> dict:
    """What `take` found, in a process of its own if it isn't there yet."""
    path = figures_of(task, judge, seed)
    if not path.exists():
        command = [sys.executable, __file__, "--take", task, judge, str(seed)]
        command += ["--seconds", str(seconds), "--data", str(data_root)]
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    found = json.loads(path.read_text())
    if task == "savanna" and "probe" not in found:
        found["probe"] = probe(path.with_suffix(""))
        path.write_text(json.dumps(found, indent=2) + "\n")
    return found


def table(runs: list[dict], untouched: dict[str, dict]) -> str:
    """Markdown: a row for each task and discriminator, the mean over seeds and each seed."""
    columns = {"kid": ("KID ↓", 2, 1000), "distance": ("LPIPS-like ↓", 3, 1), "psnr": ("PSNR ↑", 2, 1)}
    columns["ssim"] = ("SSIM ↑", 3, 1)
    titles = [f"{title}{', ×1000' if factor > 1 else ''}" for title, _, factor in columns.values()]
    lines = ["| data | discriminator | steps | ms a step | " + " | ".join(titles) + " |"]
    lines.append("|---" * (len(columns) + 4) + "|")
    for task in dict.fromkeys(run["task"] for run in runs):
        copied = [f"{untouched[task][key] * factor:.{n}f}" for key, (_, n, factor) in columns.items()]
        lines.append(f"| {task} | the input itself | | | " + " | ".join(copied) + " |")
        for judge in dict.fromkeys(run["judge"] for run in runs if run["task"] == task):
            same = [run for run in runs if (run["task"], run["judge"]) == (task, judge)]
            cells = []
            for key, (_, digits, factor) in columns.items():
                values = [run["scores"][key] * factor for run in same]
                each = ", ".join(f"{value:.{digits}f}" for value in values)
                cells.append(f"{statistics.mean(values):.{digits}f} ({each})")
            steps = ", ".join(str(run["steps"]) for run in same)
            cost = statistics.mean(run["cpu_ms_per_step"] for run in same)
            lines.append(f"| {task} | {judge} | {steps} | {cost:.0f} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def probes(runs: list[dict]) -> str:
    """Markdown: coats told from the discriminators' features, a row a discriminator."""
    lines = [
        f"| discriminator of zebras | coats told, untrained (chance {1 / len(COATS):.0%}) | trained |",
        "|---|---|---|",
    ]
    probed = [run for run in runs if "probe" in run]
    for judge in dict.fromkeys(run["judge"] for run in probed):
        shares = [run["probe"] for run in probed if run["judge"] == judge]
        cells = [", ".join(f"{share[when]:.0%}" for share in shares) for when in ("untrained", "trained")]
        lines.append(f"| {judge} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--facades", type=Path, help="folder of the pairs; without it savanna alone")
    parser.add_argument("--seconds", type=float, default=240, help="of CPU time for each training")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--judges", nargs="*", choices=JUDGES, default=["patch", "projected"])
    parser.add_argument("--report", action="store_true", help="train nothing: report what is there")
    parser.add_argument("--take", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.take:
        task, judge, seed = options.take
        take(task, judge, int(seed), options.seconds, options.data)
        return
    WORK.mkdir(parents=True, exist_ok=True)
    roots = {"savanna": Path("datasets/savanna-projected")}
    if not roots["savanna"].exists():
        write_dataset(roots["savanna"], pair="chestnut:zebra", count=400, test_count=60, size=64, seed=0)
    if options.facades:
        roots["facades"] = options.facades
    wanted = [
        (task, judge, seed) for seed in range(options.seeds) for task in roots for judge in options.judges
    ]
    if options.report:
        wanted = [one for one in wanted if figures_of(*one).exists()]
    runs = [figures(*one, options.seconds, roots[one[0]]) for one in wanted]
    untouched = {}
    for task, root in roots.items():
        shown = [figures_of(task, judge, 0).with_suffix("") for judge in options.judges]
        untouched[task] = of_the_input(task, shown[0], root)
        sheet(shown, root, (RESULTS if task == "savanna" else WORK) / f"projected_{task}.png")
    found = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/projected.py --seconds {options.seconds:g} --seeds {options.seeds}"
        + (" --facades facades" if options.facades else ""),
        "torch": torch.__version__,
        "threads": 1,
        "input itself": untouched,
        "runs": sorted(runs, key=lambda run: list(TASKS).index(run["task"])),
    }
    (RESULTS / "projected.json").write_text(json.dumps(found, indent=2) + "\n")
    text = table(found["runs"], untouched) + "\n\n" + probes(found["runs"])
    titles = [f"- {name}: {TASKS[name].title}" for name in roots]
    protocols = {text for run in runs for text in run["protocols"].values()}
    notes = [*titles, *(f"- {text}" for text in sorted(protocols))]
    heading = f"# Projected or PatchGAN, {options.seconds:g} CPU seconds each"
    (RESULTS / "projected.md").write_text("\n\n".join([heading, text, "\n".join(notes)]) + "\n")
    print(text)


if __name__ == "__main__":
    main()
