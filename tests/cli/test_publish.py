"""`translate publish` as a person types it."""

from __future__ import annotations

import json
import sys

import pytest

from translate.cli import main as cli


@pytest.fixture
def run(monkeypatch, capsys):
    def _run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["translate", "publish", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return _run


def test_into_a_folder(run, run_folder, tmp_path):
    folder = tmp_path / "look"
    code, out, _ = run(run_folder, "jo/horses", "--folder", folder, "--license", "MIT", "--json")
    files = ["model.safetensors", "model-b2a.safetensors", "config.json", "README.md"]
    assert code == 0
    assert json.loads(out) == {"repo": "jo/horses", "folder": str(folder), "files": files}
    assert sorted(path.name for path in folder.iterdir()) == sorted(files)
    assert "license: mit\n" in (folder / "README.md").read_text()
    code, _, err = run(run_folder, "jo/horses", "--folder", folder)
    assert code == 2
    assert "is there already and not empty; give a new one." in err


def test_what_is_refused_before_a_model_is_opened(run, monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    code, _, err = run("nothing", "horses")
    assert code == 2
    assert "'horses' is no name of a repository; write OWNER/NAME" in err
    code, _, err = run("nothing", "jo/horses")
    assert code == 2
    assert "publishing needs a token" in err
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    code, _, err = run("nothing", "jo/horses")
    assert code == 2
    assert "pip install 'image-translate[hub]'" in err
