"""`translate data list` and `translate data get`, as a person types them."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from translate import downloads
from translate.cli import main as cli


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run `translate data …` in an empty folder; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def _run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["translate", "data", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return _run


@pytest.fixture
def mine(web, tmp_path):
    """A set of A|B files that is served, and a folder with its card."""
    packed, picture = io.BytesIO(), io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(picture, "PNG")
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("train/1.png", "train/2.png", "val/1.png"):
            archive.writestr(f"mine/{name}", picture.getvalue())
    address, page = web("/mine.zip", packed.getvalue())
    card = f"name: mine\nabout: Mine.\ntask: b to a\nlayout: side-by-side\ndirection: b2a\nrecipe: pix2pix\n\
counts: {{train: 2}}\nlicence: none\narchives: [{{addresses: ['{address}']}}]\n"
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "mine.yaml").write_text(card)
    return page


def test_the_list_has_every_set_in_a_table_of_usual_width(run):
    code, out, err = run("list")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines()}
    assert rows["horse2zebra"] == "horses ↔ zebras 1,067 + 1,334 117 MB cyclegan"
    assert rows["facades"] == "labels → façades 400 pairs 31 MB pix2pix, b2a"
    assert rows["cityscapes"] == "labels → street scenes 2,975 pairs by hand spade"
    code, out, _ = run("list", "--json")
    assert {card["name"] for card in json.loads(out)} >= {"facades", "DIV2K", "cityscapes"}


def test_a_card_is_shown_with_its_sources(run, mine):
    code, out, _ = run("list", "facades")
    assert code == 0
    assert "http://efrosgans.eecs.berkeley.edu/pix2pix/datasets/facades.tar.gz" in out
    assert "source     counts: mindspore-ai/models, research/cv/Pix2Pix/README.md" in out
    assert "mine" in run("list", "--cards", "cards")[1]
    code, _, err = run("list", "facade")
    assert code == 2
    assert "did you mean facades?" in err


def test_a_set_comes_and_says_what_to_run_next(run, mine):
    command = "translate train pix2pix --data datasets/mine --name mine --direction b2a"
    code, out, err = run("get", "mine", "--cards", "cards")
    assert (code, out) == (0, "")
    assert "mine in datasets/mine: train 2, val 1." in err
    assert f"next: {command}\n" in err
    assert "licence: none\n" in err
    assert Path("datasets/mine/train/1.png").is_file()
    assert [path.name for path in Path("datasets").iterdir()] == ["mine"]

    code, out, err = run("get", "mine", "--cards", "cards", "--json")
    assert code == 0
    assert "mine is already there in datasets/mine" in err
    assert json.loads(out)["command"] == command.split()
    assert json.loads(out)["existing"]
    code, out, err = run("get", "mine", "there", "--cards", "cards", "--keep-archive", "--quiet")
    assert (code, out, err) == (0, "", "")
    assert Path("mine.zip").is_file()
    assert run("get", "mine", "there", "--cards", "cards", "--force", "--quiet")[0] == 0


def test_what_goes_wrong_is_one_line_and_an_exit_code(run, mine):
    Path("datasets").mkdir()
    Path("datasets/mine").write_text("")
    code, _, err = run("get", "mine", "--cards", "cards")
    assert (code, err) == (5, "error: datasets/mine is a file; name another folder for the data set.\n")
    Path("datasets/mine").unlink()
    mine.status = [404]
    code, _, err = run("get", "mine", "--cards", "cards")
    assert code == 2
    assert "the server answers 404 Not Found." in err
    assert err.count("\n") == 1
    assert list(Path("datasets").iterdir()) == []
    code, _, err = run("get", "cityscapes")
    assert code == 2
    assert "register at https://www.cityscapes-dataset.com" in err
    assert err.count("\n") == 1


def test_ctrl_c_keeps_what_has_come_and_says_so(run, mine, monkeypatch):
    mine.breaks = [1000]
    fetch_once = downloads._continue

    def interrupted(*arguments) -> None:
        try:
            fetch_once(*arguments)
        except downloads._Broken:
            raise KeyboardInterrupt from None

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "_continue", interrupted)
        code, _, err = run("get", "mine", "--cards", "cards")
    assert code == 130
    assert err == "interrupted; the same call goes on with datasets/mine.zip.part\n"
    code, _, _ = run("get", "mine", "--cards", "cards")
    assert code == 0
    assert mine.asked[-1] == ("bytes=1000-", '"1"')
    assert [path.name for path in Path("datasets").iterdir()] == ["mine"]
