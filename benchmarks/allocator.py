"""What it gains and costs to keep freed memory (`translate.allocator`): CPU time and the largest size.

    python benchmarks/allocator.py [--rounds 2] [--out benchmarks/results]

Every case runs in processes of its own, one thread each, with the C library's default and with memory kept,
in turns; a case's gain is the median of the rounds' ratios of CPU time, user and system, of one call
after a first that isn't counted, or of the first where calls are long.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import torch
from silently import take_steps

from translate.allocator import keep_freed_memory
from translate.config import load_recipe
from translate.data.batches import Batch
from translate.networks.catalogue import build_generator
from translate.training.state import new_state
from translate.translators.catalogue import build_translator

NETWORKS: dict[str, dict[str, Any]] = {
    "unet": {"depth": 8, "norm": "batch", "width": 64},
    "resnet": {"depth": 9, "norm": "instance", "width": 64},
    "mobile": {},
    "srvgg": {"depth": 8, "width": 48, "scale": 4},
}
# What runs, its size in pixels, and the calls that are timed after a first; without any, that is.
CASES = {
    "unet": (256, 6),
    "resnet": (256, 2),
    "mobile": (256, 12),
    "srvgg": (512, 2),
    "resnet, large": (1024, 0),
    "training of pix2pix": (256, 2),
    "training of pix2pix, small": (128, 4),
    "training of cyclegan": (256, 0),
    "training of cyclegan, small": (128, 2),
}


def call(case: str, size: int) -> Callable[[], object]:
    torch.manual_seed(0)
    name = case.split(",")[0]
    if name in NETWORKS:
        arguments = NETWORKS[name]
        network = build_generator(name, in_channels=3, out_channels=3, **arguments).eval()
        picture = torch.rand(1, 3, size, size) * 2 - 1
        return torch.inference_mode()(lambda: network(picture))
    changes = {"data.size": size, "data.load_size": size}
    if name.endswith("pix2pix"):
        changes["generator.depth"] = min(8, size.bit_length() - 1)
    recipe = load_recipe(name.removeprefix("training of "), changes)
    state = new_state(build_translator(recipe), recipe, torch.device("cpu"))
    a, b = (torch.randint(256, (1, 3, size, size), dtype=torch.uint8) for _ in "ab")
    return lambda: take_steps(state, recipe, Batch(a, b))


def alone(case: str, kept: bool) -> None:
    """In a process of its own: print CPU seconds of a call, and the process's largest size in MB."""
    torch.set_num_threads(1)
    if kept:
        assert keep_freed_memory()
    size, count = CASES[case]
    run = call(case, size)
    times = []
    for _ in range(1 + count):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps([statistics.median(times[1:] or times), peak]))


def compare(case: str, rounds: int) -> dict[str, float]:
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for turn in range(rounds):
        for kept in (False, True) if turn % 2 else (True, False):
            command = [sys.executable, __file__, "--alone", case, "kept" if kept else "default"]
            found[kept].append(json.loads(subprocess.check_output(command)))
    ratios = [before / after for (before, _), (after, _) in zip(found[False], found[True], strict=True)]
    (before, peak_before), (after, peak_after) = (
        (statistics.median(column) for column in zip(*found[kept], strict=True)) for kept in (False, True)
    )
    return {
        "default_seconds": round(before, 3),
        "kept_seconds": round(after, 3),
        "gain": round(statistics.median(ratios), 2),
        "gain_low": round(min(ratios), 2),
        "gain_high": round(max(ratios), 2),
        "default_peak_mb": round(peak_before),
        "kept_peak_mb": round(peak_after),
    }


def page(facts: dict[str, Any]) -> str:
    rows = "\n".join(
        f"| {case} | {CASES[case][0]}² | {row['default_seconds']:.3f} | {row['kept_seconds']:.3f} | "
        f"{row['gain']:.2f} ({row['gain_low']:.2f} to {row['gain_high']:.2f}) | {row['default_peak_mb']} | "
        f"{row['kept_peak_mb']} |"
        for case, row in facts["results"].items()
    )
    return (
        "# Freed memory: given back, or kept\n\n"
        "A call of a network, or a training step of one picture a side, on one thread of a CPU; seconds of "
        "the processor,\nuser and system. The gain is the median of the rounds' ratios, with the lowest and "
        "the highest.\n\n"
        "| | size | given back, s | kept, s | gain | largest size, MB | kept, MB |\n"
        "|---|---|---|---|---|---|---|\n"
        f"{rows}\n\n"
        f"{facts['date']}, torch {facts['torch']}, load of the machine before {facts['load']}; "
        f"`{facts['command']}`\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--only", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        case, setting = options.alone
        alone(case, setting == "kept")
        return
    facts: dict[str, Any] = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/allocator.py --rounds {options.rounds}",
        "torch": torch.__version__,
        "load": round(os.getloadavg()[0], 1),
        "results": {},
    }
    for case in options.only:
        facts["results"][case] = compare(case, options.rounds)
        print(case, facts["results"][case], flush=True)
        (options.out / "allocator.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        (options.out / "allocator.md").write_text(page(facts), encoding="utf-8")


if __name__ == "__main__":
    main()
