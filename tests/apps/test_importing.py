"""Gradio writes no stub files when the studio imports it."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec

from translate_apps.studio import importing


def test_the_writer_of_stub_files_is_taken_out_and_nothing_else(monkeypatch):
    import gradio.component_meta as usual

    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    importing.without_stubs()
    importing.without_stubs()
    finder, *others = sys.meta_path
    assert not any(type(other) is type(finder) for other in others)
    assert finder.find_spec("gradio.blocks", sys.modules["gradio"].__path__, None) is None
    assert finder.find_spec("json", None, None) is None
    spec = finder.find_spec("gradio.component_meta", sys.modules["gradio"].__path__, None)
    assert spec is not None
    assert spec.loader is not None
    mended = module_from_spec(spec)
    spec.loader.exec_module(mended)
    assert callable(usual.create_or_modify_pyi), "its name has changed: the import takes twice as long"
    assert mended.create_or_modify_pyi(int, "int", []) is None
    assert mended.ComponentMeta.__name__ == "ComponentMeta"
