"""The residual discriminator against the paper's formula and layer list."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from translate.errors import UsageError
from translate.networks.catalogue import build_discriminator, parameter_count
from translate.networks.residual_discriminator import ResidualBlock


@pytest.mark.parametrize(("kind", "size"), [("classes", 4), ("embedding", 6)])
def test_the_verdict_is_psi_of_phi_plus_the_inner_product(kind, size):
    torch.manual_seed(0)
    network = build_discriminator(
        "residual", depth=2, width=4, conditioning="projection", spectral=False, **{kind: size}
    )
    image = torch.rand(3, 3, 20, 16) * 2 - 1
    condition = torch.tensor([1, 3, 0]) if kind == "classes" else torch.randn(3, size)
    phi = network.features(image)[0][-1].relu().sum((2, 3))
    code = (
        network.conditioning.code.table.weight[condition]
        if kind == "classes"
        else condition @ network.conditioning.code.table.weight.T
    )
    psi = phi @ network.head.weight[0] + network.head.bias
    expected = psi + torch.stack([a @ b for a, b in zip(code, phi, strict=True)])
    torch.testing.assert_close(network(image, condition).flatten(), expected)


def test_the_default_has_the_paper_s_layers_for_128_pixels():
    """Miyato & Koyama 2018, figure 14: 64, 128, 256, 512, 1024 halved, and 1024 once more."""

    def convolution(inputs: int, outputs: int, size: int) -> int:
        return inputs * outputs * size**2 + outputs

    expected = convolution(3, 64, 3) + convolution(64, 64, 3) + convolution(3, 64, 1)
    for inputs, outputs in [(64, 128), (128, 256), (256, 512), (512, 1024)]:
        expected += convolution(inputs, inputs, 3) + convolution(inputs, outputs, 3)
        expected += convolution(inputs, outputs, 1)
    expected += 2 * convolution(1024, 1024, 3) + 1024 + 1
    with torch.device("meta"):
        plain = build_discriminator("residual", spectral=False)
        assert parameter_count(plain) == expected
        more = build_discriminator(
            "residual", spectral=False, conditioning="projection", classes=1000, attention=True
        )
        assert parameter_count(more) == expected + 1000 * 1024 + 128**2 * 5 // 4 + 1


@pytest.mark.parametrize("first", [True, False])
def test_a_halving_block_may_pool_before_its_shortcut(first):
    torch.manual_seed(0)
    block = ResidualBlock(4, 6, halve=True, first=first)
    x = torch.randn(2, 4, 9, 8)
    start = x if first else x.relu()
    branch = block.conv2(block.conv1(start).relu())
    torch.testing.assert_close(block(x), F.avg_pool2d(block.shortcut(x) + branch, 2))


def test_spectral_norm_reaches_the_label_s_table_and_is_the_default():
    network = build_discriminator("residual", depth=2, width=4, conditioning="projection", classes=3)
    raw = [part for part in network.modules() if isinstance(part, nn.Conv2d | nn.Linear | nn.Embedding)]
    assert len(raw) == 10
    assert all(hasattr(part, "parametrizations") for part in raw)


@pytest.mark.parametrize(("depth", "size"), [(1, 32), (2, 16), (4, 16)])
def test_attention_sits_behind_the_second_block(depth, size):
    network = build_discriminator("residual", depth=depth, width=4, attention=True)
    seen = []
    network.attention.register_forward_hook(lambda module, inputs, output: seen.append(output.shape[2:]))
    network(torch.zeros(1, 3, 64, 64))
    assert seen == [(size, size)]


def test_no_depth_is_too_little():
    with pytest.raises(UsageError, match="a depth of at least 1, not 0"):
        build_discriminator("residual", depth=0)
