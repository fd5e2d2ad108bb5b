"""A real training from the page, in Chromium, of a few tiny pictures."""

from __future__ import annotations

import json
import re
import time

import numpy as np
import pytest

from translate import images
from translate.config import dump_recipe, load_recipe
from translate.weights.card import read_card

LONG = 120_000  # milliseconds
RUN = {
    "recipe.yaml",
    "log.jsonl",
    "model.safetensors",
    "model-b2a.safetensors",
    "samples",
    "state",
    "events",
    ".lock",
}


@pytest.fixture
def folders(tmp_path):
    """Two folders to train on and into, with six pairs of 32×32 pixels."""
    for number in range(6):
        pair = np.full((32, 64, 3), 40 * number, np.uint8)
        pair[8:24, 36:60] = 200
        images.write(tmp_path / f"data/pairs/train/{number}.png", pair)
    (tmp_path / "models").mkdir()
    return tmp_path


def test_a_training_is_inspected_started_stopped_resumed_and_saved(folders, start_studio, visit):
    from playwright.sync_api import expect

    models, data = folders / "models", folders / "data"
    with start_studio("--allow-train", "--data", str(data), folder=models, cwd=folders) as studio:
        with visit(studio) as page:
            page.get_by_role("tab", name="Train").click()
            expect(page.locator("#train-data input")).to_have_value("pairs")
            page.locator("#train-inspect").click()
            expect(page.locator("#train-report")).to_contain_text("A training would start")
            expect(page.locator("#train-report")).to_contain_text("6 and 6 pictures")
            page.locator("#train-name").get_by_label("Name").fill("../evil")
            page.locator("#train-start").click()
            expect(page.locator("[data-testid=toast-body]")).to_contain_text("a letter or digit first")
            page.locator("#train-name").get_by_label("Name").fill("trial")
            page.locator("#train-recipe input").click()
            page.get_by_role("option", name="demo").click()
            page.locator("#train-steps input").fill("100000")
            page.locator("#train-size input").fill("32")
            page.locator("#train-start").click()
            expect(page.locator("#train-status")).to_contain_text("is being trained.")
            expect(page.locator("#train-losses .mark-line path").first).to_be_attached(timeout=LONG)
            expect(page.locator("#train-console textarea")).to_have_value(re.compile("training  cyclegan"))
        with visit(studio) as page:  # as after a reload
            page.get_by_role("tab", name="Train").click()
            expect(page.locator("#train-start")).to_be_disabled()
            page.locator("#train-stop").click()
            expect(page.locator("#train-status")).to_contain_text("Resume goes on", timeout=LONG)
            stopped = read_card(models / "trial/model.safetensors").step
            assert 0 < stopped < 100_000
            expect(page.locator("#train-sheet img")).to_be_visible()
            expect(page.locator("#train-name").get_by_label("Name")).to_have_value("trial")
            page.locator("#train-steps input").fill(str(stopped + 3))
            page.locator("#train-resume").click()
            expect(page.locator("#train-status")).to_contain_text("is finished", timeout=LONG)
            page.locator("#train-name").get_by_label("Name").fill("left")
            page.locator("#train-steps input").fill("100000")
            page.locator("#train-start").click()
            wait_for(models / "left/log.jsonl")
    wait_for(models / "left/model.safetensors", seconds=30)  # saved when its studio ended
    assert read_card(models / "trial/model.safetensors").step == stopped + 3
    assert {path.name for path in (models / "trial").iterdir()} == RUN
    asked = {"data.size": 32, "training.steps": stopped + 3}
    assert (models / "trial/recipe.yaml").read_text() == dump_recipe(load_recipe("demo", asked))
    steps = [json.loads(line)["step"] for line in (models / "trial/log.jsonl").read_text().splitlines()]
    assert steps == list(range(20, stopped + 4, 20))


def wait_for(path, seconds=120):
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, path
        time.sleep(0.2)


def test_without_leave_the_tab_says_how_to_get_it(visit, studio):
    with visit(studio) as page:
        page.get_by_role("tab", name="Train").click()
        assert "--allow-train" in page.locator("#train-off").inner_text()
        assert page.locator("#train-start").count() == 0
