"""Gradio components that leave files as they were uploaded."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from translate.errors import BadImage, TranslateError
from translate_apps.studio.desk import Stopped


class Upload(NamedTuple):
    """A file that a visitor sent: where it lies, and what the visitor calls it."""

    path: Path
    name: str


class Tab(NamedTuple):
    """A part of the page: the components that its loading fills, and with what."""

    parts: list[Any]
    filled: Callable[[], list[Any]]


def _component(base: type[Any], name: str, preprocess: Callable[[Any, Any], Any]) -> Any:
    """A component that looks like `base` and hands on what `preprocess` makes of an upload.

    Not by a class statement: Gradio's metaclass would write a stub file beside this one.
    """
    body = {"preprocess": preprocess, "is_template": True, "__module__": __name__}
    return ABCMeta.__new__(type(base), name, (base,), body)


def _one(_: Any, payload: Any) -> Upload | None:
    return None if payload is None or not payload.path else _upload(payload)


def _many(_: Any, payload: Any) -> list[Upload]:
    files = [] if payload is None else payload if isinstance(payload, list) else payload.root
    return [_upload(file) for file in files]


def _upload(file: Any) -> Upload:
    return Upload(Path(file.path), Path(file.orig_name or file.path).name)


# They hand on the files themselves. Gradio's own image component opens every upload with Pillow before our
# code, writes others than RGB anew, and shows the server's paths for what it can't open.
PictureInput = _component(gr.Image, "PictureInput", _one)
FilesInput = _component(gr.File, "FilesInput", _many)


@contextmanager
def friendly(what: str = "That") -> Iterator[None]:
    """Errors as one sentence in a corner of the page, which shows those of queued handlers alone.

    Args:
        what: begins the sentence that stands for a bug of ours, whose details only the server's log has.
    """
    try:
        yield
    except (gr.Error, Stopped, GeneratorExit):
        raise
    except TranslateError as error:
        raise gr.Error(sentence(error), print_exception=False, duration=8) from None
    except Exception as error:
        raise gr.Error(f"{what} went wrong; the server's log says why.") from error


def sentence(error: TranslateError) -> str:
    """What an error says, as a sentence of its own; one of a picture begins with its name."""
    text = str(error).strip()
    text = text if isinstance(error, BadImage) else text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."
