"""A game's terms and gradients are the same under wrapping, in half precision and in any memory layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from translate.losses.adversarial import ADVERSARIAL
from translate.networks.patchgan import PatchGAN
from translate.translators.base import Losses
from translate.translators.game import Game, Rules

EVERYTHING = {
    "r1": 10.0,
    "orthogonal": 1e-2,
    "historical": 0.1,
    "augment": ("colour", "translation", "cutout"),
    "augment_p": 0.5,
    "feature_matching": 10.0,
    "noise": 0.1,
}
PENALISED = ("wgan-gp", "dragan")


def critic() -> nn.Module:
    torch.manual_seed(1)
    network = PatchGAN(3, layers=2, width=8, norm="none")
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0.0, 0.1)
    return network


def pictures(seed: int) -> Tensor:
    return torch.rand(4, 3, 24, 24, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def play(
    objective: str,
    network: nn.Module,
    arrange: Callable[[Tensor], Tensor] = lambda x: x,
    mixed: bool = False,
) -> tuple[Losses, list[Tensor], Tensor]:
    """Both sides' terms, the gradients to the discriminator's weights and those to the fakes."""
    weight = ADVERSARIAL[objective].penalty_weight
    game = Game(Rules(ADVERSARIAL[objective], penalty=weight, **EVERYTHING), network)
    real, fake = arrange(pictures(2)), arrange(pictures(3)).requires_grad_()
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16) if mixed else nullcontext():
        losses = game.discriminator_losses(network, real, fake.detach(), 0.5)
        losses["r1"] = game.r1(network, real)
    torch.stack(list(losses.values())).sum().backward()
    weights = [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]
    network.requires_grad_(False)
    with torch.autocast("cpu", torch.bfloat16) if mixed else nullcontext():
        terms = game.generator_losses(network, real, fake, 0.5)
    torch.stack(list(terms.values())).sum().backward()
    assert fake.grad is not None
    return losses | terms, weights, fake.grad


def assert_alike(found: tuple, expected: tuple) -> None:
    for a, b in zip(found[:2], expected[:2], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(found[2].contiguous(), expected[2], rtol=1e-3, atol=1e-6)


@contextmanager
def one_process(folder) -> Iterator[None]:
    torch.distributed.init_process_group("gloo", f"file://{folder}/store", rank=0, world_size=1)
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize("objective", PENALISED)
def test_wrapped_as_for_many_processes(objective, tmp_path):
    if not torch.distributed.is_available():
        pytest.skip("this torch has no torch.distributed")
    expected = play(objective, critic())
    assert {"penalty", "r1", "orthogonal", "historical", "matching"} <= set(expected[0])
    assert all(float(gradient.abs().sum()) > 0 for gradient in expected[1] if gradient.ndim > 1)
    with one_process(tmp_path):
        assert_alike(play(objective, DistributedDataParallel(critic())), expected)


@pytest.mark.parametrize("objective", PENALISED)
def test_in_another_memory_layout(objective):
    def last(x: Tensor) -> Tensor:
        return x.contiguous(memory_format=torch.channels_last)

    network = critic().to(memory_format=torch.channels_last)
    assert_alike(play(objective, network, last), play(objective, critic()))


@pytest.mark.parametrize("objective", PENALISED)
def test_in_half_precision(objective):
    expected, found = play(objective, critic()), play(objective, critic(), mixed=True)
    for name in ("penalty", "r1", "orthogonal", "historical"):  # these stay in float32
        torch.testing.assert_close(found[0][name], expected[0][name], rtol=1e-5, atol=1e-6)
    for name, term in found[0].items():
        assert term.dtype == torch.float32, name
        torch.testing.assert_close(term, expected[0][name], rtol=0.05, atol=0.05)
    whole, half = (torch.cat([gradient.flatten() for gradient in one[1]]) for one in (expected, found))
    assert float((half - whole).norm() / whole.norm()) < 0.02
    assert float((found[2] - expected[2]).norm() / expected[2].norm()) < 0.2
