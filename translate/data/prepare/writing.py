"""A planned data set on disk, in folders or in shards: all of it or nothing."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translate.data import metadata
from translate.data.prepare.outputs import Output
from translate.data.prepare.pictures import write_output
from translate.data.prepare.planning import SPLITS, Plan, Planned
from translate.data.threads import each
from translate.errors import BadImage, DataError, OutputError
from translate.files import explain, natural, replacing_folder

RECORD = "prepared.json"
_SAFE = re.compile(r"[^\W_][\w .,+()-]*", re.UNICODE)  # a label that can be a folder's name anywhere
_HEAD, _BLOCK = 512, 512

Place = tuple[str, str]  # a folder, and a name in it or in its shards


@dataclass(frozen=True, slots=True)
class ShardSize:
    """How much goes into a shard: at most so many samples, or bytes."""

    samples: int | None = None
    bytes: int | None = None


def require_room(directory: Path, folders: Sequence[Path]) -> None:
    """Refuse a folder that holds anything, or that lies in a source.

    Raises:
        OutputError: it does.
    """
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise OutputError(f"{directory} is there already, and nothing is overwritten; name a new folder.")
    except OSError as error:
        raise OutputError(f"{directory} can't be read: {explain(error)}.") from error
    target = directory.resolve()
    for folder in folders:
        if target.is_relative_to(folder.resolve()):
            raise OutputError(
                f"{directory} lies in {folder}, whose pictures it would be among; name another."
            )


def write_set(
    directory: Path, plan: Plan, shards: ShardSize | None, record: dict[str, Any], *, progress: bool
) -> None:
    """Make the data set in a hidden folder beside `directory` and move it there.

    Raises:
        OutputError: the folder can't be written, the disk is full, or it has been filled meanwhile.
        DataError: a picture that was good before can't be read any more.
    """
    with replacing_folder(directory, last=RECORD) as root:
        if shards is None:
            _write_folders(root, plan, progress)
        else:
            _write_shards(root, plan, shards, progress)
        (root / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        require_room(directory, ())


def places(plan: Plan, *, sharded: bool) -> Iterator[tuple[Planned, tuple[Place, ...]]]:
    """Each sample with the folder of each of its files, and its name there or in a shard.

    They come in the order in which a training lists the folders, so that shards, which are read as they are
    written, give it the same batches.
    """
    classes = _class_folders(plan)
    for planned in sorted(plan.samples, key=lambda planned: _rank(planned, classes)):
        letter = planned.sample.side.upper()
        names = _names_in_folders(planned, classes)
        if sharded:
            key = _key_in_shard(planned.key, planned.sample.label, classes)
            names = [f"{key}{'.' if o.name else ''}{o.name}{o.suffix}" for o in planned.outputs]
        folders = [f"{planned.split}{o.beside or letter}" for o in planned.outputs]
        yield planned, tuple(zip(folders, names, strict=True))


def _names_in_folders(planned: Planned, classes: dict[str | None, str]) -> list[str]:
    above = classes.get(planned.sample.label, "")
    return ["/".join(filter(None, (o.name, above, planned.key))) + o.suffix for o in planned.outputs]


def _rank(planned: Planned, classes: dict[str | None, str]) -> tuple[object, ...]:
    name, side = _names_in_folders(planned, classes)[0], planned.sample.side
    below = not side and "/" in name  # pictures that lie in a split itself come before those in its folders
    return SPLITS.index(planned.split), side, below, natural(Path(name))


def _class_folders(plan: Plan) -> dict[str | None, str]:
    """A folder's name for each class; with metadata it need not be the class's."""
    labels = sorted({p.sample.label for p in plan.samples if p.sample.label is not None})
    folders: dict[str | None, str] = {}
    for number, label in enumerate(labels):
        taken = {name.casefold() for name in folders.values()}
        safe = _SAFE.fullmatch(label) and not label.endswith((".", " ")) and label.casefold() not in taken
        folders[label] = label if safe else f"class-{number}"
    return folders


def _key_in_shard(key: str, label: str | None, classes: dict[str | None, str]) -> str:
    """A name for a sample, in which no dot ends it before its time, nor hides it."""
    *folders, name = (f"{classes[label]}/{key}" if label is not None else key).split("/")
    return "/".join((*folders, name.replace(".", "_")))


def _write_folders(root: Path, plan: Plan, progress: bool) -> None:
    todo: list[tuple[Path, Output]] = []
    rows: dict[str, list[dict[str, str]]] = {}
    classes = _class_folders(plan)
    told = any(label != folder for label, folder in classes.items())
    for planned, where in places(plan, sharded=False):
        todo += [(root / folder / name, o) for (folder, name), o in zip(where, planned.outputs, strict=True)]
        said = _said(planned)
        if planned.sample.text is not None or (told and said):
            folder, name = where[0]
            rows.setdefault(folder, []).append({"file_name": name, **said})

    with closing(each(_made, todo, label="writing pictures", progress=progress)) as done:
        for _, error in done:
            _raise(error)
    for folder, lines in rows.items():
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (root / folder / metadata.NAME).write_text(text, encoding="utf-8")


def _said(planned: Planned) -> dict[str, str]:
    known = {"label": planned.sample.label, "text": planned.sample.text}
    return {name: value for name, value in known.items() if value is not None}


def _made(at: tuple[Path, Output]) -> Exception | None:
    try:
        write_output(*at)
    except (BadImage, OutputError, OSError) as error:
        return error
    return None


def _raise(error: Exception | None) -> None:
    if isinstance(error, BadImage):
        raise DataError(f"{error}; it was good before: restore it.") from error
    if error is not None:
        raise error


def _write_shards(root: Path, plan: Plan, size: ShardSize, progress: bool) -> None:
    scratch = root / ".scratch"
    scratch.mkdir()
    writers: dict[str, _Writer] = {}
    todo: list[tuple[Path, Output]] = []
    wanted = list(places(plan, sharded=True))
    for number, (planned, _) in enumerate(wanted):
        todo += [
            (scratch / f"{number}-{i}{output.suffix}", output) for i, output in enumerate(planned.outputs)
        ]
    with ExitStack() as ends:
        # Closed before the folder is removed in which the threads write.
        done = ends.enter_context(closing(each(_made, todo, label="writing pictures", progress=progress)))
        for planned, where in wanted:
            members: dict[str, list[tuple[str, bytes]]] = {}
            for folder, name in where:
                (path, _), error = next(done)
                _raise(error)
                members.setdefault(folder, []).append((name, path.read_bytes()))
                path.unlink()
            if said := _said(planned):
                folder, name = where[0]
                key = name[: -len(planned.outputs[0].suffix)]
                members[folder].append((f"{key}.json", json.dumps(said, ensure_ascii=False).encode()))
            for folder, content in members.items():
                if folder not in writers:
                    writers[folder] = _Writer(root / folder, size)
                    ends.callback(writers[folder].close)
                writers[folder].add(content)
    scratch.rmdir()


class _Writer:
    """The shards of a split, one after the other."""

    def __init__(self, folder: Path, size: ShardSize):
        self._folder, self._size = folder, size
        self._tar: tarfile.TarFile | None = None
        self._number = self._samples = self._bytes = 0

    def add(self, members: Sequence[tuple[str, bytes]]) -> None:
        """Write a sample; it is never parted."""
        room = sum(_HEAD + -(-len(content) // _BLOCK) * _BLOCK for _, content in members)
        full = self._size.samples is not None and self._samples >= self._size.samples
        full |= self._size.bytes is not None and self._bytes + room > self._size.bytes
        if self._tar is None or (full and self._samples):
            self.close()
            self._folder.mkdir(exist_ok=True)
            name = f"{self._folder.name}-{self._number:06d}.tar"
            self._tar = tarfile.open(self._folder / name, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
            self._number += 1
            self._samples = self._bytes = 0
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            self._tar.addfile(info, io.BytesIO(content))
        self._samples += 1
        self._bytes += room

    def close(self) -> None:
        """End the shard at hand."""
        if self._tar is not None:
            self._tar.close()
            self._tar = None
