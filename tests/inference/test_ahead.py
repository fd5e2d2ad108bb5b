"""What an earlier run has finished is no work; sizes are those of the pictures at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from translate.images.writing import write
from translate.inference.ahead import USUAL_SIDE, Ahead, ahead
from translate.inference.manifest import Manifest
from translate.inference.plan import plan


def test_what_is_finished_is_not_counted(tmp_path: Path):
    for name, shape in {"a": (30, 120, 3), "b": (10, 10, 3), "c": (60, 60, 3)}.items():
        write(tmp_path / "in" / f"{name}.png", np.zeros(shape, np.uint8))
    (tmp_path / "in" / "d.png").write_text("no picture")
    jobs = plan([str(tmp_path / "in")], tmp_path / "out")

    def looked() -> Ahead:
        manifest = Manifest(tmp_path / "out", "model", "options")
        return ahead(jobs, [jobs[0]], manifest, lambda job: 5)

    assert looked() == Ahead(4 + 5, 60)
    with Manifest(tmp_path / "out", "model", "options") as manifest:
        for number in (0, 2):
            write(jobs[number].target, np.zeros((4, 4, 3), np.uint8))
            manifest.record(jobs[number], manifest.state(jobs[number]), None, 1.0)
    assert looked() == Ahead(2, 10)
    (tmp_path / "in" / "b.png").write_text("")
    assert looked() == Ahead(2, USUAL_SIDE)


def test_nothing_is_read_to_know_what_nobody_has_finished(tmp_path: Path, monkeypatch):
    for number in range(30):
        write(tmp_path / "in" / f"{number}.png", np.zeros((8, 8, 3), np.uint8))
    jobs = plan([str(tmp_path / "in")], tmp_path / "out")
    asked = []
    state = Manifest.state
    monkeypatch.setattr(Manifest, "state", lambda self, job: asked.append(job) or state(self, job))
    assert ahead(jobs, [], Manifest(tmp_path / "out", "model", "options"), lambda job: 0) == Ahead(30, 8)
    assert asked == []
    with Manifest(tmp_path / "out", "model", "options") as manifest:
        manifest.record(jobs[0], state(manifest, jobs[0]), None, 1.0)
    monkeypatch.setattr("translate.inference.ahead._ASKED", 10)
    assert ahead(jobs, [], Manifest(tmp_path / "out", "model", "options"), lambda job: 0) == Ahead(30, 8)
    assert len(asked) == 10
