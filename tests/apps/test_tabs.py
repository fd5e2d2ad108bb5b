"""Drawing and batches, driven as a visitor does, in Chromium."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

import translate
from translate import images


def shown(page: Any, where: str) -> np.ndarray:
    source = page.locator(f"{where} img").first.get_attribute("src")
    return np.asarray(Image.open(io.BytesIO(page.request.get(source).body())).convert("RGB"))


def open_tab(page: Any, name: str, model: str, box: str) -> None:
    page.get_by_role("tab", name=name).click()
    page.locator(f"{box} input").click()
    page.get_by_role("option", name=model).first.click()


def stroke(page: Any, *points: tuple[float, float]) -> None:
    """With the mouse over the canvas, in shares of it."""
    box = page.locator("#canvas canvas").first.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def until(page: Any, look: Callable[[], np.ndarray], fine: Callable[[np.ndarray], bool]) -> np.ndarray:
    """What `look` sees once it is `fine`, within a minute."""
    for _ in range(120):
        seen = look()
        if fine(seen):
            return seen
        page.wait_for_timeout(500)
    raise AssertionError("it stayed as it was")


def test_a_map_is_painted_and_the_result_follows_every_stroke(page, models):
    from playwright.sync_api import expect

    open_tab(page, "Draw", "maps", "#draw-model")
    expect(page.locator("#draw-hint")).to_contain_text("Paint areas")
    page.locator("#canvas canvas").first.wait_for()
    page.wait_for_timeout(1000)  # until the editor has put its sheet in place
    stroke(page, (0.4, 0.5), (0.6, 0.5), (0.6, 0.45))
    expect(page.locator("#draw-status")).to_contain_text("256×256")
    translator = translate.load(models / "maps.safetensors")
    empty = translator(np.zeros((256, 256, 3), np.uint8))
    first = until(page, lambda: shown(page, "#drawn"), lambda made: (made != empty).any())
    stroke(page, (0.3, 0.6), (0.7, 0.6))
    until(page, lambda: shown(page, "#drawn"), lambda made: (made != first).any())

    page.locator("#draw-examples button").first.click()
    stripes = images.read(models / "maps/examples/stripes.png").pixels
    wanted = translator(stripes.repeat(4, 0).repeat(4, 1))
    until(page, lambda: shown(page, "#drawn"), lambda made: np.array_equal(made, wanted))


def test_many_files_come_back_as_a_zip_and_bad_ones_are_listed(page, models, tmp_path, photo):
    from playwright.sync_api import expect

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("deep/c.png", images.encode(photo(3), "PNG"))
        archive.writestr("../../evil.png", images.encode(photo(3), "PNG"))
    for name, content in (
        ("a.png", images.encode(photo(1), "PNG")),
        ("b.png", images.encode(photo(2, 30, 40), "PNG")),
        ("cut.jpg", images.encode(photo(1), "JPEG")[:200]),
        ("more.zip", packed.getvalue()),
    ):
        (tmp_path / name).write_bytes(content)
    open_tab(page, "Batch", "both", "#batch-model")
    page.locator("#files input[type=file]").set_input_files(
        [str(tmp_path / name) for name in ("a.png", "b.png", "cut.jpg", "more.zip")]
    )
    expect(page.locator("#files")).to_contain_text("more")
    page.locator("#all").click()
    expect(page.locator("#batch-status")).to_contain_text("3 of 5 converted, 2 could not be converted.")
    expect(page.locator("#bad")).to_contain_text(re.compile("cut.jpg"))
    expect(page.locator("#bad")).to_contain_text("leads out of the archive")
    expect(page.locator("#batch-gallery img")).to_have_count(3)
    with page.expect_download() as download:
        page.locator("#archive").click()
    download.value.save_as(tmp_path / "back.zip")
    with zipfile.ZipFile(tmp_path / "back.zip") as archive:
        assert set(archive.namelist()) == {"a.png", "b.png", "deep/c.png", "report.json"}
        assert len(json.loads(archive.read("report.json"))["files"]) == 5
        archive.extractall(tmp_path / "back")
    made = images.read(tmp_path / "back/deep/c.png").pixels
    assert np.array_equal(made, translate.load(models / "both")(photo(3)))
