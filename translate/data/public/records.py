"""What is remembered of downloads: which data set a folder holds, and what an address sent the first time."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from translate.errors import DownloadError, OutputError
from translate.files import replacing

RECORD = ".data-set.json"  # in a data set's folder; hidden, so that nothing takes it for data


@dataclass(frozen=True)
class Source:
    """An archive that a data set was made of."""

    name: str
    origin: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Record:
    """Which card a folder was made by, and of what."""

    card: str
    date: str
    pictures: dict[str, int]
    archives: tuple[Source, ...]

    def write(self, folder: Path) -> None:
        """Put it into a folder."""
        (folder / RECORD).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_record(folder: Path) -> Record | None:
    """The record of a folder; None where there is none, or none that can be read."""
    try:
        values = _json(folder / RECORD)
        archives = tuple(Source(**source) for source in values.pop("archives"))
        return Record(archives=archives, **values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def today() -> str:
    """The date, as records have it."""
    return time.strftime("%Y-%m-%d")


def first_seen() -> Path:
    """The file, in the user's cache, with the checksum of what each address sent the first time."""
    return user_cache_path("image-translate") / "data-sets.json"


def cached_for(path: Path, kind: str, suffix: str) -> Path:
    """A file in the user's cache that belongs to a path."""
    name = hashlib.blake2b(os.fsencode(path.absolute()), digest_size=16).hexdigest()
    return first_seen().parent / kind / f"{name}{suffix}"


def note_download(path: Path, address: str) -> None:
    """Remember that an archive was downloaded and is not yet done with, for a call that goes on with it."""
    with suppress(OSError, OutputError), replacing(cached_for(path, "downloads", ".json")) as temporary:
        temporary.write_text(json.dumps([address, *_state(path)]), encoding="utf-8")


def noted_download(path: Path) -> str | None:
    """Where an archive came from that an earlier call downloaded and wasn't done with; None of any other."""
    try:
        address, *state = json.loads(cached_for(path, "downloads", ".json").read_text(encoding="utf-8"))
        return address if state == _state(path) else None
    except (OSError, ValueError, TypeError):
        return None


def forget_download(path: Path) -> None:
    """An archive is done with: from now on it is the user's, or it is gone."""
    with suppress(OSError):
        cached_for(path, "downloads", ".json").unlink(missing_ok=True)


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def require_the_same(address: str, sha256: str) -> None:
    """Hold a download whose checksum nobody has published against what the address sent the first time.

    Raises:
        DownloadError: the address sends another file than it did.
    """
    before = _seen().get(address)
    if before is not None and before["sha256"] != sha256:
        raise DownloadError(
            f"{address} sends another file than on {before['date']}: its sha256 is {sha256}, not "
            f"{before['sha256']}; if its authors have changed it, remove its lines from {first_seen()}."
        )


def remember(address: str, sha256: str) -> bool:
    """Note what an address sent, for `require_the_same`; whether it is the first time."""
    seen = _seen()
    if address in seen:
        return False
    seen[address] = {"sha256": sha256, "date": today()}
    with replacing(first_seen()) as temporary:
        temporary.write_text(json.dumps(seen, indent=2) + "\n", encoding="utf-8")
    return True


def _seen() -> dict[str, dict[str, str]]:
    """By address; without what isn't as `remember` writes it, for people are told to edit the file."""
    try:
        known = _json(first_seen()).items()
        return {address: entry for address, entry in known if {"sha256", "date"} <= entry.keys()}
    except (OSError, ValueError, AttributeError):
        return {}


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
