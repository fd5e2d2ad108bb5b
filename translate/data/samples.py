"""WebDataset's samples: the members of a tar file whose names agree up to the first dot.

`0001.a.jpg` and `0001.b.jpg` are the pictures a and b of the sample 0001; `0001.jpg` is its only picture;
`0001.cls`, `0001.txt` and `0001.json` say what it shows. A shard is one of a split's tar files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from translate import tars
from translate.data import metadata, naming
from translate.data.metadata import Row
from translate.errors import DataError
from translate.files import explain, natural
from translate.images import SUFFIXES

SAYING = (".json", ".cls", ".txt")

_NUMBERS = re.compile(r"(\d+)\.\.(\d+)")
_OF_SPLIT = re.compile(rf"({'|'.join(sorted(naming.SPLITS, key=len, reverse=True))})(?![a-z])", re.IGNORECASE)
_MOST = 100_000  # shards that a pattern may name


def key(path: Path) -> Path:
    """What the members of a sample share: their name up to its first dot, with the folders before it."""
    return path.with_name(path.name.partition(".")[0])


def field(path: Path) -> str:
    """What a picture is of its sample: `a` of `0001.a.jpg`, and nothing of `0001.jpg`."""
    return path.name.partition(".")[2].rpartition(".")[0]


def by_field(shards: Sequence[Path]) -> dict[str, tuple[Path, ...]]:
    """The pictures in shards, in their order, by what they are of their samples.

    Raises:
        DataError: a shard can't be read.
    """
    found: dict[str, list[Path]] = {}
    for shard in shards:
        for path in tars.members(shard):
            if path.suffix.lower() in SUFFIXES:
                found.setdefault(field(path), []).append(path)
    return {name: tuple(found[name]) for name in sorted(found)}


def rows(shards: Sequence[Path]) -> dict[Path, Row]:
    """Labels and captions of the pictures whose samples have any, in the way of `metadata.read`.

    `.json` is an object with `label` and `text`, `.cls` a label, `.txt` a caption; what `.json` says wins.

    Raises:
        DataError: a shard can't be read, or a member isn't what its name says.
    """
    found: dict[Path, Row] = {}
    for shard in shards:
        pictures: dict[Path, list[Path]] = {}
        said: dict[Path, dict[str, Path]] = {}
        for path in tars.members(shard):
            if path.suffix.lower() in SUFFIXES:
                pictures.setdefault(key(path), []).append(path)
            elif path.suffix.lower() in SAYING:
                said.setdefault(key(path), {})[path.suffix.lower()] = path
        for number, (sample, paths) in enumerate(pictures.items(), start=1):
            if sample in said:
                found |= dict.fromkeys(paths, _row(shard, number, said[sample]))
    return found


def say_something(shards: Sequence[Path]) -> bool:
    """Whether the first sample of the first shard has a label or a caption."""
    for shard in shards:
        for _, there in groupby(tars.each_member(shard), key):
            known = {path.suffix.lower(): path for path in there}
            if SUFFIXES & known.keys():
                row = _row(shard, 1, {suffix: known[suffix] for suffix in SAYING if suffix in known})
                return row.label is not None or row.text is not None
    return False


def _row(shard: Path, number: int, said: dict[str, Path]) -> Row:
    content: dict[str, Any] = {}
    for suffix, name in ((".cls", "label"), (".txt", "text")):
        if suffix in said:
            content[name] = _text(said[suffix]).strip()
    if ".json" in said:
        try:
            known = json.loads(_text(said[".json"]))
        except (ValueError, RecursionError):
            raise DataError(
                f'{said[".json"]} isn\'t JSON; write an object such as {{"label": "zebra"}}.'
            ) from None
        content |= known if isinstance(known, dict) else {}
    return replace(metadata.row(said.get(".json", shard), 1, content), source=shard, line=number)


def _text(path: Path) -> str:
    try:
        return (tars.read(path) or b"").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path} isn't UTF-8; write it so.") from None
    except OSError as error:
        raise DataError(f"{path} can't be read: {explain(error)}.") from error


def named(root: Path) -> tuple[Path, ...]:
    """The tar files that a path names, itself or as a pattern such as `train-{000..009}.tar`; else none.

    Raises:
        DataError: one of the pattern's is missing.
    """
    if root.suffix.lower() != tars.SUFFIX or root.is_dir():
        return ()
    if root.is_file():
        return (root,)
    found = tuple(Path(name) for name in dict.fromkeys(_expanded(str(root))))
    missing = [path for path in found if not path.is_file()]
    if missing and len(found) > 1:
        raise DataError(f"{len(missing)} of the {len(found)} shards {root} aren't there: {missing[0]} …")
    return () if missing else found


def _expanded(pattern: str) -> Iterator[str]:
    """What a shell makes of `{00..03}` and `{a,b}` in a pattern."""
    match = re.search(r"\{([^{}]*)\}", pattern)  # the innermost comes first
    if match is None:
        yield pattern
        return
    before, after = pattern[: match.start()], pattern[match.end() :]
    ends = _NUMBERS.fullmatch(match[1])
    if ends is not None:
        first, last = int(ends[1]), int(ends[2])
        if last - first >= _MOST:
            raise DataError(f"{{{match[1]}}} names over {_MOST} shards.")
        digits = len(ends[1])
        between = [f"{number:0{digits}d}" for number in range(first, last + 1)]
    else:
        between = match[1].split(",")
    for part in between:
        yield from _expanded(before + part + after)


def by_split(shards: Sequence[Path]) -> dict[str, list[Path]]:
    """Shards by the split that their names begin with: `train-000000.tar`; empty where none does."""
    found: dict[str, list[Path]] = {}
    for shard in sorted(shards, key=natural):
        if match := _OF_SPLIT.match(shard.name):
            found.setdefault(naming.SPLITS[match[1].lower()], []).append(shard)
    return found
