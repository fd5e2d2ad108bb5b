"""Some forty more architectures, recognised and run by the library spandrel where it is installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from translate.errors import ModelError
from translate.networks.layers import Generator
from translate.weights.importers.found import SPANDREL, Found

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor

_INSTALL = "pip install 'image-translate[importing]'"


class SpandrelNetwork(Generator):
    """A network of spandrel's: float32 (B, C, H, W) in [0, 1] to (B, C', scale · H, scale · W).

    Args:
        descriptor: what spandrel makes of weights.
    """

    def __init__(self, descriptor: ImageModelDescriptor):
        super().__init__()
        self.network = descriptor.model
        self.scale = descriptor.scale
        # Not a module, so that it is no child; its network is the one above.
        self._descriptor = descriptor
        required = descriptor.size_requirements
        self.size_multiple, self.minimum_size = required.multiple_of, max(required.minimum, 1)

    def forward(self, image: Tensor) -> Tensor:
        # Its interface promises pictures one at a time; some of its networks look at nothing else.
        return torch.cat([self._descriptor(picture) for picture in image.split(1)])


def recognise_spandrel(path: Path, weights: Mapping[str, Tensor]) -> Found | None:
    """What spandrel takes these weights for; None where it knows them no more than we do.

    Raises:
        ModelError: spandrel isn't installed, or knows the network and it is none from picture to picture.
    """
    descriptor = _load(path, weights)
    if descriptor is None:
        return None
    network = SpandrelNetwork(descriptor)
    name = str(descriptor.architecture.id)
    arguments: dict[str, Any] = {
        "network": name,
        "in_channels": descriptor.input_channels,
        "out_channels": descriptor.output_channels,
        "scale": network.scale,
    }
    method = "superres" if network.scale > 1 else "restoration"
    sizes = network.size_multiple, network.minimum_size
    return Found(f"spandrel ({name})", method, SPANDREL, arguments, dict(weights), sizes, (0.0, 1.0))


def build_spandrel(
    path: Path, arguments: Mapping[str, Any], weights: Mapping[str, Tensor]
) -> SpandrelNetwork:
    """The network of a card whose architecture is `spandrel`, with its weights.

    Raises:
        ModelError: spandrel isn't installed, or takes the weights for another network than the card names.
    """
    descriptor = _load(path, weights)
    if descriptor is None or str(descriptor.architecture.id) != arguments.get("network"):
        raise ModelError(
            f"{path} needs spandrel's {arguments.get('network')}, but the spandrel that is installed doesn't "
            "take the weights for that; update it."
        )
    return SpandrelNetwork(descriptor)


def _load(path: Path, weights: Mapping[str, Tensor]) -> ImageModelDescriptor | None:
    try:
        from spandrel import MAIN_REGISTRY, ImageModelDescriptor, UnsupportedModelError
    except ImportError as error:
        raise ModelError(
            f"{path} holds weights of none of the networks that translate knows by itself; spandrel knows "
            f"some forty more: {_INSTALL}"
        ) from error
    try:
        descriptor = MAIN_REGISTRY.load(dict(weights))
    except UnsupportedModelError:
        return None
    except Exception as error:  # its loaders raise whatever indexing and torch raise
        raise ModelError(
            f"{path} looks like a network that spandrel knows, but spandrel can't load it; the file isn't "
            "whole or of another version."
        ) from error
    if not isinstance(descriptor, ImageModelDescriptor):
        raise ModelError(
            f"{path} is a {descriptor.architecture.name}, which takes a mask besides the picture; translate "
            "converts from pictures alone."
        )
    return descriptor
