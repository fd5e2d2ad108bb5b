"""How long exported pages take for a picture of 256×256, beside ONNX Runtime in Python with one thread.

    pip install -e '.[dev]'; npm install onnxruntime-web
    python benchmarks/web_page.py

Light generators with random weights, in headless Chromium. Turns are interleaved; the page's times are its
own, from pixels to pixels in the worker. Reported are the medians, the fastest turns, which come closest to a
quiet machine's, and the median of the turns' ratios. Writes benchmarks/results/web_page.json.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import os
import shlex
import shutil
import statistics
import sys
import tempfile
import threading
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from first_picture import SIDE, write_picture
from random_models import random_model

import translate
from translate.weights.exporters.onnx import write_onnx
from translate.weights.exporters.web import write_site

RESULTS = Path(__file__).parent / "results"
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "mobile ResNet": ("mobile", {}),
    "U-Net of the demo, 3 halvings, width 32": (
        "unet",
        {"depth": 3, "width": 32, "norm": "instance", "masked": True},
    ),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    load = round(os.getloadavg()[0], 1)
    facts = {
        "date": date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/web_page.py", *sys.argv[1:]]),
        "load of the machine before": load,
        "versions": {"onnxruntime": version("onnxruntime")},
        "networks": {title: _timed(*network, options.rounds) for title, network in NETWORKS.items()},
    }
    (RESULTS / "web_page.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps(facts, indent=2))


def _timed(architecture: str, arguments: dict[str, Any], rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = random_model(architecture, arguments)
        write_onnx(folder / "model.onnx", model)
        write_site(folder / "site", model)
        write_picture(folder / "in.jpg")
        python, page = measure(folder, folder / "model.onnx", rounds)
    ratios = [there / here for here, there in zip(python, page, strict=True)]
    return {
        "page, milliseconds": {"median": round(statistics.median(page)), "fastest": round(min(page))},
        "python, milliseconds": {"median": round(statistics.median(python)), "fastest": round(min(python))},
        "times as long as in python": round(statistics.median(ratios), 2),
    }


def measure(folder: Path, exported: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each turn, in Python and on the page; the first doesn't count."""
    from playwright.sync_api import sync_playwright

    translator = translate.load_exported(exported, backend="onnx")
    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    handler = functools.partial(Quiet, directory=str(folder / "site"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = next(path for name in BROWSERS if (path := shutil.which(name)))
    python: list[float] = []
    page_times: list[float] = []
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_selector("body[data-ready]", timeout=60_000)
        for turn in range(rounds + 1):
            started = time.perf_counter()
            translator(picture)
            python.append(1000 * (time.perf_counter() - started))
            page.set_input_files("#file", folder / "in.jpg")
            page.wait_for_selector(f"body[data-done='{turn + 1}']", timeout=60_000)
            page_times.append(float(page.get_attribute("body", "data-milliseconds") or "nan"))
        browser.close()
    server.shutdown()
    return python[1:], page_times[1:]


if __name__ == "__main__":
    main()
