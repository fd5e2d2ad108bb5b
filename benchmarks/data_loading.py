"""Files per second of a processor core: the plain PIL pipeline, ours decoding, ours from the RAM cache.

Each takes A|B files apart, resizes both halves to 286, crops 256 and mirrors at random. The plain one is
that of the papers' code: PIL, antialiased bicubic, float tensors. Ours hands on uint8, and the conversion
happens in the training step: it is measured too, as a row of its own.

    python benchmarks/data_loading.py            # made-up pictures, and ../shared/data/facades where it is
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torchvision.transforms import functional as plain

from translate.data.batches import Item, to_float
from translate.data.datasets import paired_dataset
from translate.data.layout import recognise
from translate.data.options import DataOptions
from translate.data.sampling import SampleIndex

HERE = Path(__file__).resolve().parent
REAL = HERE.parents[1] / "shared" / "data" / "facades"
OPTIONS = DataOptions(size=256, load_size=286)
Pipeline = Callable[[int], object]


def plain_pipeline(files: tuple[Path, ...]) -> Pipeline:
    """The papers' data loading, item by item."""

    def load(i: int) -> tuple[torch.Tensor, ...]:
        rng = random.Random(i)
        both = Image.open(files[i % len(files)]).convert("RGB")
        width, height = both.size
        halves = (both.crop((0, 0, width // 2, height)), both.crop((width // 2, 0, width, height)))
        left, top, flip = rng.randint(0, 30), rng.randint(0, 30), rng.random() < 0.5
        made = []
        for half in halves:
            crop = half.resize((286, 286), Image.Resampling.BICUBIC).crop((left, top, left + 256, top + 256))
            crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else crop
            made.append(plain.normalize(plain.to_tensor(crop), [0.5] * 3, [0.5] * 3))
        return tuple(made)

    return load


def our_pipelines(folder: Path) -> dict[str, Pipeline]:
    """Ours without and with the cache, as uint8 and as the float tensors that the plain one makes."""
    layout = recognise(folder, kind="paired")
    decoding = paired_dataset(layout, "train", options=OPTIONS)
    cached = paired_dataset(layout, "train", options=OPTIONS)
    shelf = cached.shelves[0]
    shelf.keep([tuple(map(np.ascontiguousarray, shelf.decode(i))) for i in range(len(shelf))])
    count = len(shelf)

    def item(dataset, i: int) -> Item:
        return dataset[SampleIndex(i % count, i % count, i)]

    def floats(dataset, i: int) -> list[torch.Tensor]:
        return [to_float(torch.from_numpy(side)) for side in item(dataset, i)]

    return {
        "ours, decoding": lambda i: item(decoding, i),
        "ours, decoding, then to float": lambda i: floats(decoding, i),
        "ours, RAM cache": lambda i: item(cached, i),
        "ours, RAM cache, then to float": lambda i: floats(cached, i),
    }


def measure(pipelines: dict[str, Pipeline], rounds: int, items: int) -> dict[str, list[float]]:
    """Seconds of process CPU time an item, by pipeline and round; the pipelines take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in pipelines}
    for pipeline in pipelines.values():
        pipeline(0)
    for turn in range(rounds):
        for name, pipeline in pipelines.items():
            # The cache is so fast that a turn of it must be longer to be measured at all.
            count = items * 20 if "cache" in name else items
            start = time.process_time()
            for i in range(count):
                pipeline(turn * count + i)
            seconds[name].append((time.process_time() - start) / count)
    return seconds


def made_up(folder: Path) -> Path:
    """64 A|B files of smooth noise, so that the benchmark runs anywhere."""
    rng = np.random.default_rng(0)
    for i in range(64):
        coarse = rng.integers(0, 256, (32, 64, 3), dtype=np.uint8)
        pixels = cv2.resize(coarse, (512, 256), interpolation=cv2.INTER_CUBIC)
        Image.fromarray(pixels).save(folder / f"{i}.jpg", quality=90)
    return folder


def rows(seconds: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Files per second and the ratio to the plain pipeline, medians over the rounds."""
    base = seconds["plain PIL"]
    return {
        name: {
            "files_per_second_per_core": round(1 / statistics.median(times), 1),
            "ratio": round(statistics.median(b / t for b, t in zip(base, times, strict=True)), 2),
        }
        for name, times in seconds.items()
    }


def run(folder: Path, rounds: int, items: int) -> dict:
    """Measure all pipelines on the A|B files of `folder`."""
    files = recognise(folder, kind="paired").split("train").a.files
    pipelines = {"plain PIL": plain_pipeline(files), **our_pipelines(folder)}
    size = sum(file.stat().st_size for file in files) / len(files) / 1024
    return {
        "files": len(files),
        "kilobytes_a_file": round(size),
        "rows": rows(measure(pipelines, rounds, items)),
    }


def write(found: dict, folder: Path) -> str:
    """The results as JSON and Markdown in `folder`; the Markdown is returned."""
    lines = ["# Data loading", "", f"Goal: {found['goal']}.", ""]
    for name, result in found["sets"].items():
        lines += [f"{name}: {result['files']} A|B JPEGs of 512×256, {result['kilobytes_a_file']} KB each", ""]
        lines += ["| pipeline | files/s/core | × |", "|---|---|---|"]
        for pipeline, row in result["rows"].items():
            lines.append(f"| {pipeline} | {row['files_per_second_per_core']:,.0f} | {row['ratio']} |")
        lines.append("")
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    lines.append(
        "Unpacking the JPEG itself costs both sides nearly the same, so the ratio without the cache falls as "
        "the files grow.\n"
    )
    lines.append(f"{found['date']}, `{found['command']}`; {found['machine']}; {versions}.\n")
    text = "\n".join(lines)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data_loading.md").write_text(text, encoding="utf-8")
    (folder / "data_loading.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--items", type=int, default=24, help="files a round")
    parser.add_argument("--output", type=Path, default=HERE / "results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {"made-up pictures": made_up(Path(scratch))}
        if REAL.is_dir():
            folders["real facades"] = REAL
        sets = {name: run(folder, options.rounds, options.items) for name, folder in folders.items()}
    packages = ("torch", "torchvision", "opencv-python-headless", "pillow", "numpy")
    found = {
        "goal": "3 times the plain pipeline when decoding, 50 times from the RAM cache",
        "date": date.today().isoformat(),
        "command": f"python benchmarks/data_loading.py --rounds {options.rounds} --items {options.items}",
        "machine": f"{platform.machine()}, one thread, process CPU time, medians of {options.rounds} turns",
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "sets": sets,
    }
    print(write(found, options.output))


if __name__ == "__main__":
    main()
