"""Self-attention over the places of a feature map."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MOST_AT_ONCE = 2**25  # numbers of the attention matrix, 128 MiB, where no gradient asks for all of it


class SelfAttention(nn.Module):
    """x + γ·v(h(x) softmax(f(x)ᵀ g(x))): every place looks at all the others. γ starts at 0.

    Zhang et al. 2019, "Self-attention generative adversarial networks", eq. 1 to 3, in the form of the
    authors' code: f and g have C/8 channels, h has C/2 (at least 1 each), and g and h are halved in size by
    2×2 max-pooling, so that N places attend to N/4. No biases. The maps of odd sizes are pooled rounding up.

    The attention matrix is written out: the fused kernels have no second derivative, which gradient penalties
    need. Its size is N²/4 numbers a picture, so training on 32×32 maps is comfortable and on 128×128 not.
    Where no gradient is asked for, places attend in groups, at most `MOST_AT_ONCE` numbers of the matrix at a
    time: in use memory doesn't grow with N², only time does.

    Maps float32 (B, channels, H, W) to the same shape; any size from 1×1 on.
    """

    def __init__(self, channels: int):
        super().__init__()
        keys, values = max(1, channels // 8), max(1, channels // 2)
        self.f = nn.Conv2d(channels, keys, 1, bias=False)
        self.g = nn.Conv2d(channels, keys, 1, bias=False)
        self.h = nn.Conv2d(channels, values, 1, bias=False)
        self.v = nn.Conv2d(values, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        asking = self.f(x).flatten(2)  # (B, C/8, N)
        asked = F.max_pool2d(self.g(x), 2, ceil_mode=True).flatten(2)  # (B, C/8, N/4)
        values = F.max_pool2d(self.h(x), 2, ceil_mode=True).flatten(2)  # (B, C/2, N/4)
        if torch.is_grad_enabled() or torch.compiler.is_compiling():
            gathered = _attend(asking, asked, values)
        else:
            group = max(1, MOST_AT_ONCE // (asked.shape[0] * asked.shape[2]))
            gathered = torch.cat([_attend(some, asked, values) for some in asking.split(group, 2)], 2)
        return x + self.gamma * self.v(gathered.unflatten(2, x.shape[2:]))


def _attend(asking: Tensor, asked: Tensor, values: Tensor) -> Tensor:
    """What n places gather, (B, C/2, n), from their questions (B, C/8, n) to all of the N/4 others."""
    weights = torch.softmax(asking.transpose(1, 2) @ asked, dim=-1)  # (B, n, N/4)
    return values @ weights.transpose(1, 2)


def attended_place(attention: bool | int, places: Mapping[int, int], usual: int | None = None) -> int | None:
    """Where in a network self-attention goes; None for nowhere.

    Args:
        attention: False for none, True for the usual place, n for the map of 1/n of the picture's height and
            width.
        places: the places of the network's own counting, by their n.
        usual: the n of True; by default 4, or the largest where all are smaller.

    Raises:
        ValueError: there is no such map; the message says which there are.
    """
    if attention is False:
        return None
    if not places:
        raise ValueError("it has no feature map smaller than the picture, as self-attention needs")
    # True == 1, and the full size is not what it asks for.
    wanted = (usual or min(4, max(places))) if attention is True else attention
    if wanted not in places:
        sizes = ", ".join(f"1/{factor}" for factor in sorted(places))
        raise ValueError(
            f"it has no feature map of 1/{wanted} of the picture's size for self-attention, only of {sizes}"
        )
    return places[wanted]
