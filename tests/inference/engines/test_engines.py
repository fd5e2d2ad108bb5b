"""Other runtimes give torch's pictures, and the fastest of them is found and remembered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

import translate
from translate.errors import ModelError, OutputError, UsageError
from translate.images.reading import read
from translate.images.writing import write
from translate.inference.ahead import Ahead
from translate.inference.engines import choice, engine
from translate.inference.engines.runtimes import RUNTIMES, Runtime
from translate.weights import model_file


@pytest.fixture(scope="module")
def enlarger(tmp_path_factory, write_model) -> Path:
    path = tmp_path_factory.mktemp("engines") / "x.safetensors"
    return write_model(path, "srvgg", arguments={"depth": 1, "width": 8, "scale": 2})


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    """A cache folder of the tests' own, which they share."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setattr(engine, "user_cache_path", lambda name: folder / name)
        yield


@pytest.mark.parametrize("name", RUNTIMES)
def test_every_runtime_gives_torchs_pictures(name, enlarger):
    translator = translate.load(enlarger, device="cpu")
    images = [torch.rand(2, 3, 21, 34) * 2 - 1, torch.rand(1, 3, 50, 17) * 2 - 1]
    wanted = [translator(image) for image in images]
    translator.use_backend(name)
    assert translator.backend == name
    answers = [translator(image) for image in images]
    for answer, picture in zip(answers, wanted, strict=True):
        assert answer.shape == picture.shape
        torch.testing.assert_close(answer, picture, atol=2e-3, rtol=0)
    translator.use_backend("torch")
    assert torch.equal(translator(images[0]), wanted[0])


@pytest.mark.parametrize(
    ("words", "raised", "said"),
    [
        ("Failed to allocate memory for requested buffer", MemoryError, "Failed to allocate"),
        ("std::bad_alloc", MemoryError, "bad_alloc"),
        (
            "Concat: shapes differ\n at node 3",
            ModelError,
            "onnx can't run the network: Concat: shapes differ$",
        ),
    ],
)
def test_what_a_runtime_raises_is_out_of_memory_or_a_sentence(words, raised, said):
    def run(_: object) -> np.ndarray:
        raise RuntimeError(words)

    with pytest.raises(raised, match=said):
        engine.Engine("onnx", 0.0, run)(torch.zeros(1, 3, 8, 8))


def test_nothing_reports_to_anybody(enlarger, tmp_path):
    """ONNX Runtime keeps an identifier on the disk, with which it reports; MNN's tools install more."""
    program = f"""
        import sys, translate
        from translate.inference.engines import engine
        from pathlib import Path
        engine.user_cache_path = lambda name: Path({str(engine.user_cache_path(""))!r}) / name
        translator = translate.load({str(enlarger)!r}, device="cpu")
        for name in ("onnx", "mnn"):
            translator.use_backend(name)
        assert "MNN.tools" not in sys.modules
    """
    home = {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    subprocess.run(command, env={**os.environ, **home}, check=True)
    assert not list(tmp_path.rglob("*onnxruntime*"))


def test_the_command_line_takes_a_backend(enlarger, tmp_path, monkeypatch):
    from translate.cli.convert import convert

    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    write(tmp_path / "x.png", pixels)
    for backend in ("torch", "onnx"):
        code = convert(
            str(enlarger),
            str(tmp_path / "x.png"),
            output=tmp_path / backend,
            backend=backend,
            device="cpu",
            quiet=True,
        )
        assert code == 0
    one, other = (read(tmp_path / name / "x.png").pixels.astype(int) for name in ("torch", "onnx"))
    assert one.shape == (40, 60, 3)
    assert np.abs(one - other).max() <= 1


def test_an_engine_that_answers_otherwise_is_not_used(enlarger, monkeypatch):
    def wrong(path, names, threads):
        return lambda inputs: np.repeat(np.repeat(inputs[0] + 0.1, 2, 2), 2, 3)

    monkeypatch.setitem(RUNTIMES, "onnx", Runtime("onnxruntime", "onnx", wrong))
    with pytest.raises(ModelError, match="answers otherwise than torch"):
        translate.load(enlarger, device="cpu").use_backend("onnx")


def test_what_is_not_installed_or_can_t_run_it_is_named(enlarger, monkeypatch):
    absent = Runtime("runtime_of_nobody", "openvino", RUNTIMES["openvino"].open)
    monkeypatch.setitem(RUNTIMES, "openvino", absent)
    with pytest.raises(UsageError, match=r"runtime_of_nobody, which.*\[openvino\]"):
        translate.load(enlarger, device="cpu").use_backend("openvino")

    def broken(path, names, threads):
        raise RuntimeError("no kernel for this\nand a long story")

    monkeypatch.setitem(RUNTIMES, "onnx", Runtime("onnxruntime", "onnx", broken))
    with pytest.raises(ModelError, match="can't run this srvgg: no kernel for this; use --backend torch"):
        translate.load(enlarger, device="cpu").use_backend("onnx")
    translator = translate.load(enlarger, device="cpu")
    translator.device = torch.device("cuda")
    with pytest.raises(UsageError, match="runs on the CPU, not on cuda"):
        translator.use_backend("onnx")


def test_the_fastest_is_measured_once_and_remembered(enlarger, tmp_path, monkeypatch):
    model = model_file.load(enlarger)
    times = {"onnx": 0.2, "openvino": 0.1, "mnn": 0.3}
    asked = []

    sides = []

    def measured(model, name, inputs):
        asked.append(name)
        sides.append(inputs[0].shape[3])
        return times[name]

    monkeypatch.setattr(choice, "_measured", measured)
    monkeypatch.setattr(choice, "_seconds_of_torch", lambda model, inputs: 0.5)
    monkeypatch.setattr(choice, "cache_folder", lambda model: tmp_path)
    monkeypatch.setattr(choice, "_opened", lambda model, name: name)

    def choose(pictures, side=256):
        return choice.choose_engine(model, Ahead(pictures, side))

    assert choose(100) == (None, None)  # 50 s of torch aren't worth a measurement
    assert not asked
    fastest, said = choose(200)
    assert fastest == "openvino"
    assert said == (
        "the fastest backend for this model is openvino "
        "(torch 0.5 s, onnx 0.2 s, openvino 0.1 s, mnn 0.3 s a picture of 256×256)"
    )
    assert asked == ["onnx", "openvino", "mnn"]
    assert choose(10) == ("openvino", None)  # remembered, so nothing is to be weighed
    assert choose(10, 300) == ("openvino", None)
    assert choose(choice.FEWEST - 1) == (None, None)
    assert len(asked) == 3
    remembered = tmp_path / "fastest-256.json"
    memory = json.loads(remembered.read_text())
    remembered.write_text(json.dumps(memory | {"threads": 99}))  # of another machine
    assert choose(200)[0] == "openvino"
    assert len(asked) == 6
    remembered.write_text("{")
    assert choose(10) == (None, None)
    # 0.5 s for a picture of 512×512, so 8 s for one of 2048×2048: of another size nothing is remembered.
    assert choose(8, 1400) == (None, None)
    assert choose(8, 2048)[0] == "openvino"
    assert sides == [256] * 6 + [512] * 3


def test_an_engine_that_answers_nothing_is_not_used_and_a_damaged_file_is_made_again(enlarger, monkeypatch):
    def no_numbers(path, names, threads):
        return lambda inputs: np.full(
            (len(inputs[0]), 3, *(2 * n for n in inputs[0].shape[2:])), np.nan, "f4"
        )

    model = model_file.load(enlarger)
    with monkeypatch.context() as patch:
        patch.setitem(RUNTIMES, "onnx", Runtime("onnxruntime", "onnx", no_numbers))
        with pytest.raises(ModelError, match="answers otherwise than torch, by nan"):
            engine.open_engine(model, "onnx")
    path = engine.cache_folder(model) / "model.onnx"
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    assert engine.open_engine(model, "onnx").difference < 1e-4
    assert len(path.read_bytes()) > len(whole) / 2


def test_a_cache_that_can_t_be_made_is_named(enlarger, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(engine, "user_cache_path", lambda name: tmp_path / "file" / name)
    with pytest.raises(OutputError, match=r"can't be made.*XDG_CACHE_HOME"):
        translate.load(enlarger, device="cpu").use_backend("onnx")
