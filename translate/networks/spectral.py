"""Spectral normalisation of whole networks."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from translate.networks.autocast import full_precision

SETTLING = 15  # power iterations for a new weight, as many as torch takes
NORMALISED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.Embedding)

_Module = TypeVar("_Module", bound=nn.Module)


def spectral(module: _Module) -> _Module:
    """Divide every weight of convolutions, linear layers and embeddings by its largest singular value.

    Miyato et al. 2018, "Spectral normalization for generative adversarial networks", eq. 8 and algorithm 1:
    one power iteration in every call of a network in training mode, none in use; a kernel counts as the
    matrix of its output channels by all the rest. The weights that are learnt lie in
    `parametrizations.weight.original`. Works in place and returns the module; what is normalised already
    stays as it is.
    """
    for part in list(module.modules()):
        if isinstance(part, SpectralConv2d):
            continue
        if isinstance(part, NORMALISED) and not parametrize.is_parametrized(part, "weight"):
            spectral_norm(part, "weight", n_power_iterations=1)
    return module


class SpectralConv2d(nn.Conv2d):
    """A convolution whose weight counts as divided by its largest singular value, for large weights.

    What `spectral` does, with the same power iteration (Miyato et al. 2018, algorithm 1), but x ∗ (W/σ) is
    computed as (x ∗ W)/σ, and the weight lies channels last. So neither pass walks over the weight to divide
    it, and none copies it: on a CPU a projected discriminator's step takes two thirds of the time that it
    takes with `spectral`, a picture at a time, and nine tenths in batches of four.

    Attributes:
        weight: that is learnt, before division.
        u, v: left and right singular vectors, as estimated; v in the order of the weight in memory.
    """

    u: Tensor
    v: Tensor

    def __init__(self, *arguments: Any, **keywords: Any):
        super().__init__(*arguments, **keywords)
        self.weight.data = self.weight.data.contiguous(memory_format=torch.channels_last)
        rows, columns = self._matrix().shape
        self.register_buffer("u", F.normalize(torch.randn(rows), dim=0))
        self.register_buffer("v", F.normalize(torch.randn(columns), dim=0))
        self.settle()

    def forward(self, image: Tensor) -> Tensor:
        if self.training:
            self.settle(1)
        # In half precision the estimate would be off by some hundredths.
        with full_precision(self.weight.device):
            # Copies: the backward pass needs these vectors, not the next call's.
            largest = torch.dot(self.u.clone(), self._matrix() @ self.v.clone())
        divided = self._conv_forward(image, self.weight, None) / largest
        return divided if self.bias is None else divided + self.bias.to(divided.dtype).view(1, -1, 1, 1)

    @torch.no_grad()
    def settle(self, iterations: int = SETTLING) -> None:
        """Take power iterations, as after the weight has changed altogether."""
        matrix = self._matrix()
        for _ in range(iterations):
            self.u.copy_(F.normalize(matrix @ self.v, dim=0))
            self.v.copy_(F.normalize(matrix.T @ self.u, dim=0))

    def _matrix(self) -> Tensor:
        """The weight as output channels by all the rest, without a copy of it."""
        return self.weight.permute(0, 2, 3, 1).flatten(1)
