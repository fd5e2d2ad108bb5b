"""8-bit integers: calibrated on some pictures, measured on others, and refused where they are too coarse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import translate
from translate.cli.convert import convert
from translate.errors import ModelError, UsageError
from translate.images.reading import read
from translate.images.writing import write
from translate.inference.engines import engine, int8

_NEEDED = ("onnx", "onnxruntime", "openvino")


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "user_cache_path", lambda name: tmp_path / name)


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    """Soft ones, as photographs are."""
    source = np.random.default_rng(0)
    paths = [tmp_path / "in" / f"{number:02}.png" for number in range(9)]
    for path in paths:
        rows, columns = (source.uniform(0.02, 0.2, 3) * np.arange(n)[:, None] for n in (30, 38))
        write(path, (127 * (1 + np.sin(rows[:, None] + columns[None]))).astype(np.uint8))
    return paths


def test_pictures_are_nearly_the_same_and_a_coarse_result_is_refused(
    write_model, pictures, tmp_path, monkeypatch, capsys
):
    for name in _NEEDED:
        pytest.importorskip(name)
    model = write_model(tmp_path / "m.safetensors", "srvgg", arguments={"depth": 1, "width": 8, "scale": 2})
    for precision in ("fp32", "int8"):
        code = convert(
            str(model),
            str(tmp_path / "in"),
            output=tmp_path / precision,
            device="cpu",
            precision=precision,
        )
        assert code == 0
    assert "int8 by openvino:" in capsys.readouterr().err
    one, other = (
        [read(tmp_path / name / path.name).pixels.astype(float) for path in pictures]
        for name in ("fp32", "int8")
    )
    psnr = [10 * np.log10(255**2 / np.square(a - b).mean()) for a, b in zip(one, other, strict=True)]
    assert int8.LEAST_DB < min(psnr) < 70  # and yet not the same
    translator = translate.load(model, device="cpu")
    with monkeypatch.context() as patch:
        patch.setattr(int8, "LEAST_DB", 90.0)
        with pytest.raises(ModelError, match=r"would be [345]\d\.\d dB from what they are, less than 90"):
            translator.use_int8(pictures)
    assert translator.backend == "torch"
    made = list(tmp_path.rglob("int8-*.onnx"))
    assert "worst of 4 pictures" in translator.use_int8(pictures, "onnx")
    assert translator.backend == "onnx int8"
    assert list(tmp_path.rglob("int8-*.onnx")) == made  # the same pictures calibrate
    made[0].write_bytes(b"")
    with pytest.raises(ModelError, match="can't be run in 8 bits by onnx"):
        translator.use_int8(pictures, "onnx")


def test_what_int8_is_not_for_is_said(write_model, pictures, tmp_path):
    model = write_model(tmp_path / "m.safetensors", "srvgg", arguments={"depth": 1, "width": 8, "scale": 2})
    translator = translate.load(model, device="cpu")
    with pytest.raises(UsageError, match=r"mnn has no int8.*openvino or onnx"):
        translator.use_int8(pictures, "mnn")
    pictures[0].write_bytes(b"no picture")
    pictures[1].unlink()
    with pytest.raises(UsageError, match="at least 8 of the pictures to convert, and 7 could be read"):
        translator.use_int8(pictures)
    labelled = write_model(tmp_path / "l.safetensors", labels=["x", "y"], arguments={"classes": 2})
    with pytest.raises(UsageError, match="given a photograph alone"):
        translate.load(labelled, device="cpu").use_int8(pictures)
    for tile in ("exact", "approximate"):
        with pytest.raises(UsageError, match=f"--tile {tile} computes parts of them in float32"):
            translate.load(model, device="cpu", tile=tile).use_int8(pictures)
