"""Runs below a folder, as the page takes them in."""

from __future__ import annotations

import json
import os

import pytest

from translate.errors import UsageError
from translate.training.run import RunFolder
from translate.weights.card import read_card
from translate_apps.studio import runs
from translate_apps.studio.served import served


def write_run(folder, steps, **losses):
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text("translator: pix2pix\n")
    lines = [{"step": n, "losses": {k: f(n) for k, f in losses.items()}} for n in range(1, steps + 1)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return RunFolder(folder)


def test_runs_are_found_by_name_the_newest_first_and_nothing_else_is(tmp_path):
    write_run(tmp_path / "models/old", 1)
    write_run(tmp_path / "models/deep/new", 1)
    write_run(tmp_path / "models/.hidden/run", 1)
    write_run(tmp_path / "outside", 1)
    os.utime(tmp_path / "models/old/log.jsonl", (0, 0))
    found = runs.Runs(tmp_path / "models")
    assert list(found.all()) == ["deep/new", "old"]
    assert found.run("deep/new").path == tmp_path / "models/deep/new"
    for name in ("../outside", str(tmp_path / "outside"), "deep/../old", ".hidden/run", ".", ""):
        with pytest.raises(UsageError, match="no run called"):
            found.run(name)


def test_a_long_log_is_thinned_to_means_and_torn_lines_are_left_out(tmp_path):
    run = write_run(
        tmp_path / "run", 1000, l1=lambda n: 2.0 * n, late=lambda n: float("nan") if n < 996 else 1
    )
    with run.log.open("a") as log:
        log.write('[1]\n{"step": "x", "losses": {}}\n{"step": 1001, "los')
    log = runs.entries(run)
    assert len(log) == 1000
    assert runs.terms(log) == ["l1", "late"]
    curve = runs.curves(log, ["l1"], points=100)
    assert curve[0] == (10, 11.0, "l1")
    assert [step for step, _, _ in curve] == list(range(10, 1001, 10))
    assert runs.curves(log, ["late"], points=100) == [(1000, 1.0, "late")]
    assert runs.curves(log, ["late"], points=1000)[0] == (996, 1.0, "late")
    assert runs.curves(log, ["unknown"]) == []
    assert runs.told(run, log).startswith("Step 1,000 · last heard of 0 seconds ago")
    assert runs.entries(RunFolder(tmp_path / "none")) == []
    assert runs.recipe_text(run) == "translator: pix2pix\n"


def test_sheets_come_in_the_order_of_their_steps_and_a_copy_is_shown(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.sample(0).parent.mkdir(parents=True)
    for step in (20, 3_000_000, 10_000_000):
        run.sample(step).write_bytes(str(step).encode())
    (run.sample(0).parent / "step-.png").write_bytes(b"")
    assert runs.samples(run) == [(step, run.sample(step)) for step in (20, 3_000_000, 10_000_000)]
    copy = served(tmp_path / "files", run.sample(20))
    assert copy.read_bytes() == b"20"
    assert copy.is_relative_to(tmp_path / "files")
    assert served(tmp_path / "files", run.sample(20)) == copy
    run.sample(20).write_bytes(b"again")
    os.utime(run.sample(20), (1, 1))
    assert served(tmp_path / "files", run.sample(20)).read_bytes() == b"again"


def test_a_card_is_a_table_with_what_was_measured_and_no_tags_of_its_own(write_model, tmp_path):
    path = write_model(
        tmp_path / "a.safetensors",
        licence="<script>alert(1)</script>",
        metrics={"test": {"psnr": 21.123456}},
        data={"train": {"a": 7}},
    )
    shown = runs.facts(read_card(path))
    assert '<th scope="row">test.psnr</th><td>21.12</td>' in shown
    assert shown.index("test.psnr") < shown.index("horse → zebra")
    assert "train.a 7" in shown
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown
