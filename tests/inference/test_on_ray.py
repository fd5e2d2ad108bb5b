"""The same files on Ray's workers: none is lost with a worker, and a second run has nothing to do."""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from translate import images
from translate.cli import main as command
from translate.errors import OutputError
from translate.inference import on_ray
from translate.inference.ahead import Ahead
from translate.inference.on_ray import Setup
from translate.inference.plan import Job
from translate.inference.work import Result


@pytest.fixture
def run(monkeypatch, capsys, tmp_path, run_folder):
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(
            sys, "argv", ["translate", "convert", str(run_folder), *arguments, "--device", "cpu"]
        )
        with pytest.raises(SystemExit) as caught:
            command.main()
        return int(caught.value.code or 0), *capsys.readouterr()

    return call


def pictures(folder: Path, count: int) -> None:
    for index in range(count):
        pixels = np.random.default_rng(index).integers(0, 256, (160, 160, 3), np.uint8)
        images.write(folder / f"{index}.png", pixels)


def kill_a_worker(outputs: Path, killed: list[int]) -> None:
    """Once a few files are there."""
    process, deadline = None, time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in psutil.Process().children(recursive=True) if process is None else ():
            with suppress(psutil.Error):
                process = child if "".join(child.cmdline()).startswith("ray::Worker") else process
        if process is not None and len(list(outputs.glob("*.png"))) > 2:
            process.kill()
            killed.append(process.pid)
            return
        time.sleep(0.01)


def test_a_killed_worker_costs_no_output_and_a_second_run_does_the_rest(run, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    pictures(tmp_path / "in", 60)
    (tmp_path / "in" / "bad.png").write_text("text")
    killed: list[int] = []
    killer = threading.Thread(target=kill_a_worker, args=(tmp_path / "out", killed))
    killer.start()
    code, out, _ = run("in", "-o", "out", "--engine", "ray", "--workers", "1", "--json", "--quiet")
    killer.join()
    assert killed
    *lines, last = map(json.loads, out.splitlines())
    assert (code, last["summary"]["done"], last["summary"]["failed"]) == (1, 60, 1)
    assert len({line["input"] for line in lines}) == 61
    assert len(list(Path("out").glob("*.png"))) == 60
    assert [path.name for path in Path("out").glob(".*")] == [".translate-manifest.ray-1.jsonl"]
    Path("out/7.png").unlink()
    _, out, _ = run("in", "-o", "out", "--json", "--quiet")
    *lines, _ = map(json.loads, out.splitlines())
    again = [line["input"] for line in lines if line["status"] != "skipped"]
    assert again == ["in/7.png", "in/bad.png"], "by this process alone, from the worker's manifest"


class Asked:
    def __init__(self, jobs: list[Job]):
        self.jobs = jobs


class FakeRay:
    """Two workers, one call at a time; whoever is given the file `poison` dies."""

    class exceptions:  # noqa: N801
        class RayActorError(Exception):
            pass

    def cluster_resources(self):
        return {"CPU": 8.0}

    def remote(self, **options):
        assert options == {"num_cpus": 4, "num_gpus": 0, "max_restarts": -1, "max_task_retries": 1}
        return lambda _: SimpleNamespace(
            remote=lambda *_: SimpleNamespace(convert=SimpleNamespace(remote=Asked))
        )

    def wait(self, busy, timeout):
        return busy[:1], busy[1:]

    def get(self, done):
        if "poison" in [job.name for job in done.jobs]:
            raise self.exceptions.RayActorError
        if done.jobs[0].name == "full":
            return OutputError("the disk is full")
        return [Result(job, None, (), None, 0.0) for job in done.jobs]


def test_a_file_that_kills_workers_fails_alone(tmp_path):
    jobs = [Job(Path(name), tmp_path / name, name) for name in (*"abcdefghij", "poison", *"klmnopqrstuvw")]
    setup = Setup(Path("m"), ("auto",), "auto", Ahead(1, 64), {"batch_size": 1}, (0, 0, 0), tmp_path, "", "")
    results = list(on_ray._spread(FakeRay(), on_ray._portions(jobs, 1), setup, None, None))
    assert sorted(result.job.name for result in results) == sorted(job.name for job in jobs)
    [failed] = [result for result in results if result.error]
    assert failed.job.name == "poison"
    assert failed.error.startswith("the worker that converted it died, twice")
    stop = threading.Event()
    stop.set()
    assert list(on_ray._spread(FakeRay(), on_ray._portions(jobs, 1), setup, None, stop)) == []
    full = [Job(Path("full"), tmp_path / "full", "full")]
    with pytest.raises(OutputError, match="the disk is full"):
        list(on_ray._spread(FakeRay(), on_ray._portions(full, 1), setup, None, None))


def test_what_ray_is_asked_without_being_there(run, tmp_path, monkeypatch):
    pictures(tmp_path / "in", 1)
    code, _, err = run("in", "-o", "out", "--workers", "2")
    assert (code, "--workers is how many workers --engine ray has" in err) == (2, True)
    monkeypatch.setattr("translate.inference.on_ray.importlib.util.find_spec", lambda name: None)
    code, _, err = run("in", "-o", "out", "--engine", "ray")
    assert (code, err.strip()) == (2, "error: --engine ray needs Ray: pip install 'image-translate[ray]'.")
