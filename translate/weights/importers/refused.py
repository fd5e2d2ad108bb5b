"""Weights of networks that translate nothing, told apart so that the message can say what they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from translate.errors import ModelError

_SHOWN_KEYS = 3
_GENERATOR = "give the generator's file beside it, such as latest_net_G.pth or latest_net_G_A.pth"


def refuse_discriminator(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Say so where the weights are of a discriminator, or of another helper of the training.

    Raises:
        ModelError: they are.
    """
    if any(re.match(r"mlp_\d+\.\d+\.weight", key) for key in weights):
        raise ModelError(
            f"{path} is CUT's projection of features (net_F), a helper of the training; {_GENERATOR}."
        )
    if _judges(weights):
        raise ModelError(f"{path} is a discriminator: it judges pictures and makes none; {_GENERATOR}.")


def unknown(path: Path, weights: Mapping[str, Tensor]) -> ModelError:
    """What to say of weights that nobody recognised."""
    shown = ", ".join(list(weights)[:_SHOWN_KEYS])
    return ModelError(
        f"{path} holds the weights of a network that translate doesn't know "
        f"(tensors: {len(weights)}; {shown} …)."
    )


def _judges(weights: Mapping[str, Tensor]) -> bool:
    """Patch, pixel and multi-scale discriminators end in one channel; U-Net ones are known by their names."""
    if "conv0.weight" in weights and "conv9.weight" in weights:  # Real-ESRGAN's
        return True
    if any(re.match(r"(scale\d+_layer|layer)\d+\.", key) for key in weights):  # pix2pixHD's
        return True
    kernels = [(key, weight) for key, weight in weights.items() if weight.ndim == 4 and "filt" not in key]
    if not kernels:
        return any(key.endswith(("final_linear.1.weight", "classifier.weight")) for key in weights)
    flat = all(re.fullmatch(r"(model|net|main|classifier)\.\d+\.\w+", key) for key in weights)
    return flat and kernels[-1][1].shape[0] == 1 and kernels[0][1].shape[-1] in (1, 4)
