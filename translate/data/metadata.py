"""`metadata.jsonl` beside pictures: one JSON object a line, with `file_name`, `label` and `text`.

The convention is that of Hugging Face's imagefolder.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from translate import tars
from translate.errors import DataError
from translate.files import explain

NAME = "metadata.jsonl"
EXAMPLE = '{"file_name": "1.png", "label": "zebra", "text": "a zebra at noon"}'

_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Row:
    """What a line says of one picture; None where it says nothing, or nothing but blanks."""

    source: Path
    line: int
    label: str | None
    text: str | None

    @property
    def place(self) -> str:
        """Where it is, in words; of a tar file, `line` counts the samples."""
        counted = "sample" if self.source.suffix.lower() == tars.SUFFIX else "line"
        return f"{counted} {self.line} of {self.source}"


def read(path: Path) -> dict[Path, Row]:
    """The rows of a metadata file, by the picture that each names.

    Raises:
        DataError: the file can't be read, isn't UTF-8, or has a line that can't be understood: which, why
            and what would do.
    """
    rows: dict[Path, Row] = {}
    # Not `splitlines`: a caption may hold a line separator of Unicode, JSON lines end with \n alone.
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        content = _object(path, number, line)
        picture = path.parent / _file_name(path, number, content)
        if picture in rows:
            raise DataError(
                f"{path} names {content['file_name']} twice, in lines {rows[picture].line} and {number}; "
                "keep one of them."
            )
        rows[picture] = row(path, number, content)
    return rows


def row(path: Path, number: int, content: dict[str, Any]) -> Row:
    """What an object in line `number` of `path` says of its picture.

    Raises:
        DataError: its label or text is none.
    """
    return Row(path, number, _label(path, number, content), _caption(path, number, content))


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} can't be read ({explain(error)}); check its permissions.") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path} isn't UTF-8: line {line} has a byte 0x{error.object[error.start]:02x}; save it as UTF-8."
        ) from None


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}, line {number} isn't JSON ({error.msg}, column {error.colno}); write one object a line, "
            f"such as {EXAMPLE}."
        ) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets without end
        raise DataError(f"{path}, line {number} can't be read as JSON; write {EXAMPLE}.") from None
    if not isinstance(content, dict):
        raise DataError(
            f"{path}, line {number} is {_kind(content)}, not an object; write one object a line, such as "
            f"{EXAMPLE}."
        )
    return content


def _file_name(path: Path, number: int, content: dict[str, Any]) -> PurePosixPath:
    name = content.get("file_name")
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise DataError(
            f"{path}, line {number} has no file_name; name the picture that it describes, as in {EXAMPLE}."
        )
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts:
        raise DataError(
            f"{path}, line {number} names {name}, which is outside of {path.parent}; write the path from "
            "there to a picture below it."
        )
    return relative


def _label(path: Path, number: int, content: dict[str, Any]) -> str | None:
    label = content.get("label")
    if isinstance(label, str):
        return _sound(path, number, "label", label)
    if isinstance(label, bool) or not (label is None or _finite(label)):
        raise DataError(
            f"{path}, line {number}: the label is {_kind(label)}, not a string or a number; write one label "
            f"a picture, as in {EXAMPLE}."
        )
    return None if label is None else str(int(label)) if label == int(label) else str(label)


def _caption(path: Path, number: int, content: dict[str, Any]) -> str | None:
    text = content.get("text")
    if text is not None and not isinstance(text, str):
        raise DataError(
            f"{path}, line {number}: the text is {_kind(text)}, not a string; write one caption a picture, "
            f"as in {EXAMPLE}."
        )
    return None if text is None else _sound(path, number, "text", text)


def _sound(path: Path, number: int, key: str, value: str) -> str | None:
    """`value`, or None where it is blank; half of a UTF-16 pair, which JSON can hold, is in no alphabet."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise DataError(
            f"{path}, line {number}: the {key} holds half of a character (\\ud800 to \\udfff); write it "
            "out in UTF-8."
        ) from None
    return value if value.strip() else None


def _finite(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a number" if _finite(value) else "no finite number")
