"""`translate data render`, as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from translate.cli import main as cli


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["translate", "data", "render", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_it_renders_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    words = ("savanna", str(tmp_path / "set"), "--count", "2", "--test-count", "1", "--size", "32", "--json")
    assert _run(monkeypatch, *words) == 0
    out, err = capsys.readouterr()
    summary = json.loads(out)
    assert summary["pictures"] == 8
    assert summary["folders"]["testTruth"] == 1
    assert summary["parameters"]["size"] == 32
    assert not summary["existing"]
    assert "8 pictures in" in err

    assert _run(monkeypatch, *words, "--quiet") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["existing"]
    assert err == ""


def test_each_layout_is_within_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    common = ("--count", "1", "--test-count", "0", "--size", "16", "--quiet")
    paired = ("savanna", str(tmp_path / "p"), "--layout", "paired", "--pair", "mask:photo")
    assert _run(monkeypatch, *paired, *common) == 0
    assert (tmp_path / "p/train/00000.png").is_file()
    assert _run(monkeypatch, "savanna", str(tmp_path / "l"), "--layout", "labelled", *common) == 0
    assert (tmp_path / "l/train/metadata.jsonl").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("tundra", "set"), 2, "no data set 'tundra'"),
        (("savanna", "set", "--count", "0"), 2, "count must be at least 1"),
        (("savanna", "set", "--workers", "0"), 2, "--workers must be at least 1"),
        (("savanna", "set", "--pair", "cat:dog"), 2, "the unpaired layout"),
        (("savanna", "."), 5, "never overwritten"),
    ],
)
def test_mistakes_end_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    words: str,
):
    (tmp_path / "mine.txt").write_text("here before")
    monkeypatch.chdir(tmp_path)
    assert _run(monkeypatch, *arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error:")
    assert words in err
    assert err.count("\n") == 1


def test_rendering_needs_no_torch():
    code = (
        "import sys, translate.data.savanna, translate.cli.data_render; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'cv2', 'albumentations')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
