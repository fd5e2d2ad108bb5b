"""Every output is decided, and refused if need be, before any work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from translate.errors import NothingToDo, OutputError, UsageError
from translate.inference import plan as planning
from translate.inference.places import ignores_case
from translate.inference.plan import plan
from translate.inference.shards import Shard


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder of pictures (their content doesn't matter here) that is also the working directory."""
    for name in (
        "in/b.png",
        "in/deep/a10.jpg",
        "in/deep/a2.jpg",
        "in/deep/scan.GIF",
        "in/notes.txt",
        "other/b.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def targets(*inputs: str, output: str = "out", to: str = "keep") -> list[str]:
    return [job.target.relative_to(output).as_posix() for job in plan(inputs, Path(output), to)]


def test_the_tree_and_the_names_are_kept(here):
    assert targets("in") == ["b.png", "deep/a2.jpg", "deep/a10.jpg", "deep/scan.GIF"]
    assert targets("in/deep/a2.jpg", "in/b.png") == ["a2.jpg", "b.png"]
    notes = [job.note for job in plan(["in"], Path("out"))]
    assert notes == [None, None, None, None]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.png", ["b.png"]),
        ("in/*", ["b.png", "deep/a2.jpg", "deep/a10.jpg", "deep/scan.GIF"]),
        ("in/**/*.jpg", ["deep/a2.jpg", "deep/a10.jpg"]),
        ("in/**", ["b.png", "deep/a2.jpg", "deep/a10.jpg", "deep/scan.GIF"]),
        ("*/deep", ["in/deep/a2.jpg", "in/deep/a10.jpg", "in/deep/scan.GIF"]),
        ("in/deep/a[0-9].jpg", ["a2.jpg"]),
    ],
)
def test_patterns(here, pattern, expected):
    assert sorted(targets(pattern)) == sorted(expected)
    assert sorted(targets(str(here / pattern))) == sorted(expected)


def test_a_name_that_looks_like_a_pattern_is_a_name(here):
    (here / "in" / "x[1].png").write_bytes(b"x")
    assert targets("in/x[1].png") == ["x[1].png"]


def test_formats(here):
    assert targets("in", to="jpg") == ["b.jpg", "deep/a2.jpg", "deep/a10.jpg", "deep/scan.jpg"]
    (here / "in" / "c.JPEG").write_bytes(b"x")
    (here / "in" / "plain").write_bytes(b"x")
    assert targets("in/c.JPEG", "in/b.png", to="jpg") == ["c.JPEG", "b.jpg"]
    assert targets("in/plain") == ["plain.png"]
    assert targets("in/plain", to="webp") == ["plain.webp"]


def test_the_same_file_named_twice_is_converted_once(here):
    assert targets("in/b.png", "in/b.png", "in/*.png", "./in/b.png") == ["b.png"]


def test_links_are_converted_under_their_own_name(here):
    (here / "in" / "link.png").symlink_to(here / "other" / "b.png")
    (here / "in" / "gone.png").symlink_to(here / "nowhere")
    assert {"link.png", "gone.png", "b.png"} <= set(targets("in"))


def test_outputs_are_no_inputs(here):
    (here / "in" / "out" / "deep").mkdir(parents=True)
    (here / "in" / "out" / "b.png").write_bytes(b"x")
    expected = ["b.png", "deep/a2.jpg", "deep/a10.jpg", "deep/scan.GIF"]
    assert targets("in", output="in/out") == expected
    assert targets("in/**", output="in/out") == expected


def test_collisions_are_refused_with_the_list(here):
    with pytest.raises(
        UsageError, match=r"1 output would be written twice: in/b\.png and other/b\.png → out/b\.png"
    ):
        targets("in", "other")
    (here / "in" / "b.jpg").write_bytes(b"x")
    with pytest.raises(
        UsageError, match=r"in/b\.jpg and in/b\.png → out/b\.webp; rename inputs or convert them"
    ):
        targets("in", to="webp")


def test_inputs_are_never_overwritten(here):
    with pytest.raises(
        UsageError, match="in is input and output, and inputs are never changed; name another"
    ):
        targets("in", output="in")
    with pytest.raises(
        UsageError, match=r"the output would overwrite 1 input: in/b\.png; name another --output"
    ):
        targets("in/b.png", output="in")
    (here / "linked").symlink_to(here / "in")
    with pytest.raises(UsageError, match="linked is input and output"):
        targets("linked", output="in")


def test_a_named_output_excludes_itself_alone(here):
    for name in ("clips/a.mp4", "clips/b.mp4"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"")
    (job,) = plan(["clips/a*.mp4"], Path("out.mp4"))
    assert (job.source, job.target) == (Path("clips/a.mp4"), Path("out.mp4"))
    (job,) = plan(["clips/*.mp4"], Path("clips/b.mp4"))  # what an earlier run wrote is no input
    assert job.source == Path("clips/a.mp4")


def test_messages(here):
    with pytest.raises(UsageError, match=r"^nothing\.png: no such file or folder\.$"):
        targets("nothing.png")
    (here / "empty").mkdir()
    for text in ("empty", "in/*.webp"):
        with pytest.raises(NothingToDo, match=r"no pictures or videos in .* \(looked for \.3gp, \.apng, "):
            targets(text)
    with pytest.raises(
        OutputError, match=r"in/b\.png is not a folder, so nothing can be written to in/b\.png/x"
    ):
        targets("in", output="in/b.png/x")


def test_a_read_only_output_is_refused(here, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(
        OutputError, match=r"can't be written; change its permissions or name another --output"
    ) as e:
        targets("in", output="locked/deep")
    assert e.value.exit_code == 5


def test_samples_are_numbered(here):
    todo = plan(["in"], Path("out"), samples=11)
    first = todo[0].target
    assert todo[0].targets == tuple(
        first.with_name(f"{first.stem}_{number}{first.suffix}") for number in range(1, 12)
    )
    (only,) = plan(["in"], Path("out"), samples=1)[0].targets
    assert only == todo[0].targets[0]
    assert plan(["in"], Path("out"))[0].targets == (first,)


def test_samples_never_overwrite_inputs_or_each_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("x.png", "x_1.png", "sub/x.jpg", "sub/x.png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"")
    jobs = plan(["x.png", "x_1.png"], Path("out"), samples=12)
    assert len({target for job in jobs for target in job.targets}) == 24
    with pytest.raises(UsageError, match=r"overwrite 1 input: x_1\.png; name another"):
        plan(["x.png", "x_1.png"], Path(), samples=2)
    with pytest.raises(UsageError, match=r"2 outputs would be written twice: sub/x\.jpg and sub/x\.png → "):
        plan(["sub"], Path("out"), "webp", samples=2)


def test_suffixes_part_what_would_collide_and_nothing_else(here, monkeypatch):
    for name in ("b.jpg", "b.webp", "B.tif"):
        (here / "in" / name).write_bytes(b"x")
    todo = plan(["in"], Path("out"), "webp", on_collision="suffix")
    assert [job.target.name for job in todo][:4] == ["B.webp", "b_jpg.webp", "b_png.webp", "b.webp"]
    monkeypatch.setattr(planning, "ignores_case", lambda folder: True)
    with pytest.raises(UsageError, match=r"in/B\.tif and in/b\.jpg and .* → out/B\.webp"):
        plan(["in"], Path("out"), "webp")
    with pytest.raises(UsageError, match=r"in/b\.png and other/b\.png → out/b\.png; .* different folders\.$"):
        plan(["in/b.png", "other"], Path("out"), on_collision="suffix")


def test_a_file_system_is_asked_for_its_case(here, monkeypatch):
    assert ignores_case(here / "out" / "deep") == (here.parent / here.name.swapcase()).exists()
    monkeypatch.setattr(Path, "exists", lambda path: True)
    monkeypatch.setattr(Path, "samefile", lambda path, other: True)
    assert ignores_case(here / "out" / "deep")


def test_shares_part_the_files_after_all_were_checked(here):
    shares = [plan(["in"], Path("out"), shard=Shard(index, 2)) for index in range(2)]
    assert [share.files for share in shares] == [4, 4]
    assert sorted(job.name for share in shares for job in share) == sorted(
        job.name for job in plan(["in"], Path("out"))
    )
    with pytest.raises(UsageError, match="would be written twice"):
        plan(["in", "other"], Path("out"), shard=Shard(0, 50))


def test_a_plan_is_small_and_a_sequence(here):
    todo = plan(["in"], Path("out"))
    assert [todo[index] for index in range(len(todo))] == list(todo) == todo[:]
    assert todo.folders() == {"out/", "out/deep"}
