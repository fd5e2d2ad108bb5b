"""How many pictures of `savanna` are rendered and written a second; and its contact sheet.

python benchmarks/render_savanna.py
python benchmarks/render_savanna.py --sheet docs/images/savanna.png
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from translate import images
from translate.data.savanna import COATS, render_scene, sample_scene, write_dataset
from translate.data.savanna.mesh import animal

# Scenes that show the range of poses, weather and ground between them.
SHOWN = ((0, 0), (3, 5), (0, 4), (3, 21), (0, 15), (0, 8))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sheet", type=Path, help="write the contact sheet here and measure nothing")
    parser.add_argument("--scenes", type=int, default=40, help="scenes a measurement")
    options = parser.parse_args()
    if options.sheet:
        options.sheet.parent.mkdir(parents=True, exist_ok=True)
        images.write(options.sheet, contact_sheet())
        return
    start = time.perf_counter()
    animal()
    _say({"what": "the mesh, once a process", "seconds": round(time.perf_counter() - start, 2)})
    for size in (64, 128, 256):
        for coats in (("zebra",), ("chestnut", "zebra"), COATS):
            _say(_render(size, coats, options.scenes))
    for workers in (1, 2):
        _say(_write(3 * options.scenes, workers))


def _say(result: dict[str, object]) -> None:
    print(json.dumps(result, ensure_ascii=False), flush=True)


def contact_sheet(size: int = 160) -> np.ndarray:
    """Scenes down, coats across: (scenes · size, coats · size, 3) uint8."""
    rows = []
    for seed, index in SHOWN:
        rendering = render_scene(sample_scene(seed, index), COATS, size, supersample=3)
        rows.append(np.concatenate([rendering.images[coat] for coat in COATS], 1))
    return np.concatenate(rows, 0)


def _render(size: int, coats: tuple[str, ...], scenes: int) -> dict[str, object]:
    start, busy = time.perf_counter(), time.process_time()
    for index in range(scenes):
        render_scene(sample_scene(0, index), coats, size)
    return {
        "what": "render, one process, 2×2 samples",
        "size": size,
        "coats": len(coats),
        "images_per_second": round(scenes * len(coats) / (time.perf_counter() - start), 1),
        "images_per_cpu_second": round(scenes * len(coats) / (time.process_time() - busy), 1),
    }


def _write(count: int, workers: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        written = write_dataset(Path(folder) / "set", count=count, test_count=10, size=64, workers=workers)
    pictures = sum(written.folders.values())
    return {
        "what": "write an unpaired data set",
        "size": 64,
        "workers": workers,
        "pictures": pictures,
        "seconds": round(written.seconds, 2),
        "pictures_per_second": round(pictures / written.seconds, 1),
    }


if __name__ == "__main__":
    main()
