"""What an importer finds out about a file's weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

SPANDREL = "spandrel"  # on a card, an architecture that is no network of ours


@dataclass(frozen=True)
class Found:
    """A network of ours (or `spandrel`'s) and another tool's weights under its names.

    Attributes:
        tool: whose format it is.
        translator: the method that it is usually trained by.
        architecture, arguments: as on a card.
        weights: a state dict of that network.
        sizes: what height and width are multiples of, and the least that they are.
        value_range: of the network's input and output.
        running: its batch norms have the averages of the training.
        assumed: what neither weights nor options say, in words.
    """

    tool: str
    translator: str
    architecture: str
    arguments: dict[str, Any]
    weights: Mapping[str, Tensor]
    sizes: tuple[int, int]
    value_range: tuple[float, float] = (-1.0, 1.0)
    running: bool = True
    assumed: tuple[str, ...] = field(default=())
