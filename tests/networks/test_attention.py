"""Self-attention against torch's own attention."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from translate.networks.attention import SelfAttention
from translate.networks.catalogue import parameter_count


def maps(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def attention() -> SelfAttention:
    torch.manual_seed(1)
    return SelfAttention(16)


@pytest.mark.parametrize("shape", [(2, 16, 8, 6), (1, 16, 7, 5), (3, 16, 1, 1)])
def test_it_is_torch_s_attention_with_pooled_keys_and_values(attention, shape):
    x = maps(*shape)

    def tokens(y: torch.Tensor) -> torch.Tensor:
        return y.flatten(2).transpose(1, 2)

    with torch.no_grad():
        attention.gamma.fill_(0.7)
        keys, values = (F.max_pool2d(part(x), 2, ceil_mode=True) for part in (attention.g, attention.h))
        gathered = F.scaled_dot_product_attention(
            tokens(attention.f(x)), tokens(keys), tokens(values), scale=1.0
        )
        expected = x + 0.7 * attention.v(gathered.transpose(1, 2).unflatten(2, x.shape[2:]))
        torch.testing.assert_close(attention(x), expected, rtol=1e-5, atol=1e-6)
        assert (attention(x) - x).abs().max() > 1e-3


def test_untrained_it_changes_nothing_and_only_gamma_learns(attention):
    x = maps(2, 16, 6, 6)
    answer = attention(x)
    assert torch.equal(answer, x)
    answer.square().sum().backward()
    assert float(attention.gamma.grad) != 0
    assert not attention.f.weight.grad.any()


def test_gradients_reach_every_parameter_and_a_second_time(attention):
    with torch.no_grad():
        attention.gamma.fill_(0.5)
    x = maps(1, 16, 6, 6).requires_grad_()
    (gradient,) = torch.autograd.grad(attention(x).square().sum(), x, create_graph=True)
    gradient.square().sum().backward()
    for parameter in attention.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0


@pytest.mark.parametrize("channels", [64, 256])
def test_the_count_is_that_of_the_authors_code(channels):
    # f and g: C·C/8 each; h and v: C·C/2 each; γ.
    assert parameter_count(SelfAttention(channels)) == channels**2 * 5 // 4 + 1


def test_few_channels_are_enough():
    assert SelfAttention(3)(maps(1, 3, 4, 4)).shape == (1, 3, 4, 4)
