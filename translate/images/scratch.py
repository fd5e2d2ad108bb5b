"""Arrays of large pictures: in a file without a name, whose pages leave memory when that is short."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from translate.errors import TranslateError
from translate.files import NO_ROOM, explain, temporary_folder

LARGE = 32_000_000  # pixels from which on a picture is worth a file
STRIP_BYTES = 2**24


def is_large(shape: Sequence[int]) -> bool:
    """Whether arrays `(H, W, …)` of that shape are kept in a file."""
    return shape[0] * shape[1] > LARGE


def empty(shape: Sequence[int], dtype: npt.DTypeLike) -> np.ndarray:
    """An array for a picture `(H, W, …)`: in memory, or of a large picture in a file that goes with it.

    Raises:
        TranslateError: the disk has no room for it.
    """
    if not is_large(shape):
        return np.empty(shape, dtype)
    kind = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    folder = temporary_folder()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            _reserve(file.fileno(), size)
            return np.memmap(file, kind, "r+", shape=tuple(shape))
    except OSError as error:
        remedy = "; set TMPDIR to a folder with more room" if error.errno in NO_ROOM else ""
        raise TranslateError(
            f"a temporary file of {size / 1e6:.0f} MB for a large picture can't be made in {folder}: "
            f"{explain(error)}{remedy}."
        ) from error


def strips(shape: Sequence[int], itemsize: int = 1) -> Iterator[slice]:
    """The rows of a picture `(H, W, …)`, some megabytes of them at a time."""
    row = int(np.prod(shape[1:], dtype=np.int64)) * itemsize
    rows = max(1, STRIP_BYTES // max(1, row))
    for start in range(0, shape[0], rows):
        yield slice(start, min(start + rows, shape[0]))


def _reserve(file: int, size: int) -> None:
    """Take the room now: a page that a full disk can't hold would end the process when it is written."""
    try:
        os.posix_fallocate(file, 0, size)
    except AttributeError:  # not on every system
        os.ftruncate(file, size)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise
        os.ftruncate(file, size)
