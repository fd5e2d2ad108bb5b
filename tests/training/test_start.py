"""Whole trainings: resume equals uninterrupted, and everything that can go wrong says so."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, load_file

import translate
from translate import images
from translate.config import load_recipe
from translate.errors import DataError, OutputError, TrainingError, UsageError
from translate.training import start as start_module
from translate.training.run import RunFolder, create_run, held
from translate.training.start import start_training
from translate.training.state import new_state
from translate.translators.catalogue import build_translator
from translate.weights.card import read_card

TINY = {
    "data.size": 16,
    "data.load_size": 18,
    "generator.width": 4,
    "discriminator.width": 4,
    "discriminator.layers": 1,
    "log.every": 2,
    "log.samples_every": 4,
    "log.samples": 2,
    "checkpoint.every": 3,
}
TINY_CYCLEGAN = TINY | {"generator.depth": 1, "training.pool": 3, "data.batch_size": 2}
# With dropout, so that the random state matters to a resume.
TINY_PIX2PIX = TINY | {"generator.name": "resnet", "generator.depth": 1, "generator.dropout": 0.5}

TINY_STARGAN = TINY | {"generator.depth": 1, "data.batch_size": 2}
TINY_FASTCUT = TINY | {"generator.depth": 1, "losses.layers": [0, 4, 8], "losses.patches": 8}
TINY_TEXT = TINY_STARGAN | {"text_encoder.size": 8}
TINY_SPADE = TINY | {
    "generator.depth": 2,
    "generator.hidden": 4,
    "losses.perceptual": 0,
    "data.batch_size": 2,
}
# The second of its stages begins in the middle.
TINY_SUPERRES = {key: value for key, value in TINY.items() if not key.startswith("discriminator.l")} | {
    "data.load_size": "full",
    "data.batch_size": 2,
    "generator.depth": 1,
    "losses.perceptual": 0,
}
TINY_COLORIZE = TINY | {"generator.depth": 2, "data.batch_size": 2}
TINY_INPAINT = TINY | {"generator.name": "resnet", "generator.depth": 1, "data.batch_size": 2}
TINY_OF = {
    "cyclegan": TINY_CYCLEGAN,
    "pix2pix": TINY_PIX2PIX,
    "stargan": TINY_STARGAN,
    "text": TINY_TEXT,
    "fastcut": TINY_FASTCUT,
    "spade": TINY_SPADE,
    "superres": TINY_SUPERRES,
    "colorize": TINY_COLORIZE,
    "inpaint": TINY_INPAINT,
}


def run_training(recipe: str, data: Path, run: Path, steps: int, *, resume: bool = False, **more: Any):
    tiny = TINY_OF[recipe]
    overrides = ({} if resume else tiny) | {"training.steps": steps} | more
    return start_training(recipe, data, run, overrides=overrides, resume=resume, device="cpu", quiet=True)


def same_weights(first: Path, second: Path) -> bool:
    """Bit for bit the same weights, averages, optimisers, pools and random states."""
    states = [torch.load(run / "state" / "last.pt", weights_only=True) for run in (first, second)]
    return all(torch.equal(x, y) for x, y in zip(*map(_leaves, states), strict=True)) and all(
        torch.equal(tensor, load_file(second / name)[key])
        for name in ("model.safetensors", "model-b2a.safetensors", "model-pixel.safetensors")
        if (first / name).exists()
        for key, tensor in load_file(first / name).items()
    )


def _leaves(value: Any) -> list[torch.Tensor]:
    if isinstance(value, dict):
        return [leaf for key in value for leaf in _leaves(value[key])]
    if isinstance(value, list | tuple):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value] if isinstance(value, torch.Tensor) else [torch.tensor(value or 0)]


DATA = {
    "cyclegan": "unpaired",
    "pix2pix": "paired",
    "stargan": "labelled",
    "text": "captioned",
    "fastcut": "unpaired",
    "spade": "maps",
    "superres": "photos",
    "colorize": "photos",
    "inpaint": "photos",
}
COLUMNS = {"cyclegan": 6, "stargan": 4}  # of a sample sheet, where they aren't three


@pytest.fixture(params=DATA)
def case(request: pytest.FixtureRequest) -> tuple[str, Path]:
    return request.param, request.getfixturevalue(DATA[request.param])


def test_a_run_holds_what_the_documentation_says(case: tuple[str, Path], tmp_path: Path):
    recipe, data = case
    outcome = run_training(recipe, data, tmp_path / "run", steps=5)
    run = outcome.run
    assert (outcome.step, outcome.interrupted) == (5, False)
    assert run.recipe.is_file()
    assert run.state.is_file()
    assert run.model("b2a").is_file() == (recipe == "cyclegan")
    assert any(run.events.iterdir())
    entries = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert [entry["step"] for entry in entries] == [2, 4]
    assert all(np.isfinite(list(entry["losses"].values())).all() for entry in entries)
    assert sorted(path.name for path in run.path.glob("samples/*")) == [
        "step-0000004.png",
        "step-0000005.png",
    ]
    assert images.read(run.sample(5)).pixels.shape == (2 * 18 + 2, COLUMNS.get(recipe, 3) * 18 + 2, 3)
    assert not list(run.path.rglob("*.part"))


def test_resumed_equals_uninterrupted(case: tuple[str, Path], tmp_path: Path):
    recipe, data = case
    run_training(recipe, data, tmp_path / "whole", steps=11)
    # A schedule depends on the total, so the first part is stopped rather than made shorter.
    stop_after(5, recipe, data, tmp_path / "parts")
    outcome = run_training(recipe, data, tmp_path / "parts", steps=11, resume=True)
    assert outcome.step == 11
    assert same_weights(tmp_path / "whole", tmp_path / "parts")
    steps = [json.loads(line)["step"] for line in (tmp_path / "parts" / "log.jsonl").read_text().splitlines()]
    assert steps == [2, 4, 6, 8, 10]


def test_the_model_of_the_first_stage_is_kept(photos: Path, tmp_path: Path):
    run_training("superres", photos, tmp_path / "both", steps=11)
    # Half of 11 steps is over after 6; without a second stage the training is the same so far.
    stop_after(6, "superres", photos, tmp_path / "pixel", **{"losses.gan": 0})
    kept, alone = tmp_path / "both" / "model-pixel.safetensors", tmp_path / "pixel" / "model.safetensors"
    assert (read_card(kept).step, read_card(alone).step) == (6, 6)
    there, here = load_file(kept), load_file(alone)
    assert all(torch.equal(there[name], here[name]) for name in here)
    assert not (tmp_path / "pixel" / "model-pixel.safetensors").exists()
    assert translate.load(kept, device="cpu")(np.zeros((9, 6, 3), np.uint8)).shape == (36, 24, 3)


@pytest.mark.parametrize("step", [6, 7])
def test_a_run_resumed_at_the_border_of_its_stages_is_the_uninterrupted_one(step, photos, tmp_path: Path):
    run_training("superres", photos, tmp_path / "whole", steps=11)
    stop_after(step, "superres", photos, tmp_path / "parts")
    run_training("superres", photos, tmp_path / "parts", steps=11, resume=True)
    assert same_weights(tmp_path / "whole", tmp_path / "parts")


def test_a_finished_run_with_more_steps_goes_on_in_its_second_stage(photos: Path, tmp_path: Path):
    run = run_training("superres", photos, tmp_path / "run", steps=5).run
    kept = run.first_stage.read_bytes()
    run_training("superres", photos, run.path, steps=14, resume=True)  # half of 14 would be 7
    assert run.first_stage.read_bytes() == kept
    logged = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert [entry["step"] for entry in logged if "gan_b" not in entry["losses"]] == [2]
    stop_after(2, "superres", photos, tmp_path / "early")  # a border that isn't passed yet follows the length
    run_training("superres", photos, tmp_path / "early", steps=13, resume=True)
    assert read_card(RunFolder(tmp_path / "early").first_stage).step == 7


def test_a_labelled_run_knows_its_classes_and_no_others(labelled: Path, tmp_path: Path):
    run = run_training("stargan", labelled, tmp_path / "run", steps=2).run
    assert read_card(run.model()).labels == ("bay", "grey", "roan")
    assert load_recipe(run.recipe).data.labels == ("bay", "grey", "roan")
    translator = translate.load(run.path)
    picture = images.read(labelled / "test" / "bay" / "0.png").pixels
    grey, roan = (translator(picture, label=label) for label in ("grey", "roan"))
    assert grey.shape == picture.shape
    assert (grey != roan).any()
    more = tmp_path / "more"
    shutil.copytree(labelled, more)
    shutil.copytree(more / "train" / "bay", more / "train" / "dun")
    with pytest.raises(
        UsageError, match="the recipe is for the classes bay, grey, roan, the data have bay, dun"
    ):
        run_training("stargan", more, run.path, steps=4, resume=True)


def test_a_captioned_run_is_asked_with_captions_and_keeps_to_its_own(captioned: Path, tmp_path: Path):
    outcome = run_training("text", captioned, tmp_path / "run", steps=2)
    run, card = outcome.run, read_card(outcome.run.model())
    assert outcome.captions == ("a bay horse", "one that is grey", "a roan")
    assert card.text is not None
    assert (card.text.encoder, card.text.examples) == ("tokens", outcome.captions)
    averages = torch.load(run.state, weights_only=True)["averages"]["text_encoder"]
    served = {key: value for key, value in load_file(run.model()).items() if key.startswith("text_encoder.")}
    torch.testing.assert_close(served, {f"text_encoder.{key}": value for key, value in averages.items()})
    translator = translate.load(run.path)
    picture = images.read(captioned / "test" / "0.png").pixels
    assert translator(picture, text="a grey horse").shape == picture.shape
    assert "purple" in translator.remarks("a purple horse")[0]

    other = tmp_path / "other"
    shutil.copytree(captioned, other)
    rows = (other / "train" / "metadata.jsonl").read_text()
    (other / "train" / "metadata.jsonl").write_text(rows.replace("a roan", "a dun"))
    assert run_training("text", captioned, run.path, steps=3, resume=True).step == 3
    with pytest.raises(UsageError, match="started with other data: digest of captions was"):
        run_training("text", other, run.path, steps=4, resume=True)


def test_different_seeds_differ(unpaired: Path, tmp_path: Path):
    run_training("cyclegan", unpaired, tmp_path / "one", steps=2)
    run_training("cyclegan", unpaired, tmp_path / "two", steps=2, **{"training.seed": 1})
    assert not same_weights(tmp_path / "one", tmp_path / "two")


def test_two_processes_do_not_train_one_run(unpaired: Path, tmp_path: Path):
    run_training("cyclegan", unpaired, tmp_path / "run", steps=2)
    before = (tmp_path / "run" / "log.jsonl").read_bytes()
    with held(RunFolder(tmp_path / "run")), pytest.raises(UsageError, match="another process is training"):
        run_training("cyclegan", unpaired, tmp_path / "run", steps=4, resume=True)
    assert (tmp_path / "run" / "log.jsonl").read_bytes() == before
    assert run_training("cyclegan", unpaired, tmp_path / "run", steps=4, resume=True).step == 4


def stop_after(step: int, recipe: str, data: Path, run: Path, **more: Any) -> None:
    """Train towards 11 steps, and interrupt as Ctrl-C does during step `step`."""
    monkeypatch = pytest.MonkeyPatch()
    real = start_module.Reporter.on_step

    def on_step(self: Any, at: int, *rest: Any) -> None:
        real(self, at, *rest)
        if at == step:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(start_module.Reporter, "on_step", on_step)
        outcome = run_training(recipe, data, run, steps=11, **more)
    assert outcome.interrupted
    assert outcome.step == step


def test_killed_at_any_moment_and_resumed_equals_uninterrupted(unpaired: Path, tmp_path: Path):
    steps = 24
    run_training("cyclegan", unpaired, tmp_path / "whole", steps=steps)
    run = RunFolder(tmp_path / "killed")
    settings = [f"--set={key}={value}" for key, value in TINY_CYCLEGAN.items()]
    command = [
        sys.executable,
        "-m",
        "translate",
        "train",
        "cyclegan",
        "--data",
        str(unpaired),
        "--name",
        "killed",
    ]
    command += ["--output", str(tmp_path), "--steps", str(steps), "--device", "cpu", "--quiet"]
    # As many threads as here: sums differ in their last bits with another number of them.
    process = subprocess.Popen([*command, *settings], env=os.environ | {"OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    while not run.state.exists():
        assert process.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.kill()
    process.wait()
    saved = torch.load(run.state, weights_only=True)["step"]
    assert saved % 3 == 0
    assert saved < steps
    run_training("cyclegan", unpaired, run.path, steps=steps, resume=True)
    assert same_weights(tmp_path / "whole", run.path)


def test_steps_are_the_total_also_after_a_resume(paired: Path, tmp_path: Path):
    run_training("pix2pix", paired, tmp_path / "run", steps=3)
    assert run_training("pix2pix", paired, tmp_path / "run", steps=7, resume=True).step == 7
    assert run_training("pix2pix", paired, tmp_path / "run", steps=7, resume=True).step == 7


def test_fewer_steps_than_taken_are_refused(paired: Path, tmp_path: Path):
    run_training("pix2pix", paired, tmp_path / "run", steps=3)
    with pytest.raises(UsageError, match="has taken 3 steps already, more than the 2 asked for in all"):
        run_training("pix2pix", paired, tmp_path / "run", steps=2, resume=True)


def test_a_resume_on_other_data_is_refused(paired: Path, tmp_path: Path):
    data = shutil.copytree(paired, tmp_path / "data")
    run_training("pix2pix", data, tmp_path / "run", steps=2)
    (data / "train" / "0.png").unlink()
    with pytest.raises(UsageError, match=r"other data: train was .*6.* and is .*5.*; bring the data back"):
        run_training("pix2pix", data, tmp_path / "run", steps=4, resume=True)


def test_a_longer_run_stays_longer(paired: Path, tmp_path: Path):
    run_training("pix2pix", paired, tmp_path / "run", steps=2)
    run_training("pix2pix", paired, tmp_path / "run", steps=5, resume=True)
    assert load_recipe(tmp_path / "run" / "recipe.yaml").training.steps == 5


def test_a_model_that_a_kill_left_out_is_written_by_a_resume(unpaired: Path, tmp_path: Path):
    run = run_training("cyclegan", unpaired, tmp_path / "run", steps=2).run
    models = {direction: run.model(direction).read_bytes() for direction in ("a2b", "b2a")}
    run.model("b2a").unlink()
    run_training("cyclegan", unpaired, tmp_path / "run", steps=2, resume=True)
    assert load_file(run.model("b2a")).keys() == load(models["b2a"]).keys()


def test_weights_that_overflowed_are_not_saved(paired: Path, tmp_path: Path):
    run = run_training("pix2pix", paired, tmp_path / "run", steps=1).run
    translator = build_translator(load_recipe(run.recipe))
    state = new_state(translator, load_recipe(run.recipe), torch.device("cpu"))
    with torch.no_grad():
        next(translator.networks["discriminator_b"].parameters()).fill_(float("inf"))
    with pytest.raises(TrainingError, match=r"weights of the discriminator_b became infinite.*optim\.lr"):
        state.require_finite()


def test_an_existing_run_is_not_overwritten(paired: Path, tmp_path: Path):
    run_training("pix2pix", paired, tmp_path / "run", steps=1)
    before = (tmp_path / "run" / "model.safetensors").read_bytes()
    with pytest.raises(UsageError, match=r"a run of this name; add --resume .* or choose another --name"):
        run_training("pix2pix", paired, tmp_path / "run", steps=1)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == before


def test_something_else_in_the_way_is_left_alone(paired: Path, tmp_path: Path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(UsageError, match="something that isn't a run is in the way"):
        run_training("pix2pix", paired, tmp_path / "run", steps=1)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["holiday.jpg"]


def test_nothing_to_resume(paired: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="there is no run to resume; leave --resume out"):
        run_training("pix2pix", paired, tmp_path / "run", steps=1, resume=True)


def test_a_resume_that_contradicts_the_run_is_refused(paired: Path, tmp_path: Path):
    run_training("pix2pix", paired, tmp_path / "run", steps=2)
    with pytest.raises(UsageError, match=r"started with optim\.lr = 0\.0002, not 0\.1; leave it out"):
        run_training("pix2pix", paired, tmp_path / "run", steps=4, resume=True, **{"optim.lr": 0.1})
    with pytest.raises(UsageError, match="a run of pix2pix can't be resumed as cyclegan"):
        start_training("cyclegan", paired, tmp_path / "run", resume=True, device="cpu", quiet=True)


def test_a_run_that_was_ended_before_its_first_save_starts_again(paired: Path, tmp_path: Path):
    run_training("pix2pix", paired, tmp_path / "whole", steps=4)
    create_run(tmp_path / "run", load_recipe(tmp_path / "whole" / "recipe.yaml"))
    (tmp_path / "run" / "log.jsonl").write_text('{"step": 2, "losses": {}}\n')
    assert run_training("pix2pix", paired, tmp_path / "run", steps=4, resume=True).step == 4
    assert same_weights(tmp_path / "whole", tmp_path / "run")
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("damage", ["truncated", "empty", "noise", "pickle", "missing"])
def test_a_damaged_state_is_named(paired: Path, tmp_path: Path, damage: str):
    run = run_training("pix2pix", paired, tmp_path / "run", steps=1).run
    content = run.state.read_bytes()
    made = {"truncated": content[: len(content) // 2], "empty": b"", "noise": os.urandom(4000)}
    made["pickle"] = b"0" * 9  # takes from an empty stack
    if damage == "missing":
        run.state.unlink()
    else:
        run.state.write_bytes(made[damage])
    with pytest.raises(TrainingError, match=r"last\.pt: .*(can't be read|no saved state)"):
        run_training("pix2pix", paired, run.path, steps=2, resume=True)


def test_a_state_that_would_run_code_runs_nothing(paired: Path, tmp_path: Path):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sentinel"),))

    run = run_training("pix2pix", paired, tmp_path / "run", steps=1).run
    torch.save({"version": 1, "bomb": Bomb()}, run.state)
    with pytest.raises(TrainingError, match="can't be read"):
        run_training("pix2pix", paired, run.path, steps=2, resume=True)
    assert not (tmp_path / "sentinel").exists()


def test_a_non_finite_loss_stops_the_run_and_keeps_the_last_good_state(paired: Path, tmp_path: Path):
    run_training("pix2pix", paired, tmp_path / "run", steps=3)
    good = (tmp_path / "run" / "state" / "last.pt").read_bytes()
    state = torch.load(tmp_path / "run" / "state" / "last.pt", weights_only=True)
    weights = state["translator"]
    weights[next(iter(weights))].fill_(float("nan"))
    torch.save(state, tmp_path / "run" / "state" / "last.pt")
    bad = (tmp_path / "run" / "state" / "last.pt").read_bytes()
    assert bad != good
    with pytest.raises(TrainingError, match="infinite or not a number at step 4"):
        run_training("pix2pix", paired, tmp_path / "run", steps=9, resume=True)
    assert (tmp_path / "run" / "state" / "last.pt").read_bytes() == bad  # nothing was saved after the check


def test_a_full_disk_keeps_the_last_save(paired: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run_training("pix2pix", paired, tmp_path / "run", steps=3)
    before = (tmp_path / "run" / "state" / "last.pt").read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OutputError, match=r"no space left on device; the run is intact as last.*--resume"):
        run_training("pix2pix", paired, tmp_path / "run", steps=6, resume=True)
    monkeypatch.undo()
    assert (tmp_path / "run" / "state" / "last.pt").read_bytes() == before
    assert run_training("pix2pix", paired, tmp_path / "run", steps=6, resume=True).step == 6


def test_a_data_set_smaller_than_the_batch(paired: Path, tmp_path: Path):
    with pytest.raises(DataError, match=r"6 pairs.*batch of 7.*data\.batch_size"):
        run_training("pix2pix", paired, tmp_path / "run", steps=1, **{"data.batch_size": 7})
    assert not (tmp_path / "run").exists()


def test_a_torn_log_is_mended_by_a_resume(paired: Path, tmp_path: Path):
    run = run_training("pix2pix", paired, tmp_path / "run", steps=4).run
    with run.log.open("a") as log:
        log.write('{"step": 99, "losses": {}}\n{"step": 5, "los')
    run_training("pix2pix", paired, tmp_path / "run", steps=6, resume=True)
    steps = [json.loads(line)["step"] for line in run.log.read_text().splitlines()]
    assert steps == [2, 4, 6]
