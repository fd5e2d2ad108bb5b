"""Filtered halving and doubling, against convolutions with the binomial filters written out."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from translate.networks.blur import BlurDown, BlurUp


def kernel(*row: float) -> torch.Tensor:
    outer = torch.outer(torch.tensor(row), torch.tensor(row))
    return (outer / outer.sum()).expand(3, 1, len(row), len(row))


@pytest.mark.parametrize("size", [(2, 2), (8, 6), (9, 7), (2, 5)])
def test_halving_is_a_strided_convolution_with_121(size):
    x = torch.randn(2, 3, *size)
    expected = F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), kernel(1.0, 2.0, 1.0), stride=2, groups=3)
    torch.testing.assert_close(BlurDown()(x), expected)
    assert expected.shape[2:] == tuple((side + 1) // 2 for side in size)


@pytest.mark.parametrize("size", [(1, 1), (4, 6), (5, 3)])
def test_doubling_is_a_transposed_convolution_with_1331(size):
    x = torch.randn(2, 3, *size)
    padded = F.pad(x, (1, 1, 1, 1), "replicate")
    filtered = F.conv_transpose2d(padded, 4 * kernel(1.0, 3.0, 3.0, 1.0), stride=2, groups=3)
    torch.testing.assert_close(BlurUp()(x), filtered[:, :, 3:-3, 3:-3])


def test_halving_a_checkerboard_leaves_grey_where_plain_striding_leaves_one_of_its_colours():
    rows = torch.arange(8)
    board = ((rows[:, None] + rows) % 2 * 2.0 - 1).expand(1, 1, 8, 8)
    assert BlurDown()(board).abs().max() < 1e-6
    assert board[..., ::2, ::2].abs().min() == 1
