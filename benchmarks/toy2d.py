"""Every objective on data that fits on a page: 8 Gaussians, 25 Gaussians, the Swiss roll.

    python benchmarks/toy2d.py [--runs 8-gaussians=5 25-gaussians=2 swiss-roll=2] [--out benchmarks/results]

An MLP turns 2-D noise into points, an MLP criticises them, and `translate.losses` says what either minimises.
The runs of an objective differ in weights, noise and data; they are trained side by side, as one stack of
networks, which takes half the time. Reported: modes covered, share of high-quality samples and
the Wasserstein-1 distance to the data, beside what a fresh sample of the data itself reaches.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from toy2d_games import DATA, ROWS, Data, Row, train

Results = dict[str, dict[str, dict[str, float]]]  # of a data set's rows
NOTE = "At most 1000 steps: a small budget. CPU seconds are of all runs of a row together."
ITSELF = "data itself"
SAMPLES, PAIRED = 2500, 1000  # points judged, and those of them that are matched for Wasserstein-1


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


def summary(points: Tensor, data: Data) -> dict[str, float]:
    """Mean and worst over runs of points (runs, N, 2)."""
    scores = [judge(run, data) for run in points]
    result: dict[str, float] = {}
    for key, worst in (("modes", min), ("quality", min), ("w1", max)):
        values = [getattr(score, key) for score in scores]
        result |= {key: round(statistics.mean(values), 3), f"{key}_worst": round(worst(values), 3)}
    return result


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
    names, data = list(panels), list(next(iter(panels.values())))
    bands = math.ceil(len(names) / columns)
    height = 16 + len(data) * size
    image = Image.new("RGB", (columns * size, bands * height), "white")
    draw = ImageDraw.Draw(image)
    for index, name in enumerate(names):
        x, y = index % columns * size, index // columns * height
        draw.text((x + 4, y + 2), name.replace("slow critic: ", "slow: "), fill="black")
        for row, shown in enumerate(panels[name].values()):
            image.paste(shown, (x, y + 16 + row * size))
    return image


def measure(job: tuple[str, str, int]) -> tuple[dict[str, float], Tensor]:
    """Train and score a row on a data set; the row "data itself" is a fresh sample of it.

    Returns:
        The scores, and the first run's points (SAMPLES, 2).
    """
    name, row, runs = job
    torch.set_num_threads(1)
    data, start = DATA[name](), time.process_time()
    if row == ITSELF:
        points = data.sample(runs, SAMPLES, torch.Generator().manual_seed(0))
    else:
        points = train(ROWS[row], data, runs).fakes(SAMPLES).detach()
    seconds = time.process_time() - start
    scores = {"runs": runs, "cpu_seconds": round(seconds, 1), **summary(points, data)}
    print(name, row, scores, flush=True)
    return scores, points[0]


def table(results: Results) -> str:
    lines = []
    for name, rows in results.items():
        modes, runs = DATA[name]().modes, max(int(row["runs"]) for row in rows.values())
        lines += [
            f"## {name}, {runs} runs: mean (worst)",
            "",
            f"| objective | modes of {modes} | high quality | W₁ | CPU s |",
            "|---|---|---|---|---|",
        ]
        for row, it in rows.items():
            lines.append(
                f"| {row} | {it['modes']:g} ({it['modes_worst']:g}) | {it['quality']:.0%} "
                f"({it['quality_worst']:.0%}) | {it['w1']:.2f} ({it['w1_worst']:.2f}) "
                f"| {it['cpu_seconds']:.0f} |"
            )
        lines.append("")
    lines += [
        "## How each is trained",
        "",
        "| row | what differs from 1e-3, 1e-3, Adam (0.5, 0.99), 1000 steps |",
    ]
    plain = asdict(Row(""))
    for name, row in ROWS.items():
        changes = {key: value for key, value in asdict(row).items() if value != plain[key]}
        words = ", ".join(f"{key} {value}" for key, value in changes.items() if key != "adversarial")
        lines += ["|---|---|"] if name == next(iter(ROWS)) else []
        lines.append(f"| {name} | {words or 'nothing'} |")
    return "\n".join(lines) + "\n"


def save(
    folder: Path,
    runs: dict[str, int],
    processes: int,
    results: Results,
    panels: dict[str, dict[str, Image.Image]],
) -> None:
    """Write what is measured so far: the data sets that are through."""
    done = {name: rows for name, rows in results.items() if rows}
    record = {
        "date": date.today().isoformat(),
        "command": "python benchmarks/toy2d.py --runs " + " ".join(f"{name}={runs[name]}" for name in done),
        "torch": torch.__version__,
        "processes": processes,
        "rows": {name: asdict(row) for name, row in ROWS.items()},
        "results": done,
    }
    (folder / "toy2d.json").write_text(json.dumps(record, indent=2) + "\n")
    (folder / "toy2d.md").write_text(f"# The 2-D bench\n\n`{record['command']}`\n\n{NOTE}\n\n{table(done)}")
    sheet(panels).save(folder / "toy2d.png", optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = ["8-gaussians=5", "25-gaussians=2", "swiss-roll=2"]
    parser.add_argument("--runs", nargs="+", default=default, metavar="DATA=COUNT")
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()

    runs = {name: int(count) for name, count in (choice.split("=") for choice in options.runs)}
    jobs = [(name, row, runs[name]) for name in runs for row in (ITSELF, *options.rows)]
    results: Results = {name: {} for name in runs}
    panels: dict[str, dict[str, Image.Image]] = {}
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        for (name, row, _), (scores, points) in zip(jobs, pool.map(measure, jobs), strict=True):
            results[name][row] = scores
            panels.setdefault(row, {})[name] = panel(points, DATA[name]())
            if row == options.rows[-1]:
                save(options.out, runs, options.processes, results, panels)


if __name__ == "__main__":
    main()
