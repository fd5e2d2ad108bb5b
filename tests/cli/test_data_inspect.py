"""`translate data inspect` as a person or a script meets it."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from PIL import Image

from translate.cli.main import main

# The arguments are given as a shell does, in sys.argv; cyclopts takes that for an oversight in a test.
pytestmark = pytest.mark.filterwarnings("ignore:Cyclopts application invoked without tokens")


@pytest.fixture
def run(monkeypatch, capsys):
    """run("DIR", "--json") → exit code, stdout, stderr of `translate data inspect`."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["translate", "data", "inspect", *arguments])
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capsys.readouterr()
        return int(done.value.code or 0), out, err

    return call


@pytest.fixture
def pairs(tmp_path):
    for i in range(3):
        Image.fromarray(np.full((300, 600, 3), i, np.uint8)).save(tmp_path / f"{i}.png")
    return tmp_path


def test_a_good_folder(run, pairs):
    code, out, err = run(str(pairs))
    assert (code, out) == (0, "")
    assert "A|B files, both sides in one picture; a: left → b: right" in err
    assert "300×300" in err
    assert f"next: translate train pix2pix --data {pairs}" in err


def test_json_is_all_of_stdout(run, pairs):
    code, out, err = run(str(pairs), "--json", "--direction", "b2a")
    report = json.loads(out)
    assert (code, err, report["usable"]) == (0, "", True)
    assert report["domains"] == {"a": "right", "b": "left"}
    assert report["splits"]["train"]["a"]["files"] == 3


def test_a_folder_with_a_bad_file(run, pairs):
    (pairs / "1.png").write_bytes(b"")
    code, out, err = run(str(pairs))
    assert (code, out) == (2, "")
    assert "problem: 1 of the pictures in train can't be used: 1.png (the file is empty)" in err
    assert "next:" not in err
    code, out, err = run(str(pairs), "--json")
    assert code == 2
    assert json.loads(out)["splits"]["train"]["unreadable"] == {str(pairs / "1.png"): "the file is empty"}


def test_a_folder_that_is_not_there(run, tmp_path):
    code, out, err = run(str(tmp_path / "gone"), "--json")
    assert code == 2
    assert err.startswith("error: ")
    assert "gone doesn't exist" in err
    assert json.loads(out) == {
        "usable": False,
        "root": str(tmp_path / "gone"),
        "problems": [f"{tmp_path}/gone doesn't exist; give the folder that holds the pictures."],
    }


def test_sides_by_name_and_task(run, tmp_path):
    for name in ("cat", "dog", "wild"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(tmp_path / name / f"{name}.png")
    code, _, err = run(str(tmp_path))
    assert code == 0
    assert "3 classes, no captions" in err
    assert "note: taken for classes; to train between two of the folders, say --a NAME --b NAME" in err
    assert run(str(tmp_path), "--kind", "unpaired")[0] == 2
    code, _, err = run(str(tmp_path), "--a", "wild", "--b", "cat")
    assert code == 0
    assert "a: wild → b: cat" in err
    code, _, err = run(str(tmp_path / "cat"), "--task", "edges")
    assert code == 0
    assert "--task edges" in err


def test_classes_and_captions(run, tmp_path):
    rows = []
    for i, label in enumerate(("zebra", "zebra", "horse")):
        name = f"{label}/{i}.png"
        (tmp_path / label).mkdir(exist_ok=True)
        Image.fromarray(np.full((300, 300, 3), i, np.uint8)).save(tmp_path / name)
        rows.append(json.dumps({"file_name": name, "label": label, "text": f"a {label}"}))
    (tmp_path / "metadata.jsonl").write_text("\n".join(rows))
    code, _, err = run(str(tmp_path))
    assert code == 0
    assert f"{tmp_path}: one pool of pictures; 2 classes, a caption each" in err
    shown = [line.split() for line in err.splitlines()]
    assert ["class", "train"] in shown
    assert ["horse", "1"] in shown
    assert ["zebra", "2"] in shown
    assert "note: only one training picture: horse" in err
    code, _, err = run(str(tmp_path), "--kind", "unpaired")
    assert f"{tmp_path}: a folder per domain, without pairs; a: horse → b: zebra" in err
    code, out, _ = run(str(tmp_path), "--json")
    assert json.loads(out)["splits"]["train"]["classes"] == {"horse": 1, "zebra": 2}
