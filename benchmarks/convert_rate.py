"""Does the network ever wait for files? A folder's rate against the network's alone, by backend.

    pip install -e '.[onnx,openvino,mnn]'
    python benchmarks/convert_rate.py

256² JPEGs through the mobile generator, decoded, converted, encoded and written, against the same number of
calls of the network alone, on all cores. Rounds are interleaved, over the backends, too; the median of the
rounds' ratios counts. Writes results/convert_rate.json and convert_rate.md.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import torch
from convert_many import RESULTS, write_pictures
from cyclopts import App
from random_models import write_random_model

from translate.inference.engines.runtimes import RUNTIMES
from translate.inference.folder import convert
from translate.inference.plan import plan
from translate.inference.translator import Translator, load

SIDE = 256

app = App(help="Measure the rate of a folder's conversion.")


@app.default
def measure(*, pictures: int = 24, rounds: int = 5, write: bool = True) -> None:
    """Print what was measured and write it to benchmarks/results.

    Parameters
    ----------
    pictures
        How many a round.
    rounds
        Interleaved repetitions.
    """
    threads = os.environ.get("OMP_NUM_THREADS", str(os.cpu_count()))
    facts: dict[str, Any] = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/convert_rate.py --pictures {pictures} --rounds {rounds}",
        "load of the machine before": round(os.getloadavg()[0], 1),
        "threads": threads,
        "torch": torch.__version__,
    }
    with tempfile.TemporaryDirectory() as folder:
        facts["rates"] = _rates(Path(folder), pictures, rounds)
    table = _table(facts)
    print(table)
    if write:
        (RESULTS / "convert_rate.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        (RESULTS / "convert_rate.md").write_text(table + "\n", encoding="utf-8")


def _rates(case: Path, pictures: int, rounds: int) -> dict[str, dict[str, float]]:
    """Of each backend pictures a second of the network alone and of the conversion, and their ratio."""
    model = write_random_model(case / "mobile.safetensors", "mobile", {})
    write_pictures(case / "in", pictures, SIDE)
    translators = {name: load(model, device="cpu") for name in ("torch", *RUNTIMES)}
    for name, translator in translators.items():
        translator.use_backend(name)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in translators}
    for turn in range(rounds + 1):
        for name, translator in translators.items():
            timed = _alone(translator, pictures), _converting(translator, case, pictures)
            if turn:  # the first is for warming up
                seconds[name].append(timed)
    return {name: _summary(found, pictures) for name, found in seconds.items()}


def _alone(translator: Translator, pictures: int) -> float:
    x = torch.rand(1, 3, SIDE, SIDE) * 2 - 1
    started = time.perf_counter()
    for _ in range(pictures):
        translator.run(x)
    return time.perf_counter() - started


def _converting(translator: Translator, case: Path, pictures: int) -> float:
    started = time.perf_counter()
    results = list(convert(translator, plan([str(case / "in")], case / "out")))
    seconds = time.perf_counter() - started
    failed = [result.error for result in results if result.error]
    if failed or len(results) != pictures:
        raise RuntimeError(f"{len(results)} of {pictures} pictures: {failed}")
    return seconds


def _summary(found: list[tuple[float, float]], pictures: int) -> dict[str, float]:
    alone, converting = zip(*found, strict=True)
    ratios = [one / other for one, other in found]
    return {
        "network alone": round(pictures / statistics.median(alone), 2),
        "conversion": round(pictures / statistics.median(converting), 2),
        "ratio": round(statistics.median(ratios), 3),
        "lowest ratio": round(min(ratios), 3),
        "highest ratio": round(max(ratios), 3),
    }


def _table(facts: dict[str, Any]) -> str:
    lines = [
        "# A folder's rate, by backend",
        "",
        f"JPEGs of {SIDE}² through the mobile generator, pictures a second.",
        "",
        "| | network alone | folder | ratio, median | lowest to highest |",
        "|---|---|---|---|---|",
    ]
    for name, rate in facts["rates"].items():
        spread = f"{rate['lowest ratio']:.2f} to {rate['highest ratio']:.2f}"
        numbers = f"{rate['network alone']} | {rate['conversion']} | {rate['ratio']:.2f} | {spread}"
        lines.append(f"| {name} | {numbers} |")
    stated = ", ".join(f"{key} {value}" for key, value in facts.items() if key not in ("rates", "command"))
    return "\n".join([*lines, "", f"`{facts['command']}`; {stated}."])


if __name__ == "__main__":
    app()
