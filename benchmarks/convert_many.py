"""Does a conversion's memory stay flat over many files?

So many small JPEGs through a tiny network, with plan and manifest as the command has them, in a process of
its own that notes what it occupies on the way; then once more, when everything is finished; and the plan
alone of 100,000 names.

    python benchmarks/convert_many.py
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from cyclopts import App
from random_models import write_random_model

RESULTS = Path(__file__).parent / "results"
SIZE = 64
NAMES = 100_000

os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as the command does: a busy machine disturbs less

app = App(help="Measure conversions of many files.")


@app.default
def measure(*, files: int = 20_000, write: bool = True) -> None:
    """Print what was measured and write it to benchmarks/results.

    Parameters
    ----------
    files
        How many.
    """
    import torch

    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder)
        write_random_model(case / "tiny.safetensors", "mobile", {"depth": 2, "width": 4})
        write_pictures(case / "in", files, SIZE)
        first, second = (_child("many", case) for _ in range(2))
        _write_names(case / "names", NAMES)
        planned = _child("names", case)
    facts: dict[str, Any] = {
        "date": date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/convert_many.py", *sys.argv[1:]]),
        "load of the machine before": round(load, 1),
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
        "torch": torch.__version__,
    }
    content = {**facts, "files": files, "first": first, "second": second, "plan": planned}
    table = _table(content)
    print(table)
    if write:
        (RESULTS / "convert_many.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        (RESULTS / "convert_many.md").write_text(table + "\n", encoding="utf-8")


@app.command(show=False)
def many(case: Path) -> None:
    """Convert the small files in this process and print what it occupies on the way."""
    from translate.inference.folder import convert
    from translate.inference.manifest import Manifest, clean
    from translate.inference.plan import plan
    from translate.inference.translator import load

    translator = load(case / "tiny.safetensors", device="cpu")
    before = _occupied()
    started = time.perf_counter()
    jobs = plan([str(case / "in")], case / "out")
    clean(jobs)
    occupied, skipped = {}, 0
    with Manifest(case / "out", "model", "options") as manifest:
        listed = time.perf_counter() - started
        for number, result in enumerate(convert(translator, jobs, manifest=manifest), start=1):
            if result.error:
                raise RuntimeError(f"{result.job.source}: {result.error}")
            skipped += result.skipped
            if number in (1000, len(jobs) // 2, len(jobs)):
                occupied[number] = _occupied()
    seconds = time.perf_counter() - started
    facts = {"before": before, "occupied": occupied, "skipped": skipped}
    print(json.dumps({**facts, "seconds to list": round(listed, 2), "seconds": round(seconds, 1)}))


@app.command(show=False)
def names(case: Path) -> None:
    """Plan a conversion of very many names and print what that takes."""
    from translate.inference.plan import plan

    before, started = _occupied(), time.perf_counter()
    jobs = plan([str(case / "names")], case / "elsewhere")
    seconds = time.perf_counter() - started
    print(
        json.dumps(
            {"names": len(jobs), "megabytes": round(_occupied() - before, 1), "seconds": round(seconds, 2)}
        )
    )


def _child(command: str, case: Path) -> dict[str, Any]:
    process = [sys.executable, __file__, command, str(case)]
    return json.loads(
        subprocess.run(process, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    )


def _occupied() -> float:
    """What is in memory of this process, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return round(int(status.partition("VmRSS:")[2].split()[0]) / 1024, 1)


def write_pictures(folder: Path, count: int, size: int) -> None:
    from translate import images

    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:size, 0:size] / size
    encoded = []
    for a, b, c in rng.uniform(0, 6, (16, 3)):
        waves = np.stack([np.sin((a * x + b * y) * 12 + c + turn) for turn in range(3)], -1)
        noise = rng.normal(0, 0.1, (size, size, 3))
        encoded.append(images.encode(((waves + noise) * 90 + 128).clip(0, 255).astype(np.uint8), "JPEG"))
    for index in range(count):
        path = folder / f"{index // 1000:03}" / f"{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded[index % len(encoded)])


def _write_names(folder: Path, count: int) -> None:
    for index in range(count):
        if index % 1000 == 0:
            (folder / f"{index // 1000:03}").mkdir(parents=True)
        (folder / f"{index // 1000:03}" / f"a picture with a name {index}.jpg").touch()


def _table(content: dict[str, Any]) -> str:
    first, second, planned = (content[name] for name in ("first", "second", "plan"))
    facts = {key: value for key, value in content.items() if not isinstance(value, dict)}
    lines = ["# Conversion of many files", "", *(f"{key}: {value}  " for key, value in facts.items()), ""]
    lines += [f"{content['files']} JPEGs of {SIZE}² through a tiny network, with manifest:", ""]
    lines += ["| | first run | when all is finished |", "| --- | --- | --- |"]
    lines.append(f"| MB before the plan | {first['before']} | {second['before']} |")
    for number, occupied in first["occupied"].items():
        lines.append(f"| MB after {number} files | {occupied} | {second['occupied'][number]} |")
    for name in ("seconds to list", "seconds", "skipped"):
        lines.append(f"| {name} | {first[name]} | {second[name]} |")
    lines += ["", f"A plan of {planned['names']} names: {planned['megabytes']} MB in {planned['seconds']} s."]
    return "\n".join(lines)


if __name__ == "__main__":
    app()
