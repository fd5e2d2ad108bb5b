"""The cards that come with the package, and what is said of bad ones."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from translate.cli.data_list import size_of, training_of
from translate.config import recipe_names
from translate.data.inspect import inspect
from translate.data.public.cards import Card, find_card, find_cards, read_card
from translate.errors import UsageError

CARDS = find_cards()
PAGE = Path(__file__).resolve().parents[3] / "docs" / "data.md"

MINE = """
name: mine
about: Pictures of mine.
task: day → night
layout: unpaired
recipe: cyclegan
archives:
  - addresses: [https://example.org/mine.zip]
"""


def test_the_field_s_usual_sets_are_there():
    usual = (
        "horse2zebra apple2orange summer2winter_yosemite monet2photo cezanne2photo ukiyoe2photo vangogh2photo"
    )
    usual += " facades maps night2day edges2shoes edges2handbags DIV2K cityscapes"
    assert set(CARDS) == set(usual.split())


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.name)
def test_a_card_names_the_source_of_every_fact_and_of_nothing_else(card):
    assert set(card.sources) == card.facts()
    assert all(re.search(r"/.*|\bPDF\b", source) for source in card.sources.values())
    assert card.licence
    assert card.citation


def layout_of(card: Card, root: Path) -> Path:
    """A small folder laid out as a card says."""
    folder = root / card.name
    splits = [split for split in ("train", "val", "test") if split in card.counts] or ["train"]
    below = {
        "unpaired": ["trainA", "trainB", "testA", "testB"],
        "two-folders": [f"{split}/{side}" for split in splits for side in ("labels", "images")],
    }.get(card.layout, splits)
    for name in below:
        (folder / name).mkdir(parents=True)
        pixels = np.random.default_rng(0).integers(
            0, 255, (64, 128 if card.layout == "side-by-side" else 64, 3)
        )
        if name.endswith("labels"):
            pixels = pixels[:, :, :1] // 64 * (64, 32, 16)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name / "1.png")
    return folder


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.name)
def test_data_inspect_recognises_what_a_card_says_and_recommends_the_same(card, tmp_path):
    folder = layout_of(card, tmp_path)
    report = inspect(folder, a=card.a, b=card.b, task=card.make, direction=card.direction, progress=False)
    assert report.kind == card.layout
    assert report.usable
    assert card.recipe in recipe_names()
    assert report.command.split() == card.command(folder)


def test_the_page_has_every_card_as_it_is():
    table = re.findall(r"^\| `([^`]+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    rows = {name: cells.split(" | ") for name, cells in table if name in CARDS}
    assert set(rows) == set(CARDS)
    for name, cells in rows.items():
        card = CARDS[name]
        download = "by hand" if card.instructions else size_of(card)
        recipe = f"`{card.recipe}`" + (", `--direction b2a`" if card.direction == "b2a" else "")
        checked = (
            "" if card.instructions else "yes" if all(a.sha256 for a in card.archives) else "at first use"
        )
        assert cells == [
            card.task,
            card.layout,
            training_of(card),
            download,
            checked or "–",
            card.licence,
            recipe,
        ]


def test_the_page_s_example_is_a_card():
    example = re.search(r"```yaml\n(name: .*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert example is not None
    card = read_card(example[1], where="docs/data.md")
    assert card.archives[0].name == "mine.zip"
    assert card.counts == {"trainA": 400, "trainB": 380}


def test_a_folder_of_cards_adds_and_replaces(tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "other.yaml").write_text(MINE.replace("name: mine", "name: maps"))
    (tmp_path / "notes.txt").write_text("no card")
    found = find_cards([tmp_path])
    assert set(found) == {*CARDS, "mine"}
    assert found["maps"].archives[0].name == "mine.zip"
    assert found["mine"].command("datasets/mine")[:3] == ["translate", "train", "cyclegan"]


BAD = {
    "name: mine\n": ("name: ../mine\n", r"name = '../mine': write letters, digits"),
    "layout: unpaired": ("layout: unpared", r"unknown layout 'unpared' \(did you mean unpaired\?\)"),
    "recipe: cyclegan": ("recipe: cyclgan", r"no recipe 'cyclgan' \(did you mean cyclegan\?\)"),
    "about: Pictures of mine.": ("abuot: x", "about is missing"),
    "task: day": ("licnce: x\ntask: day", r"unknown key 'licnce'; did you mean licence\?"),
    "https:": ("ftp:", "archives.0: ftp://example.org/mine.zip is no address"),
    "archives:": ("counts: {trian: 3}\narchives:", "counts are of all, train, .* not of 'trian'"),
    "  - addresses: [https://example.org/mine.zip]": (
        "  - file: a.zip",
        "without an address needs `instructions`",
    ),
    "task: day → night": ("task: [", "not valid YAML"),
    "unpaired\n": ("plain\n", "plain pictures, and they alone, say with `make`"),
    "mine.zip]": ("mine.zip]\n    into: ../out", "archives.into = '../out': write letters"),
    "[https://example.org/mine.zip]": (
        "[https://example.org/mine.zip]\n    file: ../../mine.zip",
        "archives.0: '../../mine.zip' can't be the name of a file",
    ),
}


@pytest.mark.parametrize("there", BAD)
def test_a_bad_card_is_said_in_a_line(there):
    instead, words = BAD[there]
    assert there in MINE
    with pytest.raises(UsageError, match=words) as caught:
        read_card(MINE.replace(there, instead), where="card mine.yaml")
    assert str(caught.value).startswith("card mine.yaml: ")
    assert "\n" not in str(caught.value)


def test_what_isn_t_there_is_said(tmp_path):
    with pytest.raises(UsageError, match=r"no card 'horse2zebr' \(did you mean horse2zebra\?\)"):
        find_card("horse2zebr")
    with pytest.raises(UsageError, match="it is no folder"):
        find_cards([tmp_path / "nowhere"])
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="it isn't text in UTF-8"):
        find_cards([tmp_path])
    (tmp_path / "a.yaml").write_text("- a\n")
    with pytest.raises(UsageError, match="a card is a mapping"):
        find_cards([tmp_path])
