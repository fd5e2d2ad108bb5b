"""Batch norm by the picture equals batch norm in training mode on that picture alone."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from translate.networks.catalogue import GENERATORS, accepted_arguments, build_generator
from translate.weights.statistics import use_picture_statistics


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 7), st.integers(2, 7), st.booleans())
@settings(max_examples=40, deadline=None)
def test_equals_training_mode_on_each_picture_alone(batch, channels, height, width, affine):
    torch.manual_seed(batch)
    norm = nn.BatchNorm2d(channels, eps=1e-3, affine=affine)
    norm.running_mean.uniform_(-5, 5)
    if affine:
        nn.init.uniform_(norm.weight, -2, 2)
        nn.init.uniform_(norm.bias, -2, 2)
    x = torch.randn(batch, channels, height, width) * 3 + 1
    expected = torch.cat([norm.train()(one[None]) for one in x])
    mine = use_picture_statistics(copy.deepcopy(norm)).eval()
    torch.testing.assert_close(mine(x), expected, rtol=1e-4, atol=1e-4)


def test_a_map_of_one_pixel_becomes_the_shift():
    norm = nn.BatchNorm2d(3)
    nn.init.uniform_(norm.bias)
    out = use_picture_statistics(norm).eval()(torch.randn(2, 3, 1, 1))
    assert torch.equal(out[1, :, 0, 0], norm.bias)
    plain = use_picture_statistics(nn.BatchNorm2d(3, affine=False)).eval()
    assert plain(torch.randn(2, 3, 1, 1)).abs().max() == 0


# What would make two passes differ for another reason, and sizes at which norms still see several pixels.
OTHERS = {"unet": {"dropout": 0.0}, "spade": {"depth": 2, "spectral": False}, "pix2pixhd": {"halvings": 1}}
NORMED = [name for name in GENERATORS if "norm" in accepted_arguments(GENERATORS[name])]


@pytest.mark.parametrize("name", NORMED)
def test_every_generator_with_batch_norm(name):
    torch.manual_seed(0)
    arguments = {"depth": 3, "width": 4, "norm": "batch"} | OTHERS.get(name, {})
    network = build_generator(name, **arguments)
    x = torch.rand(2, 3, 16, 24) * 2 - 1
    with torch.no_grad():
        expected = torch.cat([network.train()(one[None]) for one in x])
        mine = use_picture_statistics(copy.deepcopy(network)).eval()
        assert not any(isinstance(part, nn.BatchNorm2d) for part in mine.modules())
        torch.testing.assert_close(mine(x), expected, rtol=1e-4, atol=1e-4)
        assert not torch.allclose(network.eval()(x), expected, atol=1e-2)
