"""What only a CUDA device can show: `pytest -m gpu`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import translate
from translate.training.start import start_training

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device"),
]

SMALL = {
    "data.size": 64,
    "training.steps": 20,
    "log.every": 5,
    "generator.width": 16,
    "discriminator.width": 16,
}


@pytest.mark.parametrize("recipe", ["cyclegan", "demo", "pix2pix"])
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-3), ("bf16", 2e-2), ("fp16", 2e-2)])
def test_trains_on_cuda_and_converts_the_same_on_both(
    recipe: str,
    precision: str,
    tolerance: float,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    # TF32 would round the products of the fp32 case to ten bits.
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    data = request.getfixturevalue("paired" if recipe == "pix2pix" else "unpaired")
    overrides = SMALL | {"training.precision": precision, "data.load_size": 64}
    run = start_training(recipe, data, tmp_path / "run", overrides=overrides, device="cuda", quiet=True).run
    entries = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert [entry["step"] for entry in entries] == [5, 10, 15, 20]
    assert all(np.isfinite(list(entry["losses"].values())).all() for entry in entries)
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    on_gpu = translate.load(run.path, device="cuda")(picture)
    on_cpu = translate.load(run.path, device="cpu")(picture)
    assert (on_gpu.cpu() - on_cpu).abs().max() < tolerance
