"""From a card to a folder that trains: all of it or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from translate import archives
from translate.data import naming
from translate.data.inspect import Report, inspect
from translate.data.public import cityscapes
from translate.data.public.cards import Card
from translate.data.public.obtaining import Obtained, Progress, Say, assign, obtain
from translate.data.public.records import (
    RECORD,
    Record,
    cached_for,
    first_seen,
    forget_download,
    read_record,
    remember,
    today,
)
from translate.downloads import discard, part_of
from translate.errors import DataError, OutputError, UsageError
from translate.files import replacing_folder

MOST_FILES = 1_000_000
# Pictures hardly shrink: what unpacks to more than so many times its size, and this much, is a bomb.
SWELLING = 30
ALWAYS_ROOM = 200_000_000  # bytes


@dataclass(frozen=True)
class Got:
    """A public data set that is there.

    Attributes:
        pictures: in each folder or split, as a card's `counts` are.
        existing: it was there already, and nothing was done.
        kept: archives that lie beside it.
        problems: what would keep a training from starting, each one sentence.
    """

    card: Card
    directory: Path
    pictures: dict[str, int]
    existing: bool
    kept: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()


def get(
    card: Card,
    directory: str | Path,
    *,
    addresses: Sequence[str] = (),
    force: bool = False,
    keep_archive: bool = False,
    progress: Progress = lambda what, done, total: None,
    say: Say = lambda text: None,
    bar: bool = False,
) -> Got:
    """Download a data set, check it, unpack it, hold it against its card and move it into place.

    Archives come to lie beside `directory` and go when all is well. What was interrupted goes on in the next
    call.

    Args:
        directory: the folder to make: new, empty, or one that an earlier call made.
        addresses: mirrors or files, instead of the card's addresses; see `obtaining.assign`.
        force: make it anew, though it is there.
        keep_archive: leave what was downloaded.
        progress: called with what is being done, and the bytes done and in all.
        say: called with remarks.
        bar: show the bars of what counts pictures, on stderr.

    Raises:
        DownloadError: an archive isn't to be had, or isn't what it should be.
        DataError: an archive that can't be trusted or isn't whole, or isn't what the card says.
        OutputError: the folder holds something else, or can't be written, or the disk is full.
        UsageError: an address that makes no sense.
    """
    directory = Path(directory)
    given = assign(card, addresses)
    standing = _standing(card, directory, force)
    if standing is not None:
        return Got(card, directory, standing.pictures, existing=True)
    beside = directory.absolute().parent
    with _held(directory):
        here = [
            obtain(card, archive, beside, given[archive.name], progress, say) for archive in card.archives
        ]
        with replacing_folder(directory, last=RECORD) as growing:
            try:
                _fill(card, growing, here, progress)
            except OutputError as error:
                stay = ", ".join(str(obtained.path) for obtained in here)
                raise OutputError(
                    f"{directory} can't be made: {error}; make room, and the same call goes on with {stay}."
                ) from error
            try:
                report = _inspected(card, growing, bar)
            except DataError as error:
                said = str(error).replace(str(growing), str(directory))
                ours = [f"{one.path} stays; remove it to download anew." for one in here if one.downloaded]
                raise DataError(" ".join([said, *ours])) from error
            pictures = counted(card, report)
            Record(card.name, today(), pictures, tuple(obtained.source for obtained in here)).write(growing)
    for obtained in here:
        _remember(obtained, say)
        discard(beside / obtained.archive.name)
        forget_download(obtained.path)
        if obtained.downloaded and not keep_archive:
            obtained.path.unlink(missing_ok=True)
    kept = tuple(path for archive in card.archives if (path := beside / archive.name).is_file())
    problems = tuple(problem.replace(str(growing), str(directory)) for problem in report.problems)
    return Got(card, directory, pictures, existing=False, kept=kept, problems=problems)


def remains(card: Card, directory: Path) -> list[Path]:
    """Archives and parts of archives that lie beside a folder, which the next call goes on with."""
    beside = [directory.parent / archive.name for archive in card.archives]
    return [file for path in beside for file in (path, part_of(path)) if file.is_file()]


def counted(card: Card, report: Report) -> dict[str, int]:
    """Pictures in each folder where the sides have no pairs, else pairs or pictures in each split."""
    counts = {}
    for name, split in report.splits.items():
        a, b = (split.a, split.b) if card.direction == "a2b" else (split.b, split.a)
        sides = card.layout in ("unpaired", "domains")
        counts |= {f"{name}A": a.files, f"{name}B": b.files} if sides else {name: a.files}
    return counts


def _remember(obtained: Obtained, say: Say) -> None:
    if not obtained.downloaded or obtained.published:
        return
    what = f"No checksum is published for {obtained.path.name}; that of this download"
    try:
        if remember(obtained.source.origin, obtained.source.sha256):
            say(f"{what} is remembered in {first_seen()}.")
    except OutputError as error:
        say(f"{what} can't be remembered: {error}.")


def _standing(card: Card, directory: Path, force: bool) -> Record | None:
    """What an earlier call made; raises where something else is in the way."""
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return None
    if not directory.is_dir():
        raise OutputError(f"{directory} is a file; name another folder for the data set.")
    record = read_record(directory)
    if record is None:
        raise OutputError(f"{directory} holds other files, which are never overwritten; name another folder.")
    if record.card != card.name:
        raise OutputError(f"{directory} holds the data set {record.card}; name another folder.")
    return None if force else record


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    """Keep another call from working on the same folder; a kill lets go of it.

    Where the user's cache can't be written, nothing does.
    """
    lock = FileLock(cached_for(directory, "locks", ".lock"))
    try:
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(f"{directory}: another call is getting this data set; wait for it.") from None
    except OSError:
        pass
    try:
        yield
    finally:
        lock.release()


def _fill(card: Card, growing: Path, here: Sequence[Obtained], progress: Progress) -> None:
    if card.preparation == "cityscapes":
        cityscapes.prepare([obtained.path for obtained in here], growing, progress)
        return
    for number, obtained in enumerate(here):
        root = growing / f".{number}"
        root.mkdir()
        try:
            _unpack(obtained.path, root, progress)
        except DataError:
            if obtained.downloaded:  # so that the next call doesn't take it again
                obtained.path.unlink()
            raise
        content = _content(root)
        target = growing / obtained.archive.into if obtained.archive.into else growing
        target.mkdir(exist_ok=True)
        for child in content.iterdir():
            child.rename(target / child.name)
        shutil.rmtree(root)


def _unpack(path: Path, into: Path, progress: Progress) -> None:
    room = max(SWELLING * path.stat().st_size, ALWAYS_ROOM)
    kind = archives.kind_of(path)
    assert kind is not None, "looked at when it was obtained"
    try:
        unpacked = archives.unpack(
            path,
            kind,
            into,
            room=room,
            most=MOST_FILES,
            progress=lambda done, total: progress(f"unpacking {path.name}", done, total),
        )
    except archives.BadArchive as error:
        raise DataError(f"{path.name}: {error}; nothing of it was kept.") from error
    for why, verdict in (("unsafe", "isn't to be trusted"), ("damaged", "is damaged")):
        for entry in unpacked.left_out:
            if entry.why == why:
                raise DataError(
                    f"{path.name} {verdict}: it holds {entry.name!r}, and {entry.reason}; "
                    "nothing of it was kept."
                )
    if not unpacked.files:
        raise DataError(f"{path.name} holds no file.")


def _content(root: Path) -> Path:
    """The folder that is meant: below those that hold one folder and nothing else, unless that is a split."""
    children = list(root.iterdir())
    if len(children) != 1 or not children[0].is_dir():
        return root
    name = children[0].name
    if name.lower() in naming.SPLITS or naming.LETTERED.fullmatch(name):
        return root
    return _content(children[0])


def _inspected(card: Card, growing: Path, bar: bool) -> Report:
    """What `data inspect` says of the folder, where that is what the card says."""
    report = inspect(growing, a=card.a, b=card.b, task=card.make, direction=card.direction, progress=bar)
    if report.kind != card.layout:
        raise DataError(f"{card.name} is recognised as {report.kind}, and its card says {card.layout}.")
    found = counted(card, report)
    for key, expected in card.counts.items():
        there = sum(found.values()) if key == "all" else found.get(key, 0)
        if there != expected:
            where = "" if key == "all" else f" in {key}"
            raise DataError(
                f"{card.name} holds {there:,} pictures{where}, and its card says {expected:,}; a "
                "card of your own can say otherwise, see --cards."
            )
    return report
