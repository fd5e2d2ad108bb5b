"""What an inspection finds in a data folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from translate.data.inspect import inspect
from translate.errors import DataError


def test_sizes_modes_and_formats(paint, tmp_path):
    for i, size in enumerate([(300, 260), (400, 300), (320, 270)]):
        paint(f"images/{i}.png", size)
        paint(f"edges/{i}.jpg", size)
    Image.open(tmp_path / "edges/1.jpg").convert("L").save(tmp_path / "edges/1.jpg")
    report = inspect(tmp_path)
    a, b = report.splits["train"].a, report.splits["train"].b
    assert (report.kind, report.paired, report.usable) == ("two-folders", True, True)
    assert (a.name, a.files, b.name, b.files) == ("edges", 3, "images", 3)
    assert (b.smallest, b.median, b.largest) == ((300, 260), (320, 270), (400, 300))
    assert (a.modes, a.formats, a.grey) == ({"RGB": 2, "L": 1}, {"JPEG": 3}, 1)
    assert "train, edges: 1 of 3 are grey among colour pictures" in report.notes
    assert report.command == f"translate train pix2pix --data {tmp_path} --name {tmp_path.name}"


def test_halves_are_measured_and_swapped(paint, tmp_path):
    paint("1.png", (80, 40))
    report = inspect(tmp_path, direction="b2a")
    assert report.splits["train"].a.part == "right"
    assert report.splits["train"].a.median == (40, 40)
    assert report.domains == {"a": "right", "b": "left"}
    assert report.command.endswith("--direction b2a")
    assert any("1 of 1 are smaller than 256 pixels" in note for note in report.notes)


def test_what_stands_in_the_way(paint, tmp_path):
    for i in range(4):
        paint(f"images/{i}.png")
        paint(f"labels/{i}.png")
    paint("images/lonely.png")
    (tmp_path / "images/0.png").write_bytes(b"")
    paint("labels/1.png", (40, 20))
    paint("labels/2.png", (80, 60))
    report = inspect(tmp_path)
    split = report.splits["train"]
    assert not report.usable
    assert split.unreadable == {str(tmp_path / "images/0.png"): "the file is empty"}
    assert split.unmatched == (str(tmp_path / "images/lonely.png"),)
    assert list(split.misfits) == [str(tmp_path / "images/1.png")]
    assert split.rescaled == 1
    unmatched, unreadable, misfit = report.problems
    assert "1 pictures in" in unmatched
    assert "0.png (the file is empty)" in unreadable
    assert "1 pairs in train differ in shape" in misfit


def test_sides_that_cannot_be_halved_are_unreadable(paint, tmp_path):
    for i in range(40):  # more than are probed when the folder is recognised
        paint(f"{i}.png", (20, 10))
    paint("39.png", (21, 10))
    report = inspect(tmp_path)
    assert list(report.splits["train"].unreadable) == [str(tmp_path / "39.png")]


def test_notes_of_the_pictures_are_counted(paint, tmp_path):
    for side in ("images", "labels"):
        for i in range(2):
            paint(f"{side}/{i}.png")
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(tmp_path / "images/0.png", format="JPEG")
    assert any("1× a JPEG file named .png" in note for note in inspect(tmp_path).notes)


def test_assumed_sides_are_in_the_command(paint, tmp_path):
    for side in ("day", "night"):
        paint(f"{side}/1.png")
    assert inspect(tmp_path).command.endswith("--a day --b night")


def test_unpaired_data_leads_to_cyclegan(paint, tmp_path):
    paint("trainA/1.png")
    paint("trainB/2.png")
    assert " train cyclegan " in inspect(tmp_path).command


def test_report_is_plain_json(paint, tmp_path):
    paint("1.png")
    report = inspect(tmp_path, task="edges").as_dict()
    assert json.loads(json.dumps(report))["splits"]["train"]["a"]["part"] == "edges"
    assert report["command"].endswith("--task edges")


def test_folders_that_cannot_be_recognised_raise(tmp_path):
    with pytest.raises(DataError, match="holds no picture"):
        inspect(tmp_path)


def test_real_labels(shared_data: Path):
    report = inspect(shared_data / "facades_full", progress=False)
    assert report.usable
    assert report.splits["val"].a.labels
    assert report.splits["val"].a.modes == {"L": 15}
    assert "train, labels: class numbers, resized without interpolation" in report.notes
    assert report.command.startswith("translate train spade ")


def test_classes_are_counted(paint, tmp_path):
    for name in ("train/x/1.png", "train/x/2.png", "train/y/3.png", "train/z/4.png", "val/x/5.png"):
        paint(name)
    report = inspect(tmp_path)
    assert (report.kind, report.labels, report.captions, report.usable) == (
        "labelled",
        ("x", "y", "z"),
        False,
        True,
    )
    assert report.splits["train"].classes == {"x": 2, "y": 1, "z": 1}
    assert report.splits["val"].classes == {"x": 1, "y": 0, "z": 0}
    assert report.splits["train"].a.files == 4
    assert "only one training picture: y, z" in report.notes
    assert "train: 4 of 4 are smaller than 256 pixels; train with a smaller --size" in report.notes
    assert report.command == f"translate train stargan --data {tmp_path} --name {tmp_path.name}"
    assert json.loads(json.dumps(report.as_dict()))["labels"] == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("folder", "colours", "suffix", "recipe"),
    [
        ("edges", [(0, 0, 0), (255, 255, 255)], "png", "pix2pix"),  # a drawing
        ("edges", [(0, 0, 0), (255, 0, 0), (0, 0, 255)], "png", "spade"),
        ("labels", [(0, 0, 0), (1, 1, 1)], "png", "spade"),
        ("labels", [(0, 0, 0), (250, 0, 0), (0, 0, 250)], "jpg", "pix2pix"),  # has others between
    ],
)
def test_maps_of_classes_lead_to_spade(paint, tmp_path, folder, colours, suffix, recipe):
    for split in ("train", "val"):
        paint(f"{split}/images/1.png")
        pixels = np.array(colours, np.uint8).repeat(15, 0)[None].repeat(30, 0)
        (tmp_path / split / folder).mkdir()
        drawn = Image.fromarray(pixels).resize((40, 30), Image.Resampling.NEAREST)
        drawn = drawn.convert("L") if colours[1] == (1, 1, 1) else drawn
        drawn.save(tmp_path / split / folder / f"1.{suffix}")
    start = f"translate train {recipe} --data {tmp_path} --name {tmp_path.name}"
    assert inspect(tmp_path).command == start
    # The other way round a photograph becomes a map, and spade takes no photographs.
    assert inspect(tmp_path, direction="b2a").command.startswith("translate train pix2pix ")


def test_small_and_large_pictures_are_for_super_resolution(paint, tmp_path):
    for i, size in enumerate(((40, 30), (30, 50)), start=1):
        paint(f"LR/{i}.png", size)
        paint(f"HR/{i}.png", (3 * size[0], 3 * size[1]))
    start = ["--data", str(tmp_path), "--name", tmp_path.name]
    more = ["--a", "LR", "--b", "HR", "--scale", "3"]
    assert inspect(tmp_path).command.split()[2:] == ["superres", *start, *more]
    assert inspect(tmp_path, direction="b2a").command.split()[2] == "pix2pix"
    paint("HR/2.png", (60, 100))
    assert inspect(tmp_path).command.split()[2] == "pix2pix"


def test_what_no_recipe_reverses_is_a_problem(paint, tmp_path):
    paint("1.png")
    for task, recipe in (("colorize", "colorize"), ("downscale", "superres"), ("inpaint", "inpaint")):
        assert inspect(tmp_path, task=task).command.split()[2] == recipe
        report = inspect(tmp_path, task=task, direction="b2a")
        assert not report.usable
        assert f"leave --direction out, as the recipe {recipe} has it" in report.problems[0]
    assert inspect(tmp_path, task="edges", direction="b2a").usable


def test_captions_without_labels(paint, tmp_path):
    paint("1.png")
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "1.png", "text": "one"}')
    report = inspect(tmp_path)
    assert (report.labels, report.captions) == ((), True)
    assert report.command.startswith("translate train text ")


def test_a_pool_is_judged_as_asked(paint, tmp_path):
    paint("x/1.png")
    paint("y/2.png")
    (tmp_path / "x/1.png").write_bytes(b"")
    report = inspect(tmp_path, kind="labelled")
    assert report.labels == ("x", "y")
    (problem,) = report.problems
    assert "1 of the pictures in train can't be used: 1.png (the file is empty)" in problem


def test_small_inputs_are_super_resolution(paint, tmp_path):
    paint("1.png")
    assert " train superres " in inspect(tmp_path, task="downscale").command
