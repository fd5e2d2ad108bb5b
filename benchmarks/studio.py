"""The studio: how soon its page is there, what it holds, what it adds to a network's time, and a crowd.

    pip install -e '.[dev]'
    python benchmarks/studio.py               # the figures
    python benchmarks/studio.py --soak 60     # 50 clients with good and bad uploads, for a minute

A light generator with random weights. The page is there when headless Chromium shows the place for a picture;
what the studio adds is the time of a request less that of the same translation in this process. Writes
benchmarks/results/studio.json and studio_soak.json.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil
from first_picture import RUN, SIDE, write_files
from PIL import Image

import translate
from translate import images

RESULTS = Path(__file__).parent / "results"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MEGAPIXEL = (864, 1152)
CLIENTS = 50
STARTS = 7
BYTES = 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--soak", type=float, default=0, metavar="SECONDS")
    options = parser.parse_args()
    facts = {
        "date": date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/studio.py", *sys.argv[1:]]),
        "load of the machine before": round(os.getloadavg()[0], 1),
        "versions": {name: version(name) for name in ("torch", "gradio")},
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = write_files(folder)["model file"]
        (folder / "models").mkdir()
        shutil.copy(model, folder / "models" / "light.safetensors")
        measured = soak(folder / "models", options.soak) if options.soak else figures(folder, options.rounds)
    kind = "studio_soak" if options.soak else "studio"
    (RESULTS / f"{kind}.json").write_text(json.dumps(facts | measured, indent=2) + "\n")
    print(json.dumps(facts | measured, indent=2))


@contextmanager
def served(models: Path) -> Iterator[tuple[str, psutil.Process, float]]:
    """The address of a studio, its process, and when it was started."""
    command = [sys.executable, "-c", RUN, "serve", "--models", str(models), "--port", "0"]
    started = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = next(hit for line in process.stderr if (hit := re.search(r"http://\S+/", line)))
        threading.Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would stop it
        try:
            yield found[0], psutil.Process(process.pid), started
        finally:
            process.send_signal(signal.SIGTERM)


def figures(folder: Path, rounds: int) -> dict[str, object]:
    picture = noise((SIDE, SIDE))
    large = noise(MEGAPIXEL)
    said, seen = [], []
    for _ in range(STARTS):
        with served(folder / "models") as (address, process, started):
            said.append(time.perf_counter() - started)
            seen.append(until_seen(address) - started)
    with served(folder / "models") as (address, process, _):
        asked(address, encoded(picture))  # the model is loaded, the network warm
        small = [timed(address, encoded(picture)) for _ in range(rounds)]
        megapixel = [timed(address, encoded(large)) for _ in range(max(3, rounds // 3))]
        memory = process.memory_info().rss
    translator = translate.load(folder / "models" / "light.safetensors")
    translator(picture)
    alone = []
    for _ in range(rounds):
        before = time.perf_counter()
        translator(picture)
        alone.append(time.perf_counter() - before)
    return {
        "seconds until the address is said": spread(said),
        "seconds until the page is there": spread(seen),
        "resident MiB with a light model": round(memory / BYTES),
        "seconds added to the network's, 256²": round(statistics.median(small) - statistics.median(alone), 3),
        "seconds of a request, 256²": round(statistics.median(small), 3),
        "seconds of a request, 1 megapixel": round(statistics.median(megapixel), 2),
    }


def spread(times: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(times), 2), "fastest": round(min(times), 2)}


def until_seen(address: str) -> float:
    """When Chromium shows the place for a picture. Its own start, and what drives it, is not counted."""
    launching = time.perf_counter()
    from playwright.sync_api import sync_playwright

    found = next(path for name in BROWSERS if (path := shutil.which(name)))
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        launched = time.perf_counter() - launching
        page.goto(address)
        page.wait_for_selector("#source input[type=file]", state="attached")
        seen = time.perf_counter() - launched
        browser.close()
    return seen


def timed(address: str, file: bytes) -> float:
    before = time.perf_counter()
    answer = asked(address, file)
    if "event: complete" not in answer:
        raise SystemExit(f"the studio answered {answer}")
    return time.perf_counter() - before


def asked(address: str, file: bytes, name: str = "in.png", model: str = "light") -> str:
    """What the studio answers to a picture: the events of one request."""
    border = "7d4f0b"
    body = (
        (
            f'--{border}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        + file
        + f"\r\n--{border}--\r\n".encode()
    )
    kind = f"multipart/form-data; boundary={border}"
    (path,) = json.loads(posted(f"{address}gradio_api/upload", body, kind))
    image = {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}
    data = json.dumps({"data": [image, model, "", "", "", 1.0, 0]}).encode()
    event = json.loads(posted(f"{address}gradio_api/call/translate", data, "application/json"))["event_id"]
    with urllib.request.urlopen(f"{address}gradio_api/call/translate/{event}", timeout=300) as answer:
        return answer.read().decode()


def posted(url: str, body: bytes, kind: str) -> bytes:
    request = urllib.request.Request(url, body, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=300) as answer:
        return answer.read()


def soak(models: Path, seconds: float) -> dict[str, object]:
    """Clients that ask again as soon as they are answered, two in three with something bad."""
    good = encoded(noise((64, 64)))
    bomb = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(bomb, "PNG")  # 900 megapixels in 110 KB
    kinds = {
        "good": (good, "good.png", "light"),
        "another good": (encoded(noise((50, 70))), "again.png", "light"),
        "cut": (good[: len(good) // 2], "cut.png", "light"),
        "words": (b"words", "words.jpg", "light"),
        "bomb": (bomb.getvalue(), "bomb.png", "light"),
        "no such model": (good, "good.png", "none"),
    }
    counts: Counter[str] = Counter()
    memory: list[int] = []
    with served(models) as (address, process, _):
        asked(address, good)
        end = time.monotonic() + seconds

        def visit(number: int) -> None:
            turn = number
            while time.monotonic() < end:
                kind = list(kinds)[turn % len(kinds)]
                turn += 1
                try:
                    answer = asked(address, *kinds[kind])
                except (OSError, urllib.error.URLError) as error:
                    counts[f"{kind}: {type(error).__name__}"] += 1
                    continue
                counts[f"{kind}: {'done' if 'event: complete' in answer else 'refused'}"] += 1

        clients = [threading.Thread(target=visit, args=(number,)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        while any(client.is_alive() for client in clients):
            memory.append(process.memory_info().rss)
            time.sleep(1)
        alive = process.is_running() and "event: complete" in asked(address, good)
    some = memory[:: max(1, len(memory) // 12)]
    return {
        "clients": CLIENTS,
        "seconds": seconds,
        "answers": dict(sorted(counts.items())),
        "alive afterwards": alive,
        "resident MiB, from the start to the end": [round(taken / BYTES) for taken in some],
    }


def noise(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)


def encoded(pixels: np.ndarray) -> bytes:
    return images.encode(pixels, "PNG")


if __name__ == "__main__":
    main()
