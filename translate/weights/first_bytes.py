"""What a file of weights begins with, before anything opens it. Free of torch."""

from __future__ import annotations

from pathlib import Path

from translate.errors import ModelError
from translate.files import explain

ARCHIVE = b"PK"
_MOST = 64


def first_bytes(path: Path, missing: str = "no such file") -> bytes:
    """The first bytes of a file, 64 at most.

    Args:
        missing: what is said where there is no file.

    Raises:
        ModelError: no such file, or it can't be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: {missing}.") from error
    except OSError as error:
        raise ModelError(f"{path} can't be read: {explain(error)}.") from error


def is_pickle(start: bytes) -> bool:
    """Whether a file that begins so is what `torch.save` writes: a zip archive, or a bare pickle.

    A pickle starts with its protocol, and goes on with opcodes where safetensors has the upper bytes of a
    length and then a brace.
    """
    return start.startswith(ARCHIVE + b"\x03\x04") or (start[:1] == b"\x80" and start[8:9] != b"{")
