"""Normalisations whose scale and shift come from a condition, and what carries a condition to them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.networks.layers import norm_layer


class Condition(nn.Module):
    """Labels or embeddings, and latent codes, as one vector for each picture; nothing is learnt here.

    Labels int64 (B,) become one-hot, embeddings float (B, embedding) stay, latent codes float (B, latent) are
    put behind: float (B, size).

    Args:
        classes: how many labels there are, 0 where the condition isn't a label.
        embedding: the length of an embedding, 0 where the condition isn't one.
        latent: the length of a latent code, 0 for none.

    Raises:
        ValueError: a negative number, or labels and embeddings at once; in use, what was promised is missing,
            what wasn't is there, or its shape is another.
    """

    def __init__(self, classes: int = 0, embedding: int = 0, latent: int = 0):
        super().__init__()
        if min(classes, embedding, latent) < 0:
            raise ValueError("classes, embedding and latent are counts, none of them below 0")
        if classes and embedding:
            raise ValueError("a network is conditioned on classes or on an embedding, not on both")
        self.classes, self.embedding, self.latent = classes, embedding, latent
        self.size = classes + embedding + latent

    def forward(self, image: Tensor, condition: Tensor | None, latent: Tensor | None) -> Tensor | None:
        """(B, size) for the pictures (B, …), or nothing where there is neither condition nor latent code."""
        batch = image.shape[0]  # len() would fix the number in an export
        _check("condition", condition, bool(self.classes or self.embedding))
        _check("latent code", latent, bool(self.latent))
        parts = []
        if condition is not None:
            _check_shape("condition", condition, (batch,) if self.classes else (batch, self.embedding))
            one_hot = F.one_hot(condition, self.classes).to(image.dtype) if self.classes else condition
            parts.append(one_hot)
        if latent is not None:
            _check_shape("latent code", latent, (batch, self.latent))
            parts.append(latent)
        return torch.cat(parts, 1) if parts else None


def _check(what: str, given: Tensor | None, expected: bool) -> None:
    if expected and given is None:
        raise ValueError(f"this network needs a {what}")
    if given is not None and not expected:
        raise ValueError(f"this network was built without a {what}")


def _check_shape(what: str, given: Tensor, expected: tuple[int, ...]) -> None:
    if given.shape != expected:
        raise ValueError(f"a {what} of shape {expected} was expected, not {tuple(given.shape)}")


class Conditional(nn.Module):
    """A module that takes a condition beside its activations: `forward(x, condition)`."""


def run(modules: Iterable[nn.Module], x: Tensor, condition: Tensor | None) -> Tensor:
    """Apply modules in turn; those that are `Conditional` get the condition too."""
    for module in modules:
        x = module(x, condition) if isinstance(module, Conditional) else module(x)
    return x


class ConditionalNorm2d(Conditional):
    """norm(x) · (1 + γ(c)) + β(c), with γ and β linear in a condition c: float (B, C, H, W) and (B, size).

    Started at γ = β = 0 it is the plain norm. With `none` it is FiLM (Perez et al. 2018, eq. 2).

    Args:
        norm: a name for `norm_layer`; its own scale and shift are left out.
    """

    def __init__(self, norm: str, channels: int, size: int):
        super().__init__()
        self.norm = norm_layer(norm, affine=False)(channels)
        self.modulation = nn.Linear(size, 2 * channels)
        nn.init.normal_(self.modulation.weight, 0.0, 0.02)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.modulation(condition)[:, :, None, None].chunk(2, 1)  # (B, C, 1, 1) each
        return self.norm(x) * (1 + scale) + shift


class ConditionalBatchNorm2d(ConditionalNorm2d):
    """Batch norm with scale and shift from a condition; see `ConditionalNorm2d`.

    de Vries et al. 2017, "Modulating early visual processing by language", eq. 3; BigGAN's and SAGAN's.
    """

    def __init__(self, channels: int, size: int):
        super().__init__("batch", channels, size)


class ConditionalInstanceNorm2d(ConditionalNorm2d):
    """Instance norm with scale and shift from a condition; see `ConditionalNorm2d`.

    Dumoulin et al. 2017, "A learned representation for artistic style", eq. 5; as AdaIN in MUNIT's decoder
    (Huang et al. 2018), where the condition is a style code.
    """

    def __init__(self, channels: int, size: int):
        super().__init__("instance", channels, size)


def adaptive_instance_norm(content: Tensor, mean: Tensor, std: Tensor, eps: float = 1e-5) -> Tensor:
    """Give every channel of every picture the mean and standard deviation that are asked for.

    AdaIN of Huang & Belongie 2017, eq. 8. content float (B, C, H, W); mean and std float (B, C), for instance
    those of another picture's activations.
    """
    normalised = F.instance_norm(content, eps=eps)
    return normalised * std[:, :, None, None] + mean[:, :, None, None]


def maybe_conditional(norm: str, channels: int, size: int) -> nn.Module:
    """The plain norm by name where there is no condition (size 0), else the conditional one."""
    return ConditionalNorm2d(norm, channels, size) if size else norm_layer(norm)(channels)


class SPADE(Conditional):
    """norm(x) · (1 + γ(m)) + β(m), with γ and β convolved from a map m: scale and shift of every place.

    Park et al. 2019, "Semantic image synthesis with spatially-adaptive normalization", eq. 1 and figure 2.
    Maps float (B, channels, H, W) and a map (B, map_channels, any, any), which is brought to H×W by its
    nearest pixels, to (B, channels, H, W).

    Args:
        norm: a name for `norm_layer`, without scale and shift of its own; the paper's is `sync-batch`.
        hidden: channels of the shared convolution.
    """

    def __init__(self, channels: int, map_channels: int, *, norm: str = "batch", hidden: int = 128):
        super().__init__()
        self.norm = norm_layer(norm, affine=False)(channels)
        self.shared = nn.Sequential(nn.Conv2d(map_channels, hidden, 3, padding=1), nn.ReLU(inplace=True))
        self.scale = nn.Conv2d(hidden, channels, 3, padding=1)
        self.shift = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        hidden = self.shared(F.interpolate(condition, size=x.shape[2:], mode="nearest"))
        return self.norm(x) * (1 + self.scale(hidden)) + self.shift(hidden)
