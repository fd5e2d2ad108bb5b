"""The exceptions that a user can meet.

Each carries one sentence for a person (what, where, remedy) and the exit code that the command
line ends with. Anything else that escapes is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class TranslateError(Exception):
    """Base of every error that a user can cause or cure; `exit_code` is the process's answer."""

    exit_code = 2


class UsageError(TranslateError):
    """A command, option or recipe that makes no sense as given."""


class DataError(TranslateError):
    """A data folder that can't be recognised or used as asked."""


class DownloadError(TranslateError):
    """A file that can't be downloaded, or that isn't what it should be."""


class NothingToDo(TranslateError):
    """The inputs named hold no work."""

    exit_code = 3


class ModelError(TranslateError):
    """A model file that can't be loaded or doesn't fit what is asked of it."""

    exit_code = 4


class OutputError(TranslateError):
    """The output can't be written: permissions, a full disk, something in the way."""

    exit_code = 5


class TrainingError(TranslateError):
    """A training that can't go on; the last good state is on disk."""

    exit_code = 1


class BadImage(TranslateError):
    """One picture that can't be read.

    Args:
        path: the file, or a word for pictures that have none.
        reason: what is wrong with it, without the path.
    """

    exit_code = 1

    def __init__(self, path: str | Path, reason: str):
        super().__init__(f"{path}: {reason}")
        self.path = Path(path)
        self.reason = reason


def did_you_mean(wrong: object, valid: Iterable[str]) -> str:
    """` (did you mean X?)` with the nearest valid name, or nothing where none is near."""
    near = get_close_matches(str(wrong), list(valid), 1)
    return f" (did you mean {near[0]}?)" if near else ""
