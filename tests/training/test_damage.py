"""Damage done by the loader's processes, or batch by batch on the device: the same within a tolerance."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from translate.data.loading import load_data
from translate.data.options import DataOptions
from translate.training.loop import to_batch

OPTIONS = DataOptions(
    size=24, load_size="full", batch_size=3, quarter_turns=True, cache="ram", workers=0, seed=5
)
# What makes the inputs, and the largest and the mean difference in levels that are allowed; None for any.
CASES = [
    ({"task": "denoise"}, 1, 0.01),
    ({"task": "deblur"}, 1, 0.01),
    ({"task": "dejpeg"}, None, 0.7),
    ({"task": "downscale", "degradation": "realistic", "scale": 2}, None, 2.5),
    ({"task": "downscale", "degradation": "realistic"}, None, 2.5),
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four soft pictures, 40 × 30."""
    root = tmp_path_factory.mktemp("photos")
    for i in range(4):
        noise = np.random.default_rng(i).integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(cv2.GaussianBlur(noise, (0, 0), 2)).save(root / f"{i}.png")
    return root


def both(photos: Path, changes: dict, device: str, workers: int = 0) -> list[list[torch.Tensor]]:
    """Inputs and targets of four steps in levels, first damaged in the loader and then on the device."""
    made = []
    for where in ("workers", "device"):
        options = replace(OPTIONS, degrade_on=where, workers=workers if where == "device" else 0, **changes)
        batches = islice(load_data(photos, options, kind="paired", progress=False).loader(), 4)
        ready = [to_batch(batch, torch.device(device)) for batch in batches]
        made.append([torch.cat([getattr(batch, side) for batch in ready]).cpu() * 127.5 for side in "ab"])
    return made


def compare(photos: Path, changes: dict, most: float | None, mean: float, device: str) -> None:
    (there, targets), (here, again) = both(photos, changes, device)
    assert torch.equal(targets, again)
    assert here.shape == there.shape
    apart = (here - there).abs()
    assert apart.mean() < mean
    assert most is None or apart.max() <= most + 1e-3
    assert (here - there.roll(1, 0)).abs().mean() > 4 * mean  # and another picture's is another


@pytest.mark.parametrize(("changes", "most", "mean"), CASES)
def test_the_same_damage_in_either_place(photos, changes, most, mean):
    compare(photos, changes, most, mean, "cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("changes", "most", "mean"), CASES)
def test_the_same_damage_on_a_gpu(photos, changes, most, mean):
    compare(photos, changes, most, mean, "cuda")


def test_what_is_pending_comes_from_other_processes_too(photos):
    alone, helped = (both(photos, {"task": "deblur"}, "cpu", workers)[1][0] for workers in (0, 1))
    assert torch.equal(alone, helped)


def test_only_a_training_s_crops_are_left_to_the_device(photos):
    options = replace(OPTIONS, task="denoise", degrade_on="device")
    data = load_data(photos, options, kind="paired", progress=False)
    batch = next(data.loader())
    assert batch.pending is not None
    assert torch.equal(batch.a, batch.b) or any(pending.flip or pending.turns for pending in batch.pending)
    assert data.train[0].pending is not None
    held_out = load_data(photos, replace(options, train=False), kind="paired", progress=False)
    assert held_out.held_out is None or held_out.held_out[0].pending is None
