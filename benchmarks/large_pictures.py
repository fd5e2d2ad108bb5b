"""What large pictures cost: memory, time and the difference to the whole picture's result.

    python benchmarks/large_pictures.py                  # all cases, hours on two cores
    python benchmarks/large_pictures.py --only resnet-2048-whole resnet-2048-exact

Every case is a process of its own with one thread. The network has random weights; the picture is computed
and the output written row by row, so that the network's memory is what is measured: `RssAnon`, the memory
that is no file's pages, sampled every 20 ms, and `VmHWM`, the peak of everything resident. Times are the
process's CPU seconds, with the recording of the network. Results are added to results/large_pictures.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from translate.inference.sizes import Sizes, Tile
from translate.networks.catalogue import build_generator
from translate.networks.layers import initialise

RESULTS = Path(__file__).parent / "results"
CPU = torch.device("cpu")


class Case(NamedTuple):
    network: str
    side: int
    tile: Tile
    max_memory: str | None = None


CASES = {
    "resnet-2048-whole": Case("resnet", 2048, "whole"),
    "resnet-2048-exact": Case("resnet", 2048, "exact", "900MB"),
    "resnet-4096-exact": Case("resnet", 4096, "exact", "1.2GB"),
    "mobile-2048-whole": Case("mobile", 2048, "whole"),
    "mobile-2048-exact": Case("mobile", 2048, "exact", "900MB"),
    "mobile-8192-exact": Case("mobile", 8192, "exact", "1.5GB"),
    "mobile-16384-exact": Case("mobile", 16384, "exact", "1.5GB"),
}


def rows_of(side: int, start: int, stop: int) -> Tensor:
    """Rows of a picture, float32 (1, 3, rows, side) in [-1, 1], whose halves differ in contrast."""
    y, x = torch.arange(start, stop).view(-1, 1), torch.arange(side)
    waves = torch.sin(y / 37) * torch.cos(x / 53)
    grain = (y * 7919 + x * 104729 + (y * x) % 1013) % 997 / 498.5 - 1
    contrast = torch.where(y < side // 2, 0.2, 0.9)
    planes = [contrast * (0.6 * waves * sign + 0.4 * grain) for sign in (1, -1, 0.5)]
    return torch.stack(planes)[None].float()


def measure(case: Case, output: Path) -> dict:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = initialise(build_generator(case.network)).eval().requires_grad_(False)
    sizes = Sizes(network, CPU, network.size_multiple, case.tile, case.max_memory)
    start = anonymous()
    peak = [start]
    threading.Thread(target=_watch, args=(peak,), daemon=True).start()
    shape = (1, 3, case.side, case.side)
    begun, wall = time.process_time(), time.perf_counter()
    with torch.inference_mode(), output.open("wb") as file:
        if case.tile == "whole":
            made = sizes.run(rows_of(case.side, 0, case.side), (), {})
            file.write(made[0].permute(1, 0, 2).contiguous().numpy().tobytes())
        else:
            picture = lambda i, j: rows_of(case.side, i, j)  # noqa: E731
            for _, band in sizes.bands(shape, picture, (), {}):
                file.write(band[0].permute(1, 0, 2).contiguous().numpy().tobytes())
    resident = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
    return {
        **case._asdict(),
        "cpu_seconds": round(time.process_time() - begun, 1),
        "wall_seconds": round(time.perf_counter() - wall, 1),
        "anonymous_at_start_mb": round(start / 1024),
        "anonymous_peak_mb": round(peak[0] / 1024),
        "resident_peak_mb": round(resident / 1024),
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, one thread",
    }


def anonymous() -> int:
    """KiB of this process that are no file's pages."""
    return int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0])


def _watch(peak: list[int]) -> None:
    while True:
        peak[0] = max(peak[0], anonymous())
        time.sleep(0.02)


def difference(one: Path, other: Path) -> float:
    a, b = (np.memmap(path, np.float32, "r") for path in (one, other))
    step = 2**22
    return max(float(np.abs(a[i : i + step] - b[i : i + step]).max()) for i in range(0, len(a), step))


def table(results: dict[str, dict]) -> str:
    lines = [
        "| network | picture | computed | limit | anonymous at start | anonymous peak | resident peak "
        "| CPU s | × whole | max difference |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in (name for name in CASES if name in results):
        case = results[name]
        whole = results.get(f"{case['network']}-{case['side']}-whole")
        ratio = f"{case['cpu_seconds'] / whole['cpu_seconds']:.2f}" if whole else "–"
        apart = f"{case['difference']:.1e}" if "difference" in case else "–"
        lines.append(
            f"| {case['network']} | {case['side']}² | {case['tile']} | {case['max_memory'] or '–'} "
            f"| {case['anonymous_at_start_mb']} MB | {case['anonymous_peak_mb']} MB "
            f"| {case['resident_peak_mb']} MB | {case['cpu_seconds']} | {ratio} | {apart} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--work", type=Path, default=Path("large-pictures"), help="folder for the outputs")
    parser.add_argument("--alone", choices=CASES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    output = {name: arguments.work / f"{name}.f32" for name in CASES}
    if arguments.alone:
        print(json.dumps(measure(CASES[arguments.alone], output[arguments.alone])))
        return
    arguments.work.mkdir(parents=True, exist_ok=True)
    for name in arguments.only:
        command = [sys.executable, __file__, "--alone", name, "--work", str(arguments.work)]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        _add(name, json.loads(answer.splitlines()[-1]), output)


def _add(name: str, result: dict, output: dict[str, Path]) -> None:
    path = RESULTS / "large_pictures.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    before = results.get(name, {})
    results[name] = result | ({"difference": before["difference"]} if "difference" in before else {})
    stem = name.rsplit("-", 1)[0]
    exact, whole = f"{stem}-exact", f"{stem}-whole"
    if {exact, whole} <= results.keys() and output[exact].exists() and output[whole].exists():
        results[exact]["difference"] = difference(output[exact], output[whole])
    path.write_text(json.dumps(results, indent=2) + "\n")
    (RESULTS / "large_pictures.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
