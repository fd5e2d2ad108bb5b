"""`translate convert`, as a person calls it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import translate
from translate import images
from translate.cli import main as command


@pytest.fixture
def here(tmp_path, monkeypatch, run_folder) -> Path:
    """A working directory with a run `both` and a folder of four pictures, one of them broken."""
    monkeypatch.chdir(tmp_path)
    Path("checkpoints").mkdir()
    Path("checkpoints/both").symlink_to(run_folder)
    for index, name in enumerate(("in/a.png", "in/deep/b.jpg", "in/deep/c.webp")):
        images.write(Path(name), np.random.default_rng(index).integers(0, 256, (9 + index, 14, 3), np.uint8))
    Path("in/bad.jpg").write_text("text")
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command in this process; returns exit code, stdout, stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["translate", "convert", *arguments])
        with pytest.raises(SystemExit) as caught:
            command.main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


def tree(folder: str) -> list[str]:
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files if "manifest" not in path.name)


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Run the command in a process of its own."""
    code = "from translate.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "convert", *arguments, "--device", "cpu"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def wait_for_outputs(folder: str) -> None:
    deadline = time.monotonic() + 60
    while not tree(folder) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_folder_with_a_bad_file(here, run):
    before = {path: path.read_bytes() for path in Path("in").rglob("*.*")}
    code, out, err = run("both", "in", "--output", "out", "--device", "cpu")
    assert (code, out) == (1, "")
    assert tree("out") == ["a.png", "deep/b.jpg", "deep/c.webp"]
    assert "3 of 4 converted to out in " in err
    assert "1 failed:\n  in/bad.jpg: not a picture in a format that can be read" in err
    for name in tree("out"):
        source, target = images.read(Path("in") / name), images.read(Path("out") / name)
        assert source.pixels.shape == target.pixels.shape
        assert source.format == target.format
    assert {path: path.read_bytes() for path in Path("in").rglob("*.*")} == before


def test_a_second_run_gives_the_same(here, run):
    assert run("both", "in/a.png", "--output", "in/out")[0] == 0
    first = Path("in/out/a.png").read_bytes()
    assert run("both", "in/a.png", "--output", "in/out")[0] == 0
    assert Path("in/out/a.png").read_bytes() == first


def test_direction_and_format(here, run):
    Path("in/bad.jpg").unlink()
    assert run("both", "in", "-o", "zebra", "--format", "png")[0] == 0
    assert (
        run(
            "checkpoints/both/model.safetensors", "in", "-o", "horse", "--direction", "b2a", "--format", "png"
        )[0]
        == 0
    )
    assert tree("zebra") == tree("horse") == ["a.png", "deep/b.png", "deep/c.png"]
    assert Path("zebra/a.png").read_bytes() != Path("horse/a.png").read_bytes()
    sizes = []
    for quality in ("10", "95"):
        assert run("both", "in/a.png", "-o", f"q{quality}", "--format", "jpg", "--quality", quality)[0] == 0
        sizes.append(Path(f"q{quality}/a.jpg").stat().st_size)
    assert sizes[0] < sizes[1]


def test_json(here, run):
    odd = os.fsdecode(b"in/\xff.png")
    Path(odd).write_bytes(Path("in/a.png").read_bytes())
    code, out, err = run("both", "in", "-o", "out", "--json", "--quiet", "--batch-size", "2")
    *lines, last = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [line["input"] for line in lines] == [
        "in/a.png",
        "in/bad.jpg",
        "in/deep/b.jpg",
        "in/deep/c.webp",
        odd,
    ]
    assert lines[0] | {"seconds": 0} == {
        "input": "in/a.png",
        "output": "out/a.png",
        "status": "done",
        "error": None,
        "notes": [],
        "width": 14,
        "height": 9,
        "seconds": 0,
    }
    assert (lines[1]["status"], lines[1]["output"], lines[1]["width"]) == ("failed", None, None)
    assert lines[1]["error"].startswith("not a picture")
    summary = last["summary"]
    assert (summary["files"], summary["done"], summary["failed"], summary["interrupted"]) == (5, 4, 1, False)
    assert err == "1 failed:\n  in/bad.jpg: " + lines[1]["error"] + "\n"


def test_notes_are_counted_not_repeated(here, run):
    for name in ("x.png", "y.png"):
        (Path("in") / name).write_bytes(Path("in/deep/b.jpg").read_bytes())
    _, _, err = run("both", "in/x.png", "in/y.png", "-o", "out")
    assert "note: a JPEG file named .png (2 files)\n" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["both", "-o", "out"], 2, "error: name at least one picture, folder or pattern to convert."),
        (["both", "none.png", "-o", "out"], 2, "error: none.png: no such file or folder."),
        (["both", "in", "-o", "in"], 2, "error: in is input and output"),
        (
            ["both", "in", "-o", "out", "--background", "purplish"],
            2,
            "--background purplish: not a colour; write a",
        ),
        (["both", "in", "-o", "out", "--device", "tpu"], 2, "unknown device 'tpu'; choose one of auto, cpu"),
        (["both", "in", "-o", "out", "--quality", "0"], 2, "Must be >= 1"),
        (["both", "in", "-o", "out", "--batch-size", "0"], 2, "Must be >= 1"),
        (["both", "in", "-o", "out", "--format", "gif"], 2, "gif"),
        (["both", "in/*.tif", "-o", "out"], 3, "error: no pictures or videos in in/*.tif (looked for "),
        (
            ["nobody", "in", "-o", "out"],
            4,
            "error: nobody: no such model; give a run folder or a model file",
        ),
        (["in/a.png", "in", "-o", "out"], 4, "in/a.png is no whole safetensors file ("),
        (["nobody", "in", "-o", "in/a.png"], 5, "in/a.png is not a folder, so nothing can be written to"),
    ],
)
def test_refusals_before_any_work(here, run, arguments, code, message):
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert message in " ".join(err.split())
    assert not Path("out").exists()


def test_a_full_disk(here, run, monkeypatch):
    import errno

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, err = run("both", "in", "-o", "out")
    assert code == 5
    assert "error: out/a.png can't be written: no space left on device" in err
    assert tree("out") == []


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_a_real_process(here, number):
    for index in range(400):
        images.write(Path(f"many/{index}.png"), np.zeros((200, 200, 3), np.uint8))
    process = start("both", "many", "-o", "out", "--quiet")
    wait_for_outputs("out")
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: the picture at hand was finished; run the same command again for the rest" in err
    done = tree("out")
    assert 1 <= len(done) < 400
    assert not [name for name in done if name.startswith(".")]
    assert all(images.read(Path("out") / name).pixels.shape == (200, 200, 3) for name in done)
    assert sorted(finished(Path("out/.translate-manifest.jsonl"))) == done


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_two_processes_one_of_them_killed_and_three_do_exactly_the_rest(here, run):
    for index in range(200):
        images.write(Path(f"many/{index}.png"), np.full((200, 200, 3), index % 256, np.uint8))
    ranks = [start("both", "many", "-o", "out", RANK=str(rank), WORLD_SIZE="2") for rank in range(2)]
    wait_for_outputs("out")
    for process in ranks:
        process.kill()
    for process in ranks:
        process.communicate(timeout=60)
    # Outputs appear whole, and at most those last written are not in a manifest yet.
    whole = [name for name in tree("out") if not name.startswith(".")]
    assert all(images.read(Path("out") / name).pixels.shape == (200, 200, 3) for name in whole)
    Path("out/.0.png.part").write_bytes(b"half")
    known = {name for path in Path("out").glob(".*-of-2.jsonl") for name in finished(path)}
    assert known <= set(whole)
    assert 1 <= len(whole) < 200
    skipped, done = 0, []
    for number in (1, 2, 3):
        code, out, err = run("both", "many", "-o", "out", "--shard", f"{number}/3", "--json")
        *lines, last = [json.loads(line) for line in out.splitlines()]
        assert code == 0
        assert last["summary"]["shard"] == f"{number}/3"
        assert (
            f"note: share {number}/3 by --shard: {len(lines)} of 200 files; --shard 1/1 converts all" in err
        )
        skipped += last["summary"]["skipped"]
        done += [Path(line["input"]).name for line in lines if line["status"] == "done"]
    assert len(set(done)) == len(done) == 200 - len(known)
    assert skipped == len(known)
    assert known.isdisjoint(done)
    assert tree("out") == tree("many"), "no .part is left"


def finished(manifest: Path) -> list[str]:
    lines = manifest.read_bytes().splitlines(keepends=True)
    return [json.loads(line)["output"] for line in lines if line.endswith(b"\n")]


def test_a_second_run_does_what_is_left(here, run):
    assert run("both", "in", "-o", "out")[0] == 1
    before = {name: (Path("out") / name).stat().st_mtime_ns for name in tree("out")}
    Path("out/a.png").unlink()
    images.write(Path("in/bad.jpg"), np.zeros((8, 8, 3), np.uint8))
    code, _, err = run("both", "in", "-o", "out")
    assert code == 0
    assert "2 of 4 converted to out in " in err
    assert "2 skipped, finished by an earlier run; --overwrite converts them again" in err
    assert all((Path("out") / name).stat().st_mtime_ns == before[name] for name in tree("out")[2:])
    for options in (["--overwrite"], ["--quality", "80"], ["--direction", "b2a"]):
        assert "4 of 4 converted" in run("both", "in", "-o", "out", *options)[2]


def test_inputs_for_one_output_get_their_formats_into_the_name(here, run):
    Path("in/deep/b.png").write_bytes(Path("in/a.png").read_bytes())
    code, _, err = run("both", "in/deep", "-o", "out", "--format", "webp")
    assert code == 2
    assert "in/deep/b.jpg and in/deep/b.png → out/b.webp; rename inputs" in err
    assert "or --on-collision suffix" in err
    assert run("both", "in/deep", "-o", "out", "--format", "webp", "--on-collision", "suffix")[0] == 0
    assert tree("out") == ["b_jpg.webp", "b_png.webp", "c.webp"]


def test_help_loads_neither_torch_nor_pillow():
    code = (
        "import sys; sys.argv = ['translate', 'convert', '--help']\n"
        "from translate.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'PIL', 'cv2', 'numpy'} & set(sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "--direction" in shown


def test_a_label_is_asked_for_by_name(here, run, labelled_model):
    model = str(labelled_model)
    for label in ("zebra", "horse"):
        code, _, err = run(model, "in/a.png", "--output", label, "--label", label, "--device", "cpu")
        assert (code, "1 of 1 converted" in err) == (0, True)
    zebra, horse = (images.read(Path(label) / "a.png").pixels for label in ("zebra", "horse"))
    assert not np.array_equal(zebra, horse)
    expected = translate.load(model, device="cpu")(images.read(Path("in/a.png")).pixels, "zebra")
    assert np.array_equal(zebra, expected)


def test_labels_that_can_not_be_asked_for(here, run, labelled_model):
    code, _, err = run(str(labelled_model), "in", "--output", "out", "--label", "zebar", "--device", "cpu")
    assert code == 2
    assert "no label 'zebar' (did you mean zebra?); choose one of horse, zebra, giraffe." in err
    code, _, err = run(str(labelled_model), "in", "--output", "out", "--device", "cpu")
    assert code == 2
    assert "choose one of horse, zebra, giraffe (--label NAME)." in err
    code, _, err = run("both", "in", "--output", "out", "--label", "zebra", "--device", "cpu")
    assert code == 2
    assert "the model has no labels, so 'zebra' can't be asked of it" in err
    assert not Path("out").exists()


def test_a_caption_is_asked_for(here, run, captioned_model):
    model = str(captioned_model)
    for folder, text in (("zebra", "a pink zebra"), ("horse", "a horse")):
        code, _, err = run(model, "in/a.png", "--output", folder, "--text", text, "--device", "cpu")
        assert (code, "1 of 1 converted" in err) == (0, True)
        note = "note: means nothing to the model: pink\n"
        assert (note in err) == (folder == "zebra")
    zebra, horse = (images.read(Path(name) / "a.png").pixels for name in ("zebra", "horse"))
    assert not np.array_equal(zebra, horse)
    expected = translate.load(model, device="cpu")(images.read(Path("in/a.png")).pixels, text="a zebra")
    assert np.array_equal(zebra, expected)


def test_scripts_are_told_what_a_caption_leaves_out(here, run, captioned_model):
    arguments = (
        str(captioned_model),
        "in/a.png",
        "--output",
        "out",
        "--text",
        "a pink zebra",
        "--device",
        "cpu",
    )
    code, out, err = run(*arguments, "--json", "--quiet")
    assert (code, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["summary"]["notes"] == ["means nothing to the model: pink"]


def test_captions_that_can_not_be_asked_for(here, run, captioned_model):
    model = str(captioned_model)
    for arguments, message in (
        (
            (model, "--label", "zebra", "--text", "a zebra"),
            "--label and --text both say what to translate into",
        ),
        ((model,), 'such as "a zebra at noon" or "the grey horse" (--text CAPTION).'),
        ((model, "--text", ""), "an empty text asks for nothing"),
        ((model, "--text", "🦄"), "the model understands no word of the text"),
        (("both", "--text", "a zebra"), "takes no text, so 'a zebra' can't be asked of it"),
    ):
        code, _, err = run(*arguments, "in", "--output", "out", "--device", "cpu")
        assert (code, message in err) == (2, True), err
        assert [line for line in err.splitlines() if line.strip()] == [err.strip()], "one line"
    assert not Path("out").exists()


def test_samples(here, run, latent_model):
    model = str(latent_model)
    code, out, err = run(model, "in/a.png", "in/deep", "-o", "out", "--samples", "2", "--seed", "5", "--json")
    assert code == 0
    assert "3 of 3 converted to out in " in err
    made = ["a_1.png", "a_2.png", "b_1.jpg", "b_2.jpg", "c_1.webp", "c_2.webp"]
    assert tree("out") == made
    lines = [json.loads(line) for line in out.splitlines()]
    assert [name for line in lines[:-1] for name in line["outputs"]] == [f"out/{name}" for name in made]
    assert [line["output"] for line in lines[:-1]] == ["out/a_1.png", "out/b_1.jpg", "out/c_1.webp"]
    expected = translate.load(model, device="cpu").samples(images.read("in/a.png").pixels, 2, seed=5)
    for number, pixels in enumerate(expected, start=1):
        assert np.array_equal(images.read(f"out/a_{number}.png").pixels, pixels)
    # Without --samples one picture under its own name, and without a seed that of the mean code.
    assert run(model, "in/a.png", "-o", "one", "--seed", "5")[0] == 0
    assert run(model, "in/a.png", "-o", "mean")[0] == 0
    assert tree("one") == tree("mean") == ["a.png"]
    assert np.array_equal(images.read("one/a.png").pixels, expected[0])
    assert not np.array_equal(images.read("mean/a.png").pixels, expected[0])


def test_a_way_between_samples_and_truncation(here, run, latent_model):
    model = str(latent_model)
    assert run(model, "in/a.png", "-o", "way", "--samples", "3", "--interpolate")[0] == 0
    assert run(model, "in/a.png", "-o", "ends", "--samples", "2")[0] == 0
    for names in (("way/a_1.png", "ends/a_1.png"), ("way/a_3.png", "ends/a_2.png")):
        ours, theirs = (images.read(name).pixels for name in names)
        assert np.abs(ours.astype(int) - theirs).max() <= 1
    assert run(model, "in/a.png", "-o", "near", "--samples", "2", "--truncation", "0.01")[0] == 0
    assert run(model, "in/a.png", "-o", "mean")[0] == 0
    mean = images.read("mean/a.png").pixels.astype(int)
    far = np.abs(images.read("ends/a_1.png").pixels - mean).mean()
    assert np.abs(images.read("near/a_1.png").pixels - mean).mean() < 0.1 * far


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--samples", "0"], "--samples"),
        (["--interpolate"], "at least 2 samples"),
        (["--samples", "2", "--truncation", "-1"], "truncation -1: codes are kept within"),
        (["--truncation", "1"], "add --seed 0"),
        (["--seed", "-3"], "seed -3: seeds are numbers from 0"),
    ],
)
def test_sampling_that_makes_no_sense(here, run, latent_model, options, message):
    code, _, err = run(str(latent_model), "in/a.png", "-o", "out", *options)
    assert code == 2
    assert message in err
    assert not Path("out").exists()


def test_a_model_with_one_output_refuses_samples(here, run):
    for options in (["--samples", "2"], ["--seed", "1"], ["--samples", "2", "--interpolate"]):
        code, _, err = run("both", "in/a.png", "-o", "out", *options)
        assert code == 2
        assert "the model makes one output for a picture, as it has no latent code" in err
        assert not Path("out").exists()
