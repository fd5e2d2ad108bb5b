"""Layers that see the batch, against loops."""

from __future__ import annotations

import math

import pytest
import torch

from translate.networks.minibatch import MinibatchDiscrimination, MinibatchStdDev, minibatch_layer


def maps(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_discrimination_is_the_paper_s_sum(batch):
    torch.manual_seed(1)
    layer = MinibatchDiscrimination(3, measures=4, size=2)
    hidden = maps(batch, 3, 5, 6)
    answer = layer(hidden)
    assert answer.shape == (batch, 3 + layer.added, 5, 6)
    assert torch.equal(answer[:, :3], hidden)
    means = hidden.mean((2, 3)).tolist()
    weights = layer.projection.tolist()

    def row(picture: int, measure: int) -> list[float]:
        return [sum(means[picture][a] * weights[a][measure][c] for a in range(3)) for c in range(2)]

    for i in range(batch):
        for b in range(4):
            nearness = sum(
                math.exp(-sum(abs(p - q) for p, q in zip(row(i, b), row(j, b), strict=True)))
                for j in range(batch)
            )
            torch.testing.assert_close(answer[i, 3 + b], torch.full((5, 6), nearness))


def test_a_collapsed_batch_scores_as_many_as_it_has():
    layer = MinibatchDiscrimination(3, measures=4, size=2)
    answer = layer(maps(1, 3, 2, 2).expand(6, -1, -1, -1))
    torch.testing.assert_close(answer[:, 3:], torch.full((6, 4, 2, 2), 6.0))


@pytest.mark.parametrize(("batch", "size"), [(1, 1), (2, 2), (3, 3), (4, 4), (6, 3), (8, 4), (7, 1)])
def test_stddev_is_the_mean_deviation_within_a_group(batch, size):
    hidden = maps(batch, 3, 4, 5)
    answer = MinibatchStdDev(group=4)(hidden)
    assert answer.shape == (batch, 4, 4, 5)
    assert torch.equal(answer[:, :3], hidden)
    for picture in range(batch):
        members = [other for other in range(batch) if other % (batch // size) == picture % (batch // size)]
        assert len(members) == size
        deviation = hidden[members].std(0, correction=0).mean()
        torch.testing.assert_close(answer[picture, 3], deviation.expand(4, 5), atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["stddev", "discrimination"])
def test_equal_pictures_have_finite_gradients(name):
    layer = minibatch_layer(name, 3)
    hidden = maps(1, 3, 2, 2).repeat(4, 1, 1, 1).requires_grad_()
    layer(hidden).square().sum().backward()
    assert hidden.grad.isfinite().all()


def test_an_unknown_name_lists_the_valid_ones():
    with pytest.raises(ValueError, match="unknown minibatch layer 'std'; choose one of none, stddev, discr"):
        minibatch_layer("std", 3)
