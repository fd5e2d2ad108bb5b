"""Pixels, and what is told besides them, as the network of a card takes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from translate import images
from translate.errors import BadImage, ModelError, UsageError
from translate.inference import holes
from translate.inference.class_maps import one_hot
from translate.inference.pictures import PICTURE_CHANNELS
from translate.weights.card import Card


class Inputs:
    """Makes inputs for the network of `card`."""

    def __init__(self, card: Card):
        self._card = card

    def prepare(self, pixels: np.ndarray, name: str = "", hole: np.ndarray | None = None) -> Tensor:
        """uint8 or uint16 `(H, W, 1 or 3)` to the float32 `(1, C, H, W)` in [-1, 1] that this model takes.

        Args:
            name: of the picture, for messages.
            hole: bool `(1, 1, H, W)`, what a model that fills holes is to fill; the last of C is their mask.

        Raises:
            ModelError: the model takes something that is no picture.
            BadImage: the model takes maps of classes, and the picture has a colour that is no class's; it
                fills holes, and there are none, or of a picture of another size.
            UsageError: holes for a model that fills none.
        """
        if self._card.classes:
            return one_hot(images.eight_bits(pixels), self._card.classes, name)
        channels = self._card.channels[0]
        if channels not in PICTURE_CHANNELS:
            raise ModelError(f"the model takes {channels} channels, pictures have 1 or 3; give it a tensor.")
        if pixels.shape[2] != channels:
            pixels = images.grey(pixels) if channels == 1 else np.repeat(pixels, 3, axis=2)
        return self.with_mask(images.to_tensor(pixels), hole, name)

    def with_mask(self, x: Tensor, hole: np.ndarray | None, name: str = "") -> Tensor:
        """Pictures (N, C, H, W), and behind them their holes where the model is told of such."""
        self.require_hole(hole, x.shape[-2:], name)
        if hole is None:
            return x
        if len(hole) not in (1, len(x)):
            raise UsageError(f"these are {len(hole)} masks for {len(x)} pictures; give one, or one for each.")
        plane = holes.plane(hole).to(x.device, x.dtype)
        return torch.cat([x, plane.expand(len(x), -1, -1, -1)], 1)

    def require_hole(self, hole: np.ndarray | None, size: Sequence[int], name: str) -> None:
        """Refuse holes that the model can't fill, of another size than the picture's, or none where it must.

        Raises:
            BadImage, UsageError: see `prepare`.
        """
        if not self._card.mask:
            if hole is not None:
                raise UsageError("the model translates whole pictures and takes no mask; leave the mask out.")
            return
        name = name or "the picture"
        if hole is None:
            raise BadImage(name, holes.NONE)
        holes.require_size(hole, (size[0], size[1]), name)
