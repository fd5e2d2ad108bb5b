"""From a recorded call to the operation on rows that computes the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from translate.inference.streaming.operators import (
    Convolution,
    Gathered,
    Normalised,
    Operator,
    Pixelwise,
    Resampled,
    Rows,
    Shuffled,
    TransposedConvolution,
)
from translate.inference.streaming.record import Node, Recording, Ref, Unstreamable

PIXELWISE = frozenset(
    (
        *(
            "add",
            "radd",
            "sub",
            "rsub",
            "mul",
            "rmul",
            "div",
            "rdiv",
            "truediv",
            "rtruediv",
            "true_divide",
            "neg",
        ),
        *(
            "abs",
            "sign",
            "sqrt",
            "rsqrt",
            "exp",
            "log",
            "pow",
            "square",
            "reciprocal",
            "addcmul",
            "addcdiv",
            "lerp",
        ),
        *("tanh", "sigmoid", "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish"),
        *("softplus", "softsign", "hardtanh", "hardsigmoid", "hardswish", "clamp", "clamp_min", "clamp_max"),
        *("minimum", "maximum", "where", "gt", "lt", "ge", "le", "eq", "ne", "float", "double", "to", "type"),
        *("type_as", "contiguous", "clone", "detach"),
    )
)


def lower(recording: Recording, number: int) -> Operator:
    """The operation of a recorded node.

    Raises:
        Unstreamable: it isn't one of rows.
    """
    return _Lowering(recording, number).operator()


class _Lowering:
    def __init__(self, recording: Recording, number: int):
        self.node: Node = recording.nodes[number]
        self.inputs = [recording.nodes[i] for i in self.node.inputs]
        self.shape = self.inputs[0].shape

    def operator(self) -> Operator:
        node = self.node
        if any(len(shape) != 4 for shape in (node.shape, *(source.shape for source in self.inputs))):
            raise self.refusal()
        if node.name in PIXELWISE or (node.name in _BY_CHANNELS and _BY_CHANNELS[node.name](self)):
            return self.pixelwise()
        if node.name not in _SPECIAL:
            raise self.refusal()
        return _SPECIAL[node.name](self)

    def refusal(self, why: str = "") -> Unstreamable:
        return Unstreamable(self.node.layer, f"{self.node.name} {why or 'of a whole map'}".strip())

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        args = self.node.args
        return args[place] if len(args) > place else self.node.kwargs.get(name, default)

    def pair(self, place: int, name: str, default: Any) -> tuple[int, int]:
        value = self.argument(place, name, default)
        if isinstance(value, str):
            raise self.refusal(f"with padding {value!r}")
        value = (value,) if isinstance(value, int) else tuple(value)
        return (value[0], value[-1]) if value else self.pair(place, "", default)

    def call(self) -> Callable[..., Tensor]:
        """The recorded call as a function of (bands, rows)."""
        node = self.node
        function, args, kwargs = _without_effects(node)
        places = {number: place for place, number in enumerate(node.inputs)}
        fill = partial(_filled, places=places, height=node.shape[2])

        def make(bands: Sequence[Tensor], rows: Rows) -> Tensor:
            told = [fill(value, bands=bands, rows=rows) for value in args]
            named = {name: fill(value, bands=bands, rows=rows) for name, value in kwargs.items()}
            answer = function(*told, **named)
            return answer if node.item is None else answer[node.item]

        return make

    def pixelwise(self) -> Operator:
        if any(source.shape[2:] != self.node.shape[2:] for source in self.inputs):
            raise self.refusal("of maps of different sizes")
        return Pixelwise(self.call())

    # Convolutions.

    def convolution(self) -> Operator:
        weight, bias = self.argument(1, "weight"), self.argument(2, "bias")
        self.require_constant(weight, bias)
        return Convolution(
            self.shape[2],
            weight,
            bias,
            self.pair(3, "stride", 1),
            self.pair(4, "padding", 0),
            self.pair(5, "dilation", 1),
            self.argument(6, "groups", 1),
        )

    def transposed(self) -> Operator:
        weight, bias = self.argument(1, "weight"), self.argument(2, "bias")
        self.require_constant(weight, bias)
        if self.pair(7, "dilation", 1) != (1, 1):
            raise self.refusal("with dilation")
        return TransposedConvolution(
            self.shape[2],
            weight,
            bias,
            self.pair(3, "stride", 1),
            self.pair(4, "padding", 0),
            self.pair(5, "output_padding", 0),
            self.argument(6, "groups", 1),
        )

    def require_constant(self, *tensors: object) -> None:
        if len(self.inputs) > 1 or any(isinstance(tensor, Ref) for tensor in tensors):
            raise self.refusal("with weights that are made of the picture")

    # Norms.

    def instance_norm(self) -> Operator:
        if not self.argument(5, "use_input_stats", True):
            return self.pixelwise()
        return self.normalised(self.shape[1], 3)

    def batch_norm(self) -> Operator:
        if not self.argument(5, "training", False):
            return self.pixelwise()
        return self.normalised(self.shape[1], 3)

    def group_norm(self) -> Operator:
        return self.normalised(self.argument(1, "num_groups"), 2)

    def normalised(self, groups: int, place: int) -> Operator:
        scale, shift = self.argument(place, "weight"), self.argument(place + 1, "bias")
        eps = {"group_norm": 4}.get(self.node.name, 7)
        return Normalised(groups, scale, shift, self.argument(eps, "eps", 1e-5))

    # Changes of size.

    def padding(self) -> Operator:
        edges = [*self.argument(1, "pad"), 0, 0][:4]
        mode, value = self.argument(2, "mode", "constant"), self.argument(3, "value") or 0.0
        if len(self.argument(1, "pad")) > 4 or (mode == "constant" and min(edges) < 0):
            raise self.refusal("of more than rows and columns")
        left, right, above, below = edges
        rows = torch.arange(self.shape[2], dtype=torch.float64)[None, None, :, None]
        filled = {"value": -1.0} if mode == "constant" else {}
        sources = F.pad(rows, (0, 0, above, below), mode, **filled).flatten().long()
        filling = {"value": value} if mode == "constant" else {}
        return Gathered(sources, lambda x: F.pad(x, (left, right, 0, 0), mode, **filling), value)

    def sliced(self) -> Operator:
        index = self.argument(1, "")
        parts = list(index) if isinstance(index, tuple) else [index]
        if Ellipsis in parts:
            place = parts.index(Ellipsis)
            parts[place : place + 1] = [slice(None)] * (5 - len(parts))
        parts += [slice(None)] * (4 - len(parts))
        if not all(isinstance(part, slice) for part in parts):
            raise self.refusal("by more than slices")
        channels, rows, columns = parts[1:]
        sources = torch.arange(self.shape[2])[rows]
        return Gathered(sources, lambda x: x[:, channels, :, columns])

    def interpolated(self) -> Operator:
        mode = self.argument(3, "mode", "nearest")
        height, width = self.node.shape[2:]
        if mode in ("nearest", "nearest-exact"):
            rows = torch.arange(self.shape[2], dtype=torch.float64)[None, None, :, None]
            scale = self.argument(2, "scale_factor")
            if scale is None:
                sources = F.interpolate(rows, size=(height, 1), mode=mode)
            else:
                down = scale[0] if isinstance(scale, tuple | list) else scale
                sources = F.interpolate(rows, scale_factor=(float(down), 1.0), mode=mode)
            columns = partial(self.nearest_columns, width, mode)
            return Gathered(sources.flatten().long(), columns)
        grow, rest = divmod(height, self.shape[2])
        reach = {"bilinear": 1, "bicubic": 2}.get(mode)
        aligned = self.argument(4, "align_corners") or self.argument(6, "antialias", False)
        if rest or width != grow * self.shape[3] or reach is None or aligned:
            raise self.refusal(f"({mode}) by other than a whole number")
        enlarge = partial(F.interpolate, scale_factor=float(grow), mode=mode, align_corners=False)
        return Resampled(self.shape[2], enlarge, grow=grow, before=reach, after=reach)

    @staticmethod
    def nearest_columns(width: int, mode: str, x: Tensor) -> Tensor:
        return F.interpolate(x, size=(x.shape[2], width), mode=mode) if x.shape[3] != width else x

    def pooled(self) -> Operator:
        kernel = self.pair(1, "kernel_size", None)
        stride = self.pair(2, "stride", None) if self.argument(2, "stride") else kernel
        padding = self.pair(3, "padding", 0)
        if self.node.name == "max_pool2d" and self.pair(4, "dilation", 1) != (1, 1):
            raise self.refusal("with dilation")
        call = self.call()
        return Resampled(
            self.shape[2],
            lambda band: call([band], Rows(0, 0)),
            stride=stride[0],
            before=padding[0],
            after=kernel[0] - 1 - padding[0],
        )

    def shuffled(self) -> Operator:
        factor = self.argument(1, "upscale_factor")
        return Shuffled(partial(F.pixel_shuffle, upscale_factor=factor), grow=factor)

    def unshuffled(self) -> Operator:
        factor = self.argument(1, "downscale_factor")
        return Shuffled(partial(F.pixel_unshuffle, downscale_factor=factor), shrink=factor)

    # Functions of channels: pixelwise if that is really all that they touch.

    def along_channels(self) -> bool:
        place = {"cat": 1, "concat": 1, "split": 2, "chunk": 2, "softmax": 1, "mean": 1, "sum": 1}
        dim = self.argument(place.get(self.node.name, 1), "dim", 0)
        dims = (dim,) if isinstance(dim, int) else tuple(dim or (2,))
        return all(d in (1, -3) for d in dims) or (dims == (0,) and len(self.inputs) == 1)

    def expanded(self) -> bool:
        return self.shape[2:] == self.node.shape[2:] and tuple(self.node.args[-2:]) == (-1, -1)

    def idle(self) -> bool:
        return not self.argument(2, "training", True)

    def mixed(self) -> bool:
        equation = str(self.argument(0, "equation")).replace(" ", "")
        sides, made = equation.split("->")
        terms = sides.split(",")
        operands = self.node.args[1:]
        return all(
            term[-2:] == made[-2:] if isinstance(operand, Ref) else not set(term) & set(made[-2:])
            for term, operand in zip(terms, operands, strict=True)
        )


def _without_effects(node: Node) -> tuple[Callable[..., Any], tuple, Mapping[str, Any]]:
    """Function and arguments that leave the inputs as they are, for others look at them, too."""
    name = node.function.__name__
    if name.endswith("_") and not name.startswith("_"):

        def on_copy(first: Tensor, *rest: Any, **more: Any) -> Any:
            return node.function(first.clone(), *rest, **more)

        return on_copy, node.args, node.kwargs
    with suppress(ValueError, TypeError):  # functions written in C++ have no signature, nor this argument
        bound = signature(node.function).bind(*node.args, **node.kwargs)
        if "inplace" in bound.arguments:
            bound.arguments["inplace"] = False
            return node.function, bound.args, bound.kwargs
    return node.function, node.args, node.kwargs


def _filled(
    value: Any, *, bands: Sequence[Tensor], rows: Rows, places: Mapping[int, int], height: int
) -> Any:
    """An argument with bands for references; of maps that don't depend on the picture, the rows wanted."""
    if isinstance(value, Ref):
        return bands[places[value.node]]
    if isinstance(value, Tensor) and value.ndim == 4 and value.shape[2] == height and height > 1:
        return value[:, :, rows.start : rows.stop]
    if isinstance(value, list | tuple):
        return type(value)(
            [_filled(item, bands=bands, rows=rows, places=places, height=height) for item in value]
        )
    return value


_BY_CHANNELS: dict[str, Callable[[_Lowering], bool]] = {
    "cat": _Lowering.along_channels,
    "concat": _Lowering.along_channels,
    "split": _Lowering.along_channels,
    "chunk": _Lowering.along_channels,
    "softmax": _Lowering.along_channels,
    "mean": _Lowering.along_channels,
    "sum": _Lowering.along_channels,
    "expand": _Lowering.expanded,
    "dropout": _Lowering.idle,
    "dropout2d": _Lowering.idle,
    "einsum": _Lowering.mixed,
}
_SPECIAL: dict[str, Callable[[_Lowering], Operator]] = {
    "conv2d": _Lowering.convolution,
    "conv_transpose2d": _Lowering.transposed,
    "instance_norm": _Lowering.instance_norm,
    "batch_norm": _Lowering.batch_norm,
    "group_norm": _Lowering.group_norm,
    "pad": _Lowering.padding,
    "getitem": _Lowering.sliced,
    "interpolate": _Lowering.interpolated,
    "avg_pool2d": _Lowering.pooled,
    "max_pool2d": _Lowering.pooled,
    "pixel_shuffle": _Lowering.shuffled,
    "pixel_unshuffle": _Lowering.unshuffled,
}
