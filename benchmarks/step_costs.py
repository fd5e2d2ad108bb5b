"""What each objective, constraint, discriminator and generator costs a training step.

    python benchmarks/step_costs.py [--rounds 7] [--only objective] [--out benchmarks/results]

The measure is the step of the recipe `cyclegan`: LSGAN, two PatchGANs, two ResNets of 9 blocks; here 16
channels wide, at 64², one picture a side, on one thread, with Adam and n_critic 1 throughout. Every row
changes one thing of it. A row and the baseline take turns, and its cost is the median of the rounds'
ratios, by the processor's time, which a busy machine troubles less than the clock's. A lazy regulariser is
timed over its whole interval.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import torch

from translate.config import load_recipe
from translate.data.datasets import Batch as ByteBatch
from translate.errors import UsageError
from translate.training.loop import train
from translate.training.state import new_state
from translate.translators.catalogue import build_translator

SIZE, WIDTH = 64, 16
BASELINE: dict[str, Any] = {
    "data.size": SIZE,
    "data.load_size": SIZE,
    "generator.name": "resnet",
    "generator.depth": 9,
    "generator.width": WIDTH,
    "discriminator.width": WIDTH,
    "losses.adversarial": "lsgan",
    "optim.optimizer": "adam",
    "optim.lr": 1e-5,
    "training.n_critic": 1,
    "log.every": 10**9,
}
Changes = dict[str, Any]
ENERGY: Changes = {"discriminator.name": "autoencoder", "losses.adversarial": "ebgan"}
PROJECTED: Changes = {"discriminator.name": "projected", "losses.adversarial": "projected"}
ROWS: dict[str, dict[str, Changes]] = {
    "objective": {
        "lsgan (the baseline itself)": {},
        **{
            name: {"losses.adversarial": name}
            for name in ("minimax", "nonsaturating", "hinge", "wgan", "wgan-gp", "dragan", "relativistic")
        },
        "ebgan, on its autoencoder": ENERGY,
        "began, on its autoencoder": ENERGY | {"losses.adversarial": "began"},
        "projected, on frozen features": PROJECTED,
    },
    "constraint": {
        "R1 in every step": {"constraints.r1": 1, "constraints.r1_every": 1},
        "R1 in every 4th": {"constraints.r1": 1, "constraints.r1_every": 4},
        "R1 in every 8th": {"constraints.r1": 1, "constraints.r1_every": 8},
        "spectral normalisation": {"discriminator.spectral": True},
        "clipped weights": {"constraints.clip": 0.01},
        "orthogonal": {"constraints.orthogonal": 1e-4},
        "historical": {"constraints.historical": 1},
        "label smoothing": {"constraints.smoothing": 0.1},
        "instance noise": {"constraints.noise": 0.1},
        "augmentation": {"constraints.augment": ["colour", "translation", "cutout"]},
        "feature matching": {"losses.feature_matching": 1},
    },
    "discriminator": {
        "patch, batch norm": {"discriminator.norm": "batch"},
        "patch with self-attention": {"discriminator.attention": True},
        "patch, minibatch deviation": {"discriminator.minibatch": "stddev"},
        "patch, minibatch discrimination": {"discriminator.minibatch": "discrimination"},
        "pixel": {"discriminator.name": "pixel"},
        "image, 4 layers": {"discriminator.name": "image", "discriminator.layers": 4},
        "multiscale, 2 of 2 layers": {
            "discriminator.name": "multiscale",
            "discriminator.scales": 2,
            "discriminator.layers": 2,
        },
        "residual": {"discriminator.name": "residual"},
        "unet": {"discriminator.name": "unet"},
    },
    "generator": {
        "resnet, 6 blocks": {"generator.depth": 6},
        "resnet, self-attention": {"generator.attention": True},
        "resnet, antialiased": {"generator.antialias": True, "generator.upsampling": "blur"},
        "resnet, spectral": {"generator.spectral": True},
        "unet": {"generator.name": "unet", "generator.depth": 6},
        "mobile": {"generator.name": "mobile", "generator.depth": 6},
        "progressive, grown": {
            "generator.name": "progressive",
            "generator.depth": 6,
            "training.resolutions": 1,
        },
        "laplacian": {"generator.name": "laplacian", "generator.depth": 5},
        "srresnet": {"generator.name": "srresnet", "generator.depth": 16},
        "edsr": {"generator.name": "edsr", "generator.depth": 16},
        "rrdb": {"generator.name": "rrdb", "generator.depth": 23, "generator.growth": WIDTH // 2},
        "srvgg": {"generator.name": "srvgg", "generator.depth": 16},
    },
}
LAZY = "R1 in every step"
Steps = Callable[[], tuple[float, float]]


def steps_of(changes: Changes) -> Steps:
    """A training that takes its longest interval's steps, and gives the seconds of one, CPU's and clock's."""
    recipe = load_recipe("cyclegan", BASELINE | changes)
    torch.manual_seed(0)
    state = new_state(build_translator(recipe), recipe, torch.device("cpu"))
    random = torch.Generator().manual_seed(1)
    a, b = (torch.randint(256, (1, 3, SIZE, SIZE), generator=random, dtype=torch.uint8) for _ in "ab")
    batch, count = ByteBatch(a, b), max(phase.every for phase in state.translator.phases)

    def run() -> tuple[float, float]:
        used, start = time.process_time(), time.perf_counter()
        train(
            state,
            recipe,
            itertools.repeat(batch),
            steps=state.step + count,
            precision=torch.float32,
            on_step=lambda *_: None,
            on_log=lambda _: None,
            on_sample=lambda _: None,
            on_save=lambda _: None,
            should_stop=lambda: False,
        )
        return (time.process_time() - used) / count, (time.perf_counter() - start) / count

    return run


def measure(changes: Changes, baseline: Steps, rounds: int) -> dict[str, float]:
    """A row's cost beside the baseline's, in turns."""
    row = steps_of(changes)
    row()
    times = []
    for turn in range(rounds):
        pair = {name: run() for name, run in (("row", row), ("base", baseline))[:: 1 if turn % 2 else -1]}
        times.append((pair["row"], pair["base"]))
    cpu, clock = ([row[kind] / base[kind] for row, base in times] for kind in (0, 1))
    return {
        "cpu": statistics.median(cpu),
        "cpu_low": min(cpu),
        "cpu_high": max(cpu),
        "clock": statistics.median(clock),
        "cpu_seconds": statistics.median(row[0] for row, _ in times),
    }


def expected_of_lazy(rows: dict[str, dict[str, float]]) -> None:
    """What R1's interval promises: its cost in every step, divided by the interval."""
    for label, changes in ROWS["constraint"].items():
        if "constraints.r1" in changes and label in rows:
            extra = rows[LAZY]["cpu"] - 1
            rows[label]["expected"] = 1 + extra / changes["constraints.r1_every"]


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = []
    for group, rows in results.items():
        lines += [f"| {group} | a step, CPU | lowest to highest | by the clock | its interval says |"]
        lines += ["|---|---|---|---|---|"]
        for label, row in rows.items():
            promised = f"{row['expected']:.2f}" if "expected" in row else ""
            spread = f"{row['cpu_low']:.2f} to {row['cpu_high']:.2f}"
            lines += [f"| {label} | {row['cpu']:.2f} | {spread} | {row['clock']:.2f} | {promised} |"]
        lines += [""]
    return "\n".join(lines)


def write(folder: Path, rounds: int, load: float, results: dict[str, dict[str, dict[str, float]]]) -> None:
    """What is known so far, as JSON and as a table."""
    expected_of_lazy(results.get("constraint", {}))
    loads = {"at the start": round(load, 1), "at the end": round(os.getloadavg()[0], 1)}
    facts = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/step_costs.py --rounds {rounds}",
        "torch": torch.__version__,
        "threads": 1,
        "load": loads,
        "baseline": BASELINE,
        "results": results,
    }
    (folder / "step_costs.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    head = (
        "# What a step costs\n\nBeside a step of `cyclegan` with LSGAN, PatchGANs and ResNets of 9 blocks "
        f"(1.00): {WIDTH} channels\nwide, {SIZE}², one picture a side, one thread. Medians of {rounds} "
        "ratios taken in turns, by the processor's time; load\nof the machine "
        f"{loads['at the start']:.0f} to {loads['at the end']:.0f}. "
        f"`{facts['command']}`, torch {torch.__version__}, {facts['date']}.\n\n"
    )
    (folder / "step_costs.md").write_text(head + table(results), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=list(ROWS))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    load, baseline = os.getloadavg()[0], steps_of({})
    baseline()
    results: dict[str, dict[str, dict[str, float]]] = {}
    for group in [options.only] if options.only else ROWS:
        results[group] = {}
        for label, changes in ROWS[group].items():
            try:
                results[group][label] = row = measure(changes, baseline, options.rounds)
            except UsageError as error:
                print(f"{label}: left out, {error}", flush=True)
                continue
            print(f"{group:14} {label:34} {row['cpu']:5.2f}  clock {row['clock']:5.2f}", flush=True)
            write(options.out, options.rounds, load, results)


if __name__ == "__main__":
    main()
