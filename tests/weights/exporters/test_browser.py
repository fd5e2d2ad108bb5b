"""What is said in other words for a browser is the same."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from translate.weights.exporters import browser

_SLOPES = {"alpha": 0.2}, {}, {"alpha": 1.5}


@pytest.fixture
def rectified(tmp_path):
    """A file with a convolution and its Relu, another Relu, and LeakyRelus of three slopes."""
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "weight"], ["convolved"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["convolved"], ["kept"]),
        helper.make_node("InstanceNormalization", ["kept", "one", "zero"], ["normed"]),
        helper.make_node("Relu", ["normed"], ["rectified"]),
        helper.make_node("Sub", ["normed", "rectified"], ["y"]),
    ]
    ends = []
    for number, slope in enumerate(_SLOPES):
        nodes.append(helper.make_node("LeakyRelu", ["y"], [f"leaky{number}"], **slope))
        ends.append(f"leaky{number}")
    nodes.append(helper.make_node("Concat", [*ends, "rectified"], ["output"], axis=1))
    constants = {
        "weight": weight,
        "one": np.ones(4, np.float32),
        "zero": np.zeros(4, np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 16, "h", "w"])],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    path = tmp_path / "g.onnx"
    onnx.save(model, path)
    return path


def test_rectifiers_are_maxima_but_behind_convolutions_and_where_a_maximum_is_another_thing(rectified):
    picture = np.random.default_rng(1).normal(size=(1, 3, 9, 7)).astype(np.float32)
    before = _answer(rectified, picture)
    browser.rewrite(rectified)
    kinds = [node.op_type for node in onnx.load(rectified).graph.node]
    assert kinds == [
        *("Conv", "Relu", "InstanceNormalization", "Max", "Sub"),
        *("Mul", "Max", "Mul", "Max", "LeakyRelu", "Concat"),
    ]
    np.testing.assert_allclose(_answer(rectified, picture), before, rtol=0, atol=1e-6)
    assert before.min() < 0 < before.max()


def _answer(path, picture):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": picture})[0]
