"""What a studio lets its visitors train, without a page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from translate.errors import UsageError
from translate_apps.studio.settings import Settings
from translate_apps.studio.trainings import Trainings, Wish


def test_names_lead_nowhere_else_and_one_training_runs_at_a_time(tmp_path):
    for folder in ("data/set", "data/.hidden", "models", "files", "outside"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "outside/recipe.yaml").write_text("translator: pix2pix\n")
    settings = Settings(tmp_path / "models", tmp_path / "files", tmp_path / "data", "cpu", allow_train=True)
    trainings = Trainings(settings)
    assert list(trainings.data_sets()) == ["set"]
    wish = Wish("set", "pix2pix", "run")
    for change, said in (
        ({"data": "../outside"}, "no data folder"),
        ({"data": ".hidden"}, "no data folder"),
        ({"recipe": "../outside/recipe.yaml"}, "no recipe"),
        ({"recipe": "--help"}, "no recipe"),
        ({"task": "everything"}, "no task"),
        ({"steps": -1}, "steps is a number from 1"),
        ({"size": 100_000}, "size is a number from 8 to 4,096"),
        ({"batch_size": 5000}, "the batch's size is a number from 1 to 4,096"),
        ({"settings": ("optim.lr",)}, "write it as key=value"),
        ({"settings": ("optim.lrr=1",)}, "did you mean"),
        ({"settings": ("optim.lr=-1",)}, "recipe pix2pix: "),
        ({"settings": ("optim.lr=1",) * 41}, "40 settings"),
        *(({"name": name}, "a run's name has") for name in ("", "..", "a/b", "/tmp/a", "-x", "a\n", "ä")),
    ):
        with pytest.raises(UsageError, match=said):
            trainings.start(replace(wish, **change))
    with pytest.raises(UsageError, match="no run called"):
        trainings.resume(replace(wish, name="outside"))

    asked = replace(wish, batch_size=2, settings=("optim.lr=1e-3", "data.flip=false"))
    first = trainings.start(asked)  # of an empty folder: it starts, and ends with a sentence
    command = list(map(str, first.process.args))
    assert command[command.index("--batch-size") + 1] == "2"
    assert [command[n + 1] for n, word in enumerate(command) if word == "--set"] == list(asked.settings)
    with pytest.raises(UsageError, match="run is being trained; wait for it, or stop it first"):
        trainings.start(replace(wish, name="other"))
    assert first.process.wait(120) == 2
    assert first.stage == "failed"
    assert "holds no picture that can be read" in first.said()
    assert not (tmp_path / "models/run").exists()
    trainings.stop()
    trainings.close()
