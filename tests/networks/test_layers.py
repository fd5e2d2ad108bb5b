"""Normalisation, upsampling, blending and initialisation by themselves."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from translate.networks.layers import blend, initialise, needs_bias, norm_layer, upsample

pytestmark = pytest.mark.usefixtures("one_thread")


def test_instance_norm_has_zero_mean_unit_variance_and_no_parameters():
    norm = norm_layer("instance")(3)
    x = torch.randn(2, 3, 16, 20, generator=torch.Generator().manual_seed(0)) * 5 + 7
    y = norm(x)
    torch.testing.assert_close(y.mean((2, 3)), torch.zeros(2, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.var((2, 3), unbiased=False), torch.ones(2, 3), atol=1e-4, rtol=0)
    assert not list(norm.parameters())
    assert not list(norm.buffers())


def test_batch_norm_is_torch_s_own_and_none_changes_nothing():
    assert type(norm_layer("batch")(4)) is nn.BatchNorm2d
    x = torch.randn(1, 2, 3, 3)
    assert norm_layer("none")(2)(x) is x


def test_an_unknown_norm_lists_the_valid_ones():
    with pytest.raises(ValueError, match="unknown norm 'layer'; choose one of batch, instance, none"):
        norm_layer("layer")


def test_only_batch_norm_replaces_a_bias():
    assert [needs_bias(name) for name in ("batch", "instance", "none")] == [False, True, True]


@pytest.mark.parametrize("kernel", [3, 4])
@pytest.mark.parametrize("name", ["transpose", "resize"])
def test_upsampling_doubles(name, kernel):
    layer = upsample(name, 3, 5, kernel=kernel, bias=True)
    assert layer(torch.zeros(2, 3, 7, 4)).shape == (2, 5, 14, 8)


def test_resizing_leaves_no_checkerboard_where_transposing_does():
    torch.manual_seed(0)
    flat = torch.ones(1, 3, 6, 6)
    with torch.no_grad():
        resized = upsample("resize", 3, 2, kernel=3, bias=False)(flat)
        transposed = upsample("transpose", 3, 2, kernel=3, bias=False)(flat)[..., 2:-2, 2:-2]
    torch.testing.assert_close(resized, resized[..., :1, :1].expand_as(resized))
    assert (transposed[..., ::2, :] - transposed[..., 1::2, :]).abs().max() > 0.05


def test_an_unknown_upsampling_lists_the_valid_ones():
    with pytest.raises(ValueError, match="unknown upsampling 'shuffle'; choose one of transpose, resize"):
        upsample("shuffle", 1, 1, kernel=3, bias=True)


def test_blending_is_a_convex_combination():
    image = torch.full((1, 3, 2, 2), 0.5)
    decoded = torch.cat([torch.full((1, 3, 2, 2), -1.0), torch.full((1, 1, 2, 2), 0.7)], 1)
    mask = torch.sigmoid(torch.tensor(0.7 - 2))
    expected = mask * torch.tanh(torch.tensor(-1.0)) + (1 - mask) * 0.5
    torch.testing.assert_close(blend(image, decoded, True), torch.full_like(image, float(expected)))
    torch.testing.assert_close(blend(image, decoded, False), torch.tanh(decoded))


def test_initialise_draws_what_dcgan_draws():
    torch.manual_seed(0)
    network = initialise(
        nn.Sequential(
            nn.Conv2d(64, 128, 4), nn.BatchNorm2d(4000), nn.ConvTranspose2d(64, 64, 4), nn.Linear(300, 300)
        )
    )
    network.requires_grad_(False)
    for layer in (network[0], network[2], network[3]):
        count = layer.weight.numel()
        # Five standard errors of the mean and of the standard deviation.
        assert abs(float(layer.weight.mean())) < 5 * 0.02 / count**0.5
        assert abs(float(layer.weight.std()) - 0.02) < 5 * 0.02 / (2 * count) ** 0.5
        assert not layer.bias.any()
    assert abs(float(network[1].weight.mean()) - 1) < 5 * 0.02 / 4000**0.5
    assert abs(float(network[1].weight.std()) - 0.02) < 5 * 0.02 / 8000**0.5
    assert not network[1].bias.any()
    normal = network[0].weight.flatten().sort().values / 0.02
    middle = torch.special.ndtri((torch.arange(normal.numel()) + 0.5) / normal.numel())
    assert (normal - middle)[100:-100].abs().max() < 0.1


def test_initialise_depends_on_the_seed_alone():
    def draw(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return initialise(nn.Conv2d(2, 3, 3)).weight

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
