"""How fast and how large is a conversion, against the plain version of the same computation?

Plain: Pillow reads, the network (built as usual: drawn at random, then filled) runs eagerly in fp32
under `no_grad`, one contiguous NCHW picture at a time, Pillow writes with the same options. Ours:
`inference.folder`. Both convert the same JPEGs with the same weights; rounds are interleaved and the
medians compared, by the clock and by processor time (which a busy machine disturbs less). Peak memory is
that of a fresh process each.

    python benchmarks/convert.py --threads 2
"""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
from cyclopts import App

RESULTS = Path(__file__).parent / "results"
CASES = (("mobile", 128, 16), ("mobile", 256, 6), ("resnet", 128, 5), ("resnet", 256, 3))

os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as the command does: a busy machine disturbs less

app = App(help="Measure conversion against the plain version.")


@dataclass(frozen=True)
class Row:
    """One case; rates in pictures a second of the clock, ratios plain over ours, memory in MB."""

    network: str
    size: int
    pictures: int
    plain: float
    ours: float
    ratio: float
    cpu_ratio: float
    network_alone: float
    plain_peak: float
    ours_peak: float


@app.default
def measure(*, threads: int = 2, rounds: int = 3, write: bool = True) -> None:
    """Print the table and write it to benchmarks/results.

    Parameters
    ----------
    threads
        Of torch, for both versions.
    rounds
        Interleaved repetitions; medians are reported.
    """
    import torch

    torch.set_num_threads(threads)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for network, size, count in CASES:
            case = Path(folder) / f"{network}-{size}"
            _make_case(case, network, size, count)
            rows.append(_measure_case(case, network, size, count, threads, rounds))
            print(rows[-1], file=sys.stderr)
    facts = {
        "date": date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/convert.py", *sys.argv[1:]]),
        "threads": threads,
        "load of the machine before": round(os.getloadavg()[0], 1),
        "rounds": rounds,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "pillow": _version("pillow"),
        "opencv": _version("opencv-python-headless"),
    }
    table = _table(rows, facts)
    print(table)
    if write:
        RESULTS.mkdir(exist_ok=True)
        content = {**facts, "rows": [asdict(row) for row in rows]}
        (RESULTS / "convert.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        (RESULTS / "convert.md").write_text(table + "\n", encoding="utf-8")


@app.command(show=False)
def child(version: str, case: Path, threads: int) -> None:
    """Convert a case in this process and print its peak memory in MB."""
    import torch

    torch.set_num_threads(threads)
    {"plain": make_plain, "ours": make_ours}[version](case)()
    print(_peak_of_this_process())


def _peak_of_this_process() -> float:
    # Not getrusage: across fork and exec, Linux hands the parent's peak down to the child.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def make_plain(case: Path) -> Callable[[], None]:
    """The conversion as the papers' code has it."""
    import torch
    from PIL import Image
    from plain import with_plain_convolutions
    from safetensors.torch import load_file

    from translate.networks.catalogue import build_generator
    from translate.weights.card import read_card

    card = read_card(case / "model.safetensors")
    network = with_plain_convolutions(build_generator(card.architecture, **card.arguments))
    network.load_state_dict(load_file(case / "model.safetensors"))
    network.eval()

    def run() -> None:
        (case / "plain").mkdir(exist_ok=True)
        for path in sorted((case / "in").iterdir()):
            pixels = np.asarray(Image.open(path).convert("RGB"))
            x = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float().div(255).sub(0.5).div(0.5)
            with torch.no_grad():
                y = network(x[None].contiguous())[0]
            out = ((y.permute(1, 2, 0).numpy() + 1) / 2 * 255).clip(0, 255).round().astype(np.uint8)
            Image.fromarray(out).save(case / "plain" / path.name, quality=95, subsampling=0)

    return run


def make_ours(case: Path) -> Callable[[], None]:
    """The conversion as `translate convert` does it."""
    from translate.inference.folder import convert
    from translate.inference.plan import plan
    from translate.inference.translator import load

    translator = load(case / "model.safetensors", device="cpu")

    def run() -> None:
        for result in convert(translator, plan([str(case / "in")], case / "out")):
            if result.error:
                raise RuntimeError(f"{result.job.source}: {result.error}")

    return run


def _make_case(case: Path, network: str, size: int, count: int) -> None:
    from random_models import write_random_model

    from translate import images

    write_random_model(case / "model.safetensors", network, {})
    y, x = np.mgrid[0:size, 0:size] / size
    for index in range(count):
        rng = np.random.default_rng(index)
        waves = [np.sin((a * x + b * y) * 12 + c) for a, b, c in rng.uniform(0, 6, (3, 3))]
        noise = rng.normal(0, 0.1, (size, size, 3))
        pixels = ((np.stack(waves, -1) + noise) * 90 + 128).clip(0, 255).astype(np.uint8)
        images.write(case / "in" / f"{index}.jpg", pixels)


def _measure_case(case: Path, network: str, size: int, count: int, threads: int, rounds: int) -> Row:
    versions = {"plain": make_plain(case), "ours": make_ours(case), "alone": _make_alone(case, size, count)}
    for run in versions.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in versions}
    cpu: dict[str, list[float]] = {name: [] for name in versions}
    for _ in range(rounds):
        for name, run in versions.items():
            started, cpu_started = time.perf_counter(), time.process_time()
            run()
            seconds[name].append(time.perf_counter() - started)
            cpu[name].append(time.process_time() - cpu_started)
    _check_equal(case)
    rate = {name: count / statistics.median(times) for name, times in seconds.items()}
    ratio, cpu_ratio = (
        statistics.median(p / o for p, o in zip(times["plain"], times["ours"], strict=True))
        for times in (seconds, cpu)
    )
    peaks = {name: _peak(name, case, threads) for name in ("plain", "ours")}
    return Row(
        network=network,
        size=size,
        pictures=count,
        plain=round(rate["plain"], 2),
        ours=round(rate["ours"], 2),
        ratio=round(ratio, 3),
        cpu_ratio=round(cpu_ratio, 3),
        network_alone=round(rate["alone"], 2),
        plain_peak=round(peaks["plain"]),
        ours_peak=round(peaks["ours"]),
    )


def _make_alone(case: Path, size: int, count: int) -> Callable[[], None]:
    import torch

    from translate.inference.translator import load

    translator = load(case / "model.safetensors", device="cpu")
    x = torch.rand(1, 3, size, size) * 2 - 1

    def run() -> None:
        for _ in range(count):
            translator.run(x)

    return run


def _check_equal(case: Path) -> None:
    from translate import images

    for path in images.find(case / "plain"):
        ours, plain = images.read(case / "out" / path.name).pixels, images.read(path).pixels
        if np.abs(ours.astype(int) - plain).mean() > 0.1:
            raise RuntimeError(f"{path.name}: the two versions differ")


def _peak(version: str, case: Path, threads: int) -> float:
    command = [sys.executable, __file__, "child", version, str(case), str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def _table(rows: list[Row], facts: dict) -> str:
    heads = ("network", "size", "plain /s", "ours /s", "ratio", "ratio of CPU time", "network alone /s",
             "plain peak MB", "ours peak MB")  # fmt: skip
    lines = ["# Conversion against the plain version", ""]
    lines += [f"{key}: {value}  " for key, value in facts.items()]
    lines += ["", _line(heads), _line(["---"] * len(heads))]
    for row in rows:
        ratios = (f"{row.ratio:.2f}×", f"{row.cpu_ratio:.2f}×")
        cells = (row.network, f"{row.size}²", row.plain, row.ours, *ratios, row.network_alone)
        lines.append(_line((*cells, row.plain_peak, row.ours_peak)))
    return "\n".join(lines)


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


if __name__ == "__main__":
    app()
