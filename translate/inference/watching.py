"""How far a network is with a picture, and a way to stop it there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn


@contextmanager
def watched(network: nn.Module, progress: Callable[[int, int], None]) -> Iterator[None]:
    """Tell `progress` (done, total) before every layer of `network`; what it raises ends the call.

    Layers are the modules without children; those that a call passes twice count once.
    """
    layers = [module for module in network.modules() if not any(module.children())]
    seen: set[nn.Module] = set()

    def tell(layer: nn.Module, _: Any) -> None:
        progress(len(seen), len(layers))
        seen.add(layer)

    with ExitStack() as hooks:
        for layer in layers:
            hooks.callback(layer.register_forward_pre_hook(tell).remove)
        yield
        progress(len(layers), len(layers))
