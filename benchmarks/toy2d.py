"""Every objective on data that fits on a page: 8 Gaussians, 25 Gaussians, the Swiss roll.

    python benchmarks/toy2d.py [--data 8-gaussians 25-gaussians swiss-roll short] [--rows minimax wgan-gp]
    python benchmarks/toy2d.py --check

An MLP turns 2-D noise into points, an MLP criticises them, and `translate.losses` says what either minimises.
The five runs of an objective differ in weights, noise and data; they are trained side by side, as one stack
of networks, which takes half the time. Reported: modes covered, share of high-quality samples and the
Wasserstein-1 distance to the data, beside what the data itself and an untrained generator reach.

The five runs fix what is expected from then on (`expected`): `--check` trains again, with another seed, and
fails if a row's mean falls short of it. `short` is a fraction of the training on 8 Gaussians, for the tests.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from toy2d_games import DATA, ROWS, Data, Game, Row, train

Scores = dict[str, float]
Results = dict[str, dict[str, Scores]]  # of a data set's rows
RUNS = 5
ITSELF, UNTRAINED = "data itself", "untrained"
SHORT, SHARE = "short", 0.3  # of the training on 8 Gaussians
# One run in five of these needed longer to find the ring at all; BEGAN's has only begun by then.
LONGER = {"nonsaturating": 0.6, "relativistic": 0.6, "dragan": 0.6, "began": 1.0}
SAMPLES, PAIRED = 2500, 1000  # points judged, and those of them that are matched for Wasserstein-1
NOTE = f"""Means of {RUNS} runs, the worst run in brackets; CPU seconds are of the {RUNS} runs together, one
thread of a busy machine. Expected: what `--check` holds the mean of {RUNS} other runs to, which is the worst
of these with a margin: modes less a tenth (at least one), 0.6 of the quality, 1.25 of the W₁."""


@dataclass(frozen=True)
class Score:
    """Of one run: modes covered, share of samples within 3σ of the data's centres, Wasserstein-1."""

    modes: int
    quality: float
    w1: float


def judge(points: Tensor, data: Data) -> Score:
    """Score points (N, 2) against fresh data, always the same.

    A mode is covered if it gets a fifth of its fair share of the samples, and those within 3σ.
    """
    distance, nearest = torch.cdist(points, data.centres).min(1)
    good = distance <= 3 * data.sigma
    counts = torch.bincount(nearest[good] // data.group, minlength=data.modes)
    truth = data.sample(1, PAIRED, torch.Generator().manual_seed(12345))[0]
    cost = torch.cdist(points[:PAIRED], truth).numpy()
    return Score(
        modes=int((counts >= 0.2 * len(points) / data.modes).sum()),
        quality=float(good.float().mean()),
        w1=float(cost[linear_sum_assignment(cost)].mean()),
    )


def summary(points: Tensor, data: Data) -> Scores:
    """Mean and worst over runs of points (runs, N, 2)."""
    scores = [judge(run, data) for run in points]
    result: Scores = {}
    for key, worst in (("modes", min), ("quality", min), ("w1", max)):
        values = [getattr(score, key) for score in scores]
        result |= {key: round(statistics.mean(values), 3), f"{key}_worst": round(worst(values), 3)}
    return result


def expected(scores: Scores) -> Scores:
    """What the mean of other runs is held to: the worst of these, with a margin."""
    modes = scores["modes_worst"]
    return {
        "modes": max(0, math.floor(modes - max(1, 0.1 * modes))),
        "quality": round(0.6 * scores["quality_worst"], 3),
        "w1": round(1.25 * scores["w1_worst"], 3),
    }


def shortfalls(scores: Scores, bounds: Scores) -> list[str]:
    """Where the mean of some runs is worse than expected, in words."""
    return [
        f"{key} {scores[key]:g}, expected {bound:g}"
        for key, bound in bounds.items()
        if (scores[key] > bound if key == "w1" else scores[key] < bound)
    ]


def panel(points: Tensor, data: Data, size: int = 120) -> Image.Image:
    """The data's centres in grey, the first run's points in colour."""
    reach = float(data.centres.abs().max()) * 1.25
    image = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(image)
    for cloud, colour, radius in ((data.centres, (190, 190, 190), 2), (points[:600], (200, 30, 60), 0.5)):
        for x, y in ((cloud / reach + 1) * size / 2).tolist():
            draw.ellipse((x - radius, size - y - radius, x + radius, size - y + radius), fill=colour)
    draw.rectangle((0, 0, size - 1, size - 1), outline=(220, 220, 220))
    return image


def sheet(panels: dict[str, dict[str, Image.Image]], size: int = 120, columns: int = 8) -> Image.Image:
    """A column an objective, a row a data set, folded after `columns`."""
    names = list(panels)
    bands = [names[start : start + columns] for start in range(0, len(names), columns)]
    heights = [16 + size * max(len(panels[name]) for name in band) for band in bands]
    image = Image.new("RGB", (columns * size, sum(heights)), "white")
    draw = ImageDraw.Draw(image)
    for index, name in enumerate(names):
        x, y = index % columns * size, sum(heights[: index // columns])
        draw.text((x + 4, y + 2), name.replace("slow critic: ", "slow: "), fill="black")
        for row, shown in enumerate(panels[name].values()):
            image.paste(shown, (x, y + 16 + row * size))
    return image


def measure(name: str, row: str, runs: int = RUNS, seed: int = 0) -> tuple[Scores, Tensor]:
    """Train and score a row on a data set; `data itself` is a fresh sample of it.

    Returns:
        The scores, and the first run's points (SAMPLES, 2).
    """
    data, start = DATA["8-gaussians" if name == SHORT else name](), time.process_time()
    if name == SHORT:
        data = replace(data, length=data.length * LONGER.get(row, SHARE))
    if row == ITSELF:
        points = data.sample(runs, SAMPLES, torch.Generator().manual_seed(seed))
    elif row == UNTRAINED:
        points = Game(ROWS["minimax"], data, runs, seed).fakes(SAMPLES).detach()
    else:
        points = train(ROWS[row], data, runs, seed).fakes(SAMPLES).detach()
    seconds = time.process_time() - start
    return {"cpu_seconds": round(seconds, 1), **summary(points, data)}, points[0]


def overview(results: Results) -> str:
    """One table: a row an objective, for each data set the means of modes (worst run), quality and W₁."""
    sets = [name for name in results if name != SHORT]
    heads = [f"{name}: modes of {DATA[name]().modes} | quality | W₁" for name in sets]
    lines = [f"| objective | {' | '.join(heads)} |", "|---" * (1 + 3 * len(sets)) + "|"]
    for row in next(iter(results.values())):
        cells = []
        for it in (results[name].get(row) for name in sets):
            cells += (
                [f"{it['modes']:g} ({it['modes_worst']:g})", f"{it['quality']:.0%}", f"{it['w1']:.2f}"]
                if it
                else [""] * 3
            )
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def table(results: Results) -> str:
    """The same in full, with what is expected from then on and how each row is trained."""
    lines = []
    for name, rows in results.items():
        modes = 8 if name == SHORT else DATA[name]().modes
        lines += [
            f"## {name}",
            "",
            f"| objective | modes of {modes} | high quality | W₁ | expected | CPU s |",
            "|---|---|---|---|---|---|",
        ]
        for row, it in rows.items():
            bounds = expected(it)
            fixed = f"≥ {bounds['modes']}, ≥ {bounds['quality']:.0%}, ≤ {bounds['w1']:.2f}"
            lines.append(
                f"| {row} | {it['modes']:g} ({it['modes_worst']:g}) | {it['quality']:.0%} "
                f"({it['quality_worst']:.0%}) | {it['w1']:.2f} ({it['w1_worst']:.2f}) "
                f"| {fixed if row in ROWS else ''} | {it['cpu_seconds']:.0f} |"
            )
        lines.append("")
    lengths = ", ".join(f"{make().length:g} on {name}" for name, make in DATA.items())
    lines += [
        "## How each is trained",
        "",
        f"Steps are the generator's, times {lengths}; {SHORT} is {SHARE:g} of 8-gaussians, "
        + ", ".join(f"{share:g} for {row}" for row, share in LONGER.items())
        + ".",
        "",
    ]
    plain = asdict(Row(""))
    words = [f"{key} {plain[key]}" for key in ("lr", "critic_lr", "betas", "steps", "batch")]
    lines += [f"| row | what differs from {', '.join(words)} |", "|---|---|"]
    for name, row in ROWS.items():
        changes = {key: value for key, value in asdict(row).items() if value != plain[key]}
        words = [f"{key} {value}" for key, value in changes.items() if key not in ("adversarial", "only")]
        lines.append(f"| {name} | {', '.join(words) or 'nothing'} |")
    return "\n".join(lines) + "\n"


def save(folder: Path, results: Results, panels: dict[str, dict[str, Image.Image]]) -> None:
    """Write what is measured so far."""
    record = {
        "date": date.today().isoformat(),
        "command": "python benchmarks/toy2d.py",
        "torch": torch.__version__,
        "runs": RUNS,
        "rows": {name: asdict(row) for name, row in ROWS.items()},
        "results": results,
        "expected": {
            name: {row: expected(scores) for row, scores in rows.items() if row in ROWS}
            for name, rows in results.items()
        },
    }
    (folder / "toy2d.json").write_text(json.dumps(record, indent=2) + "\n")
    head = f"# The 2-D bench\n\n`{record['command']}`\n\n{NOTE}\n\n"
    (folder / "toy2d.md").write_text(f"{head}{overview(results)}\n{table(results)}")
    if panels:
        sheet(panels).save(folder / "toy2d.png", optimize=True)


def jobs(data: list[str], rows: list[str]) -> list[tuple[str, str]]:
    """Rows of a data set each; those that answer a single question only where they answer it."""
    return [
        (name, row)
        for name in data
        for row in (ITSELF, UNTRAINED, *rows)
        if row not in ROWS or not ROWS[row].only or name in ROWS[row].only
    ]


def bench(options: argparse.Namespace) -> None:
    results: Results = {}
    panels: dict[str, dict[str, Image.Image]] = {}
    for name, row in jobs(options.data, options.rows):
        scores, points = measure(name, row)
        print(name, row, scores, flush=True)
        results.setdefault(name, {})[row] = scores
        if name != SHORT:
            panels.setdefault(row, {})[name] = panel(points, DATA[name]())
        save(options.out, results, panels)


def check(options: argparse.Namespace) -> int:
    """How many rows fall short of what is expected of them."""
    bounds: Results = json.loads((options.out / "toy2d.json").read_text())["expected"]
    failed = 0
    for name, row in jobs(options.data, options.rows):
        if row in bounds.get(name, {}):
            short = shortfalls(measure(name, row, seed=1)[0], bounds[name][row])
            print(name, row, "; ".join(short) or "as expected", flush=True)
            failed += bool(short)
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=[*DATA, SHORT], choices=[*DATA, SHORT])
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.check:
        sys.exit(1 if check(options) else 0)
    bench(options)


if __name__ == "__main__":
    main()
