"""Publishing to a small Hub on this machine and fetching from it, through the Hub's own library."""

from __future__ import annotations

import json
import pickle
import shutil

import numpy as np
import pytest
import yaml

import translate
from translate.errors import ModelError, OutputError, UsageError
from translate.weights.card import read_card
from translate.weights.hub.publication import gather
from translate.weights.hub.transfer import publish

PICTURE = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
PUBLISHED = {"model.safetensors", "model-b2a.safetensors", "config.json", "README.md", "samples.png"}


@pytest.fixture
def run(run_folder, tmp_path):
    """A two-way run with all that a training leaves."""
    run = tmp_path / "horses"
    shutil.copytree(run_folder, run)
    (run / "samples").mkdir()
    for step in (20, 100):
        (run / "samples" / f"step-{step:07d}.png").write_bytes(b"sheet %d" % step)
    for name in ("state/last.pt", "events/events.out", "log.jsonl", "recipe.yaml", ".lock", "notes.txt"):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text("mine")
    return run


def test_a_run_goes_there_in_one_commit_and_comes_back_the_same(hub, run):
    url = publish(gather(run, "jo/horses"), revision="next", message="first")
    assert url.startswith(f"{hub.endpoint}/jo/horses/commit/")
    assert hub.commits == [(PUBLISHED, set())]
    assert hub.repos["jo/horses"].branches["main"] == {}
    assert hub.repos["jo/horses"].branches["next"]["samples.png"] == b"sheet 100"
    for direction in ("a2b", "b2a"):
        fetched = translate.Translator.from_pretrained("jo/horses", revision="next", direction=direction)
        assert np.array_equal(fetched(PICTURE), translate.load(run, direction)(PICTURE))
    assert translate.load("hf:jo/horses@next", "b2a").direction == "b2a"
    with pytest.raises(ModelError, match=r"hf:jo/horses holds no model\.safetensors"):
        translate.load("hf:jo/horses")  # the main branch is empty


def test_what_was_fetched_once_is_there_without_the_hub(hub, run, monkeypatch):
    publish(gather(run / "model.safetensors", "jo/horses"))
    translate.load("hf:jo/horses")
    before = len(hub.asked)
    fetched = translate.Translator.from_pretrained("hf:jo/horses", local_files_only=True)
    assert np.array_equal(fetched(PICTURE), translate.load(run)(PICTURE))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert np.array_equal(translate.load("hf:jo/horses")(PICTURE), fetched(PICTURE))
    assert len(hub.asked) == before
    with pytest.raises(ModelError, match=r"hf:jo/other is not in the cache, and the Hub was not asked"):
        translate.load("hf:jo/other")
    with pytest.raises(OutputError, match=r"HF_HUB_OFFLINE is set; nothing was published"):
        publish(gather(run, "jo/horses"))


def test_a_page_stays_as_its_owner_left_it_and_a_stale_model_goes(hub, run):
    publish(gather(run, "jo/horses"))
    files = hub.repos["jo/horses"].branches["main"]
    files |= {"README.md": b"my words", "paper.pdf": b"mine"}
    one = gather(run / "model.safetensors", "jo/horses", licence="mit")
    publish(one, prune=True)
    assert hub.commits[-1] == ({"model.safetensors", "config.json"}, {"model-b2a.safetensors"})
    assert files["README.md"] == b"my words"
    assert files["paper.pdf"] == b"mine"
    publish(one, replace_readme=True)
    assert yaml.safe_load(files["README.md"].decode().split("---")[1])["license"] == "mit"
    with pytest.raises(UsageError, match=r"jo/horses is there already and public; make it private"):
        publish(one, private=True)
    publish(gather(run, "jo/secret"), private=True)
    assert hub.repos["jo/secret"].private


def test_both_translators_of_a_run_may_be_pushed(hub, run):
    for direction in ("a2b", "b2a"):
        translate.load(run, direction).push_to_hub("jo/horses")
    assert set(hub.repos["jo/horses"].branches["main"]) == PUBLISHED - {"samples.png"}


@pytest.mark.parametrize(
    ("token", "error", "message"),
    [
        (None, UsageError, r"publishing needs a token .*`hf auth login`, or set HF_TOKEN"),
        ("unknown", UsageError, r"jo/horses: the Hub doesn't accept the token.*nothing was published"),
        ("reader", UsageError, r"jo/horses: the token has no right to write there; nothing was published"),
    ],
)
def test_who_may_not_write_is_told_so(hub, run, monkeypatch, token, error, message):
    monkeypatch.delenv("HF_TOKEN") if token is None else monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(error, match=message):
        publish(gather(run, "jo/horses"))
    assert not hub.commits


def test_a_hub_that_fails_has_nothing_of_it(hub, run, monkeypatch):
    hub.broken = "/commit/"
    with pytest.raises(
        OutputError, match=r"jo/horses: the Hub answered with error 500.*nothing was published"
    ):
        publish(gather(run, "jo/horses"))
    assert hub.repos["jo/horses"].branches["main"] == {}
    hub.repos.clear()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(OutputError, match=r"jo/horses: the Hub can't be reached .*; nothing was published"):
        publish(gather(run, "jo/horses"))


def test_what_is_not_there_is_named(hub, run):
    publish(gather(run, "jo/horses"))
    with pytest.raises(
        ModelError, match=r"hf:jo/none: the Hub has no such repository of models, or it is priv"
    ):
        translate.load("hf:jo/none")
    with pytest.raises(ModelError, match=r"hf:jo/horses@v2 has no branch, tag or commit 'v2'"):
        translate.load("hf:jo/horses@v2")


def test_nothing_but_safetensors_is_fetched_from_a_stranger(hub, run, tmp_path):
    class Evil:
        def __reduce__(self):
            return (tmp_path / "ran").touch, ()

    publish(gather(run, "eve/x"))
    files = hub.repos["eve/x"].branches["main"]
    hostile = pickle.dumps(Evil())
    for name in ("latest_net_G.pth", "pytorch_model.bin", "model.py", "sub/model.safetensors"):
        files[name] = hostile
    files["../../../../escaped/model.safetensors"] = hostile
    translate.load("hf:eve/x")
    fetched = {line.rpartition("/")[2] for line in hub.asked if "/resolve/" in line}
    assert fetched == {"config.json", "model.safetensors", "model-b2a.safetensors"}
    assert not any("escaped" in line or "/sub/" in line for line in hub.asked)

    files["model.safetensors"] = hostile
    with pytest.raises(ModelError, match=r"model\.safetensors is a pickle whatever its name says"):
        translate.load("hf:eve/x")
    del files["model.safetensors"], files["model-b2a.safetensors"]
    with pytest.raises(ModelError, match=r"hf:eve/x holds no model\.safetensors.*pickles above all"):
        translate.load("hf:eve/x")
    for config in (b"[1]", b"{", b"\xff", b"3"):
        files["config.json"] = config
        with pytest.raises(ModelError, match=r"hf:eve/x: its config\.json holds no JSON object"):
            translate.load("hf:eve/x")
    assert not (tmp_path / "ran").exists()
    assert not list(tmp_path.rglob("escaped"))


def test_a_card_speaks_for_itself_whatever_the_config_says(hub, run):
    publish(gather(run, "eve/x"))
    keys = {"self": 1, "publication": 2, "folder": "/", "model_id": "jo/y", "direction": "up", "token": "x"}
    hub.repos["eve/x"].branches["main"]["config.json"] = json.dumps(keys).encode()
    assert translate.load("hf:eve/x").card == read_card(run / "model.safetensors")
