"""Converting videos: every frame is a picture, at its own time, and the sound stays as it was."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import translate
from translate import videos
from translate.cli import main as command
from translate.errors import ModelError, OutputError
from translate.inference import video
from translate.inference.latent import Sampling
from translate.inference.plan import plan

pytest.importorskip("av")


@pytest.fixture(scope="module")
def translator(run_folder):
    return translate.load(run_folder, device="cpu")


@pytest.fixture
def run(monkeypatch, capsys, tmp_path, run_folder):
    """Run the command in this process, in a folder of its own; gives exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(
            sys, "argv", ["translate", "convert", str(run_folder), *arguments, "--device", "cpu"]
        )
        with pytest.raises(SystemExit) as caught:
            command.main()
        return int(caught.value.code or 0), *capsys.readouterr()

    return call


def moments(path: Path) -> list[videos.Moment]:
    with videos.Reader(path) as reader:
        return [item for item in reader if isinstance(item, videos.Moment)]


def names(folder: str | Path) -> list[str]:
    return sorted(
        path.name for path in Path(folder).rglob("*") if path.is_file() and "manifest" not in path.name
    )


@pytest.mark.parametrize("batch_size", [1, 3])
def test_frames_times_and_sound(translator, make_clip, look, tmp_path, batch_size):
    times = [0, 3000, 9000, 9900, 30_000, 40_000, 41_000, 60_000]
    source = make_clip(tmp_path / "clip.mp4", times)
    [job] = plan([str(source)], tmp_path / "out.mp4")
    assert job.target == tmp_path / "out.mp4"
    told = []
    [result] = video.convert(
        translator, [job], batch_size=batch_size, quality=100, progress=lambda *said: told.append(said)
    )
    assert (result.error, result.notes, result.size, result.frames) == (None, (), (64, 48), 8)
    assert told[-1] == (job, 8, 8)
    before, after = look(source), look(job.target)
    assert after.times == before.times == [t / 90_000 for t in times]
    assert after.sound == before.sound
    assert len(after.sound) > 40
    assert after.length == pytest.approx(before.length, abs=0.01)
    expected = [translator(moment.pixels) for moment in moments(source)]
    for number, moment in enumerate(moments(job.target)):
        errors = [np.abs(moment.pixels.astype(int) - other).mean() for other in expected]
        assert errors[number] < min(errors) + 0.5, "and of no other frame; neighbours are much alike"
        assert errors[number] < 12, "colours have half the resolution"


def test_turned_odd_and_enlarged(make_clip, look, write_model, tmp_path):
    """A clip of 63×47 on its side through a model that doubles it; from a container that isn't written."""
    model = write_model(tmp_path / "x2.safetensors", "srvgg", arguments={"width": 4, "depth": 1, "scale": 2})
    make_clip(tmp_path / "in" / "a.webm", size=(63, 47), codec="libvpx-vp9", sound="libopus")
    make_clip(tmp_path / "in" / "b.mov", frames=3, turn=(90, False, False))
    make_clip(tmp_path / "in" / "c.ts", frames=3, sound="mp2", muxer="mpegts")
    todo = plan([str(tmp_path / "in" / name) for name in ("a.webm", "b.mov", "c.ts")], tmp_path / "out")
    results = list(video.convert(translate.load(model, device="cpu"), todo))
    assert [result.error for result in results] == [None] * 3
    made = {path.name: look(path) for path in sorted((tmp_path / "out").iterdir())}
    assert {name: clip.size for name, clip in made.items()} == {
        "a.webm": (126, 94),
        "b.mov": (96, 128),
        "c.mkv": (128, 96),
    }
    assert results[1].size == (48, 64)
    assert results[2].notes == (".ts can't be written: saved as .mkv",)
    assert [tone for _, tone in made["c.mkv"].sound] == [
        tone for _, tone in look(tmp_path / "in" / "c.ts").sound
    ]
    assert np.diff(made["c.mkv"].times) == pytest.approx([1 / 8] * 2, abs=2e-3)


def test_samples_labels_and_masks(make_clip, latent_model, labelled_model, tmp_path, translator):
    source = make_clip(tmp_path / "clip.mkv", frames=2)
    many = translate.load(latent_model, device="cpu")
    todo = plan([str(source)], tmp_path / "out.mp4", samples=2)
    [result] = video.convert(many, todo, sampling=Sampling(2, 5), quality=100)
    assert (result.error, result.frames) == (None, 2)
    assert names(tmp_path) == ["clip.mkv", "out_1.mp4", "out_2.mp4"]
    expected = many.samples(moments(source)[0].pixels, 2, seed=5)
    for number in (1, 2):
        made = moments(tmp_path / f"out_{number}.mp4")[0].pixels.astype(int)
        errors = [np.abs(made - other).mean() for other in expected]
        assert np.argmin(errors) == number - 1
    asked = translate.load(labelled_model, device="cpu")
    [result] = video.convert(asked, plan([str(source)], tmp_path / "zebra.mp4"), label="zebra", quality=100)
    made = moments(tmp_path / "zebra.mp4")[0].pixels.astype(int)
    of = {label: asked(moments(source)[0].pixels, label) for label in asked.card.labels}
    assert min(of, key=lambda label: np.abs(made - of[label]).mean()) == "zebra"


def test_bad_ones_do_not_stop_the_rest(translator, make_clip, tmp_path, monkeypatch):
    whole = make_clip(tmp_path / "in" / "a.mkv", frames=24).read_bytes()
    (tmp_path / "in" / "b.mkv").write_bytes(whole[: len(whole) // 2])
    make_clip(tmp_path / "in" / "c.mp4")
    (tmp_path / "in" / "d.mp4").write_text("text")
    todo = plan([str(tmp_path / "in")], tmp_path / "out")
    results = list(video.convert(translator, todo))
    assert [result.error is None for result in results] == [True, False, True, False]
    assert results[1].error.startswith("it is truncated: ")
    assert results[3].error == "can't be decoded: invalid data found when processing input"
    assert names(tmp_path / "out") == ["a.mkv", "c.mp4"]
    run = video.run
    monkeypatch.setattr(
        video,
        "run",
        lambda t, batch, *rest: ["not finite"] if batch[0].pixels[0, 0, 0] > 50 else run(t, batch, *rest),
    )
    [result] = video.convert(translator, plan([str(tmp_path / "in" / "c.mp4")], tmp_path / "nan.mp4"))
    assert result.error == "frame 4: not finite"
    assert not (tmp_path / "nan.mp4").exists()


def test_a_model_that_fits_no_video_ends_everything(write_model, make_clip, tmp_path):
    make_clip(tmp_path / "in" / "a.mp4")
    two = write_model(tmp_path / "two.safetensors", arguments={"in_channels": 2})
    with pytest.raises(ModelError, match="channels"):
        list(video.convert(translate.load(two), plan([str(tmp_path / "in")], tmp_path / "out")))
    assert not list((tmp_path / "out").rglob("*.*"))


def test_a_full_disk_in_the_middle_of_a_video(translator, tmp_path):
    """By a limit to the size of files, which the system enforces as it does the disk's."""
    import av

    rng = np.random.default_rng(0)
    with av.open(str(tmp_path / "noise.mp4"), "w") as file:
        stream = file.add_stream("libx264", 8, {"crf": "1"})
        stream.width = stream.height = 128
        for _ in range(12):
            pixels = rng.integers(0, 256, (128, 128, 3), np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        file.mux(stream.encode())
    todo = plan([str(tmp_path / "noise.mp4")], tmp_path / "out")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for most in (100, 60_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
        try:
            with pytest.raises(OutputError, match=r"noise\.mp4 can't be written: file too large"):
                list(video.convert(translator, todo, quality=100))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert list((tmp_path / "out").iterdir()) == []


def test_a_few_frames_are_decoded_ahead_and_stopping_leaves_nothing(
    translator, make_clip, tmp_path, monkeypatch
):
    source = make_clip(tmp_path / "clip.mp4", frames=120, sound=None)
    decoded, stop, seen = [], threading.Event(), []
    moment = videos.Reader._moment
    monkeypatch.setattr(videos.Reader, "_moment", lambda *a: decoded.append(0) or moment(*a))

    def progress(job, done, of):
        seen.append((done, of))
        if done == 5:
            time.sleep(0.5)
            stop.set()

    assert (
        list(video.convert(translator, plan([str(source)], tmp_path / "o.mp4"), stop=stop, progress=progress))
        == []
    )
    assert seen == [(n, 120) for n in range(1, 6)]
    assert len(decoded) < 60, "16 ahead, and those that the decoder gives together"
    assert names(tmp_path) == ["clip.mp4"]
    assert threading.active_count() < 10


def test_pictures_and_videos_of_a_folder_and_a_second_run(run, make_clip, look, tmp_path):
    make_clip(tmp_path / "in" / "deep" / "clip.MP4", frames=3)
    make_clip(tmp_path / "in" / "b.flv", frames=3)
    translate.images.write(tmp_path / "in" / "a.png", np.zeros((8, 8, 3), np.uint8))
    code, out, err = run("in", "-o", "out", "--json", "--batch-size", "2")
    *lines, last = map(json.loads, out.splitlines())
    assert (code, names("out")) == (0, ["a.png", "b.mkv", "clip.MP4"])
    assert [(line["output"], line.get("frames")) for line in lines] == [
        ("out/a.png", None),
        ("out/b.mkv", 3),
        ("out/deep/clip.MP4", 3),
    ]
    assert (lines[1]["width"], lines[1]["height"], last["summary"]["done"]) == (64, 48, 3)
    assert look(tmp_path / "out" / "deep" / "clip.MP4").sound
    assert "note: .flv can't be written: saved as .mkv (1 file)" in err
    assert "3 skipped" in run("in", "-o", "out")[2]
    Path("out/b.mkv").unlink()
    assert "1 of 3 converted" in run("in", "-o", "out")[2]


def test_one_file_as_output(run, make_clip, tmp_path):
    make_clip(tmp_path / "clip.mp4", frames=2)
    assert run("clip.mp4", "-o", "made.mkv")[0] == 0
    assert "1 skipped" in run("clip.mp4", "-o", "made.mkv")[2]
    assert names(".") == ["clip.mp4", "made.mkv"]
    Path("x.png").write_bytes(b"")
    for arguments, message in (
        (("clip.mp4", "-o", "clip.mp4"), "the output would overwrite 1 input: clip.mp4"),
        (("clip.mp4", "-o", "new.avi"), "new.avi: videos are written as .m4v, .mkv, .mov, .mp4, .webm"),
        (("clip.mp4", "-o", "new.gif"), "new.gif: videos are written as"),
        (("clip.mp4", "x.png", "-o", "new.mp4"), "new.mp4 is a file, which takes one video as input"),
        (("x.png", "-o", "new.mp4"), "new.mp4 is a file, which takes one video as input"),
    ):
        code, _, err = run(*arguments)
        assert (code, message in err) == (2, True), err
    assert run("clip.mp4", "-o", "new.webm")[::2][0] == 1
    assert names(".") == ["clip.mp4", "made.mkv", "x.png"]


def test_without_pyav(run, make_clip, tmp_path, monkeypatch):
    make_clip(tmp_path / "clip.mp4", frames=2)
    translate.images.write(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setattr("translate.videos.formats.importlib.util.find_spec", lambda name: None)
    code, _, err = run("clip.mp4", "-o", "out.mp4")
    assert (code, err.strip()) == (2, "error: videos need PyAV: pip install 'image-translate[video]'.")
    code, _, err = run("clip.mp4", "a.png", "-o", "out")
    assert (code, names("out")) == (1, ["a.png"])
    assert "clip.mp4: videos need PyAV" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_stopped_or_killed_leaves_no_half_video(
    run, run_folder, make_clip, tmp_path, number
):
    make_clip(tmp_path / "clip.mp4", frames=600, size=(160, 120), sound=None)
    code = "from translate.cli.main import main; main()"
    arguments = ["convert", str(run_folder), "clip.mp4", "-o", "out", "--device", "cpu"]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True)
    part, deadline = tmp_path / "out" / ".clip.mp4.part", time.monotonic() + 60
    while not part.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert not (tmp_path / "out" / "clip.mp4").exists()
    assert part.exists() == (number == signal.SIGKILL)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "a video at hand given up; run the same command again for the rest" in err
    else:
        make_clip(tmp_path / "clip.mp4", frames=2)
        assert run("clip.mp4", "-o", "out")[0] == 0
        assert names("out") == ["clip.mp4"]
