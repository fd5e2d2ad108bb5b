"""Large pictures tile by tile: nearly what the whole picture would give, by any network.

Norms use the statistics of a thumbnail in every tile, and neighbouring tiles overlap and are faded into each
other, so there are no seams; what looks at the whole picture, as attention does, sees its tile alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

Network = Callable[[Tensor], Tensor]


def by_tiles(
    network: Network,
    x: Tensor,
    side: int,
    multiple: int,
    scale: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """The network on (1, C, H, W), which are multiples of `multiple`, in tiles of at most side × side.

    Args:
        side: a multiple of `multiple`; tiles overlap by a quarter of it.
        scale: of the output.
        progress: told how many tiles of how many are done.
    """
    height, width = x.shape[2:]
    norms = _Frozen()
    with norms.learning():
        network(_thumbnail(x, side, multiple))
    tall, wide = min(side, height), min(side, width)
    tops, lefts = list(_starts(height, tall, multiple)), list(_starts(width, wide, multiple))
    total: Tensor | None = None
    weights = x.new_zeros(1, 1, scale * height, scale * width)
    for done, (top, left) in enumerate(((top, left) for top in tops for left in lefts), start=1):
        with norms.using():
            made = network(x[:, :, top : top + tall, left : left + wide].contiguous())
        if total is None:
            total = made.new_zeros(1, made.shape[1], scale * height, scale * width)
        fade = _fade(scale * tall, x)[:, None] * _fade(scale * wide, x)
        place = (..., slice(scale * top, scale * (top + tall)), slice(scale * left, scale * (left + wide)))
        total[place] += made * fade
        weights[place] += fade
        if progress is not None:
            progress(done, len(tops) * len(lefts))
    assert total is not None
    return total.div_(weights)


def _thumbnail(x: Tensor, side: int, multiple: int) -> Tensor:
    shrink = min(1.0, side / max(x.shape[2:]))
    size = [max(multiple, round(shrink * n / multiple) * multiple) for n in x.shape[2:]]
    return F.interpolate(x, size=size, mode="bilinear", antialias=True)


def _starts(length: int, tile: int, multiple: int) -> Iterator[int]:
    """Where tiles begin, evenly spread, with an overlap of a quarter at least."""
    rest, step = length - tile, max(multiple, tile * 3 // 4 // multiple * multiple)
    count = -(-rest // step)
    yield 0
    for number in range(1, count + 1):
        yield min(rest, -(-rest * number // count) // multiple * multiple) if number < count else rest


def _fade(length: int, like: Tensor) -> Tensor:
    """1 in the middle, falling to nearly 0 over the outer quarters."""
    edge = torch.arange(1, length + 1, device=like.device, dtype=like.dtype)
    return (torch.minimum(edge, edge.flip(0)) / max(1, length // 4)).clamp(max=1)


class _Frozen(TorchFunctionMode):
    """Norms by statistics of the map use, call by call, those that the first call of the network had."""

    def __init__(self) -> None:
        super().__init__()
        self._statistics: list[tuple[Tensor, Tensor]] = []
        self._learns = True
        self._call = 0

    def learning(self) -> _Frozen:
        self._statistics, self._learns = [], True
        return self

    def using(self) -> _Frozen:
        self._learns, self._call = False, 0
        return self

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func not in (F.instance_norm, F.group_norm) or kwargs.get("use_input_stats") is False:
            return func(*args, **kwargs)
        x, groups = args[0], args[1] if func is F.group_norm else args[0].shape[1]
        if self._learns:
            variance, mean = torch.var_mean(x.reshape(1, groups, -1), 2, correction=0)
            self._statistics.append(tuple(_for_channels(s, x.shape[1]) for s in (mean, variance)))  # type: ignore
            return func(*args, **kwargs)
        mean, variance = self._statistics[self._call]
        self._call += 1
        place = 2 if func is F.group_norm else 3
        scale, shift = (
            args[place + i] if len(args) > place + i else kwargs.get(name)
            for i, name in enumerate(("weight", "bias"))
        )
        return F.batch_norm(x, mean, variance, scale, shift, eps=kwargs.get("eps", 1e-5))


def _for_channels(statistic: Tensor, channels: int) -> Tensor:
    """(1, groups) -> (channels,)."""
    return statistic[0].repeat_interleave(channels // statistic.shape[1])
