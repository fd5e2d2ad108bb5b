"""The page for keyboards and screen readers: axe-core's rules in Chromium, light and dark, and keys alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from platformdirs import user_cache_path

from translate import images

TABS = ("Draw", "Batch", "Train", "Runs")
RUN = """async (rules) => {
    const only = rules.length ? {runOnly: rules} : {};
    const found = await axe.run(document, {resultTypes: ["violations"], ...only});
    return found.violations.map(each => [each.impact, each.id, each.nodes.map(node => node.html)]);
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's source, where npm has put it (see .ci/run)."""
    cache = user_cache_path("image-translate")
    for place in (Path.cwd(), *Path.cwd().parents, cache):
        script = place / "node_modules/axe-core/axe.min.js"
        if script.is_file():
            return script.read_text(encoding="utf-8")
    pytest.skip(f"no axe-core here: npm install --prefix {cache} axe-core")


@pytest.fixture
def translated(tmp_path, photo):
    """A function that has the first tab of a page show a result."""

    def make(page: Any) -> None:
        from playwright.sync_api import expect

        page.wait_for_selector("#starting img")  # the models are there, too
        images.write(tmp_path / "a.png", photo(1))
        page.locator("#source input[type=file]").set_input_files(str(tmp_path / "a.png"))
        expect(page.locator("#result img")).to_have_count(2)

    return make


def test_axe_finds_nothing_serious_on_any_tab(visit, studio, axe, translated):
    wrong: list[Any] = []

    def look(page: Any, *rules: str) -> None:
        page.wait_for_timeout(500)
        page.wait_for_function("!document.querySelector('.pending')")  # what is waited for is paler
        page.evaluate(axe)
        wrong.extend(each for each in page.evaluate(RUN, list(rules)) if each[0] in ("serious", "critical"))

    with visit(studio) as page:
        page.wait_for_selector("#starting img")
        look(page)
        translated(page)
        for tab in TABS:
            look(page)
            page.get_by_role("tab", name=tab).click()
        look(page)
        page.emulate_media(color_scheme="dark")
        page.reload()
        page.wait_for_selector("#starting img")
        for tab in TABS:
            look(page, "color-contrast")
            page.get_by_role("tab", name=tab).click()
        look(page, "color-contrast")
    assert wrong == []


def test_keys_alone_reach_everything_and_what_happens_is_spoken(page, translated):
    from playwright.sync_api import expect

    translated(page)
    line = page.get_by_role("slider", name="Line between before and after")
    expect(line).to_have_attribute("aria-valuenow", "50")
    while line.get_attribute("aria-valuenow") != "0":  # a key is lost while the pictures are still laid out
        line.press("Home")
        page.wait_for_timeout(100)
    for key, share in (("ArrowRight", "2"), ("ArrowLeft", "0"), ("End", "100")):
        page.keyboard.press(key)
        expect(line).to_have_attribute("aria-valuenow", share)
    assert page.locator("#status").get_attribute("aria-live") == "polite"
    assert page.get_by_role("status").filter(has_text="67×45").count() == 1

    page.get_by_role("tab", name="Translate").focus()
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => {
                const at = document.activeElement;
                const name = at.getAttribute("aria-label") || at.textContent.trim() || at.value;
                return [name, getComputedStyle(at).outlineStyle];
            }"""
        )
        if page.evaluate("document.activeElement === document.body"):
            break
        assert outline != "none", name
        seen.append(name)
    wanted = [
        "Draw",
        "Runs",
        "Upload file",
        "Model",
        "Translate",
        "Stop",
        line.get_attribute("aria-label"),
        "Download",
    ]
    places = [seen.index(name) for name in wanted]
    assert places == sorted(places), seen
