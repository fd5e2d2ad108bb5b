"""What a person types, and the model file it means."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from translate.errors import ModelError, UsageError
from translate.weights.card import Card
from translate.weights.locate import is_foreign, locate


def model(path: Path, direction: str) -> Path:
    card = Card(architecture="x", arguments={}, translator="x", direction=direction, domains={},
                size_multiple=1, minimum_size=1)  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"x": np.zeros(1)}, path, {"card": json.dumps(card.model_dump())})
    return path


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model(Path("checkpoints/both/model.safetensors"), "a2b")
    model(Path("checkpoints/both/model-b2a.safetensors"), "b2a")
    model(Path("checkpoints/one/model.safetensors"), "a2b")
    Path("checkpoints/new").mkdir()
    return Path("checkpoints")


@pytest.mark.parametrize("start", ["both", "checkpoints/both", "both/model.safetensors",
                                   "both/model-b2a.safetensors"])  # fmt: skip
def test_both_directions_of_a_run(runs, start):
    assert locate(start, "a2b") == runs / "both" / "model.safetensors"
    assert locate(start, "b2a") == runs / "both" / "model-b2a.safetensors"


def test_without_a_direction(runs):
    assert locate("both") == runs / "both" / "model.safetensors"
    assert locate("both/model-b2a.safetensors") == runs / "both" / "model-b2a.safetensors"


def test_messages(runs):
    with pytest.raises(
        ModelError, match=r"checkpoints/one translates a→b only; a model with both directions"
    ):
        locate("one", "b2a")
    with pytest.raises(
        ModelError, match=r"one/model\.safetensors does not translate b→a, and no model beside"
    ):
        locate("one/model.safetensors", "b2a")
    with pytest.raises(
        ModelError, match=r"checkpoints/new is a folder without model\.safetensors, so it is no run"
    ):
        locate("new")
    with pytest.raises(UsageError, match=r"unknown direction 'up'; choose one of a2b, b2a\."):
        locate("one", "up")
    with pytest.raises(ModelError, match=r"nothing: no such model; give a run folder or a model file\."):
        locate("nothing", "a2b")


def test_files_of_other_tools(tmp_path):
    names = ("latest_net_G_A.pth", "latest_net_G_B.pth", "5_net_G_A.pth")
    for name in names:
        (tmp_path / name).touch()
    a2b, b2a, lonely = (tmp_path / name for name in names)
    assert [locate(a2b), locate(a2b, "a2b"), locate(a2b, "b2a")] == [a2b, a2b, b2a]
    assert [locate(b2a), locate(b2a, "a2b"), locate(b2a, "b2a")] == [b2a, a2b, b2a]
    assert [locate(tmp_path), locate(tmp_path, "b2a")] == [a2b, b2a]
    with pytest.raises(
        ModelError, match=r"5_net_G_A\.pth does not translate b→a, and no model beside it does"
    ):
        locate(lonely, "b2a")


def test_a_run_comes_before_other_tools_files(tmp_path):
    (tmp_path / "latest_net_G.pth").touch()
    assert locate(tmp_path) == tmp_path / "latest_net_G.pth"
    ours = model(tmp_path / "model.safetensors", "a2b")
    assert locate(tmp_path) == ours


def test_safetensors_without_a_card_are_another_tool_s(tmp_path):
    save_file({"x": np.zeros(1)}, tmp_path / "theirs.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"\0" * 40)
    assert is_foreign(tmp_path / "theirs.safetensors")
    assert is_foreign(tmp_path / "x.PTH")
    assert not is_foreign(model(tmp_path / "ours.safetensors", "a2b"))
    assert not is_foreign(tmp_path / "broken.safetensors")
    assert not is_foreign(tmp_path / "none.safetensors")
