"""A studio with small models in a process of its own, and a browser that watches it."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from translate import images

ROOT = Path(__file__).resolve().parents[2]
STARTING = 180  # seconds, on a busy machine


@pytest.fixture(scope="session")
def models(tmp_path_factory, write_model, run_folder, labelled_model, latent_model, photo) -> Path:
    """A folder with a model of each kind, and what isn't one."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(run_folder, folder / "both")
    for name, model in (("coats", labelled_model), ("many", latent_model)):
        shutil.copy(model, folder / f"{name}.safetensors")
    write_model(folder / "deep/grey.safetensors", arguments={"in_channels": 1, "out_channels": 1})
    write_model(folder / "holes.safetensors", mask=True, arguments={"in_channels": 4})
    write_model(folder / "maps.safetensors", classes=("0", "1", "2"))
    (folder / "damaged.safetensors").write_bytes(b"nothing")
    (folder / "both" / "examples").mkdir()
    stripes = np.tile(np.array([[[0], [1], [2], [1]]], np.uint8), (64, 16, 3))
    images.write(folder / "maps" / "examples" / "stripes.png", stripes)
    for name, number in (("one", 7), ("two", 8)):
        images.write(folder / "both" / "examples" / f"{name}.png", photo(number))
    return folder


@pytest.fixture(scope="session")
def photo() -> Callable[..., np.ndarray]:
    """A function that makes uint8 (H, W, 3), noise that is smooth, so that JPEG keeps it."""

    def make(seed: int, height: int = 45, width: int = 67) -> np.ndarray:
        random = np.random.RandomState(seed)
        coarse = random.randint(0, 256, (-(-height // 8), -(-width // 8), 3), np.uint8)
        return np.ascontiguousarray(np.kron(coarse, np.ones((8, 8, 1), np.uint8))[:height, :width])

    return make


@pytest.fixture(scope="session")
def start_studio(models: Path, tmp_path_factory) -> Callable[..., contextlib.AbstractContextManager[str]]:
    """A function that runs `translate serve` as a user does, and gives its address."""

    @contextlib.contextmanager
    def start(*options: str, folder: Path = models, cwd: Path | None = None) -> Iterator[str]:
        command = [sys.executable, "-m", "translate", "serve", "--models", str(folder), "--port", "0"]
        paths = os.pathsep.join([str(ROOT), str(ROOT / "apps"), os.environ.get("PYTHONPATH", "")])
        # Gradio serves what lies in its working and temporary folders; models lie elsewhere.
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        process = subprocess.Popen(
            [*command, "--device", "cpu", *options],
            # As many threads as here: sums differ in their last bits with another number of them.
            env=os.environ | {"PYTHONPATH": paths, "TMPDIR": str(elsewhere), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd or elsewhere,
        )
        try:
            yield _address(process)
        finally:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()

    return start


@pytest.fixture(scope="session")
def studio(start_studio) -> Iterator[str]:
    """The address of a running studio."""
    with start_studio("--mcp", "--max-upload", "3MB", "--max-pixels", "1000000") as address:
        yield address


@pytest.fixture(scope="session")
def visit(browser) -> Callable[..., contextlib.AbstractContextManager[Any]]:
    """A function that opens a page in a fresh profile.

    Errors of its scripts and requests to elsewhere fail the test.
    """

    @contextlib.contextmanager
    def opened(address: str, **context: Any) -> Iterator[Any]:
        profile = browser.new_context(**{"viewport": {"width": 1200, "height": 900}} | context)
        page = profile.new_page()
        page.set_default_timeout(60_000)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request", lambda request: wrong.append(request.url) if _outside(request.url, address) else None
        )
        page.goto(address)
        page.wait_for_selector("#source input[type=file]", state="attached")
        yield page
        profile.close()
        assert wrong == []

    return opened


@pytest.fixture
def page(visit, studio) -> Iterator[Any]:
    """The studio's page, for a visitor who was never there before."""
    with visit(studio) as page:
        yield page


def _outside(url: str, address: str) -> bool:
    return not url.startswith((address, "data:", "blob:"))


def _address(process: subprocess.Popen) -> str:
    said, until = "", time.monotonic() + STARTING
    assert process.stderr is not None
    while time.monotonic() < until and process.poll() is None:
        if select.select([process.stderr], [], [], 1)[0]:
            said += process.stderr.readline()
            if found := re.search(r"http://\S+", said):
                return found[0]
    raise AssertionError(f"the studio didn't start: {said}")
