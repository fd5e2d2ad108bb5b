"""What converting files asks of a model, whatever runs its network. Free of torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from translate.inference.ahead import USUAL_SIDE
from translate.inference.latent import Sampling
from translate.weights.card import Card

# What `condition` and `codes` give: of a type that the converter alone knows, to be measured and sliced.
Condition = Any


class Converter(Protocol):
    """Arrays in, arrays out: `Translator` with torch, `ExportedTranslator` without.

    Attributes:
        progress: told (done, total) while a picture is computed in parts, if it is.
    """

    card: Card
    progress: Callable[[int, int], None] | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the model, one sentence each."""
        ...

    def use_backend(self, name: str, pictures: int = 1, side: int = USUAL_SIDE) -> str | None:
        """Choose what runs the network, for so many pictures of about that side; a sentence where something
        was measured."""
        ...

    def use_int8(self, pictures: Sequence[Path], backend: str = "auto") -> str:
        """Run the network in 8-bit integers, calibrated on some of these pictures; a sentence of how well."""
        ...

    def condition(self, label: str | None = None, text: str | None = None) -> Condition:
        """What the network is called with besides pictures, from a label or a caption."""
        ...

    def codes(self, sampling: Sampling) -> Condition:
        """The codes that are asked for, as many as outputs of each picture; None for a model without."""
        ...

    def remarks(self, text: str) -> tuple[str, ...]:
        """What a person should know of how a caption is read."""
        ...

    def pixels(
        self,
        pixels: np.ndarray,
        condition: Condition,
        code: Condition,
        name: str = "",
        hole: np.ndarray | None = None,
    ) -> np.ndarray:
        """uint8 or uint16 `(H, W, 1 or 3)` to `(scale · H, scale · W, C)` of the same type."""
        ...

    def prepare(self, pixels: np.ndarray, name: str = "", hole: np.ndarray | None = None) -> np.ndarray:
        """What the network takes of a picture, float32 `(1, C, H, W)` in [-1, 1]."""
        ...

    def arrays(self, x: np.ndarray, condition: Condition, code: Condition) -> np.ndarray:
        """The network on float32 `(B, C, H, W)`, of any size; not checked for NaN."""
        ...
