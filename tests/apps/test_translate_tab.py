"""The first tab, driven as a visitor does, in Chromium; pixels are compared with the package's own."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import translate
from translate import images


def choose(page: Any, model: str) -> None:
    box = page.locator("#translate-model input")
    box.click()
    page.get_by_role("option", name=model).first.click()


def drop(page: Any, path: Path) -> None:
    page.locator("#source input[type=file]").set_input_files(str(path))


def after(page: Any) -> np.ndarray:
    """What the right side of the slider shows."""
    from playwright.sync_api import expect

    expect(page.locator("#result img")).to_have_count(2)
    source = page.locator("#result img").nth(1).get_attribute("src")
    return np.asarray(Image.open(io.BytesIO(page.request.get(source).body())).convert("RGB"))


def shows(page: Any, expected: np.ndarray) -> bool:
    """Wait until the right side of the slider is the expected picture.

    A model chosen while a picture is dropped may be asked twice, so that another result is not yet the last.
    """
    until = time.monotonic() + 60
    while not np.array_equal(after(page), expected):
        if time.monotonic() > until:
            return False
        page.wait_for_timeout(100)
    return True


def downloaded(page: Any, folder: Path) -> Path:
    with page.expect_download() as download:
        page.locator("#download").click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target


def expect_status(page: Any, text: str) -> None:
    from playwright.sync_api import expect

    expect(page.locator("#status")).to_contain_text(text)


def test_a_picture_is_translated_as_soon_as_it_is_dropped(page, models, tmp_path, photo):
    images.write(tmp_path / "Mein Pferd (1).png", photo(1))
    choose(page, "both")
    drop(page, tmp_path / "Mein Pferd (1).png")
    expect_status(page, "67×45 → 67×45 pixels")
    expected = translate.load(models / "both")(photo(1))
    assert shows(page, expected)
    file = downloaded(page, tmp_path / "out")
    assert file.name.startswith("Mein Pferd")
    assert np.array_equal(images.read(file).pixels, expected)

    page.get_by_label("zebra → horse").check()
    back = translate.load(models / "both", direction="b2a")(photo(1))
    assert shows(page, back)


def test_models_are_asked_for_what_they_take(page, models, tmp_path, photo):
    images.write(tmp_path / "a.png", photo(2))
    choose(page, "coats")
    drop(page, tmp_path / "a.png")
    expect_status(page, "67×45")
    translator = translate.load(models / "coats.safetensors")
    first, second = translator.card.labels[:2]
    assert shows(page, translator(photo(2), label=first))
    page.locator("#translate-label input").click()
    page.get_by_role("option", name=second).first.click()
    assert shows(page, translator(photo(2), label=second))

    choose(page, "many")
    page.wait_for_selector("#many img")
    several = translate.load(models / "many.safetensors").samples(photo(2), 4)
    assert page.locator("#many img").count() == 4
    page.locator("#many button").nth(2).click()
    assert shows(page, several[2])


def test_visitors_start_with_a_picture_of_a_model_and_try_its_others(page, models, photo):
    from playwright.sync_api import expect

    choose(page, "coats")
    page.locator("#starting").get_by_text("both").click()
    expect_status(page, "67×45")
    expect(page.locator("#translate-model input")).to_have_value(re.compile("both"))
    expect(page.locator("#translate-label")).to_be_hidden()
    expect(page.locator("#starting")).to_be_hidden()
    assert shows(page, translate.load(models / "both")(photo(7)))
    page.locator("#examples button").nth(1).click()
    assert shows(page, translate.load(models / "both")(photo(8)))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.png", b"these are words", "notes.png: "),
        ("empty.jpg", b"", "empty.jpg: "),
    ],
)
def test_what_is_no_picture_is_said_in_a_sentence(page, tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    choose(page, "both")
    drop(page, tmp_path / name)
    toast = page.locator("[data-testid=toast-body]").first
    toast.wait_for()
    words = toast.inner_text()
    assert said.lower() in words.lower()
    assert "/" not in words.replace("image/", "")  # none of the server's paths


def test_a_picture_can_really_be_dropped(page, models, tmp_path, photo):
    choose(page, "both")
    encoded = images.encode(photo(3), "PNG")
    page.evaluate(
        """bytes => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "dropped.png", {type: "image/png"}));
            const place = document.querySelector("#source button");
            for (const kind of ["dragenter", "dragover", "drop"])
                place.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true}));
        }""",
        list(encoded),
    )
    expect_status(page, "67×45")
    assert shows(page, translate.load(models / "both")(photo(3)))


def test_phones_and_dark_rooms(visit, studio):
    with visit(studio, color_scheme="dark", viewport={"width": 390, "height": 844}) as page:
        page.wait_for_selector("#translate-model input")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(int(n) for n in background[4:-1].split(",")) < 60
