"""From an archive's card to a file on this machine that is that archive."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from translate import archives, downloads
from translate.data.public.cards import Archive, Card
from translate.data.public.records import Source, note_download, noted_download, require_the_same
from translate.errors import DownloadError, UsageError
from translate.files import explain

Progress = Callable[[str, int, int | None], None]  # what is being done, bytes done, bytes in all if known
Say = Callable[[str], None]

_CHUNK = 2**22


@dataclass(frozen=True)
class Obtained:
    """An archive that is here.

    Attributes:
        downloaded: it came in this call, or in an earlier one that was interrupted; else it is the user's.
        published: somebody has published its checksum, and it has it.
    """

    archive: Archive
    path: Path
    source: Source
    downloaded: bool
    published: bool


def assign(card: Card, addresses: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Which of the given addresses are of which archive of a card, by the archive's name.

    One belongs to the archive that is called like its last part; an address that ends in / and a folder hold
    archives under their names; a card of one archive takes any.

    Raises:
        UsageError: one belongs to none, or names a file that isn't there.
    """
    assigned: dict[str, list[str]] = {archive.name: [] for archive in card.archives}
    for address in addresses:
        local = not is_remote(address)
        if local and not Path(address).exists():
            raise UsageError(
                f"--address {address}: there is no such file, and an address begins with https://."
            )
        if local and Path(address).is_dir():
            found = {name: str(Path(address) / name) for name in assigned if (Path(address) / name).is_file()}
            if card.preparation and not found:  # unpacked already
                found = {
                    name: address for name in assigned if name.partition("_")[0] in _first_names(address)
                }
        elif not local and address.endswith("/"):
            found = {name: address + name for name in assigned}
        else:
            last = Path(address).name if local else urlsplit(address).path.rpartition("/")[2]
            found = {name: address for name in assigned if name == last or len(assigned) == 1}
        if not found:
            raise UsageError(
                f"--address {address}: {card.name} is made of {', '.join(assigned)}; give one of these."
            )
        for name, place in found.items():
            assigned[name].append(place)
    return {name: tuple(places) for name, places in assigned.items()}


def is_remote(address: str) -> bool:
    """Whether it is to be downloaded, rather than a path here."""
    return urlsplit(address).scheme in ("http", "https")


def obtain(
    card: Card, archive: Archive, beside: Path, given: Sequence[str], progress: Progress, say: Say
) -> Obtained:
    """Have an archive: one that is given, one that lies in `beside` under its name, or download it there.

    Raises:
        DownloadError: it isn't to be had, or what there is isn't it.
        UsageError, OutputError: see `downloads.fetch`.
    """
    path = beside / archive.name
    if path.is_file() and not given:
        say(f"{path} is there and isn't downloaded again.")
        try:
            here = _here(card, archive, path, progress)
        except DownloadError as error:
            raise DownloadError(f"{error} Remove it to download the data set's own.") from error
        origin = noted_download(path)
        if origin is None:
            return here
        return replace(here, source=replace(here.source, origin=origin), downloaded=True)
    places, failures = given or archive.addresses, []
    for address in places:
        if not is_remote(address):
            return _here(card, archive, Path(address), progress)
        try:
            return _download(archive, address, path, progress)
        except DownloadError as error:
            failures.append(str(error))
            if len(failures) < len(places):
                say(f"{error} The next address is tried.")
    if failures:
        raise DownloadError(f"{failures[-1]} A file that you have can be given with --address FILE.")
    raise DownloadError(
        f"{archive.name} of {card.name} can't be downloaded by a program: {card.instructions}, then put them "
        f"into {beside}, or say where they are with --address, and call this again."
    )


def _first_names(folder: str) -> set[str]:
    """What a folder may be called: its name, and those of the folders in it."""
    return {Path(folder).resolve().name, *(child.name for child in Path(folder).iterdir() if child.is_dir())}


def _here(card: Card, archive: Archive, path: Path, progress: Progress) -> Obtained:
    if path.is_dir():
        return Obtained(archive, path, Source(archive.name, str(path.resolve()), 0, ""), False, False)
    try:
        size = path.stat().st_size
        if archive.size not in (None, size):
            raise DownloadError(
                f"{path} has {size:,} bytes where {archive.size:,} are expected: it is another file."
            )
        _require_archive(path)
        # What is prepared from is read picture by picture, and takes far longer to be read twice.
        sha256 = "" if card.preparation else _digest(path, progress)
    except OSError as error:
        raise DownloadError(f"{path} can't be read: {explain(error)}.") from error
    if archive.sha256 not in (None, sha256):
        raise DownloadError(
            f"{path} is damaged or another file: its sha256 is {sha256}, not {archive.sha256}."
        )
    source = Source(archive.name, str(path.resolve()), size, sha256)
    return Obtained(archive, path, source, False, archive.sha256 is not None)


def _download(archive: Archive, address: str, path: Path, progress: Progress) -> Obtained:
    downloads.fetch(
        address,
        path,
        size=archive.size,
        progress=lambda done, total: progress(f"downloading {archive.name}", done, total),
    )
    try:
        _require_archive(path)
        sha256 = _digest(path, progress)
        if archive.sha256 is None:
            require_the_same(address, sha256)
        elif archive.sha256 != sha256:
            raise DownloadError(
                f"what comes from {address} is damaged or another file: its sha256 is {sha256}, not "
                f"{archive.sha256}."
            )
    except DownloadError:
        path.unlink()
        raise
    note_download(path, address)
    source = Source(archive.name, address, path.stat().st_size, sha256)
    return Obtained(archive, path, source, True, archive.sha256 is not None)


def _require_archive(path: Path) -> None:
    if archives.kind_of(path) is not None:
        return
    with path.open("rb") as stream:
        start = stream.read(512).lstrip().lower()
    if not start:
        raise DownloadError(f"{path.name} is empty.")
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise DownloadError(f"{path.name} is a web page and no archive.")
    if start.startswith((b"pk\x03\x04", b"\x1f\x8b")):
        raise DownloadError(f"{path.name} is no whole archive: its end is missing or damaged.")
    raise DownloadError(f"{path.name} is neither a zip nor a tar file.")


def _digest(path: Path, progress: Progress) -> str:
    digest, total, done = hashlib.sha256(), path.stat().st_size, 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress(f"checking {path.name}", done, total)
    return digest.hexdigest()
