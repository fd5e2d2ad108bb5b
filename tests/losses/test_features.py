"""Distances between features against torch's own losses, distributions and loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

from translate.losses.features import (
    charbonnier,
    feature_matching,
    kl,
    latent_regression,
    layerwise_l1,
    patch_nce,
)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_feature_matching_is_the_squared_distance_of_the_means():
    real, fake = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[0.0, 1.0]], requires_grad=True)
    loss = feature_matching(real.requires_grad_(), fake)
    assert float(loss.detach()) == pytest.approx(2**2 + 2**2)
    loss.backward()
    assert real.grad is None
    torch.testing.assert_close(fake.grad, torch.tensor([[-4.0, -4.0]]))


def test_layerwise_l1_with_four_layers_is_the_sum_over_layers_and_the_mean_over_scales():
    real = [[draw(2, 3, 8 >> i, 8 >> i, seed=10 * s + i) for i in range(4)] for s in range(3)]
    fake = [[draw(2, 3, 8 >> i, 8 >> i, seed=99 + 10 * s + i) for i in range(4)] for s in range(3)]
    expected = 0.0
    for s in range(3):
        for i in range(4):
            # pix2pixHD's code: 1 / num_D · 4 / (n_layers_D + 1), n_layers_D = 3
            expected += 1 / 3 * 4 / (3 + 1) * float((real[s][i] - fake[s][i]).abs().mean())
    assert float(layerwise_l1(real, fake)) == pytest.approx(expected, rel=1e-5)


def test_layerwise_l1_weighs_scales_alike_and_leaves_real_features_alone():
    real, fake = torch.ones(1, 2, requires_grad=True), torch.zeros(1, 2, requires_grad=True)
    loss = layerwise_l1([[real], [real, real]], [[fake], [fake, 3 * real.detach()]])
    assert float(loss.detach()) == pytest.approx(4 * (1 + (1 + 2) / 2) / 2)
    loss.backward()
    assert real.grad is None
    assert fake.grad is not None


@pytest.mark.parametrize(
    ("real", "fake", "complaint"),
    [([], [], "at least one"), ([[]], [[]], "at least one"), ([[0, 0]], [[0]], "same scales")],
)
def test_layerwise_l1_refuses_features_that_don_t_pair(real, fake, complaint):
    with pytest.raises(ValueError, match=complaint):
        layerwise_l1(
            [[torch.zeros(1) for _ in layers] for layers in real],
            [[torch.zeros(1) for _ in layers] for layers in fake],
        )


def test_kl_is_that_of_torch_s_distributions():
    mean, log_variance = draw(6, 8), draw(6, 8, seed=1)
    expected = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(kl(mean, log_variance), expected)
    assert float(kl(torch.zeros(2, 3), torch.zeros(2, 3))) == 0


def test_latent_regression_by_hand():
    latent, recovered = torch.tensor([[1.0, -1.0]]), torch.tensor([[0.5, 1.0]])
    assert float(latent_regression(latent, recovered)) == pytest.approx((0.5 + 2) / 2)


def test_patch_nce_is_cross_entropy_over_each_picture_s_patches():
    query, key = draw(2, 5, 7), draw(2, 5, 7, seed=1)
    losses = []
    for q, k in zip(query, key, strict=True):
        matrix = torch.empty(5, 5)
        for i in range(5):
            for j in range(5):
                matrix[i, j] = torch.dot(q[i], k[j]) / (q[i].norm() * k[j].norm()) / 0.07
        losses.append(F.cross_entropy(matrix, torch.arange(5)))
    torch.testing.assert_close(patch_nce(query, key), torch.stack(losses).mean(), rtol=1e-4, atol=1e-5)


def test_patch_nce_knows_its_place_and_no_other_picture():
    patches = torch.eye(4).expand(2, 4, 4)
    perfect = -math.log(math.exp(1 / 0.5) / (math.exp(1 / 0.5) + 3))
    assert float(patch_nce(patches, patches, 0.5)) == pytest.approx(perfect)
    alike = torch.ones(2, 4, 3)
    assert float(patch_nce(alike, alike)) == pytest.approx(math.log(4))


def test_patch_nce_pulls_the_output_alone():
    query, key = draw(1, 4, 3).requires_grad_(), draw(1, 4, 3, seed=1).requires_grad_()
    patch_nce(query, key).backward()
    assert key.grad is None
    assert query.grad is not None
    assert query.grad.isfinite().all()


@pytest.mark.parametrize("shapes", [((1, 1, 3), (1, 1, 3)), ((4, 3), (4, 3)), ((1, 4, 3), (1, 5, 3))])
def test_patch_nce_needs_negatives(shapes):
    with pytest.raises(ValueError, match="at least two patches"):
        patch_nce(*(torch.zeros(shape) for shape in shapes))


def test_charbonnier_is_l1_far_away_and_smooth_at_zero():
    far = torch.tensor([3.0, -5.0])
    assert float(charbonnier(far, torch.zeros(2))) == pytest.approx(4, rel=1e-6)
    same = torch.zeros(2, requires_grad=True)
    loss = charbonnier(same, torch.zeros(2), epsilon=0.5)
    assert float(loss.detach()) == pytest.approx(0.5)
    loss.backward()
    torch.testing.assert_close(same.grad, torch.zeros(2))
