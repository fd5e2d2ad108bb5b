"""The classifier of coats: right on fresh renders, honest on what lies between coats, safe to load."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from importlib import resources

import numpy as np
import pytest
import torch
from safetensors import safe_open

from translate import images
from translate.data.savanna import COATS, render_scene, sample_scene
from translate.errors import UsageError
from translate.metrics.coats import (
    NONE,
    WEIGHTS,
    CoatClassifier,
    classify,
    coat_probabilities,
    load_coat_classifier,
)

_SEED = 31_337  # neither that of the training nor that of the published measurement


def _pictures(count: int, size: int, coats: tuple[str, ...] = COATS) -> Iterator[tuple[str, torch.Tensor]]:
    rng = np.random.default_rng([_SEED, size])
    for index in range(count):
        coat = str(rng.choice(coats))
        rendering = render_scene(sample_scene(_SEED + size, index), [coat], size)
        yield coat, images.to_tensor(rendering.images[coat])


def test_nearly_always_right_on_fresh_renders():
    wrong, total = [], 0
    for count, size in ((120, 64), (40, 128)):
        truth, pictures = zip(*_pictures(count, size), strict=True)
        said = classify(torch.cat(pictures))
        wrong += [f"{t} at {size} taken for {s}" for t, s in zip(truth, said, strict=True) if t != s]
        total += count
    assert len(wrong) <= 0.01 * total, wrong


def test_any_size_from_48():
    rendering = render_scene(sample_scene(_SEED, 0), ["zebra", "palomino"], 192)
    for coat in rendering.images:
        picture = images.to_tensor(rendering.images[coat])
        for size in (48, 64, 100, 192):
            small = torch.nn.functional.interpolate(picture, (size, size), mode="area")
            assert classify(small) == [coat], size


def test_half_a_zebra_is_no_certain_zebra():
    shares = {0.25: [], 0.5: [], 0.75: []}
    for index in range(16):
        coat = ("chestnut", "black", "grey", "palomino")[index % 4]
        rendering = render_scene(sample_scene(_SEED, index), [coat, "zebra"], 64)
        horse, zebra = (images.to_tensor(rendering.images[name]) for name in (coat, "zebra"))
        columns = np.flatnonzero(rendering.mask.any(0))
        for striped, told in shares.items():
            edge = int(columns[0] + striped * (columns[-1] + 1 - columns[0]))
            halves = torch.cat([zebra[..., :edge], horse[..., edge:]], -1)
            told.append(float(coat_probabilities(halves)["zebra"]))
    quarter, half, most = (float(np.mean(told)) for told in shares.values())
    assert quarter < 0.2 < half < 0.7 < most
    assert max(shares[0.5]) < 0.95


def test_stripes_that_are_blurred_away_are_no_zebra():
    _, pictures = zip(*_pictures(8, 64, ("zebra",)), strict=True)
    blurred = torch.nn.functional.avg_pool2d(torch.cat(pictures), 9, 1, 4, count_include_pad=False)
    assert "zebra" not in classify(blurred)


def test_probabilities_sum_to_one():
    _, pictures = zip(*_pictures(3, 64), strict=True)
    shares = coat_probabilities(torch.cat(pictures))
    assert tuple(shares) == (*COATS, NONE)
    assert torch.stack(list(shares.values())).sum(0).tolist() == pytest.approx([1, 1, 1])


def test_neighbours_in_a_batch_do_not_matter():
    _, pictures = zip(*_pictures(4, 64), strict=True)
    together = coat_probabilities(torch.cat(pictures))["zebra"]
    alone = torch.cat([coat_probabilities(picture)["zebra"] for picture in pictures])
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 3, 47, 64), (1, 1, 64, 64), (3, 64, 64)])
def test_what_is_no_such_picture_is_refused(shape):
    with pytest.raises(UsageError, match="at least 48×48"):
        classify(torch.zeros(shape))


def test_weights_are_small_and_no_pickle():
    path = resources.files("translate.metrics") / WEIGHTS
    with resources.as_file(path) as file:
        content = file.read_bytes()
        with safe_open(file, framework="pt") as weights:
            names = json.loads(weights.metadata()["names"])
            keys = set(weights.keys())
    assert len(content) < 600_000
    (header,) = np.frombuffer(content[:8], "<u8")
    assert isinstance(json.loads(content[8 : 8 + int(header)]), dict)
    assert tuple(names) == (*COATS, NONE)
    assert keys == set(CoatClassifier(names).state_dict())


def test_classifier_is_ready_for_use():
    network = load_coat_classifier()
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    logits = network(torch.zeros(2, 3, 80, 50))
    assert logits.shape == (2, len(COATS) + 1)
    assert math.isfinite(float(logits.sum()))


def test_coloured_specks_are_no_zebra():
    """What a half-trained translator makes of horses, and what a judge of clean renders alone falls for."""
    generator = torch.Generator().manual_seed(0)
    spoiled = []
    for index in range(10):
        rendering = render_scene(sample_scene(_SEED, index), ["grey"], 64)
        horse, mask = images.to_tensor(rendering.images["grey"]), images.to_tensor(rendering.mask) > 0
        specks = torch.rand(1, 3, 32, 32, generator=generator) * 2 - 1
        coloured = torch.nn.functional.interpolate(specks, (64, 64), mode="nearest").sign()
        spoiled.append(torch.where(mask, coloured, horse))
    said = classify(torch.cat(spoiled))
    assert said.count(NONE) >= 9, said
