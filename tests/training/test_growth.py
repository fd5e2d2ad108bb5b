"""Trainings that begin with small pictures: sizes, the networks that grow along, resume and early stop."""

from __future__ import annotations

import os
import signal
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import translate
from translate import images
from translate.config import Recipe, load_recipe
from translate.data.batches import Batch as ByteBatch
from translate.networks.progressive import ProgressiveResNet, progress_to_stage
from translate.networks.unet import UNet
from translate.training import start as start_module
from translate.training.growth import grow
from translate.training.loop import to_batch, train
from translate.training.plan import step_memory
from translate.training.start import start_training
from translate.training.state import TrainingState, new_state
from translate.translators.catalogue import build_translator
from translate.weights.card import read_card

TINY = {
    "data.size": 32,
    "data.load_size": 32,
    "data.batch_size": 2,
    "generator.depth": 1,
    "generator.width": 2,
    "discriminator.width": 2,
    "discriminator.layers": 1,
    "training.resolutions": 3,
    "log.every": 2,
    "log.samples_every": 4,
    "log.samples": 1,
}
PROGRESSIVE = {
    "generator.name": "progressive",
    "generator.norm": "instance",
    "generator.stages": 3,
    "training.resolutions": "auto",
}
CASES = {
    "paired": ("pix2pix", {"generator.name": "resnet", "generator.norm": "instance", "training.pool": 3}),
    "paired, growing": ("pix2pix", PROGRESSIVE | {"training.pool": 3, "training.accumulate": 2}),
    "unpaired": ("cyclegan", {"training.pool": 3}),
    "unpaired, growing": ("cyclegan", PROGRESSIVE | {"training.pool": 3}),
    "unpaired, by contrast": ("fastcut", {"losses.layers": [0, 4, 8], "losses.patches": 8}),
    "labelled": ("stargan", {}),
}
SIZES = {0: 8, 1: 16, 2: 32}


def recipe_of(case: str, **more: Any) -> Recipe:
    name, changes = CASES[case]
    labels = {"data.labels": ["one", "two"]} if name == "stargan" else {}
    more = {key.replace("__", "."): value for key, value in more.items()}
    return load_recipe(name, TINY | changes | labels | more)


def batches(recipe: Recipe, count: int) -> list[ByteBatch]:
    random, size = np.random.RandomState(0), recipe.data.size

    def batch() -> ByteBatch:
        sides = [torch.from_numpy(random.randint(0, 256, (2, 3, size, size), np.uint8)) for _ in "ab"]
        labels = [torch.from_numpy(random.randint(0, 2, 2)) for _ in "ab"] if recipe.data.labels else []
        return ByteBatch(*sides, *labels)

    return [batch() for _ in range(count)]


def fresh(recipe: Recipe) -> TrainingState:
    torch.manual_seed(0)
    return new_state(build_translator(recipe), recipe, torch.device("cpu"))


def advance(state: TrainingState, recipe: Recipe, steps: int, on_step: Any) -> None:
    train(
        state,
        recipe,
        batches(recipe, steps),
        steps=steps,
        precision=torch.float32,
        on_step=on_step,
        on_log=lambda step: None,
        on_sample=lambda step: None,
        on_save=lambda step: None,
        should_stop=lambda: False,
    )


@pytest.mark.parametrize("case", CASES)
def test_every_size_has_its_share_of_the_steps_and_every_network_sees_it(case: str):
    recipe = recipe_of(case)
    state, seen, sizes = fresh(recipe), set(), []
    for name, network in state.translator.networks.items():
        if name != "patch_sampler":
            network.register_forward_pre_hook(lambda _, inputs: seen.add(tuple(inputs[0].shape[2:])))

    def look(step: int, losses: dict, factor: float) -> None:
        ((height, width),) = seen
        assert height == width
        assert all(term.isfinite() for term in losses.values())
        sizes.append(height)
        seen.clear()

    advance(state, recipe, 6, look)
    assert sizes == [8, 8, 16, 16, 32, 32]


def test_a_smaller_picture_is_the_mean_over_its_area():
    recipe = recipe_of("unpaired")
    (batch,) = batches(recipe, 1)
    small = to_batch(batch, torch.device("cpu"), shrink=4)
    for side, pixels in ((small.a, batch.a), (small.b, batch.b)):
        for row, column in np.ndindex(8, 8):
            block = pixels[:, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4].double()
            expected = block.mean((2, 3)) / 127.5 - 1
            torch.testing.assert_close(side[:, :, row, column].double(), expected, rtol=0, atol=1e-6)


def test_a_smaller_map_has_the_shares_of_the_classes():
    indices = torch.tensor([[0, 0, 2, 2], [0, 1, 2, 2]], dtype=torch.uint8)[None, None]
    batch = ByteBatch(indices, torch.zeros(1, 3, 2, 4, dtype=torch.uint8), classes_a=3)
    small = to_batch(batch, torch.device("cpu"), shrink=2)
    assert small.a[0, :, 0, :].T.tolist() == [[0.75, 0.25, 0], [0, 0, 1]]


@pytest.mark.parametrize("case", ["paired", "paired, growing"])
def test_a_finished_training_that_goes_on_never_shrinks_its_pictures(case: str):
    recipe = recipe_of(case)
    state, sizes = fresh(recipe), []
    advance(state, recipe, 6, lambda *_: sizes.append(state.shrink))
    other = fresh(recipe)
    other.stage_steps, other.step = state.stage_steps, state.step  # what a resume brings
    for one in (state, other):
        grow(one, 3, one.step, 60)
        assert (one.shrink, one.stage_steps) == (1, 6)
    assert sizes == [4, 4, 2, 2, 1, 1]
    early = fresh(recipe)
    grow(early, 3, 1, 6)
    grow(early, 3, 2, 60)  # a longer training from the first size has longer sizes
    assert (early.shrink, early.stage_steps) == (4, 0)


@pytest.mark.parametrize("case", ["paired, growing", "unpaired, growing"])
def test_networks_and_their_averages_grow_as_the_progress_says(case: str):
    recipe, places = recipe_of(case), []
    assert recipe.training.resolutions == 3
    state = fresh(recipe)
    networks = [state.translator.networks[name] for name in state.translator.generators.values()]

    def look(step: int, losses: dict, factor: float) -> None:
        found = {
            (int(network.stage), float(network.alpha), network.place)
            for network in (*networks, *state.averages.values())
        }
        ((stage, alpha, place),) = found
        assert place == (stage, alpha)
        places.append(place)

    advance(state, recipe, 24, look)
    assert places == [progress_to_stage(step / 24, 3) for step in range(24)]
    assert [stage for stage, _ in groupby(place[0] for place in places)] == [0, 1, 2]
    assert len({alpha for _, alpha in places}) > 3


def test_a_progressive_generator_can_be_trained_whole_from_the_start():
    recipe = recipe_of("unpaired, growing", training__resolutions=1)
    state = fresh(recipe)
    grow(state, 1, 0, 6)
    generator = state.translator.networks["generator"]
    assert isinstance(generator, ProgressiveResNet)
    assert (state.shrink, generator.place) == (1, (2, 1.0))


def test_a_u_net_s_depth_is_that_of_its_smallest_pictures():
    recipe = load_recipe("pix2pix", {"training.resolutions": 3, "data.size": 128})
    with torch.device("meta"):
        generator = build_translator(recipe).networks["generator"]
    assert isinstance(generator, UNet)
    assert generator.size_multiple == 32


@pytest.mark.parametrize("case", CASES)
def test_a_dry_run_plans_the_memory_of_the_largest_size(case: str):
    recipe, whole = recipe_of(case), recipe_of(case, training__resolutions=1)
    with torch.device("meta"):
        translators = build_translator(recipe), build_translator(whole)
    assert step_memory(translators[0], recipe) == step_memory(translators[1], whole) > 0


def run_training(case: str, data: Path, run: Path, *, stop_after: int | None = None, resume: bool = False):
    """Towards 12 steps, interrupted as Ctrl-C does during one of them."""
    name, changes = CASES[case]
    real = start_module.Reporter.on_step

    def on_step(self: Any, at: int, *rest: Any) -> None:
        real(self, at, *rest)
        if at == stop_after:
            os.kill(os.getpid(), signal.SIGINT)

    overrides = ({} if resume else TINY | changes) | {"training.steps": 12}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start_module.Reporter, "on_step", on_step)
        return start_training(name, data, run, overrides=overrides, resume=resume, device="cpu", quiet=True)


def tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, dict):
        return [tensor for part in value.values() for tensor in tensors(part)]
    if isinstance(value, list | tuple):
        return [tensor for part in value for tensor in tensors(part)]
    return [value] if isinstance(value, torch.Tensor) else []


# Between two sizes, in the middle of fading in, and after the pool's pictures were of another size.
@pytest.mark.parametrize(
    ("case", "stop"), [("unpaired, growing", 5), ("paired, growing", 4), ("labelled", 7)]
)
def test_stopped_anywhere_and_resumed_it_is_bit_for_bit_the_same(
    case: str, stop: int, tmp_path: Path, request: pytest.FixtureRequest
):
    data = request.getfixturevalue(case.split(",")[0])
    run_training(case, data, tmp_path / "whole")
    assert run_training(case, data, tmp_path / "parts", stop_after=stop).step == stop
    assert run_training(case, data, tmp_path / "parts", resume=True).step == 12
    whole, parts = (
        tensors(torch.load(tmp_path / run / "state" / "last.pt", weights_only=True))
        for run in ("whole", "parts")
    )
    assert all(torch.equal(one, other) for one, other in zip(whole, parts, strict=True))
    models = [load_file(tmp_path / run / "model.safetensors") for run in ("whole", "parts")]
    assert all(torch.equal(tensor, models[1][name]) for name, tensor in models[0].items())


@pytest.mark.parametrize(("stop", "stage", "alpha"), [(3, 0, 1.0), (6, 1, 0.5), (8, 1, 1.0), (12, 2, 1.0)])
def test_a_model_of_an_early_stop_works_at_its_stage(
    stop: int, stage: int, alpha: float, paired: Path, tmp_path: Path
):
    run = run_training("paired, growing", paired, tmp_path / "run", stop_after=stop).run
    card = read_card(run.model())
    assert (card.architecture, card.size_multiple, card.step) == ("progressive", 4, stop)
    weights = load_file(run.model())
    assert (int(weights["stage"]), float(weights["alpha"])) == (stage, alpha)
    sheet = images.read(run.sample(stop)).pixels
    assert sheet.shape == (SIZES[stage] + 4, 3 * (SIZES[stage] + 2) + 2, 3)

    translator = translate.load(run.path)
    network = ProgressiveResNet(depth=1, width=2, stages=3).eval()
    network.load_state_dict(weights)
    assert network.place == (stage, alpha)
    picture = torch.rand(1, 3, 20, 28) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(translator(picture), network(picture))
    assert translator(np.zeros((21, 35, 3), np.uint8)).shape == (21, 35, 3)
