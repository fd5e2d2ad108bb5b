"""Normalisation, upsampling, blending and initialisation by themselves."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from translate.networks.layers import (
    INITIALISATIONS,
    NORMS,
    ShuffleConv2d,
    blend,
    initialise,
    needs_bias,
    norm_layer,
    upsample,
)


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
    with pytest.raises(
        ValueError, match="unknown norm 'weight'; choose one of batch, instance, none, layer, group"
    ):
        norm_layer("weight")


def test_only_batch_norm_replaces_a_bias():
    assert [name for name in NORMS if not needs_bias(name)] == ["batch", "sync-batch", "virtual"]


def test_layer_norm_is_over_everything_of_a_picture_and_group_norm_over_groups():
    x = 3 * torch.randn(2, 64, 5, 4) + 2
    torch.testing.assert_close(norm_layer("layer")(64)(x), F.layer_norm(x, (64, 5, 4)))
    groups = x.view(2, 32, -1)  # two channels each
    expected = (groups - groups.mean(-1, keepdim=True)) / (groups.var(-1, False, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(norm_layer("group")(64)(x), expected.view_as(x))


@pytest.mark.parametrize(("channels", "groups"), [(4, 4), (32, 32), (48, 24), (96, 32), (37, 1), (512, 32)])
def test_group_norm_has_32_groups_or_fewer(channels, groups):
    assert norm_layer("group")(channels).num_groups == groups


def test_norms_without_scale_and_shift_have_no_parameters():
    assert not any(list(norm_layer(name, affine=False)(4).parameters()) for name in NORMS)


def test_sync_batch_norm_is_batch_norm_until_there_are_several_processes(monkeypatch):
    alone = norm_layer("sync-batch")(4)
    assert type(alone) is nn.BatchNorm2d
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    together = norm_layer("sync-batch")(4)
    assert type(together) is nn.SyncBatchNorm
    assert together.state_dict().keys() == alone.state_dict().keys()


@pytest.mark.parametrize("kernel", [3, 4])
@pytest.mark.parametrize("name", ["transpose", "resize", "shuffle", "blur"])
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


@pytest.mark.parametrize("kind", [None, *INITIALISATIONS])
def test_shuffling_starts_as_nearest_neighbour_enlargement(kind):
    torch.manual_seed(0)
    layer = upsample("shuffle", 3, 5, kernel=3, bias=True)
    if kind:
        initialise(layer, kind)
    convolution = layer[0]
    small = nn.Conv2d(3, 5, 3, padding=1, padding_mode="replicate")
    x = torch.randn(2, 3, 6, 7)
    with torch.no_grad():
        small.weight.copy_(convolution.weight[::4])
        small.bias.copy_(convolution.bias[::4])
        torch.testing.assert_close(layer(x), F.interpolate(small(x), scale_factor=2, mode="nearest"))
        assert layer(x).std() > 0.01


@pytest.mark.parametrize("scale", [2, 3])
def test_shuffling_by_any_factor_starts_as_nearest_neighbour_enlargement(scale):
    layer = ShuffleConv2d(2, 3, scale)
    assert (layer.weight.shape, layer.bias.shape) == ((3 * scale**2, 2, 3, 3), (3 * scale**2,))
    shuffled = F.pixel_shuffle(layer(torch.randn(1, 2, 4, 4)), scale)
    torch.testing.assert_close(shuffled, F.interpolate(shuffled[..., ::scale, ::scale], scale_factor=scale))


def test_an_unknown_upsampling_lists_the_valid_ones():
    with pytest.raises(
        ValueError, match="unknown upsampling 'deconv'; choose one of transpose, resize, shuffle"
    ):
        upsample("deconv", 1, 1, kernel=3, bias=True)


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


LAYERS = [nn.Conv2d(6, 40, 3), nn.ConvTranspose2d(6, 4, 3), nn.Linear(30, 20)]


@pytest.mark.parametrize("layer", LAYERS)
def test_orthogonal_rows_or_columns(layer):
    matrix = initialise(copy.deepcopy(layer), "orthogonal").weight.flatten(1)
    smaller = min(matrix.shape)
    product = matrix @ matrix.T if len(matrix) == smaller else matrix.T @ matrix
    torch.testing.assert_close(product, torch.eye(smaller), atol=1e-5, rtol=0)


def test_xavier_and_kaiming_have_their_variances():
    torch.manual_seed(0)
    layer = nn.Conv2d(50, 100, 3)
    inputs, outputs = 50 * 9, 100 * 9
    uniform = initialise(layer, "xavier").weight.detach().clone()
    bound = (6 / (inputs + outputs)) ** 0.5
    assert 0.99 * bound < float(uniform.abs().max()) <= bound
    assert abs(float(uniform.var()) / (bound**2 / 3) - 1) < 0.03
    normal = initialise(layer, "kaiming").weight.detach()
    assert abs(float(normal.var()) / (2 / inputs) - 1) < 0.03
    assert not layer.bias.any()


def test_only_dcgan_s_rule_touches_norms():
    for kind in INITIALISATIONS:
        norm = initialise(nn.BatchNorm2d(8), kind)
        assert torch.equal(norm.weight, torch.ones(8)) == (kind != "normal")


def test_an_unknown_initialisation_lists_the_valid_ones():
    with pytest.raises(ValueError, match="unknown initialisation 'he'; choose one of normal, orthogonal"):
        initialise(nn.Linear(1, 1), "he")


@pytest.mark.parametrize("kind", INITIALISATIONS)
def test_initialise_reaches_below_spectral_normalisation(kind):
    torch.manual_seed(0)
    layer = spectral_norm(nn.Conv2d(8, 16, 3))
    original = layer.parametrizations.weight.original
    before = original.detach().clone()
    initialise(layer, kind)
    assert not torch.equal(original, before)
    layer.eval()
    largest = float(torch.linalg.matrix_norm(layer.weight.flatten(1), 2).detach())
    assert abs(largest - 1) < 0.05


def test_initialise_leaves_what_is_frozen():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), spectral_norm(nn.Linear(4, 4)))
    network.requires_grad_(False)
    before = copy.deepcopy(network.state_dict())
    initialise(network)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    network[0].bias.requires_grad_(True)
    assert not initialise(network)[0].bias.any()


def test_initialise_takes_norms_without_weights():
    initialise(nn.BatchNorm2d(4, affine=False))
