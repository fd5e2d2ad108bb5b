"""Exported models give the pictures of those that they were exported from, and need no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

import translate
from translate import images
from translate.errors import BadImage, ModelError, TranslateError, UsageError
from translate.inference.engines.runtimes import RUNTIMES
from translate.inference.exported import ExportedTranslator
from translate.weights import model_file, onnx_file
from translate.weights.card import METADATA_KEY, Card, read_card
from translate.weights.exporters.onnx import torch_answer, write_onnx

CLASSES = ("0", "90", "255")


KINDS = {
    "plain": {"value_range": (0.0, 1.0)},
    "mask": {"mask": True, "arguments": {"in_channels": 4}},
    "larger": {"architecture": "srvgg", "arguments": {"depth": 1, "width": 4, "scale": 2}},
    "classes": {"classes": CLASSES},
    "lab": {"colour_space": "lab", "arguments": {"in_channels": 1, "out_channels": 2}},
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory, labelled_model) -> Path:
    """What the export writes of the labelled model."""
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    write_onnx(path, model_file.load(labelled_model))
    return path


def card_alone(path: Path, card: Card) -> Path:
    """An ONNX file with a card and no network."""
    written = onnx.ModelProto(ir_version=10)
    written.metadata_props.add(key=METADATA_KEY, value=card.model_dump_json())
    path.write_bytes(written.SerializeToString())
    return path


def picture(kind: str, height: int = 21, width: int = 34) -> Image.Image:
    random = np.random.default_rng(3)
    if kind == "classes":
        levels = np.array([int(colour) for colour in CLASSES], np.uint8)
        return Image.fromarray(levels[random.integers(0, 3, (height, width))])
    pixels = random.integers(0, 256, (height, width, 4), np.uint8)
    pixels[..., 3] = 255
    if kind == "mask":
        pixels[5:9, 4:20, 3] = 0
    return Image.fromarray(pixels)


ASKED = {"labels": {"label": "zebra"}, "latent": {"seed": 4}}


@pytest.mark.parametrize("kind", [*KINDS, *ASKED])
def test_pictures_are_those_of_the_model(kind, tmp_path, write_model, labelled_model, latent_model):
    """Whatever the model is asked with; that the network is the same is the export's own test."""
    made = {"labels": labelled_model, "latent": latent_model}
    path = made.get(kind) or write_model(tmp_path / "model.safetensors", **KINDS[kind])
    model = model_file.load(path)
    file = card_alone(tmp_path / "model.onnx", model.card)
    ours, theirs = ExportedTranslator(file), translate.load(path, device="cpu")
    ours._run = lambda given: torch_answer(model, [torch.tensor(part) for part in given]).numpy()
    assert ours.card == theirs.card == read_card(file)
    for size in ((21, 34), (8, 50)):
        of = picture(kind, *size)
        found, wanted = (np.array(t(of, **ASKED.get(kind, {}))) for t in (ours, theirs))
        assert found.shape == wanted.shape
        assert np.abs(found.astype(int) - wanted).max() <= 1
    if kind == "latent":
        pair = zip(ours.samples(of, 3, truncation=1), theirs.samples(of, 3, truncation=1), strict=True)
        assert all(np.abs(np.array(a, int) - np.array(b)).max() <= 1 for a, b in pair)
    if kind == "mask":
        mask = np.zeros((8, 50), bool)
        mask[1, 7:30] = True
        pixels = np.array(of)[..., :3]
        assert np.abs(ours(pixels, mask=mask).astype(int) - theirs(pixels, mask=mask)).max() <= 1
        with pytest.raises(BadImage, match="the picture has none"):
            ours(pixels)


CONVERT = """
import sys
from translate.cli.main import main
sys.argv = ["translate", "convert", *sys.argv[1:]]
try:
    main()
finally:
    heavy = {"torch", "torchvision", "kornia", "albumentations", "cv2", "scipy"} & set(sys.modules)
    assert not heavy, heavy
"""


def test_a_folder_is_converted_without_torch_as_with_it(exported, labelled_model, tmp_path):
    source = tmp_path / "in"
    images.write(source / "a.png", np.array(picture("plain"))[..., :3])
    images.write(source / "deep/b.jpg", np.array(picture("plain"))[..., :3])
    Image.fromarray(np.random.default_rng(1).integers(0, 65536, (12, 9), np.uint16)).save(source / "wide.png")
    picture("mask").save(source / "alpha.png")
    (source / "bad.jpg").write_text("text")
    command = [
        sys.executable,
        "-c",
        CONVERT,
        str(exported),
        str(source),
        "--label",
        "giraffe",
        "--json",
        "-q",
    ]
    command += ["--batch-size", "2", "--output"]
    process = subprocess.run([*command, str(tmp_path / "onnx")], capture_output=True, text=True)
    assert process.returncode == 1, process.stderr
    *files, summary = map(json.loads, process.stdout.splitlines())
    assert (summary["summary"]["done"], summary["summary"]["failed"]) == (4, 1)
    assert [one["error"] is None for one in files] == [True, True, False, True, True]
    from translate.cli.convert import convert

    arguments = {"output": tmp_path / "torch", "label": "giraffe", "quiet": True, "backend": "torch"}
    assert convert(str(labelled_model), str(source), **arguments) == 1
    names = sorted(p.relative_to(tmp_path / "torch") for p in (tmp_path / "torch").rglob("*.[jp]*g"))
    assert len(names) == 4
    for name in names:
        with Image.open(tmp_path / "onnx" / name) as found, Image.open(tmp_path / "torch" / name) as wanted:
            assert (found.mode, found.size) == (wanted.mode, wanted.size)
            difference = np.abs(np.array(found, int) - np.array(wanted, int)).mean()
            assert difference <= (300 if found.mode.startswith("I") else 1), name
    again = subprocess.run([*command, str(tmp_path / "onnx")], capture_output=True, text=True)
    assert json.loads(again.stdout.splitlines()[-1])["summary"]["skipped"] == 4


def test_what_an_exported_model_cant_do_is_said_with_the_remedy(
    exported, labelled_model, tmp_path, captioned_model, monkeypatch
):
    from translate.inference.loading import open_model

    remedy = r"use the \.safetensors model that it was exported from"
    for options in ({"device": "cuda"}, {"tile": "exact"}, {"norm_statistics": "batch"}):
        with pytest.raises(UsageError, match=remedy):
            open_model(exported, **options)
    ours = translate.load_exported(exported)
    for backend in ("torch", "mnn"):
        with pytest.raises(UsageError, match=rf"{backend} doesn't run ONNX files.*{remedy}"):
            ours.use_backend(backend)
    with pytest.raises(UsageError, match="choose one of horse, zebra, giraffe"):
        ours(picture("plain"))
    with pytest.raises(UsageError, match="is no picture"):
        ours(3, "zebra")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ModelError, match=r"convert and info take; this needs the \.safetensors"):
        translate.load(exported)
    with pytest.raises(UsageError, match=r"use translate\.load"):
        translate.load_exported(labelled_model)
    text = card_alone(tmp_path / "text.onnx", read_card(captioned_model))
    with pytest.raises(ModelError, match=rf"reader of captions isn't in an ONNX file; {remedy}"):
        translate.load_exported(text)
    monkeypatch.setattr(type(RUNTIMES["onnx"]), "installed", False)
    with pytest.raises(UsageError, match=r"needs onnxruntime.*pip install 'image-translate\[onnx\]'"):
        translate.load_exported(exported)


def test_a_picture_that_wont_fit_is_one_line(exported, monkeypatch):
    from translate.inference.streaming import memory

    ours = translate.load_exported(exported)
    monkeypatch.setattr("translate.inference.exported._SMALL", 500)
    taken = 0
    monkeypatch.setattr(memory, "taken_memory", lambda: taken)
    monkeypatch.setattr(memory, "free_memory", lambda: 10**9)
    small = np.asarray(picture("plain"))[..., :3]
    large = np.tile(small, (4, 4, 1))
    ours.use_backend("auto")
    ours(small, "zebra")
    taken = 10**8  # which the runtime keeps, and uses again: the same size once more takes nothing
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    ours(small, "zebra")
    with pytest.raises(TranslateError, match=r"not enough memory for 136×84 pixels.*--tile exact"):
        ours(large, "zebra")
    monkeypatch.setattr(memory, "free_memory", lambda: 10**10)
    ours(large, "zebra")
    ours._most = 2 * 10**8  # in all
    taken = 10**8
    ours.use_backend("auto")
    ours(small, "zebra")
    taken = 15 * 10**7
    with pytest.raises(TranslateError, match="not enough memory"):
        ours(large, "zebra")
    ours(small, "zebra")


def test_metadata_are_those_that_the_library_reads(exported, tmp_path):
    wanted = {entry.key: entry.value for entry in onnx.load(exported).metadata_props}
    assert onnx_file.metadata(exported) == wanted
    whole = exported.read_bytes()
    broken = tmp_path / "x.onnx"
    for content in (b"", whole[: len(whole) // 2], whole[:-3], b"text that is no model", b"\xff" * 40):
        broken.write_bytes(content)
        with pytest.raises(ModelError, match="no whole ONNX file"):
            read_card(broken)
    broken.write_bytes(onnx.ModelProto(ir_version=10, producer_name="another").SerializeToString())
    with pytest.raises(ModelError, match="no card, so it is no model file that translate wrote"):
        read_card(broken)
    with pytest.raises(ModelError, match="no such model"):
        read_card(tmp_path / "none.onnx")
    card_alone(broken, read_card(exported))
    with pytest.raises(ModelError, match="onnx can't run it"):
        translate.load_exported(broken)
