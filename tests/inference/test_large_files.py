"""A large file through the command line: in memory it never is as a whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import translate
from translate import images
from translate.images import libvips

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")

CONVERTING = """
import json, sys, threading, time
from pathlib import Path
from translate.cli.main import app
from translate.images import scratch

def watch():
    while True:
        status = Path("/proc/self/status").read_text()
        peak[0] = max(peak[0], int(status.split("RssAnon:")[1].split()[0]) * 1024)
        time.sleep(0.005)

scratch.LARGE, scratch.STRIP_BYTES = 2**19, 2**20
peak, peaks = [0], []
threading.Thread(target=watch, daemon=True).start()
model, output, *paths = sys.argv[1:]
for path in paths:
    app(["convert", model, path, "--output", output, "--tile", "exact", "--max-memory", "500MB", "-q"],
        result_action="return_value")
    peaks.append(peak[0])
print(json.dumps(peaks))
"""


def test_memory_does_not_grow_with_a_file(tmp_path, write_model):
    if libvips.library() is None:
        pytest.skip("pyvips is not installed")
    model = write_model(tmp_path / "x2.safetensors", "srvgg", arguments={"scale": 2, "depth": 1, "width": 4})
    rows, columns = np.ogrid[:1600, :3000]
    picture = np.stack([rows % 251 + 0 * columns, columns % 241 + 0 * rows, (rows + columns) % 256], 2)
    picture = picture.astype(np.uint8)
    paths = [tmp_path / name for name in ("small.tif", "large.tif")]
    for path in paths:
        images.write(path, picture[: 300 if path.stem == "small" else 1600])
    run = subprocess.run(
        [sys.executable, "-c", CONVERTING, str(model), str(tmp_path / "out"), *map(str, paths)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "VIPS_CONCURRENCY": "1", "OMP_NUM_THREADS": "1"},
    )
    small, large = json.loads(run.stdout.splitlines()[-1])
    result = images.read(tmp_path / "out" / "large.tif").pixels
    assert result.shape == (3200, 6000, 3)
    expected = translate.load(model, device="cpu")(picture[-200:])
    assert np.abs(result[-300:].astype(np.int16) - expected[-300:]).max() <= 1
    assert large - small < result.nbytes, "whole it would be three times as much"
