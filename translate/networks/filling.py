"""Generators that fill holes: a picture and a mask in, the picture with its holes filled out."""

from __future__ import annotations

import torch
from torch import Tensor

from translate.networks.layers import Generator


class Filling(Generator):
    """Fills the holes of a picture, and leaves everything else bit for bit as it is.

    Maps float32 (B, C + 1, H, W) in [-1, 1], of which the last plane is the mask: −1 where the picture stays,
    anything above where it is to be filled, to (B, C, H, W). What the picture has in its holes is never seen:
    the network gets 0 there. As in Pathak et al. 2016, "Context encoders" (eq. 1), F((1 − M) ⊙ x) counts in
    the hole M alone; the mask as one more channel is that of Yu et al. 2019.

    Args:
        network: (B, C + 1, H, W), the mask of −1 and 1, to (B, C, H, W).
    """

    def __init__(self, network: Generator):
        super().__init__()
        self.network = network
        self.size_multiple, self.minimum_size = network.size_multiple, network.minimum_size

    def forward(self, given: Tensor) -> Tensor:
        image, hole = given[:, :-1], given[:, -1:] > -1
        mask = torch.where(hole, torch.ones_like(given[:, -1:]), -1.0)
        filled = self.network(torch.cat([torch.where(hole, torch.zeros_like(image), image), mask], 1))
        return torch.where(hole, filled.to(image.dtype), image)
