"""Pixels, and what is told besides them, as the network of a card takes them. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from translate import images
from translate.errors import BadImage, ModelError, UsageError
from translate.inference import holes
from translate.inference.class_maps import one_hot
from translate.inference.padding import padded_length
from translate.inference.pictures import PICTURE_CHANNELS
from translate.weights.card import Card

if TYPE_CHECKING:
    from torch import Tensor

Numbers = TypeVar("Numbers", "Tensor", np.ndarray)


class Inputs:
    """Makes inputs for the network of `card`."""

    def __init__(self, card: Card):
        self._card = card

    def prepare(self, pixels: np.ndarray, name: str = "", hole: np.ndarray | None = None) -> np.ndarray:
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
        plane = self.mask_plane(hole, 1, pixels.shape[:2], name)
        x = images.to_floats(pixels)
        return x if plane is None else np.concatenate([x, plane], 1)

    def mask_plane(
        self, hole: np.ndarray | None, count: int, size: Sequence[int], name: str = ""
    ) -> np.ndarray | None:
        """What is told of holes besides `count` pictures, float32 `(count, 1, H, W)`; None for nothing."""
        self.require_hole(hole, size, name)
        if hole is None:
            return None
        if len(hole) not in (1, count):
            raise UsageError(f"these are {len(hole)} masks for {count} pictures; give one, or one for each.")
        return np.broadcast_to(holes.plane(hole), (count, *hole.shape[1:]))

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

    def padded(self, height: int, width: int) -> tuple[int, int]:
        """The smallest size that the network takes and that holds a picture of this one."""
        multiple, least = self._card.size_multiple, self._card.minimum_size
        return padded_length(height, multiple, least), padded_length(width, multiple, least)

    def to_range(self, x: Numbers) -> Numbers:
        """From [-1, 1] to the card's range."""
        low, high = self._card.value_range
        return x if (low, high) == (-1, 1) else (x + 1) * ((high - low) / 2) + low

    def from_range(self, y: Numbers) -> Numbers:
        """From the card's range to [-1, 1]."""
        low, high = self._card.value_range
        return y if (low, high) == (-1, 1) else (y - low) * (2 / (high - low)) - 1
