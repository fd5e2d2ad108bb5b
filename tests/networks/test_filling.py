"""Holes are filled, and nothing else is touched or seen."""

from __future__ import annotations

import torch
from torch import Tensor

from translate.networks.filling import Filling
from translate.networks.layers import Generator


class Watched(Generator):
    """Remembers what it saw and answers with one colour."""

    size_multiple, minimum_size = 4, 8

    def forward(self, given: Tensor) -> Tensor:
        self.seen = given
        return torch.full_like(given[:, :-1], 0.25)


def test_only_holes_change_and_what_is_in_them_is_never_seen():
    network = Watched()
    filling = Filling(network)
    assert (filling.size_multiple, filling.minimum_size, filling.scale) == (4, 8, 1)
    image = torch.rand(2, 3, 4, 6) * 2 - 1
    mask = torch.full((2, 1, 4, 6), -1.0)
    mask[0, :, 1:3, 2:5] = 1
    mask[1, :, 0, 0] = -0.75  # a hole that became smaller with its picture: a part of it is enough
    out = filling(torch.cat([image, mask], 1))
    hole = (mask > -1).expand_as(image)
    assert hole.sum() == 3 * (6 + 1)
    assert torch.equal(out[~hole], image[~hole])
    assert (out[hole] == 0.25).all()
    assert torch.equal(network.seen[:, :3], image * ~hole)
    assert torch.equal(network.seen[:, 3:], hole[:, :1].float() * 2 - 1)
    image[hole] = torch.nan  # not even that matters
    assert torch.equal(filling(torch.cat([image, mask], 1)), out)
