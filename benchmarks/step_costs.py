"""What each objective, constraint, trick, discriminator, generator and loss costs a training step.

    python benchmarks/step_costs.py [--rounds 7] [--only objective] [--out benchmarks/results]

The measure is the step of the recipe `cyclegan`: LSGAN, two PatchGANs, two ResNets of 9 blocks; here 16
channels wide, at 64², one picture a side, on one thread, with Adam and n_critic 1 throughout. What needs
pairs, labels, captions or larger batches stands beside a step that has them, of the same networks. Every row
changes one thing. A row and its baseline take turns, and its cost is the median of the rounds' ratios, by the
processor's time, which a busy machine troubles less than the clock's. What isn't done in every step is timed
over its whole interval.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import torch
from silently import take_steps
from step_costs_rows import BASELINE, GROUPS, LABELS, SIZE, WIDTH
from torch import nn

from translate.config import Recipe
from translate.data.batches import Batch as ByteBatch
from translate.errors import UsageError
from translate.networks.perceptual import PerceptualFeatures
from translate.training.state import new_state
from translate.translators.base import Translator
from translate.translators.catalogue import build_translator
from translate.translators.perceptual import PerceptualDistance
from translate.translators.pix2pix import Pix2Pix

LAZY = "R1 in every step"
Steps = Callable[[], tuple[float, float]]
Costs = dict[str, dict[str, float]]


def steps_of(recipe: Recipe) -> Steps:
    """A training that takes its longest interval's steps, and gives the seconds of one, CPU's and clock's."""
    torch.manual_seed(0)
    state = new_state(translator_of(recipe), recipe, torch.device("cpu"))
    batch, count = batch_of(recipe), max(phase.every for phase in state.translator.phases)

    def run() -> tuple[float, float]:
        used, start = time.process_time(), time.perf_counter()
        take_steps(state, recipe, batch, count)
        return (time.process_time() - used) / count, (time.perf_counter() - start) / count

    return run


def translator_of(recipe: Recipe) -> Translator:
    """The recipe's; a VGG-19 has random weights in it, which cost a step what the real ones do."""
    losses = recipe.losses
    if not getattr(losses, "perceptual", 0) or getattr(losses, "backbone", "") != "vgg19":
        return build_translator(recipe)
    without = losses.model_copy(update={"perceptual": 0.0})
    translator = build_translator(recipe.model_copy(update={"losses": without}))
    assert isinstance(translator, Pix2Pix)
    features = PerceptualFeatures("vgg19")
    stages = features.backbone.stages.to_empty(device="cpu").to(memory_format=torch.channels_last)
    for weight in stages.buffers():
        if weight.ndim == 4:
            nn.init.kaiming_normal_(weight)
        else:
            nn.init.zeros_(weight)
    translator.perceptual, translator.distance = 1.0, PerceptualDistance(features)
    return translator


def batch_of(recipe: Recipe) -> ByteBatch:
    """Random pictures, with labels or captions where the recipe wants them."""
    data, random = recipe.data, torch.Generator().manual_seed(1)
    shape = (data.batch_size, 3, data.size, data.size)
    a, b = (torch.randint(256, shape, generator=random, dtype=torch.uint8) for _ in "ab")
    if recipe.kind == "captioned":
        texts = [tuple(f"a {label} at noon" for label in pair) for pair in (LABELS[:2], LABELS[1:])]
        return ByteBatch(a, b, text_a=texts[0], text_b=texts[1])
    if recipe.kind == "labelled":
        return ByteBatch(a, b, torch.zeros(len(a), dtype=torch.int64), torch.ones(len(a), dtype=torch.int64))
    return ByteBatch(a, b)


def measure(row: Steps, baseline: Steps, rounds: int) -> dict[str, float]:
    """A row's cost beside the baseline's, in turns."""
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


def expected_of_lazy(rows: Costs) -> None:
    """What R1's interval promises: its cost in every step, divided by the interval."""
    for label, changes in GROUPS["constraint"].rows.items():
        if "constraints.r1" in changes and label in rows:
            extra = rows[LAZY]["cpu"] - 1
            rows[label]["expected"] = 1 + extra / changes["constraints.r1_every"]


def table(results: dict[str, Costs]) -> str:
    lines = []
    for group, rows in results.items():
        lines += [f"Beside {GROUPS[group].beside}:", ""]
        lines += [f"| {group} | a step, CPU | lowest to highest | by the clock | its interval says |"]
        lines += ["|---|---|---|---|---|"]
        for label, row in rows.items():
            promised = f"{row['expected']:.2f}" if "expected" in row else ""
            spread = f"{row['cpu_low']:.2f} to {row['cpu_high']:.2f}"
            lines += [f"| {label} | {row['cpu']:.2f} | {spread} | {row['clock']:.2f} | {promised} |"]
        lines += [""]
    return "\n".join(lines)


def write(folder: Path, rounds: int, load: float, results: dict[str, Costs]) -> None:
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
        "# What a step costs\n\nThe step of `cyclegan` with LSGAN, PatchGANs and ResNets of 9 blocks is "
        f"1.00: {WIDTH} channels\nwide, {SIZE}², one picture a side, one thread. Medians of {rounds} "
        "ratios taken in turns, by the processor's time; load\nof the machine "
        f"{loads['at the start']:.0f} to {loads['at the end']:.0f}. "
        f"`{facts['command']}`, torch {torch.__version__}, {facts['date']}.\n\n"
    )
    (folder / "step_costs.md").write_text(head + table(results), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=list(GROUPS))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    load, start = os.getloadavg()[0], time.perf_counter()
    results: dict[str, Costs] = {}
    for name in [options.only] if options.only else GROUPS:
        group, results[name] = GROUPS[name], {}
        baseline = steps_of(group.changed({}))
        baseline()
        for label, changes in group.rows.items():
            try:
                row = measure(steps_of(group.changed(changes)), baseline, options.rounds)
            except UsageError as error:
                print(f"{label}: left out, {error}", flush=True)
                continue
            results[name][label] = row
            print(f"{name:14} {label:34} {row['cpu']:5.2f}  clock {row['clock']:5.2f}", flush=True)
            write(options.out, options.rounds, load, results)
    print(f"{(time.perf_counter() - start) / 60:.0f} minutes")


if __name__ == "__main__":
    main()
