"""What is finished is known, and nothing else is."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from translate.errors import OutputError
from translate.inference import manifest as manifests
from translate.inference.manifest import Manifest, clean, stamp_of
from translate.inference.plan import Job, Plan, plan
from translate.inference.shards import Shard

OUT = Path("out")


@pytest.fixture
def jobs(tmp_path, monkeypatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png", "deep/c.jpg", os.fsdecode(b"\xff.png")):
        (Path("in") / name).parent.mkdir(parents=True, exist_ok=True)
        (Path("in") / name).write_bytes(b"x")
    return plan(["in"], OUT)


def convert(jobs: Plan | list[Job], model: str = "m", options: str = "o", **how) -> list[str]:
    """Pretend to convert what isn't finished, and return its names."""
    done = []
    with Manifest(OUT, model, options, **how) as manifest:
        for job in jobs:
            state = manifest.state(job)
            if not manifest.finished(job, state):
                for target in job.targets:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(b"y")
                manifest.record(job, state, None, 0.1)
                done.append(job.name)
    return done


def test_a_second_run_does_nothing_and_a_changed_one_does_what_changed(jobs):
    everything = [job.name for job in jobs]
    assert convert(jobs) == everything
    assert convert(jobs) == []
    assert convert(jobs, overwrite=True) == everything
    assert convert(jobs, model="other") == everything
    assert convert(jobs) == everything, "what is there now is the other model's"
    assert convert(jobs, options="other") == everything
    assert convert(jobs, options="other") == []


def test_a_changed_input_and_a_deleted_output_are_done_again(jobs):
    convert(jobs)
    os.utime(jobs[0].source, ns=(1, 1))
    jobs[1].source.write_bytes(b"xx")
    jobs[2].target.unlink()
    assert convert(jobs) == [job.name for job in jobs[:3]]
    jobs[1].source.unlink()
    assert convert(jobs) == [jobs[1].name]


def test_an_input_may_be_known_by_what_it_holds(jobs):
    everything = [job.name for job in jobs]
    assert convert(jobs) == everything
    assert convert(jobs, check="hash") == everything, "of what was done without there is no hash"
    os.utime(jobs[0].source, ns=(1, 1))
    times = jobs[1].source.stat()
    jobs[1].source.write_bytes(b"z")
    os.utime(jobs[1].source, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert convert(jobs, check="hash") == [jobs[1].name]
    assert convert(jobs) == [jobs[0].name], "whose time has changed, and nothing else"


def test_failures_are_tried_again(jobs):
    convert(jobs)
    with Manifest(OUT, "m", "o") as manifest:
        manifest.record(jobs[0], manifest.state(jobs[0]), "no memory", 0.1)
    assert convert(jobs) == [jobs[0].name]


@pytest.mark.parametrize(
    "tail", [b'{"output": "b.png", "st', b"\xff\xfe\n[]\n{}\nnull\n", b'{"output": "\\ud800"']
)
def test_a_torn_or_foreign_line_is_no_line(jobs, tail):
    convert(jobs)
    path = OUT / ".translate-manifest.jsonl"
    *lines, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines) + last[:40] + b"\n" + tail)
    assert convert(jobs) == [jobs[3].name]
    assert convert(jobs) == []
    assert json.loads(path.read_bytes().splitlines()[-1])["input"] == jobs[3].name


def test_any_number_of_processes_goes_on_where_another_stopped(jobs):
    every = sorted(job.name for job in jobs)
    share = [plan(["in"], OUT, shard=Shard(index, 2)) for index in range(2)]
    first = convert(share[0], shard=Shard(0, 2))
    assert sorted(first + [job.name for job in share[1]]) == every
    rest = [
        name
        for index in range(3)
        for name in convert(plan(["in"], OUT, shard=Shard(index, 3)), shard=Shard(index, 3))
    ]
    assert sorted(first + rest) == every
    assert convert(jobs) == []
    assert {path.name for path in OUT.glob(".*")} >= {".translate-manifest.1-of-2.jsonl"}


def test_samples_count_together(jobs):
    many = plan(["in/a.png"], OUT, samples=3)
    convert(many)
    many[0].targets[1].unlink()
    assert convert(many) == ["a.png"]


def test_half_written_outputs_are_removed_if_they_are_the_plans_own(jobs):
    OUT.mkdir()
    mine, other = OUT / ".a.png.part", OUT / ".z.png.part"
    for path in (mine, other):
        path.write_bytes(b"half")
    assert clean(jobs) == 1
    assert not mine.exists()
    assert other.exists(), "somebody else may be writing it"


def test_a_manifest_that_can_not_be_used_is_an_error_of_the_output(jobs, monkeypatch):
    path = OUT / ".translate-manifest.jsonl"
    path.mkdir(parents=True)
    with pytest.raises(OutputError, match=r"manifest\.jsonl can't be read: is a directory"):
        convert(jobs)
    path.rmdir()
    monkeypatch.setattr(manifests, "_open", lambda path: io.FileIO("/dev/full", "w"))
    with pytest.raises(OutputError, match=r"manifest\.jsonl can't be written: no space left on device"):
        convert(jobs)


def test_stamps_tell_options_apart():
    assert stamp_of({"a": 1, "b": 2}) == stamp_of({"b": 2, "a": 1}) != stamp_of({"a": 1, "b": 3})
