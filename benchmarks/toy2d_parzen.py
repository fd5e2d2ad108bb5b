"""How likely fresh data is under a Parzen window of generated points, for objectives of the 2-D bench.

    python benchmarks/toy2d_parzen.py

The trainings are those of `toy2d.py` on 8 Gaussians, with fewer runs. Goodfellow et al. 2014 chose the width
of the window on validation points, and so does this.
"""

from __future__ import annotations

import json
import statistics
import time
from datetime import date
from pathlib import Path

import torch
from toy2d_games import DATA, ROWS, Game, train

from translate.metrics.parzen import parzen_log_likelihood

RUNS, SAMPLES = 2, 2500
NAMES = ("nonsaturating", "hinge", "lsgan", "relativistic")
OUT = Path(__file__).parent / "results" / "toy2d_parzen.json"


def main() -> None:
    torch.set_num_threads(1)
    data = DATA["8-gaussians"]()
    fresh = data.sample(2, 1000, torch.Generator().manual_seed(12345))
    results: dict[str, dict] = {}
    for name in ("data itself", "untrained", *NAMES):
        start = time.process_time()
        if name == "data itself":
            points = data.sample(RUNS, SAMPLES, torch.Generator().manual_seed(0))
        elif name == "untrained":
            points = Game(ROWS["minimax"], data, RUNS, 0).fakes(SAMPLES).detach()
        else:
            points = train(ROWS[name], data, RUNS, 0).fakes(SAMPLES).detach()
        scores = [parzen_log_likelihood(run, fresh[0], fresh[1]) for run in points]
        results[name] = {
            "nats": round(statistics.mean(one.mean or 0.0 for one in scores), 3),
            "runs": [round(one.mean or 0.0, 3) for one in scores],
            "bandwidths": [round(one.bandwidth, 4) for one in scores],
            "cpu_seconds": round(time.process_time() - start, 1),
            "protocols": [one.protocol for one in scores],
        }
        print(name, results[name], flush=True)
    record = {
        "date": date.today().isoformat(),
        "command": "python benchmarks/toy2d_parzen.py",
        "torch": torch.__version__,
        "data": "8-gaussians",
        "results": results,
    }
    OUT.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
