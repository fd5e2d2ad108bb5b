"""BicycleGAN's encoder and the reparameterised sample."""

from __future__ import annotations

import pytest
import torch

from translate.networks.encoder import LatentEncoder, reparameterise


@pytest.mark.parametrize("size", [(32, 32), (40, 33)])
def test_a_picture_becomes_a_mean_and_a_log_variance(size):
    encoder = LatentEncoder(latent=5, depth=3, width=4)
    mean, log_variance = encoder(torch.rand(2, 3, *size))
    assert mean.shape == log_variance.shape == (2, 5)
    (mean.square().sum() + log_variance.exp().sum()).backward()
    gradients = {key: parameter.grad for key, parameter in encoder.named_parameters()}
    assert all(gradient is not None and gradient.abs().max() > 0 for gradient in gradients.values())


def test_the_places_of_a_256_picture_are_8_by_8_at_the_paper_s_depth():
    encoder = LatentEncoder(width=2)
    shapes = []
    encoder.body[5].register_forward_hook(lambda layer, inputs, output: shapes.append(output.shape))
    encoder(torch.rand(1, 3, 256, 256))
    assert shapes == [(1, 8, 8, 8)]


def test_the_minimum_size_is_the_smallest_that_works():
    encoder = LatentEncoder(depth=2, width=2)
    encoder(torch.rand(1, 3, encoder.minimum_size, encoder.minimum_size))
    with pytest.raises(ValueError, match="Expected more than 1 spatial element"):
        encoder(torch.rand(1, 3, encoder.minimum_size // 2, encoder.minimum_size // 2))


def test_a_sample_has_the_distribution_that_was_asked_for():
    torch.manual_seed(0)
    mean, log_variance = torch.tensor([[2.0, -1.0]]), torch.tensor([[0.0, 2.0]])
    samples = reparameterise(mean.expand(40_000, -1), log_variance.expand(40_000, -1))
    torch.testing.assert_close(samples.mean(0), mean[0], atol=0.05, rtol=0)
    torch.testing.assert_close(samples.var(0), log_variance[0].exp(), atol=0, rtol=0.05)


def test_gradients_pass_through_the_sample():
    mean, log_variance = torch.zeros(1, 3, requires_grad=True), torch.full((1, 3), 0.6, requires_grad=True)
    noise = torch.tensor([[0.5, -1.0, 2.0]])
    reparameterise(mean, log_variance, noise).sum().backward()
    assert torch.equal(mean.grad, torch.ones(1, 3))
    torch.testing.assert_close(log_variance.grad, noise * 0.5 * torch.tensor(0.3).exp())


@pytest.mark.parametrize("arguments", [{"depth": 0}, {"latent": 0}])
def test_sizes_that_make_no_sense_are_refused(arguments):
    with pytest.raises(ValueError, match="of at least 1"):
        LatentEncoder(**arguments)
