"""What a training step costs, beside the plain version of the same computation.

    python benchmarks/train_step.py [--rounds 10] [--size 256] [--out benchmarks/results]

Plain is the step as the papers' code takes it: fp32, contiguous NCHW, eager, one picture, a separate pass for
every use of a network, Adam that isn't fused, no averaged weights. Ours is `translate.training.loop.train`,
averaging included. Both start from the same weights and take turns, so that a noisy machine troubles them
alike; the ratio is the median of the rounds' ratios. Peak memory is that of a process of its own each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import torch
from plain import with_plain_convolutions
from silently import take_steps
from torch import Tensor, nn
from torch.nn import functional as F

from translate.config import Recipe, load_recipe
from translate.data.batches import Batch as ByteBatch
from translate.training.loop import to_batch
from translate.training.state import new_state
from translate.translators.catalogue import build_translator

Step = Callable[[], None]


def bytes_batch(size: int) -> ByteBatch:
    """One random picture a side, uint8 (1, 3, size, size)."""
    random = torch.Generator().manual_seed(1)
    a, b = (torch.randint(256, (1, 3, size, size), generator=random, dtype=torch.uint8) for _ in "ab")
    return ByteBatch(a, b)


def our_step(recipe: Recipe, size: int) -> Step:
    torch.manual_seed(0)
    state = new_state(build_translator(recipe), recipe, torch.device("cpu"))
    batch = bytes_batch(size)

    def step() -> None:
        take_steps(state, recipe, batch)

    return step


def _hold(networks: list[nn.Module], free: bool) -> None:
    for network in networks:
        network.requires_grad_(free)


def plain_pix2pix(recipe: Recipe, size: int) -> Step:
    torch.manual_seed(0)
    networks = with_plain_convolutions(build_translator(recipe).train()).networks
    generator, discriminator = networks["generator"], networks["discriminator_b"]
    adam = {name: torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for name, net in networks.items()}
    bce = nn.BCEWithLogitsLoss()
    batch = to_batch(bytes_batch(size), torch.device("cpu"))

    def judge(picture: Tensor, real: bool) -> Tensor:
        logits = discriminator(torch.cat([batch.a, picture], 1))
        return bce(logits, torch.full_like(logits, float(real)))

    def step() -> None:
        fake = generator(batch.a)
        _hold([discriminator], True)
        adam["discriminator_b"].zero_grad()
        (0.5 * (judge(fake.detach(), False) + judge(batch.b, True))).backward()
        adam["discriminator_b"].step()
        _hold([discriminator], False)
        adam["generator"].zero_grad()
        (judge(fake, True) + 100 * F.l1_loss(fake, batch.b)).backward()
        adam["generator"].step()

    return step


def plain_cyclegan(recipe: Recipe, size: int) -> Step:
    torch.manual_seed(0)
    networks = with_plain_convolutions(build_translator(recipe).train()).networks
    to_b, to_a = networks["generator"], networks["generator_b2a"]
    judges = {"a": networks["discriminator_a"], "b": networks["discriminator_b"]}
    generators = [*to_b.parameters(), *to_a.parameters()]
    discriminators = [parameter for judge in judges.values() for parameter in judge.parameters()]
    adam_g = torch.optim.Adam(generators, 2e-4, (0.5, 0.999))
    adam_d = torch.optim.Adam(discriminators, 2e-4, (0.5, 0.999))
    batch = to_batch(bytes_batch(size), torch.device("cpu"))
    a, b = batch.a, batch.b

    def square(logits: Tensor, target: float) -> Tensor:
        return F.mse_loss(logits, torch.full_like(logits, target))

    def step() -> None:
        fake_b, fake_a = to_b(a), to_a(b)
        cycle_a, cycle_b = to_a(fake_b), to_b(fake_a)
        _hold(list(judges.values()), False)
        adam_g.zero_grad()
        loss = 5 * (F.l1_loss(to_b(b), b) + F.l1_loss(to_a(a), a))
        loss = loss + square(judges["b"](fake_b), 1) + square(judges["a"](fake_a), 1)
        loss = loss + 10 * (F.l1_loss(cycle_a, a) + F.l1_loss(cycle_b, b))
        loss.backward()
        adam_g.step()
        _hold(list(judges.values()), True)
        adam_d.zero_grad()
        for side, real, fake in (("a", a, fake_a), ("b", b, fake_b)):
            (0.5 * (square(judges[side](real), 1) + square(judges[side](fake.detach()), 0))).backward()
        adam_d.step()

    return step


PLAIN: dict[str, Callable[[Recipe, int], Step]] = {"pix2pix": plain_pix2pix, "cyclegan": plain_cyclegan}


def build(name: str, kind: str, size: int) -> Step:
    recipe = load_recipe(name, {"data.size": size, "data.load_size": size})
    return our_step(recipe, size) if kind == "ours" else PLAIN[name](recipe, size)


def seconds(step: Step) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def compare(name: str, size: int, rounds: int) -> dict[str, float]:
    steps = {kind: build(name, kind, size) for kind in ("plain", "ours")}
    for step in steps.values():
        step()
    times: dict[str, list[float]] = {"plain": [], "ours": []}
    for turn in range(rounds):
        for kind in ("plain", "ours") if turn % 2 else ("ours", "plain"):
            times[kind].append(seconds(steps[kind]))
    ratios = [plain / ours for plain, ours in zip(times["plain"], times["ours"], strict=True)]
    ours = statistics.median(times["ours"])
    return {
        "plain_seconds": statistics.median(times["plain"]),
        "ours_seconds": ours,
        "ours_images_per_second": 1 / ours,
        "ratio": statistics.median(ratios),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
    }


def peak_memory(name: str, kind: str, size: int) -> float:
    """MB of a process that takes three steps."""
    command = [sys.executable, __file__, "--only", name, kind, "--size", str(size)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def own_peak_mb() -> float:
    """Of this process alone: what getrusage says is inherited from the parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--recipes", nargs="+", default=list(PLAIN), choices=list(PLAIN))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--only", nargs=2, metavar=("RECIPE", "KIND"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        recipe, kind = options.only
        step = build(recipe, kind, options.size)
        for _ in range(3):
            step()
        print(own_peak_mb())
        return

    rows = {}
    for name in options.recipes:
        rows[name] = compare(name, options.size, options.rounds)
        rows[name] |= {f"{kind}_peak_mb": peak_memory(name, kind, options.size) for kind in ("plain", "ours")}
        print(name, {key: round(value, 3) for key, value in rows[name].items()}, flush=True)
    result = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/train_step.py --rounds {options.rounds} --size {options.size}",
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "results": rows,
    }
    (options.out / "train_step.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
