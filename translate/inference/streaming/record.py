"""What a network computes, written down as a graph without computing it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from translate.errors import UsageError


class Unstreamable(UsageError):
    """A network computes something that needs a whole map at once."""

    def __init__(self, layer: str, what: str):
        place = f"its layer {layer!r} computes" if layer else "it computes"
        super().__init__(
            f"this network can't be computed exactly in bands of rows: {place} {what}. Give it smaller "
            "pictures or more memory; or take --tile approximate, whose tiles see their surroundings alone."
        )


class Ref(NamedTuple):
    """The output of a node, where a call's arguments have it."""

    node: int


@dataclass(frozen=True)
class Node:
    """One call of a torch function.

    Attributes:
        layer: the module that made the call, by its name in the network.
        name: of the function, without underscores.
        args, kwargs: what it was called with; `Ref` instead of tensors that depend on the picture.
        shape: of its output.
        bytes: of its output.
        item: which output, of a function that has several.
        inputs: the nodes that its arguments refer to, each once.
    """

    layer: str
    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    shape: torch.Size
    bytes: int
    item: int | None = None

    @property
    def inputs(self) -> list[int]:
        leaves = pytree.tree_leaves((self.args, dict(self.kwargs)), is_leaf=lambda x: isinstance(x, Ref))
        return list(dict.fromkeys(leaf.node for leaf in leaves if isinstance(leaf, Ref)))


@dataclass(frozen=True)
class Recording:
    """Nodes in the order of their calls; node 0 is the picture, `output` what the network answers."""

    nodes: list[Node]
    output: int


def record(
    network: nn.Module, shape: tuple[int, ...], device: torch.device, *args: Any, **kwargs: Any
) -> Recording:
    """Call the network with a picture of that shape which has no content, and write down what it computes.

    Weights, and everything that doesn't depend on the picture (spectral norms, scales made of a label), are
    computed, on `device`.

    Args:
        shape: (B, C, H, W).
        args, kwargs: what the network is called with besides.

    Raises:
        Unstreamable: what is computed depends on values of the picture.
    """
    # A copy, because a network may be in use elsewhere while its layers have hooks; it shares all numbers.
    numbers = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    network = copy.deepcopy(network, numbers)
    recorder = _Recorder(network, device)
    picture = torch.empty(shape, device="meta")
    recorder.add(picture, Node("", "picture", lambda: None, (), {}, picture.shape, picture.nbytes))
    with torch.no_grad(), recorder:
        answer = network(picture, *args, **kwargs)
    return Recording(recorder.nodes, recorder.number(answer))


class _Recorder(TorchFunctionMode):
    def __init__(self, network: nn.Module, device: torch.device):
        super().__init__()
        self.nodes: list[Node] = []
        self._device = device
        self._numbers: dict[int, int] = {}
        self._alive: list[Tensor] = []  # so that no two tensors share an id
        self._layers: list[str] = []
        for name, layer in network.named_modules():
            layer.register_forward_pre_hook(lambda *_, name=name: self._layers.append(name))
            layer.register_forward_hook(self._leave)

    def _leave(self, *_: Any) -> None:
        self._layers.pop()

    def add(self, tensor: Tensor, node: Node) -> None:
        self._alive.append(tensor)
        self._numbers[id(tensor)] = len(self.nodes)
        self.nodes.append(node)

    def number(self, tensor: Tensor) -> int:
        return self._numbers[id(tensor)]

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        leaves, spec = pytree.tree_flatten((args, kwargs))
        if not any(self._depends(leaf) for leaf in leaves):
            args, kwargs = pytree.tree_unflatten([self._placed(leaf) for leaf in leaves], spec)
            return func(*args, **kwargs)
        name = func.__name__.strip("_")
        if (constant := _of_shape_alone(name, args, self._depends(args[0]), self._device)) is not None:
            return constant
        told = [leaf.to("meta") if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        told = [mine if self._depends(mine) else other for mine, other in zip(leaves, told, strict=True)]
        refs = [Ref(self.number(leaf)) if self._depends(leaf) else leaf for leaf in leaves]
        layer = self._layers[-1] if self._layers else ""
        try:
            args, kwargs = pytree.tree_unflatten(told, spec)
            answer = func(*args, **kwargs)
        except (RuntimeError, NotImplementedError) as error:
            if "meta" in str(error):
                raise Unstreamable(layer, f"{name}, by values of the picture") from error
            raise
        args, kwargs = pytree.tree_unflatten(refs, spec)
        if isinstance(answer, Tensor):
            self.add(answer, Node(layer, name, func, args, kwargs, answer.shape, answer.nbytes))
        elif isinstance(answer, tuple | list) and answer and isinstance(answer[0], Tensor):
            for item, part in enumerate(answer):
                self.add(part, Node(layer, name, func, args, kwargs, part.shape, part.nbytes, item))
        return answer

    def _depends(self, value: Any) -> bool:
        return isinstance(value, Tensor) and id(value) in self._numbers

    def _placed(self, value: Any) -> Any:
        """Numbers that a network makes "on the picture's device" are real ones."""
        return self._device if isinstance(value, torch.device) and value.type == "meta" else value


def _of_shape_alone(name: str, args: tuple, first_depends: bool, device: torch.device) -> Tensor | None:
    """The answer of functions that only ask how large a map is."""
    if name in ("zeros_like", "ones_like"):
        value = torch.full((), float(name == "ones_like"), device=device, dtype=args[0].dtype)
        return value.expand(args[0].shape)
    if name == "expand_as" and not first_depends:
        return args[0].expand(args[1].shape)
    return None
