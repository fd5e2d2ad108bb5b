"""Constraints and regularisers: what holds a discriminator, or a game, in check.

All values are unweighted float32 scalars. A penalty on the gradient is taken for each picture of a batch: of
its logits, whatever their shape, the sum counts. That is the picture's own gradient only where pictures don't
see the rest of their batch, which is why a critic under a penalty has no batch norm (Gulrajani et al. 2017,
§4). It is computed in float32 under autocast too: the squares of small gradients leave what fp16 can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import cast

import torch
from torch import Tensor, nn

Score = Callable[[Tensor], Tensor]


def interpolated(real: Tensor, fake: Tensor, random: torch.Generator | None = None) -> Tensor:
    """x̂ = εx + (1 − ε)x̃ with ε ~ U[0, 1], one a picture; Gulrajani et al. 2017, algorithm 1.

    Args:
        real, fake: (B, ...), of one shape.
        random: where ε comes from, on the pictures' device; torch's own generator if None.

    Returns:
        (B, ...) without gradient.

    Raises:
        ValueError: the shapes differ.
    """
    if real.shape != fake.shape:
        raise ValueError(
            f"interpolation needs as many fakes as real pictures and of their size, "
            f"not {tuple(fake.shape)} beside {tuple(real.shape)}"
        )
    return torch.lerp(fake.detach(), real.detach(), _one_a_picture(real, random))


def perturbed(real: Tensor, random: torch.Generator | None = None) -> Tensor:
    """x + α·½·std(x)·U: around real pictures; Kodali et al. 2017, §2.3, as their code draws the noise.

    U ~ U[0, 1] for each number of the picture and α ~ U[0, 1] for each picture; std is that of all numbers
    of the batch.

    Args:
        real: (B, ...).
        random: where the noise comes from, on the pictures' device; torch's own generator if None.

    Returns:
        (B, ...) without gradient.
    """
    real = real.detach()
    noise = torch.rand(real.shape, generator=random, device=real.device, dtype=real.dtype)
    return real + _one_a_picture(real, random) * 0.5 * real.std(correction=0) * noise


def gradient_penalty(score: Score, at: Tensor, target: float = 1.0) -> Tensor:
    """E(‖∇D(x̂)‖₂ − target)²; Gulrajani et al. 2017, eq. 3, and DRAGAN's with other x̂.

    Args:
        score: the critic, (B, ...) -> (B, ...), wrapped or not.
        at: where: `interpolated(real, fake)` or `perturbed(real)`.
    """
    return (torch.linalg.vector_norm(_gradients(score, at), dim=1) - target).square().mean()


def r1(score: Score, real: Tensor) -> Tensor:
    """½ E‖∇D(x)‖²; Mescheder et al. 2018, eq. 9.

    Lazily, every n-th step, it is weighted n times as much (Karras et al. 2020, appendix B).
    """
    return _gradients(score, real).square().sum(1).mean() / 2


def clip_weights_(module: nn.Module, limit: float) -> None:
    """Clip every parameter to [−limit, limit], in place; Arjovsky et al. 2017, algorithm 1.

    Raises:
        ValueError: the limit isn't positive.
    """
    if limit <= 0:
        raise ValueError(f"weights are clipped to a positive limit, not {limit}")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.clamp_(-limit, limit)


def orthogonal(module: nn.Module) -> Tensor:
    """Σ ‖WᵀW ⊙ (1 − I)‖²_F over convolutions and linear layers; Brock et al. 2019, eq. 3.

    The columns of W are the layer's filters: only what two filters share is penalised, not their length.
    Of a layer under spectral norm it is the weight that is trained.

    Raises:
        ValueError: the module has no such layer.
    """
    terms = [_shared(filters) for filters in _filters(module)]
    if not terms:
        raise ValueError("orthogonal regularisation needs a convolution or a linear layer; there is none")
    return torch.stack(terms).sum()


def historical(parameters: Iterable[Tensor], means: Iterable[Tensor]) -> Tensor:
    """‖θ − (1/t) Σ θ[i]‖²; Salimans et al. 2016, §3.3.

    Args:
        parameters: θ, of one player.
        means: of their past values, as `update_means_` keeps them.
    """
    return torch.stack(
        [(now - mean.detach()).square().sum() for now, mean in zip(parameters, means, strict=True)]
    ).sum()


@torch.no_grad()
def update_means_(means: Iterable[Tensor], parameters: Iterable[Tensor], count: int | Tensor) -> None:
    """Take the `count`-th value of the parameters into the means of the first `count`, in place.

    A count on the device, float32 (), is not looked at, so that nothing waits for it.

    Raises:
        ValueError: counting starts at 1.
    """
    if isinstance(count, int) and count < 1:
        raise ValueError(f"the first value counts as 1, not {count}")
    for mean, parameter in zip(means, parameters, strict=True):
        mean.lerp_(parameter, 1 / count)


def consensus(players: Sequence[tuple[Tensor, Sequence[Tensor]]]) -> Tensor:
    """½‖v(θ)‖², v the gradients of every player's loss to its own parameters; Mescheder et al. 2017, eq. 8.

    Each player adds it (times γ) to its loss, which leaves the equilibria where they are and makes them
    attractive.

    Args:
        players: for each its loss, with its graph, and its parameters.
    """
    squares = [
        gradient.square().sum()
        for loss, parameters in players
        for gradient in torch.autograd.grad(loss, list(parameters), create_graph=True)
    ]
    return torch.stack(squares).sum() / 2


def _float32(device: torch.device) -> AbstractContextManager:
    """No autocast; the meta device, on which memory is planned, knows none."""
    known = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if known else nullcontext()


def _one_a_picture(pictures: Tensor, random: torch.Generator | None) -> Tensor:
    """U[0, 1], (B, 1, ...)."""
    shape = (len(pictures), *(1 for _ in pictures.shape[1:]))
    return torch.rand(shape, generator=random, device=pictures.device, dtype=pictures.dtype)


def _gradients(score: Score, at: Tensor) -> Tensor:
    """Each picture's gradient, float32 (B, N), with a graph to the critic's parameters."""
    at = at.detach().float().requires_grad_()
    with _float32(at.device), torch.enable_grad():
        logits = score(at)
        (gradients,) = torch.autograd.grad(logits.float().sum(), at, create_graph=True)
    return gradients.flatten(1)


def _filters(module: nn.Module) -> Iterator[Tensor]:
    """Weights as (filters, numbers each)."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.modules.conv._ConvNd):
            weight = _trained_weight(part)
            if isinstance(part, nn.modules.conv._ConvTransposeNd):
                weight = weight.transpose(0, 1)  # stored (inputs, outputs, ...)
            yield weight.flatten(1)


def _trained_weight(layer: nn.Module) -> Tensor:
    # Reading `weight` under spectral norm would also take a step of its power iteration.
    trained = dict(layer.named_parameters())
    for name in ("parametrizations.weight.original", "weight_orig", "weight"):
        if name in trained:
            return trained[name]
    return cast(Tensor, layer.weight)  # of another parametrisation, such as weight norm


def _shared(filters: Tensor) -> Tensor:
    """Squared inner products of every two different filters, summed, float32."""
    with _float32(filters.device):
        products = filters.float() @ filters.float().T
        return products.fill_diagonal_(0).square().sum()
