"""Layers by which a discriminator sees the variety of a batch, which a collapsed generator lacks."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MinibatchStdDev(nn.Module):
    """Append one channel: how much the pictures of a group differ, one number for the group.

    Karras et al. 2018, "Progressive growing of GANs", §3: the standard deviation over the group of every
    feature at every place, averaged over features and places. Where the batch isn't a multiple of `group`,
    the groups have the largest size below that divides it; pictures i, i + B/size, … form one. A batch of
    one has no deviation.

    Maps float32 (B, C, H, W) to (B, C + 1, H, W).
    """

    added = 1

    def __init__(self, group: int = 4):
        super().__init__()
        self.group = group

    def forward(self, hidden: Tensor) -> Tensor:
        batch, _, height, width = hidden.shape
        size = next(size for size in range(min(self.group, batch), 0, -1) if batch % size == 0)
        # In bfloat16 the differences of near pictures are lost.
        groups = _single(hidden).unflatten(0, (size, batch // size))  # (size, groups, C, H, W)
        # The root's slope at 0 is infinite, and equal pictures do happen.
        deviation = (groups.var(0, correction=0) + 1e-8).sqrt().mean((1, 2, 3))  # (groups,)
        planes = deviation.to(hidden.dtype).repeat(size).view(-1, 1, 1, 1).expand(-1, 1, height, width)
        return torch.cat([hidden, planes], 1)


class MinibatchDiscrimination(nn.Module):
    """Append channels: how near a picture is to the others of its batch, by learnt measures.

    Salimans et al. 2016, "Improved techniques for training GANs", §3.2: M_i = f(x_i)·T, and
    o(x_i)_b = Σ_j exp(−‖M_ib − M_jb‖₁), the sum over the whole batch, itself (1) included. f is the mean of
    the feature map; o is repeated at every place.

    Maps float32 (B, channels, H, W) to (B, channels + measures, H, W).

    Args:
        measures: rows of M_i, the paper's B.
        size: numbers in each row, the paper's C.
    """

    def __init__(self, channels: int, *, measures: int = 100, size: int = 5):
        super().__init__()
        self.added = measures
        self.projection = nn.Parameter(torch.randn(channels, measures, size) / channels**0.5)

    def forward(self, hidden: Tensor) -> Tensor:
        # A matrix product may be taken in bfloat16, where distances, differences of near numbers, are lost.
        means, projection = _single(hidden).mean((2, 3)), _single(self.projection)
        rows = (means[:, :, None, None] * projection).sum(1)  # (B, measures, size)
        distances = (rows[:, None] - rows[None]).abs().sum(3)  # (B, B, measures)
        nearness = torch.exp(-distances).sum(1)  # (B, measures)
        planes = nearness.to(hidden.dtype)[:, :, None, None].expand(-1, -1, *hidden.shape[2:])
        return torch.cat([hidden, planes], 1)


class Alone(nn.Module):
    """A picture is judged by itself; appends nothing."""

    added = 0

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden


MINIBATCH = ("none", "stddev", "discrimination")


def minibatch_layer(name: str, channels: int) -> Alone | MinibatchStdDev | MinibatchDiscrimination:
    """Build one by name; its `added` says how many channels it appends.

    Raises:
        ValueError: the name is unknown; the message lists the valid ones.
    """
    if name == "none":
        return Alone()
    if name == "stddev":
        return MinibatchStdDev()
    if name == "discrimination":
        return MinibatchDiscrimination(channels)
    raise ValueError(f"unknown minibatch layer {name!r}; choose one of {', '.join(MINIBATCH)}")


def _single(x: Tensor) -> Tensor:
    """In float32, or float64 where it is that already."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
