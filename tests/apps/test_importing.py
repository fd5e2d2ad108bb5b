"""What the studio leaves out of Gradio is what it has no use for."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec

import pytest

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


@pytest.mark.parametrize("mcp", [False, True])
def test_the_server_for_language_models_is_imported_if_asked_for(mcp):
    code = (
        "import sys; from translate_apps.studio.importing import import_gradio; "
        f"import_gradio(mcp={mcp}); print('mcp.server' in sys.modules); import mcp"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(mcp)


def test_a_page_is_built_without_an_application_of_its_own():
    import gradio as gr

    with importing.one_app(), gr.Blocks(analytics_enabled=False) as page:
        gr.Markdown("Hello")
    assert page.app is None
    page.queue()
    assert page.app is not None
