"""Every handler of the page, called with what no page would send: a sentence comes back, or nothing."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from translate_apps.studio.app import build
from translate_apps.studio.components import Upload
from translate_apps.studio.settings import Settings
from translate_apps.studio.trainings import Trainings
from translate_apps.studio.translating import Answer

LOST = Path("/nowhere/at-all.png")
LAYER = np.full((8, 8, 4), 200, np.uint8)
PAINTED = {"background": LAYER, "composite": LAYER, "layers": [LAYER]}
CLICKED: tuple[Any, ...] = (99, -1, None, [0, 1], "x")


def gone(component: Any, model: str) -> Any:
    """What a component hands on whose models, runs and files are gone."""
    kinds = {
        gr.File: [Upload(LOST, "Lost.png"), Upload(LOST, "lost.zip")],
        gr.Image: Upload(LOST, "Lost.png"),
        gr.ImageEditor: PAINTED,
        gr.CheckboxGroup: ["gone"],
        gr.Slider: 10**6,
        gr.Number: 10**6,
        gr.Dropdown: model,
        gr.Radio: "gone",
        gr.Textbox: "gone",
    }
    return next((value for kind, value in kinds.items() if isinstance(component, kind)), None)


@pytest.fixture
def page(models, tmp_path):
    folder = tmp_path / "models"
    shutil.copytree(models, folder)
    settings = Settings(folder, tmp_path / "files", tmp_path / "data", device="cpu", allow_train=True)
    made, desk = build(settings, Trainings(settings))
    yield made, folder
    desk.close()


def answer(handler: Any, given: list[Any], event: Any) -> str | None:
    """The sentence that a handler ends with; None where it just ends."""
    wanted = inspect.signature(handler.fn).parameters
    extra = {"event": event} if "event" in wanted else {}
    try:
        made = handler.fn(*given, **extra)
        if inspect.isgenerator(made):
            assert list(made)
    except gr.Error as error:
        return str(error.message)
    return None


def handlers(page: gr.Blocks) -> list[Any]:
    return [each for each in page.fns.values() if each.fn is not None and each.inputs]


def test_what_is_gone_or_empty_is_answered_with_a_sentence(page):
    page, folder = page
    model = (folder / "maps.safetensors", "maps")
    said = set()
    for vanished in (False, True):
        if vanished:
            shutil.rmtree(folder)
        for handler in handlers(page):
            for number in CLICKED:
                event = SimpleNamespace(index=number, value={"image": {"path": "/etc/passwd"}})
                for name in ("gone", model[1], None):
                    given = [None if name is None else gone(each, name) for each in handler.inputs]
                    if (sentence := answer(handler, given, event)) is not None:
                        assert handler.queue is not False, handler.fn
                        said.add(sentence)
    assert "There is no model called 'gone' any more; load this page again." in said
    assert "This example is no longer there; load this page again." in said
    assert "This result is no longer kept; translate the picture again." in said
    for sentence in said:
        assert sentence[0].isupper(), sentence
        assert sentence.endswith((".", "?")), sentence
        assert "went wrong" not in sentence, sentence
        assert "/" not in sentence.replace(str(folder.parent / "data"), ""), sentence


def test_results_that_were_cleared_away_are_not_shown(page):
    page, folder = page
    made = folder / "both/examples/one.png"
    (compare,) = [each for each in handlers(page) if each.fn.__name__ == "compare"]
    kept = Answer(made, (made, made), (made, LOST), "")
    event = SimpleNamespace(index=0)
    assert answer(compare, [kept], event) is None
    assert "no longer kept" in str(answer(compare, [kept], SimpleNamespace(index=1)))


def test_a_tab_that_fails_leaves_the_others_alone(page, monkeypatch, caplog):
    page, _ = page
    (load,) = [each for each in page.fns.values() if any(kind == "load" for _, kind in each.targets)]
    whole = load.fn()
    assert len(whole) == len(load.outputs)
    from translate_apps.studio import runs

    def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(runs.Runs, "all", broken)
    partly = load.fn()
    assert len(partly) == len(load.outputs)
    assert partly[0] == whole[0]
    assert "stays empty" in caplog.text
