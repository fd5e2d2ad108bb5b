"""Gradio, imported without what only its own developers' editors need."""

from __future__ import annotations

import sys
from collections.abc import Sequence
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


def without_stubs() -> None:
    """Make a later `import gradio` take half the time; of no effect where it is imported already."""
    if not any(isinstance(finder, _WithoutStubs) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WithoutStubs())


def _nothing(*_: Any) -> None:
    pass
