"""Which picture of one folder belongs to which of another: by name, by order, or as a table says."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from translate.data import naming
from translate.data.folders import Folder
from translate.data.pairing import match_names
from translate.errors import DataError
from translate.files import explain

Matching = Literal["stem", "order", "none"]

Pair = tuple[Path, Path, str]

_EXAMPLE = "a,b,split on the first line, then rows such as 1.png,photo-7.jpg,train"


@dataclass(frozen=True, slots=True)
class Match:
    """Pairs with their split, empty where none is said, and what is left out and why."""

    pairs: tuple[Pair, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def matched(
    roots: tuple[Path, Path], files: tuple[Sequence[Path], Sequence[Path]], by: Matching, table: Path | None
) -> Match:
    """Pairs of the files in two folders.

    Args:
        roots: the two folders.
        files: their pictures in natural order.
        by: "stem": the same path below the folder, or else the same name, without suffix; "order": the
            first to the first.
        table: a CSV file that says it instead, with columns a and b, and split if you like.

    Raises:
        DataError: nothing matches, the counts differ, or the table can't be understood.
    """
    if table is not None:
        return _by_table(roots, files, table)
    if by == "order":
        if len(files[0]) != len(files[1]):
            raise DataError(
                f"{roots[0]} holds {len(files[0])} pictures and {roots[1]} {len(files[1])}, so their order "
                "doesn't say which belong together; match them by name, or by a table."
            )
        return Match(tuple((a, b, "") for a, b in zip(*files, strict=True)))
    return _by_stem(roots, files)


def _by_stem(roots: tuple[Path, Path], files: tuple[Sequence[Path], Sequence[Path]]) -> Match:
    found = match_names(*(Folder(root, tuple(there)) for root, there in zip(roots, files, strict=True)))
    if not found.pairs:
        # The trees may differ: names without their folders, where each is there once.
        flat = [{file.stem: file for file in there} for there in files]
        if any(len(names) < len(there) for names, there in zip(flat, files, strict=True)):
            flat = [{}, {}]
        pairs = tuple((file, flat[1][name], "") for name, file in flat[0].items() if name in flat[1])
        if not pairs:
            raise DataError(
                f"{roots[0]} and {roots[1]} share no file name ({files[0][0].name}, {files[1][0].name} …); "
                "match them with --match order or --table CSV, or prepare them without pairs: --match none."
            )
        used = {file for a, b, _ in pairs for file in (a, b)}
        alone = [file for there in files for file in there if file not in used]
        return Match(pairs, tuple((str(file), "has no partner") for file in alone))
    left_out = [(str(file), "has no partner") for file in found.unmatched]
    left_out += [(str(file), "shares its name with another") for file in found.doubled]
    return Match(tuple((a, b, "") for a, b in found.pairs), tuple(left_out))


def _by_table(roots: tuple[Path, Path], files: tuple[Sequence[Path], Sequence[Path]], table: Path) -> Match:
    pairs: list[Pair] = []
    left_out: list[tuple[str, str]] = []
    # With its suffix a name is sure; without one the first picture of that name is meant.
    known = [{f.with_suffix(""): f for f in reversed(there)} | {f: f for f in there} for there in files]
    for number, row in _rows(table):
        split = _split(table, number, row.get("split", ""))
        a, b = (paths.get(root / row[side]) for paths, root, side in zip(known, roots, "ab", strict=True))
        if a is None or b is None:
            side, root = ("a", roots[0]) if a is None else ("b", roots[1])
            left_out.append((f"{table}, line {number}", f"{row[side] or 'nothing'} is not in {root}"))
        else:
            pairs.append((a, b, split))
    if not pairs:
        raise DataError(f"{table} names no pair that is there: {'; '.join(why for _, why in left_out[:2])}.")
    used = {file for pair in pairs for file in pair[:2]}
    alone = [(str(file), f"is not in {table}") for there in files for file in there if file not in used]
    if any(split for *_, split in pairs) and not all(split for *_, split in pairs):
        raise DataError(f"{table} says the split of some pairs only; say it for all, or for none.")
    return Match(tuple(pairs), (*left_out, *alone))


def _rows(table: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows with their line numbers, by the columns' names in lower case."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            head = stream.readline()
            stream.seek(0)
            delimiter = max(",;\t", key=head.count)
            reader = csv.DictReader(stream, delimiter=delimiter, restval="")
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise DataError(f"{table} can't be read: {explain(error)}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table} is no CSV file in UTF-8 ({error}); write {_EXAMPLE}.") from error
    named = [
        (number, {str(key).strip().lower(): str(value).strip() for key, value in row.items()})
        for number, row in rows
    ]
    if not named or not {"a", "b"} <= named[0][1].keys():
        raise DataError(f"{table} has no columns a and b; write {_EXAMPLE}.")
    return named


def _split(table: Path, number: int, word: str) -> str:
    if word and word.lower() not in naming.SPLITS:
        raise DataError(f"{table}, line {number}: there is no split {word!r}; write train, val or test.")
    return naming.SPLITS.get(word.lower(), "")
