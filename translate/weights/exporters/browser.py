"""What ONNX Runtime does slowly in a browser, said in other words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

_ZERO, _SLOPE = "no_less_than", "slope_of_{}"


def rewrite(path: Path) -> None:
    """Write rectifiers of the ONNX file `path` as maxima: max(x, 0), and max(x, αx) for α in [0, 1].

    Compiled to WebAssembly, the kernel of Relu takes five times as long a value as that of Max, which made it
    a fifth of the mobile generator's time. Behind a convolution they stay: the runtime joins them to that.
    """
    import onnx

    model = onnx.load(path)
    graph = model.graph
    convolved = {name for node in graph.node if node.op_type == "Conv" for name in node.output}
    nodes = [
        new
        for node in graph.node
        for new in ((node,) if node.input and node.input[0] in convolved else _as_maximum(graph, node))
    ]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _as_maximum(graph: GraphProto, node: NodeProto) -> tuple[NodeProto, ...]:
    from onnx import helper

    if node.op_type == "Relu":
        other = _constant(graph, _ZERO, 0.0)
        return (helper.make_node("Max", [node.input[0], other], node.output, name=node.name),)
    slope = next((a.f for a in node.attribute if a.name == "alpha"), 0.01)  # ONNX's own default
    if node.op_type != "LeakyRelu" or not 0 <= slope <= 1:
        return (node,)
    below = f"{node.output[0]}_below"
    factor = _constant(graph, _SLOPE.format(len(graph.initializer)), slope)
    return (
        helper.make_node("Mul", [node.input[0], factor], [below]),
        helper.make_node("Max", [node.input[0], below], node.output, name=node.name),
    )


def _constant(graph: GraphProto, name: str, value: float) -> str:
    from onnx import TensorProto, helper

    if all(known.name != name for known in graph.initializer):
        graph.initializer.append(helper.make_tensor(name, TensorProto.FLOAT, [], [value]))
    return name
