"""Batch norm for one picture at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from translate.networks.convolutions import InstanceNorm2d


class PictureNorm2d(InstanceNorm2d):
    """Batch norm over a batch of one, for every picture of a batch by itself.

    That is instance norm with batch norm's scale and shift. float32 (B, C, H, W) to the same; a map of
    one pixel, whose variance is nothing, becomes the shift.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-2] * x.shape[-1] == 1:
            return torch.zeros_like(x) if self.bias is None else self.bias[:, None, None].expand_as(x)
        return super().forward(x)


def use_picture_statistics(network: nn.Module) -> nn.Module:
    """Replace every `BatchNorm2d` in place by a `PictureNorm2d` with its weights; returns the network.

    A network trained with batches of one has only ever seen the statistics of the very picture (Ulyanov
    et al. 2017 call it instance normalisation); the running averages would give it other activations.
    """
    if isinstance(network, nn.BatchNorm2d):
        return _from_batch_norm(network)
    for name, child in network.named_children():
        setattr(network, name, use_picture_statistics(child))
    return network


def _from_batch_norm(norm: nn.BatchNorm2d) -> PictureNorm2d:
    with torch.device("meta"):
        replacement = PictureNorm2d(norm.num_features, eps=norm.eps, affine=norm.affine)
    replacement.weight, replacement.bias = norm.weight, norm.bias
    return replacement.train(norm.training)
