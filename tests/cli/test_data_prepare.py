"""`translate data prepare` as a person or a script meets it."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from PIL import Image

from translate.cli.data_prepare import _shards
from translate.cli.main import main
from translate.data.prepare import ShardSize
from translate.errors import UsageError

# The arguments are given as a shell does, in sys.argv; cyclopts takes that for an oversight in a test.
pytestmark = pytest.mark.filterwarnings("ignore:Cyclopts application invoked without tokens")


@pytest.fixture
def run(monkeypatch, capsys):
    """run("DIR", "--json") → exit code, stdout, stderr of `translate data prepare`."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["translate", "data", "prepare", *map(str, arguments)])
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capsys.readouterr()
        return int(done.value.code or 0), out, err

    return call


@pytest.fixture
def folders(tmp_path):
    for folder in "xy":
        (tmp_path / folder).mkdir()
        for i in range(12):
            pixels = np.random.default_rng(i + ord(folder)).integers(0, 256, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{i}.png")
    return tmp_path / "x", tmp_path / "y"


def test_two_folders(run, folders, tmp_path):
    code, out, err = run(*folders, "-o", tmp_path / "set", "--size", 20)
    assert (code, out) == (0, "")
    assert f"12 pairs written to {tmp_path / 'set'}\n" in err
    assert [line.split() for line in err.splitlines()[1:5]] == [
        ["split", "samples"],
        ["train", "10"],
        ["val", "1"],
        ["test", "1"],
    ]
    assert "note: sizes: 25×20 (24)\n" in err
    assert err.endswith(f"next: translate data inspect {tmp_path / 'set'}\n")
    assert len(list((tmp_path / "set").rglob("*.png"))) == 24
    record = json.loads((tmp_path / "set/prepared.json").read_text())
    assert (record["wishes"]["size"], record["splits"]["val"]) == (20, {"": 1})

    code, out, err = run(*folders, "-o", tmp_path / "set")
    assert (code, err.startswith(f"error: {tmp_path / 'set'} is there already")) == (5, True)


def test_a_dry_run_and_what_is_left_out(run, folders, tmp_path):
    (folders[0] / "3.png").write_bytes(b"")
    code, out, err = run(*folders, "--output", tmp_path / "set", "--dry-run", "--json", "--shards", "5")
    said = json.loads(out)
    assert (code, said["dry_run"], len(said["files"])) == (1, True, 22)
    assert said["left_out"] == {str(folders[0] / "3.png"): "the file is empty"}
    assert {file["name"] for file in said["files"]} >= {"0.a.png", "0.b.png"}
    assert not (tmp_path / "set").exists()

    code, out, err = run(*folders, "--output", tmp_path / "set", "--quiet")
    assert (code, out) == (1, "")
    assert err == f"1 left out:\n  {folders[0] / '3.png'}: the file is empty\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--val 1.5", "--val 1.5: give a share below 1, such as 0.1, or a number of samples"),
        ("--test -1", "--test -1"),
        ("--val nan", "--val nan"),
        ("--size 0", "--size must be at least 1"),
        ("--alike 100", "--alike must be from 0 to 99"),
        ("--shards many", "--shards many: give a number of samples, such as 1000, or a size"),
    ],
)
def test_a_mistake_is_one_line(run, folders, tmp_path, line, said):
    code, out, err = run(*folders, "--output", tmp_path / "set", *line.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_sizes_of_shards():
    cases = {
        "1000": ShardSize(samples=1000),
        "500MB": ShardSize(bytes=500_000_000),
        "1.5g": ShardSize(bytes=1_500_000_000),
    }
    cases |= {
        "2 GiB": ShardSize(bytes=2**31),
        "300kib": ShardSize(bytes=300 * 1024),
        "9B": ShardSize(bytes=9),
    }
    assert {text: _shards(text) for text in cases} == cases
    for text in ("0", "1.5", "-3", "", "MB", "5 samples"):
        with pytest.raises(UsageError):
            _shards(text)
