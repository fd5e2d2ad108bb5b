"""Spectral normalisation of whole networks."""

from __future__ import annotations

from typing import TypeVar

from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

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
        if isinstance(part, NORMALISED) and not parametrize.is_parametrized(part, "weight"):
            spectral_norm(part, "weight", n_power_iterations=1)
    return module
