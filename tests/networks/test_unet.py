"""The U-Net's layers, counted against the paper's list (Isola et al. 2017, appendix 6.1)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from translate.networks.catalogue import build_generator
from translate.networks.layers import initialise


def test_channels_are_the_paper_s():
    with torch.device("meta"):
        network = build_generator("unet", depth=8)
    encoder = [part for part in network.encoder.modules() if isinstance(part, nn.Conv2d)]
    assert [layer.out_channels for layer in encoder] == [64, 128, 256, 512, 512, 512, 512, 512]
    decoder = [part for part in network.modules() if isinstance(part, nn.ConvTranspose2d)]
    # Each but the innermost gets as many channels again by its skip connection.
    assert [layer.in_channels for layer in decoder] == [512, 1024, 1024, 1024, 1024, 512, 256, 128]
    assert [layer.out_channels for layer in decoder] == [512, 512, 512, 512, 256, 128, 64, 3]


@pytest.mark.parametrize(("depth", "count"), [(8, 3), (7, 2), (6, 1), (5, 0), (2, 0)])
def test_dropout_sits_in_the_inner_levels_of_the_decoder(depth, count):
    with torch.device("meta"):
        network = build_generator("unet", depth=depth, width=2)
    assert [any(isinstance(part, nn.Dropout) for part in level) for level in network.decoder] == [
        0 < place <= count for place in range(depth - 1)
    ]


def test_neither_end_nor_the_innermost_level_of_the_encoder_is_normalised():
    with torch.device("meta"):
        network = build_generator("unet", depth=5, width=2, norm="batch")
    normed = [any(isinstance(part, nn.BatchNorm2d) for part in level.modules()) for level in network.encoder]
    assert normed == [False, True, True, True, False]
    assert not any(isinstance(part, nn.BatchNorm2d) for part in network.output.modules())


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_a_condition_and_a_latent_code_change_the_picture(norm):
    torch.manual_seed(0)
    network = initialise(build_generator("unet", depth=3, width=4, norm=norm, classes=3, latent=2), std=0.2)
    image = torch.rand(1, 3, 16, 24).expand(3, -1, -1, -1) * 2 - 1
    zebra, horse = torch.tensor([0, 0, 0]), torch.tensor([2, 2, 2])
    low, high = torch.zeros(3, 2), torch.ones(3, 2)
    with torch.no_grad():
        answer = network(image, zebra, low)
        assert (network(image, horse, low) - answer).abs().mean() > 1e-3
        assert (network(image, zebra, high) - answer).abs().mean() > 1e-3
        torch.testing.assert_close(answer[0], answer[1])


def test_maps_are_constant_over_the_picture():
    network = build_generator("unet", depth=2, width=4, classes=2, latent=1)
    assert network.encoder[0].in_channels == 3 + 2 + 1
    seen = []
    network.encoder[0].register_forward_hook(lambda layer, inputs, output: seen.append(inputs[0]))
    image = torch.rand(2, 3, 8, 8)
    network(image, torch.tensor([1, 0]), torch.tensor([[0.5], [0.25]]))
    assert torch.equal(seen[0][:, :3], image)
    expected = torch.tensor([[0, 1, 0.5], [1, 0, 0.25]])[:, :, None, None].expand(-1, -1, 8, 8)
    assert torch.equal(seen[0][:, 3:], expected)


def test_a_long_embedding_becomes_32_maps():
    network = build_generator("unet", depth=2, width=4, embedding=384)
    assert network.encoder[0].in_channels == 3 + 32
    image = torch.rand(2, 3, 8, 8)
    network(image, torch.randn(2, 384)).sum().backward()
    assert network.maps.weight.grad.abs().min() > 0


def test_attention_sits_at_a_quarter_of_the_size():
    network = build_generator("unet", depth=3, width=4, attention=True)
    shapes = []
    network.attention.register_forward_hook(lambda layer, inputs, output: shapes.append(inputs[0].shape))
    network(torch.rand(2, 3, 16, 24))
    assert shapes == [(2, 8, 4, 6)]


def test_spectral_normalisation_reaches_every_layer():
    network = build_generator("unet", depth=2, width=4, classes=2, attention=True, spectral=True)
    names = [key for key, _ in network.named_parameters() if key.endswith("weight")]
    assert names
    assert all("norm" in key or ".2." in key for key in names), names  # batch norm's alone
    originals = [key for key, _ in network.named_parameters() if key.endswith("weight.original")]
    assert len(originals) == 2 + 1 + 1 + 4
