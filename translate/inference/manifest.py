"""What has been converted, in the output folder, so that a second run does the rest. Free of torch."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from translate import files
from translate.errors import OutputError
from translate.files import explain
from translate.inference.plan import Job, Plan
from translate.inference.shards import Shard

_VERSION = 1  # of what a conversion writes: raised when the same input, model and options give another output
_NAME = ".translate-manifest"


@dataclass(frozen=True)
class State:
    """An input as it was before it was read."""

    size: int
    mtime_ns: int
    hash: str | None = None


def stamp_of(options: Mapping[str, Any]) -> str:
    """A short hash of everything, besides input and model, that an output depends on."""
    text = json.dumps({"version": _VERSION, **options}, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def stamp_of_files(place: Path) -> str:
    """A short hash of the names, sizes and times of change of a file, or of all below a folder."""
    found = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
    marks = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in found]
    return hashlib.blake2b(json.dumps([str(place), *marks]).encode(), digest_size=8).hexdigest()


class Manifest:
    """One line for each input that was finished or failed, `.translate-manifest.jsonl` in the output folder.

    Where many processes share the work each writes its own, and all read all; so any number of them goes on
    where any other number stopped. A file counts as finished if the last line on its output says so, of the
    same input (relative path, size, time of change), model and options, and the output is still there.
    A process that is killed between an output and its line makes that output again.

    Args:
        output: the output folder.
        model: a hash of the model file.
        options: a hash of the options, see `stamp_of`.
        shard: the share of this process; None where there is one.
        name: of this process among those that share the work otherwise.
        check: an input is the same if its size and `time` of change are, or the `hash` of what it holds.
        overwrite: nothing counts as finished.
    """

    def __init__(
        self,
        output: Path,
        model: str,
        options: str,
        shard: Shard | None = None,
        *,
        name: str = "",
        check: str = "time",
        overwrite: bool = False,
    ):
        self._output = output
        self._model = model
        self._options = options
        parts = (_NAME, "" if shard is None else f"{shard.index + 1}-of-{shard.count}", name)
        self._path = output / f"{'.'.join(part for part in parts if part)}.jsonl"
        self._mark = "mtime_ns" if check == "time" else "hash"
        self._finished = {} if overwrite else _read(output, shard, self._mark)
        self._stream = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def state(self, job: Job) -> State | None:
        """How the input is now; None where there is none."""
        try:
            status = job.source.stat()
            content = files.fingerprint(job.source) if self._mark == "hash" else None
        except OSError:
            return None
        return State(status.st_size, status.st_mtime_ns, content)

    @property
    def any_finished(self) -> bool:
        """Whether an earlier run finished anything, so that it makes sense to ask."""
        return bool(self._finished)

    def finished(self, job: Job, state: State | None) -> bool:
        """Whether this very conversion was finished before, and what it wrote is still there."""
        if state is None or not self._finished:
            return False
        key = _digest(job.name, state.size, getattr(state, self._mark), self._model, self._options)
        known = self._finished.get(_digest(self._place(job)))
        return known is not None and known[1] == key and all(target.exists() for target in job.targets)

    def record(self, job: Job, state: State | None, error: str | None, seconds: float) -> None:
        """Write a line, at once.

        Raises:
            OutputError: it can't be written.
        """
        line = {
            "output": self._place(job),
            "input": job.name,
            "size": state and state.size,
            "mtime_ns": state and state.mtime_ns,
            **({} if state is None or state.hash is None else {"hash": state.hash}),
            "model": self._model,
            "options": self._options,
            "status": "failed" if error else "done",
            "error": error,
            "seconds": round(seconds, 4),
            "time": round(time.time(), 3),
        }
        try:
            if self._stream is None:
                self._stream = _open(self._path)
            text = json.dumps(line).encode() + b"\n"
            if self._stream.write(text) < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as problem:
            raise OutputError(f"{self._path} can't be written: {explain(problem)}") from problem

    def _place(self, job: Job) -> str:
        return job.target.relative_to(self._output).as_posix()


def clean(plan: Plan) -> int:
    """Remove what a killed run of this plan left half-written; returns how many files that were.

    Only of the plan's own outputs: another process may be writing its share at this moment.
    """
    left = {
        entry.path
        for folder in plan.folders()
        if Path(folder).is_dir()
        for entry in os.scandir(folder)
        if entry.name.startswith(".") and entry.name.endswith(files.PART)
    }
    removed = 0
    for job in plan if left else ():  # rarely there are any, so that the plan needn't be gone through
        for temporary in map(files.temporary_of, job.targets):
            if str(temporary) in left:
                temporary.unlink(missing_ok=True)
                removed += 1
    return removed


def _read(output: Path, shard: Shard | None, mark: str) -> dict[int, tuple[float, int]]:
    """Of each output when its last line was written, and the key there, or 0 where it failed."""
    found: dict[int, tuple[float, int]] = {}
    for path in sorted(output.glob(f"{_NAME}*.jsonl")):
        for text in _lines(path):
            try:
                place, written, key = _parsed(text, shard, mark)
            except (ValueError, KeyError, TypeError):
                continue  # torn by a kill or a full disk, or another share's
            if place not in found or found[place][0] <= written:
                found[place] = (written, key)
    return found


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            yield from stream
    except OSError as error:
        raise OutputError(f"{path} can't be read: {explain(error)}") from error


def _parsed(text: bytes, shard: Shard | None, mark: str) -> tuple[int, float, int]:
    line = json.loads(text)
    if shard is not None and not shard.has(line["input"]):
        raise ValueError(line["input"])
    return _digest(line["output"]), float(line["time"]), _key(line, mark)


def _key(line: Mapping[str, Any], mark: str) -> int:
    if line["status"] != "done" or mark not in line:
        return 0
    return _digest(*(line[name] for name in ("input", "size", mark, "model", "options")))


def _digest(*parts: object) -> int:
    text = "\0".join(map(str, parts)).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def _open(path: Path):
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = path.open("a+b", buffering=0)
    if stream.tell():
        stream.seek(-1, os.SEEK_END)
        if stream.read(1) != b"\n":
            stream.write(b"\n")  # behind a line that a kill has torn
    return stream
