"""Rows of `metadata.jsonl`, and the sentence for each line that can't be one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translate.data.metadata import read
from translate.errors import DataError


def write(folder: Path, *rows: object) -> Path:
    """Rows as JSON; bytes and strings as they are."""
    lines = [
        row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode()
        for row in rows
    ]
    (folder / "metadata.jsonl").write_bytes(b"\n".join(lines))
    return folder / "metadata.jsonl"


def test_rows_by_picture_with_their_lines(tmp_path):
    path = write(
        tmp_path,
        {"file_name": "x/1.png", "label": "zebra", "text": "a zebra"},
        "",
        {"file_name": "2.png", "label": None, "text": " ", "width": 3},
    )
    rows = read(path)
    assert list(rows) == [tmp_path / "x/1.png", tmp_path / "2.png"]
    first, second = rows.values()
    assert (first.label, first.text, first.line, first.source) == ("zebra", "a zebra", 1, path)
    assert (second.label, second.text, second.line) == (None, None, 3)


@pytest.mark.parametrize(("label", "expected"), [(3, "3"), (3.0, "3"), (2.5, "2.5"), ("3", "3"), ("", None)])
def test_numbers_are_labels_too(tmp_path, label, expected):
    (row,) = read(write(tmp_path, {"file_name": "1.png", "label": label})).values()
    assert row.label == expected


def test_a_byte_order_mark_and_a_line_separator_in_a_caption_are_no_harm(tmp_path):
    path = tmp_path / "metadata.jsonl"
    path.write_text(
        '\ufeff{"file_name": "1.png", "text": "one\u2028two 🦓"}\r\n{"file_name": "2.png"}\r\n',
        "utf-8",
        newline="",
    )
    assert [row.text for row in read(path).values()] == ["one\u2028two 🦓", None]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), max_size=6))
def test_any_caption_comes_back(tmp_path_factory, captions):
    rows = [{"file_name": f"{i}.png", "text": text} for i, text in enumerate(captions)]
    folder = tmp_path_factory.mktemp("captions")
    for ascii_only in (True, False):
        path = write(folder, *(json.dumps(row, ensure_ascii=ascii_only) for row in rows))
        assert [row.text for row in read(path).values()] == [
            text if text.strip() else None for text in captions
        ]


GOOD = {"file_name": "1.png", "label": "x"}
COMPLAINTS = [
    (
        "no JSON",
        (GOOD, "{'file_name': 2}"),
        r"line 2 isn't JSON \(Expecting property name.*column 2\); write one",
    ),
    ("cut off", (GOOD, '{"file_name": "2.png"'), r"line 2 isn't JSON .*such as \{\"file_name\": "),
    ("brackets without end", ("[" * 200_000,), r"line 1 can't be read as JSON; write"),
    ("a list", (GOOD, "", ["1.png", "x"]), r"line 3 is a list, not an object"),
    (
        "no UTF-8",
        (GOOD, '{"file_name": "é.png"}'.encode("latin-1")),
        r"isn't UTF-8: line 2 has a byte 0xe9; save",
    ),
    (
        "UTF-16",
        (json.dumps(GOOD).encode("utf-16"),),
        r"isn't UTF-8: line 1 has a byte 0xff; save it as UTF-8",
    ),
    ("no file_name", ({"label": "x"},), r"line 1 has no file_name; name the picture"),
    ("file_name of numbers", ({"file_name": 3},), r"line 1 has no file_name"),
    ("twice", (GOOD, {"file_name": "./1.png"}), r"names \./1\.png twice, in lines 1 and 2; keep one"),
    (
        "outside",
        ({"file_name": "../1.png"},),
        r"line 1 names \.\./1\.png, which is outside of .*; write the path",
    ),
    ("outside, later", ({"file_name": "x/../../1.png"},), r"which is outside of"),
    ("absolute", ({"file_name": "/1.png"},), r"line 1 names /1\.png, which is outside of"),
    (
        "label is a list",
        ({**GOOD, "label": ["x"]},),
        r"line 1: the label is a list, not a string or a number",
    ),
    ("label is a truth", ({**GOOD, "label": True},), r"the label is true or false, not"),
    ("label is no number", ('{"file_name": "1.png", "label": NaN}',), r"the label is no finite number, not"),
    (
        "text is a number",
        ({**GOOD, "text": 5},),
        r"line 1: the text is a number, not a string; write one cap",
    ),
    ("texts", ({**GOOD, "text": ["a", "b"]},), r"the text is a list, not a string"),
    (
        "half a character",
        ('{"file_name": "1.png", "text": "\\ud83d"}',),
        r"the text holds half of a character",
    ),
]


@pytest.mark.parametrize(("rows", "message"), [c[1:] for c in COMPLAINTS], ids=[c[0] for c in COMPLAINTS])
def test_complaints(tmp_path, rows, message):
    path = write(tmp_path, *rows)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_what_can_not_be_read(tmp_path):
    (tmp_path / "metadata.jsonl").mkdir()
    with pytest.raises(DataError, match=r"metadata\.jsonl can't be read \(is a directory\)"):
        read(tmp_path / "metadata.jsonl")
