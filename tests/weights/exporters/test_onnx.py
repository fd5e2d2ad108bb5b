"""ONNX files answer as torch does, at any size, and say what they are."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pytest
import torch

from translate.cli.export import export
from translate.errors import ModelError, UsageError
from translate.weights import model_file
from translate.weights.exporters import onnx
from translate.weights.exporters.onnx import traced, write_onnx


@pytest.fixture(scope="module")
def labelled(tmp_path_factory, write_model):
    path = tmp_path_factory.mktemp("onnx") / "labelled.safetensors"
    arguments = {"depth": 1, "classes": 3, "masked": True, "attention": True}
    return write_model(path, "resnet", arguments=arguments, labels=("horse", "zebra", "giraffe"))


def test_a_file_runs_elsewhere_at_other_sizes(labelled, tmp_path, capsys):
    export(str(labelled), format="onnx", output=tmp_path / "x.onnx", json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["inputs"] == ["image", "label"]
    assert said["difference"] < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "x.onnx"), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["card"])["labels"] == ["horse", "zebra", "giraffe"]
    assert (facts["value_range"], facts["size_multiple"], facts["scale"]) == ("-1 1", "4", "1")
    network = model_file.load(labelled).network
    image, label = torch.rand(3, 3, 36, 52) * 2 - 1, torch.tensor([2, 0, 1])
    with torch.inference_mode():
        wanted = network(image, label)
    answer = session.run(["output"], {"image": image.numpy(), "label": label.numpy()})[0]
    np.testing.assert_allclose(answer, wanted.numpy(), atol=1e-4)
    assert not torch.equal(wanted, network(image, label.roll(1)))


def test_a_difference_leaves_no_file(labelled, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "_convert", lambda model, path: path.write_bytes(b"x"))
    monkeypatch.setattr(onnxruntime, "InferenceSession", _Wrong)
    with pytest.raises(ModelError, match=r"differ from torch's by .*nothing was written"):
        write_onnx(tmp_path / "x.onnx", model_file.load(labelled))
    assert not list(tmp_path.iterdir())


class _Wrong:
    def __init__(self, *_, **__):
        pass

    def run(self, names, inputs):
        return [inputs["image"] + 3]


def test_colours_in_lab_can_be_traced(tmp_path, write_model):
    arguments = {"in_channels": 1, "out_channels": 2, "depth": 1}
    path = write_model(tmp_path / "x.safetensors", "resnet", arguments=arguments, colour_space="lab")
    model = model_file.load(path)
    program = traced(model)
    image = torch.rand(1, 3, 40, 64) * 2 - 1
    with torch.inference_mode():
        assert torch.allclose(program.module()(image), model.network(image), atol=1e-4)


def test_what_is_refused(labelled, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match=r"files end in \.onnx"):
        export(str(labelled), format="onnx", output=tmp_path / "x.pth")
    monkeypatch.setattr(onnx, "_NEEDED", ("onnx_of_nobody",))
    with pytest.raises(UsageError, match=r"onnx_of_nobody.*image-translate\[onnx\]"):
        export(str(labelled), format="onnx", output=tmp_path / "x.onnx")
