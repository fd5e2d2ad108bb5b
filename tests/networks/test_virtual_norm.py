"""Virtual batch norm against its sentence in the paper, picture by picture."""

from __future__ import annotations

import pytest
import torch

from translate.networks.layers import initialise, norm_layer
from translate.networks.virtual_norm import VirtualBatchNorm2d


def norm_of(references: int, channels: int = 3) -> VirtualBatchNorm2d:
    norm = norm_layer("virtual")(channels)
    assert isinstance(norm, VirtualBatchNorm2d)
    norm.references = references
    torch.nn.init.uniform_(norm.weight, -2, 2)
    torch.nn.init.uniform_(norm.bias, -2, 2)
    return norm


def pictures(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    scales = torch.arange(1, count + 1)[:, None, None, None]
    return torch.randn(count, 3, 4, 5, generator=generator) * scales + 2 * scales


def test_each_picture_is_normalised_by_the_reference_and_itself():
    norm, reference, others = norm_of(4), pictures(4), pictures(3, seed=1)
    found = norm(torch.cat([reference, others]))
    for place in range(7):
        x = reference[place] if place < 4 else others[place - 4]
        seen = reference if place < 4 else torch.cat([reference, x[None]])
        for channel in range(3):
            values = seen[:, channel].flatten().double()
            unit = (x[channel] - values.mean()) / (values.var(correction=0) + 1e-5).sqrt()
            expected = unit * norm.weight[channel] + norm.bias[channel]
            torch.testing.assert_close(
                found[place, channel].double(), expected.double(), rtol=1e-4, atol=1e-5
            )


def test_neighbours_make_no_difference():
    norm, reference, others = norm_of(2), pictures(2), pictures(3, seed=1)
    together = norm(torch.cat([reference, others]))[2:]
    for place, x in enumerate(others):
        torch.testing.assert_close(norm(torch.cat([reference, x[None]]))[2:], together[place : place + 1])
    assert not torch.allclose(norm(torch.cat([reference + 1, others]))[2:], together, atol=0.1)


def test_gradients_are_right_to_the_second_order():
    norm = norm_of(2).double()
    x = pictures(4).double()[..., :2, :2].requires_grad_()
    assert torch.autograd.gradcheck(norm, x)
    assert torch.autograd.gradgradcheck(norm, x)


def test_half_precision_keeps_its_kind_and_computes_in_full():
    norm = norm_of(2)
    x = torch.cat([pictures(2) + 100, pictures(2, seed=1) + 100])
    half = norm(x.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), norm(x.bfloat16().float()), rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize(("references", "count"), [(0, 2), (2, 2), (3, 2)])
def test_without_a_reference_it_can_t_work(references, count):
    with pytest.raises(RuntimeError, match="needs a reference batch"):
        norm_of(references)(pictures(count))


def test_its_scale_is_drawn_as_batch_norm_s():
    torch.manual_seed(0)
    norm = initialise(norm_layer("virtual")(2000))
    assert float(norm.weight.detach().mean()) == pytest.approx(1, abs=2e-3)
    assert float(norm.weight.detach().std()) == pytest.approx(0.02, rel=0.1)
    assert not norm.bias.any()
