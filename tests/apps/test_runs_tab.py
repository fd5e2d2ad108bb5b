"""Runs, looked at as a visitor does, in Chromium."""

from __future__ import annotations

import io
import json
import os
import shutil
from typing import Any

import numpy as np
import pytest
from PIL import Image

import translate
from translate import images


@pytest.fixture(scope="module")
def run(models, write_model, photo):
    """A run below the models folder, with a log, three sheets and a model."""
    folder = models / "trained"
    write_model(folder / "model.safetensors", seed=5, step=300, metrics={"psnr": 20.5}, licence="CC0-1.0")
    (folder / "recipe.yaml").write_text("translator: cyclegan\n")
    lines = [{"step": n, "losses": {"gan": 1 / n, "l1": 2 / n}} for n in range(1, 300)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for step in (100, 200, 300):
        images.write(folder / f"samples/step-{step:07d}.png", photo(step, 40, 60))
    os.utime(folder / "log.jsonl", (2e9, 2e9))  # the newest
    yield folder
    shutil.rmtree(folder)  # other tests count the models


def shown(page: Any, where: str, number: int = 0) -> np.ndarray:
    source = page.locator(f"{where} img").nth(number).get_attribute("src")
    return np.asarray(Image.open(io.BytesIO(page.request.get(source).body())).convert("RGB"))


def choose(page: Any, where: str, name: str) -> None:
    page.locator(f"{where} input").click()
    page.get_by_role("option", name=name).first.click()


def test_a_run_is_looked_through_and_two_models_are_compared(run, visit, studio, models, tmp_path, photo):
    from playwright.sync_api import expect

    with visit(studio) as page:
        page.get_by_role("tab", name="Runs").click()
        expect(page.locator("#run-remark")).to_contain_text("Step 299")
        expect(page.locator("#run-losses .mark-line path")).to_have_count(2)
        page.locator("#run-terms").get_by_label("gan").uncheck()
        expect(page.locator("#run-losses .mark-line path")).to_have_count(1)

        expect(page.locator("#run-sheet")).to_contain_text("Samples of step 300")
        assert np.array_equal(shown(page, "#run-sheet"), photo(300, 40, 60))
        page.locator("#run-which input[type=range]").press("ArrowLeft")
        expect(page.locator("#run-sheet")).to_contain_text("Samples of step 200")
        assert np.array_equal(shown(page, "#run-sheet"), photo(200, 40, 60))

        page.get_by_role("button", name="Card").click()
        expect(page.locator("#run-card")).to_contain_text("20.5")
        expect(page.locator("#run-card")).to_contain_text("horse → zebra")
        page.get_by_role("button", name="Recipe").click()
        expect(page.locator("#run-recipe")).to_contain_text("translator: cyclegan")

        page.get_by_role("button", name="Compare two models").click()
        (tmp_path / "a.png").write_bytes(images.encode(photo(1), "PNG"))
        page.locator("#compare-source input[type=file]").set_input_files(str(tmp_path / "a.png"))
        expect(page.locator("#compare-source img")).to_be_visible()
        choose(page, "#compare-left-model", "coats")
        choose(page, "#compare-left-label", "giraffe")
        choose(page, "#compare-right-model", "trained")
        page.locator("#compare").click()
        expect(page.locator("#compare-result img")).to_have_count(2)
        left = translate.load(models / "coats.safetensors")(photo(1), label="giraffe")
        assert np.array_equal(shown(page, "#compare-result", 0), left)
        assert np.array_equal(shown(page, "#compare-result", 1), translate.load(run)(photo(1)))
        expect(page.locator("#compare-status")).to_contain_text("Right, trained")
