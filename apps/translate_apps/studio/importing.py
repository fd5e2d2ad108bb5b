"""Gradio without what the studio has no use for and would wait for at its start."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_MODULE = "gradio.component_meta"
_WRITER = "create_or_modify_pyi"  # writes a stub file for every class of a component, at every import


class _WithoutStubs(MetaPathFinder):
    """Finds Gradio's module that writes stub files, and takes the writing out of it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == _MODULE else None
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_and_mend(module: ModuleType) -> None:
            run(module)
            if hasattr(module, _WRITER):
                setattr(module, _WRITER, _nothing)

        spec.loader.exec_module = run_and_mend
        return spec


def import_gradio(*, mcp: bool) -> None:
    """Import it in half the time; of no effect where it is imported already.

    Args:
        mcp: whether its server for language models will be asked for, whose package takes half a second.
    """
    without_stubs()
    with contextlib.nullcontext() if mcp or "mcp" in sys.modules else _missing("mcp"):
        import gradio as gradio


def without_stubs() -> None:
    """Let a later `import gradio` write no stub files."""
    if not any(isinstance(finder, _WithoutStubs) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WithoutStubs())


@contextlib.contextmanager
def one_app() -> Iterator[None]:
    """Let a page be built without the web application that Gradio makes of it at every step.

    `launch` makes the one that is served; each takes a seventh of a second.
    """
    from gradio.routes import App

    usual = App.create_app
    App.create_app = staticmethod(_nothing)  # type: ignore
    try:
        yield
    finally:
        App.create_app = staticmethod(usual)


@contextlib.contextmanager
def _missing(module: str) -> Iterator[None]:
    """An import of it fails."""
    sys.modules[module] = None  # type: ignore
    try:
        yield
    finally:
        del sys.modules[module]


def _nothing(*_: Any, **__: Any) -> None:
    pass
