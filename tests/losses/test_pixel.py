"""Distances between pixels, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from translate.losses.pixel import EPSILON, charbonnier, l1


def test_by_hand():
    output, truth = torch.tensor([[[[0.5, -1.0]]]]), torch.tensor([[[[0.25, 1.0]]]])
    assert l1(output, truth).item() == pytest.approx((0.25 + 2) / 2)
    by_hand = sum(math.sqrt(d * d + EPSILON**2) for d in (0.25, 2)) / 2
    assert charbonnier(output, truth).item() == pytest.approx(by_hand)


def test_charbonnier_is_smooth_where_l1_has_a_corner():
    truth = torch.zeros(1, 1, 1, 3)
    output = torch.tensor([[[[-1e-5, 0.0, 1e-5]]]], requires_grad=True)
    loss = charbonnier(output, truth)
    loss.backward()
    assert loss.item() == pytest.approx(EPSILON, rel=1e-3)
    expected = output.detach() / (output.detach() ** 2 + EPSILON**2).sqrt() / 3
    assert torch.allclose(output.grad, expected)
