"""Degraded crops per second of a processor core, drawing included: ours, and the plain way beside it.

The plain way does the same drawn steps in float32 with whole 21×21 kernels and noise drawn anew, as the
papers' code does in numpy. Goal: 300 crops of 128×128 a second.

    python benchmarks/degradations.py
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from translate.data import transforms
from translate.data.degrade import drawings, draws, masks
from translate.data.degrade.steps import Blur, GaussianNoise, Jpeg, PoissonNoise, Resize, apply

HERE = Path(__file__).resolve().parent
SIDE = 128
GOAL = "300 crops a second and core at 128×128"
OPENCV = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
Work = Callable[[np.ndarray, int], object]


def ours(draw: Callable[[random.Random], draws.Steps]) -> Work:
    return lambda planes, seed: apply(draw(random.Random(seed)), planes)


def plain(draw: Callable[[random.Random], draws.Steps]) -> Work:
    """The same draws in float32, one plain call a step."""

    def work(planes: np.ndarray, seed: int) -> np.ndarray:
        pixels = planes.transpose(1, 2, 0).astype(np.float32) / 255
        rng = np.random.default_rng(seed)
        for step in draw(random.Random(seed)):
            pixels = plain_step(step, pixels, rng).clip(0, 1)
        return np.ascontiguousarray((pixels * 255).round().astype(np.uint8).transpose(2, 0, 1))

    return work


def plain_step(step: object, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    match step:
        case Blur():
            small = step.kernel.weights()
            return cv2.filter2D(pixels, -1, np.pad(small, max(0, 21 - len(small)) // 2))
        case Resize():
            return cv2.resize(pixels, step.size[::-1], interpolation=OPENCV[step.interpolation])
        case GaussianNoise():
            shape = (*pixels.shape[:2], 1 if step.grey else 3)
            return pixels + (rng.standard_normal(shape) * step.sigma / 255).astype(np.float32)
        case PoissonNoise():
            levels = np.round(pixels.mean(2, keepdims=True) * 255 if step.grey else pixels * 255)
            return pixels + ((rng.poisson(levels) - levels) * step.scale / 255).astype(np.float32)
        case Jpeg():
            order = (pixels * 255).round().astype(np.uint8)
            _, encoded = cv2.imencode(".jpg", order, (cv2.IMWRITE_JPEG_QUALITY, step.quality))
            return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.float32) / 255
    raise TypeError(f"no plain way of {step}")


def cases() -> dict[str, tuple[Work, Work | None]]:
    """Ours and, where there is one, the plain way."""
    size = (SIDE, SIDE)
    chains: dict[str, Callable[[random.Random], draws.Steps]] = {
        "realistic ×4": lambda rng: draws.realistic(rng, size, 4),
        "realistic ×2": lambda rng: draws.realistic(rng, size, 2),
        "denoise, Gaussian": draws.denoise,
        "denoise, photons": lambda rng: draws.denoise(rng, poisson=1.0),
        "deblur": draws.deblur,
        "dejpeg": draws.dejpeg,
    }
    drawn: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "Canny edges": transforms.edges,
        "soft edges": drawings.soft_edges,
        "sketch": drawings.sketch,
    }
    return {
        **{f"classical ×{scale}": (ours(lambda _, by=scale: draws.classical(by)), None) for scale in (4, 2)},
        **{name: (ours(draw), plain(draw)) for name, draw in chains.items()},
        "inpaint, the mask": (lambda _, seed: masks.holes(random.Random(seed), size), None),
        **{
            name: (lambda planes, _, draw=draw: draw(planes.transpose(1, 2, 0)), None)
            for name, draw in drawn.items()
        },
    }


def measure(rounds: int, items: int) -> dict[str, dict[str, float | None]]:
    """Medians of process CPU time over the rounds; the two ways take turns on the same seeds."""
    photo = data.astronaut().transpose(2, 0, 1)
    rng = random.Random(0)
    corners = [(rng.randrange(512 - SIDE), rng.randrange(512 - SIDE)) for _ in range(items)]
    crops = [np.ascontiguousarray(photo[:, y : y + SIDE, x : x + SIDE]) for y, x in corners]
    found: dict[str, dict[str, float | None]] = {}
    for name, ways in cases().items():
        seconds: list[list[float]] = [[], []]
        for turn in range(rounds + 1):
            for way, times in zip(ways, seconds, strict=True):
                if way is not None:
                    start = time.process_time()
                    for i, crop in enumerate(crops):
                        way(crop, turn * items + i)
                    times.append((time.process_time() - start) / items)
        own, other = (times[1:] for times in seconds)  # the first turn fills tables
        found[name] = {
            "crops_per_second_per_core": round(1 / statistics.median(own), 1),
            "ratio_to_plain": round(statistics.median(b / a for a, b in zip(own, other, strict=True)), 2)
            if other
            else None,
        }
    return found


def write(found: dict, folder: Path) -> str:
    """The results as JSON and Markdown in `folder`; the Markdown is returned."""
    lines = ["# Degradations", "", f"Goal: {GOAL}.", "", "| | crops/s/core | × plain |", "|---|---|---|"]
    for name, row in found["rows"].items():
        lines.append(f"| {name} | {row['crops_per_second_per_core']:,.0f} | {row['ratio_to_plain'] or ''} |")
    lines += ["", f"{found['how']}.", ""]
    page = "\n".join(lines)
    (folder / "degradations.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (folder / "degradations.md").write_text(page, encoding="utf-8")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--output", type=Path, default=HERE / "results")
    options = parser.parse_args()
    rows = measure(options.rounds, options.items)
    versions = ", ".join(f"{name} {version(name)}" for name in ("opencv-python-headless", "numpy"))
    how = (
        f"{date.today()}, `python benchmarks/degradations.py --rounds {options.rounds} "
        f"--items {options.items}`; {platform.machine()}, one thread, process CPU time on a machine with "
        "other work to do, which makes every figure smaller than a quiet one would; "
        f"medians of {options.rounds} turns; python {platform.python_version()}, {versions}"
    )
    print(write({"goal": GOAL, "rows": rows, "how": how}, options.output))


if __name__ == "__main__":
    main()
