"""What an ONNX file says of itself, and what it is run by. Free of torch.

The metadata are read without a library: `onnx` and `onnxruntime` take the whole file apart to give them, and
whoever only asks what a model does may have neither.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from translate.errors import ModelError
from translate.files import explain

if TYPE_CHECKING:
    from translate.weights.card import Card

SUFFIX = ".onnx"
OUTPUT = "output"
_METADATA, _KEY, _VALUE = 14, 1, 2  # the numbers of fields: ModelProto's, and those of its entries
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5  # kinds of fields in a protocol buffer
_LONGEST = 2**24  # bytes of an entry: a card has thousands


def is_exported(path: str | Path) -> bool:
    """Whether a file is an ONNX file, by its name."""
    return Path(path).suffix.lower() == SUFFIX


def input_names(card: Card) -> tuple[str, ...]:
    """What the file's inputs are called, in order.

    `image`, float32 (B, C, H, W); then what the model is asked with: `label`, int64 (B,), or `embedding`,
    float32 (B, E), a caption's vector; then `latent`, float32 (B, n).
    """
    label = ("label",) if card.labels else ()
    embedding = ("embedding",) if card.text else ()
    return ("image", *label, *embedding, *(("latent",) if card.latent else ()))


def onnx_runtime() -> Any:
    """The module `onnxruntime`, without its reports to its makers, which it sends unless told."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when it is imported
    import onnxruntime

    return onnxruntime


def metadata(path: Path) -> dict[str, str]:
    """The metadata of an ONNX file; nothing else of it is read.

    Raises:
        ModelError: the file is missing, damaged or no ONNX file.
    """
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            entries = [dict(_fields(stream, *span)) for span in _spans(stream, size)]
        return {_text(entry[_KEY]): _text(entry[_VALUE]) for entry in entries}
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such model; give a run folder or a model file.") from error
    except OSError as error:
        raise ModelError(f"{path} can't be read: {explain(error)}.") from error
    except (ValueError, KeyError) as error:
        raise ModelError(f"{path} is no whole ONNX file; export or copy it again.") from error


def _spans(stream: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """Where the entries of the metadata begin and end; all else is skipped."""
    if not size:
        raise ValueError("empty")
    while stream.tell() < size:
        number, kind = divmod(_varint(stream), 8)
        length = _length(stream, kind)
        start = stream.tell()
        if not number or start + length > size:
            raise ValueError("cut off")
        if number == _METADATA and kind == _BYTES:
            if length > _LONGEST:
                raise ValueError("no entry is so long")
            yield start, start + length
        stream.seek(start + length)


def _fields(stream: BinaryIO, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    stream.seek(start)
    while stream.tell() < end:
        number, kind = divmod(_varint(stream), 8)
        length = _length(stream, kind)
        if stream.tell() + length > end:
            raise ValueError("longer than what it is in")
        yield number, stream.read(length)


def _length(stream: BinaryIO, kind: int) -> int:
    """How many bytes of a field are left; of a number without a fixed length none."""
    if kind == _VARINT:
        _varint(stream)
        return 0
    if kind == _BYTES:
        return _varint(stream)
    if kind in (_EIGHT_BYTES, _FOUR_BYTES):
        return 8 if kind == _EIGHT_BYTES else 4
    raise ValueError("no kind of field")


def _varint(stream: BinaryIO) -> int:
    """Seven bits a byte, the lowest first; the last byte is the one without the eighth."""
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            raise ValueError("cut off")
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
    raise ValueError("no number is so long")


def _text(encoded: bytes) -> str:
    return encoded.decode()
