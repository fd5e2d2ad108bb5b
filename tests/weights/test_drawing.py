"""What models want drawn, by what their cards say."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from translate.weights.drawing import paper


def card(**facts):
    base = {"recipe": {"data": {"size": 64}}, "mask": False, "classes": (), "colours": (), "source": "horse"}
    return SimpleNamespace(**base | facts)


def test_models_of_photographs_want_nothing_drawn():
    assert paper(card()) is None
    for source in ("hedgehog", "pipelines", "skyline"):
        assert paper(card(source=source)) is None, source


@pytest.mark.parametrize(
    "facts",
    [
        {"recipe": {"data": {"size": 64, "task": "edges"}}},
        {"recipe": {"data": {"size": 64, "task": "soft-edges"}}},
        {"source": "Edges"},
        {"source": "pencil-sketch"},
        {"source": "line_drawing"},
    ],
)
def test_lines_are_as_wide_as_those_of_the_training(facts):
    sheet = paper(card(**facts))
    assert sheet is not None
    assert (sheet.kind, sheet.side, sheet.colours) == ("lines", 64, ("#ffffff", "#000000"))
    assert 512 * sheet.brush == pytest.approx(512 / 64 * 1.5)


def test_classes_are_painted_in_their_colours_or_where_those_are_grey_in_others():
    coloured = paper(card(classes=("#000000", "#0000ff"), colours=(0, 0xFF)))
    assert coloured is not None
    assert coloured.colours == ("#000000", "#0000ff")
    grey = paper(card(classes=("0", "1", "2"), colours=(0, 0x010101, 0x020202)))
    assert grey is not None
    assert (grey.values, grey.names[1]) == ((0, 0x010101, 0x020202), "class 1")
    assert len(set(grey.colours)) == 3
    for colour in grey.colours:  # none that a map could hold
        assert len(set(bytes.fromhex(colour[1:]))) > 1
    holes = paper(card(mask=True, recipe={}))
    assert holes is not None
    assert (holes.kind, holes.side) == ("holes", 256)
