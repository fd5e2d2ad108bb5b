"""Normalisations with scale and shift from a condition, against statistics and closed forms."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from translate.networks.conditional_norms import (
    SPADE,
    Condition,
    ConditionalBatchNorm2d,
    ConditionalInstanceNorm2d,
    ConditionalNorm2d,
    adaptive_instance_norm,
)
from translate.networks.layers import NORMS


def activations(*shape: int) -> Tensor:
    torch.manual_seed(0)
    return 3 * torch.randn(*shape) + 2


def statistics(x: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    return x.mean(dims), x.std(dims, unbiased=False)


def test_adain_gives_the_statistics_that_are_asked_for():
    mean, std = torch.randn(2, 5), torch.rand(2, 5) + 0.5
    found = statistics(adaptive_instance_norm(activations(2, 5, 9, 8), mean, std), (2, 3))
    torch.testing.assert_close(found, (mean, std), rtol=1e-4, atol=1e-5)


def test_conditional_instance_norm_gives_a_picture_the_statistics_of_its_condition():
    norm = ConditionalInstanceNorm2d(5, 3)
    torch.nn.init.normal_(norm.modulation.weight)
    condition = torch.randn(2, 3)
    scale, shift = (norm.modulation.weight @ condition.T).T.chunk(2, 1)
    mean, std = statistics(norm(activations(2, 5, 9, 8), condition), (2, 3))
    torch.testing.assert_close((mean, std), (shift, (1 + scale).abs()), rtol=1e-4, atol=1e-5)


def test_conditional_batch_norm_is_batch_norm_with_weights_by_label():
    norm = ConditionalBatchNorm2d(5, 4)
    torch.nn.init.normal_(norm.modulation.weight)
    x, labels = activations(3, 5, 4, 4), torch.tensor([2, 0, 2])
    scale, shift = norm.modulation.weight.T[labels].chunk(2, 1)
    plain = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), False, keepdim=True) + 1e-5).sqrt()
    expected = plain * (1 + scale[..., None, None]) + shift[..., None, None]
    torch.testing.assert_close(norm(x, F.one_hot(labels, 4).float()), expected)


@pytest.mark.parametrize("name", [name for name in NORMS if name != "virtual"])
def test_any_norm_can_be_conditional_and_starts_near_the_plain_one(name):
    norm = ConditionalNorm2d(name, 8, 3)
    x = activations(2, 8, 5, 5)
    plain, conditional = norm.norm(x), norm(x, torch.tensor([[1.0, 0, 0], [0, 1, 0]]))
    assert 0 < (conditional - plain).abs().max() < 0.2 * plain.abs().max()
    assert [key for key, _ in norm.named_parameters()] == ["modulation.weight", "modulation.bias"]


def test_spade_with_a_constant_map_is_an_affine_norm():
    spade = SPADE(4, 3, norm="instance", hidden=8)
    for part in (spade.shared[0], spade.scale, spade.shift):
        part.padding_mode = "circular"  # with zeros around it, a constant map isn't constant
        part._reversed_padding_repeated_twice = [1, 1, 1, 1]
    x, values = activations(2, 4, 6, 6), torch.randn(2, 3)

    def constant(convolution: torch.nn.Conv2d, vector: Tensor) -> Tensor:
        return vector @ convolution.weight.sum((2, 3)).T + convolution.bias

    hidden = constant(spade.shared[0], values).relu()
    scale, shift = constant(spade.scale, hidden), constant(spade.shift, hidden)
    expected = torch.stack(
        [
            F.instance_norm(one[None], weight=1 + g, bias=b)[0]
            for one, g, b in zip(x, scale, shift, strict=True)
        ]
    )
    found = spade(x, values[:, :, None, None].expand(-1, -1, 12, 12))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_spade_s_scale_and_shift_follow_the_map():
    spade = SPADE(4, 2, norm="instance")
    x = activations(1, 4, 16, 16)
    left = torch.zeros(1, 2, 16, 16)
    left[:, 0, :, :8], left[:, 1, :, 8:] = 1, 1
    other = left.clone()
    other[:, :, :, 12:] = other[:, :, :, 12:].flip(1)
    changed = (spade(x, left) != spade(x, other)).any(1)[0].any(0)
    # Two 3×3 convolutions reach two pixels.
    assert changed.tolist() == [False] * 10 + [True] * 6


def test_spade_takes_the_nearest_pixels_of_a_larger_map():
    spade = SPADE(4, 2, norm="instance")
    x, small = activations(1, 4, 4, 4), torch.randn(1, 2, 4, 4)
    torch.testing.assert_close(spade(x, small), spade(x, F.interpolate(small, scale_factor=4)))


def test_a_condition_is_one_hot_labels_or_an_embedding_with_the_latent_code_behind():
    image, latent = torch.zeros(2, 3, 4, 4), torch.tensor([[0.5, -1.0], [2.0, 3.0]])
    labels = Condition(classes=3, latent=2)(image, torch.tensor([2, 0]), latent)
    assert labels is not None
    assert labels.tolist() == [[0, 0, 1, 0.5, -1], [1, 0, 0, 2, 3]]
    embedding = torch.randn(2, 5)
    assert torch.equal(Condition(embedding=5)(image, embedding, None), embedding)
    assert Condition()(image, None, None) is None


@pytest.mark.parametrize(
    ("arguments", "condition", "latent", "message"),
    [
        ({"classes": 3}, None, None, "this network needs a condition"),
        ({}, torch.zeros(2), None, "this network was built without a condition"),
        ({"latent": 4}, None, None, "this network needs a latent code"),
        ({}, None, torch.zeros(2, 4), "this network was built without a latent code"),
        (
            {"classes": 3},
            torch.zeros(3, dtype=torch.int64),
            None,
            r"of shape \(2,\) was expected, not \(3,\)",
        ),
        ({"embedding": 3}, torch.zeros(2, 4), None, r"of shape \(2, 3\) was expected, not \(2, 4\)"),
        ({"latent": 3}, None, torch.zeros(2, 4), r"of shape \(2, 3\) was expected, not \(2, 4\)"),
    ],
)
def test_a_condition_that_was_not_promised_is_refused(arguments, condition, latent, message):
    with pytest.raises(ValueError, match=message):
        Condition(**arguments)(torch.zeros(2, 3, 4, 4), condition, latent)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"classes": 2, "embedding": 3}, "not on both"), ({"latent": -1}, "none of them below 0")],
)
def test_counts_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Condition(**arguments)
