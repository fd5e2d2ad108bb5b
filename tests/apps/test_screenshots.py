"""The pictures of the studio in the documentation: `make screenshots` takes them, other runs skip them.

They show models that are shipped, and where `make demo` has been, its run; pictures are rendered ones.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

MOST_BYTES = 200_000
WIDE = {"width": 1240, "height": 860}
TALL = {"width": 1240, "height": 1150}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def folder(request) -> Path:
    given = request.config.getoption("--screenshots")
    if given is None:
        pytest.skip("screenshots are taken by `make screenshots`")
    return Path(given)


@pytest.fixture(scope="module")
def shipped(folder, request) -> Path:
    return Path(request.config.getoption("--screenshots-models")).resolve()


@pytest.fixture(scope="module")
def studio(shipped, start_studio) -> Iterator[str]:
    with start_studio(folder=shipped) as address:
        yield address


@pytest.fixture
def keep(folder) -> Callable[[Any, str], None]:
    """A function that writes what a page shows as `studio-NAME.png`."""

    def write(page: Any, name: str) -> None:
        page.mouse.move(2, 2)
        page.evaluate("document.activeElement.blur()")
        if page.viewport_size != PHONE:
            page.evaluate("window.scrollTo(0, 0)")
        page.wait_for_timeout(1500)  # until what fades has faded
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
        with Image.open(io.BytesIO(page.screenshot())) as shot:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"studio-{name}.png"
            shot.convert("RGB").save(path, optimize=True)
            if path.stat().st_size > MOST_BYTES:
                shot.convert("RGB").quantize(255, dither=Image.Dither.FLOYDSTEINBERG).save(
                    path, optimize=True
                )
        assert path.stat().st_size < MOST_BYTES

    return write


def model(shipped: Path, *names: str) -> str:
    """The first of the models that is there."""
    found = next((name for name in names if (shipped / name / "model.safetensors").exists()), None)
    return found or pytest.skip(f"none of {', '.join(names)} is in {shipped}")


def pictures(shipped: Path) -> list[Path]:
    return sorted((shipped / "sr-x2/examples").glob("*.png"))


def choose(page: Any, box: str, name: str) -> None:
    page.locator(f"{box} input").click()
    page.get_by_role("option", name=name).first.click()


def translated(page: Any, shipped: Path) -> None:
    choose(page, "#translate-model", model(shipped, "horse2zebra", "demo"))
    page.locator("#source input[type=file]").set_input_files(str(shipped / "sr-x2/examples/chestnut.png"))
    page.locator("#status").get_by_text("pixels in").wait_for()


def test_before_and_after(visit, studio, shipped, keep):
    with visit(studio, viewport=WIDE) as page:
        translated(page, shipped)
        keep(page, "translate")


def test_a_phone_in_the_dark(visit, studio, shipped, keep):
    with visit(studio, viewport=PHONE, color_scheme="dark") as page:
        translated(page, shipped)
        page.locator("#download").scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        keep(page, "phone")


def test_a_drawing(visit, studio, shipped, keep):
    with visit(studio, viewport=TALL) as page:
        page.get_by_role("tab", name="Draw").click()
        choose(page, "#draw-model", model(shipped, "savanna-edges", "savanna-masks"))
        page.wait_for_timeout(3000)  # until the canvas has its sheet
        page.locator("#draw-examples button").first.click()
        page.locator("#draw-status").get_by_text("pixels in").wait_for()
        page.wait_for_timeout(3000)  # until it is that of the example
        keep(page, "draw")


def test_a_batch(visit, studio, shipped, keep):
    with visit(studio, viewport=WIDE) as page:
        page.get_by_role("tab", name="Batch").click()
        choose(page, "#batch-model", model(shipped, "horse2zebra", "demo"))
        page.locator("#files input[type=file]").set_input_files([str(path) for path in pictures(shipped)])
        page.locator("#all").click()
        page.locator("#batch-status").get_by_text("converted.").wait_for()
        keep(page, "batch")


def test_a_run(visit, studio, shipped, keep):
    name = next((path.parent.name for path in sorted(shipped.glob("*/log.jsonl"))), None)
    with visit(studio, viewport=WIDE) as page:
        page.get_by_role("tab", name="Runs").click()
        choose(page, "#run", name or pytest.skip("no run with a log here: make demo"))
        page.locator("#run-losses .mark-line path").first.wait_for()
        page.locator("#run-sheet img").wait_for()
        keep(page, "runs")
