"""What runs a translator's network: torch, another runtime, or one in 8-bit integers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from translate.errors import UsageError
from translate.inference.ahead import USUAL_SIDE, Ahead
from translate.inference.sizes import Tile
from translate.weights import model_file
from translate.weights.card import Card

if TYPE_CHECKING:
    from translate.inference.engines.engine import Engine


class Backends:
    """The part of a translator that chooses who computes; torch, until something else is asked for."""

    card: Card
    device: torch.device
    tile: Tile
    _model: model_file.Model
    _engine: Engine | None = None

    @property
    def backend(self) -> str:
        """What runs the network: `torch`, `onnx`, `openvino`, `mnn`, or one of these with ` int8`."""
        return "torch" if self._engine is None else self._engine.name

    def use_backend(self, name: str, pictures: int = 1, side: int = USUAL_SIDE) -> str | None:
        """Run the network by another runtime from now on; gives a sentence where that was measured.

        Args:
            name: `torch`; `onnx`, `openvino` or `mnn`; or `auto`, the fastest of those installed, see
                `engines.choice.choose_engine`.
            pictures, side: how many there are to convert, of about side × side pixels, which is what `auto`
                weighs a measurement against.

        Raises:
            UsageError: it isn't installed, or the model isn't on the CPU.
            ModelError: it can't run this network.
        """
        if name != "torch" and name != "auto" and self.device.type != "cpu":
            raise UsageError(f"the backend {name} runs on the CPU, not on {self.device}; add --device cpu.")
        self._engine = None
        if name == "torch" or self.device.type != "cpu":
            return None
        if name == "auto":
            from translate.inference.engines.choice import choose_engine

            self._engine, sentence = choose_engine(self._model, Ahead(pictures, side))
            return sentence
        from translate.inference.engines.engine import open_engine

        self._engine = open_engine(self._model, name)
        return None

    def use_int8(self, pictures: Sequence[Path], backend: str = "auto") -> str:
        """Run the network in 8-bit integers from now on; gives a sentence of how well; see `engines.int8`.

        Args:
            pictures: files like those to be converted; half of a few of them calibrate, on the others it is
                measured.
            backend: `openvino`, `onnx`, or `auto`, the first of these that is installed.

        Raises:
            UsageError: no such backend, too few pictures, not on the CPU, or `tile` computes parts.
            ModelError: the model can't be run in 8 bits, or its pictures would be too far from what they are.
        """
        from translate.inference.engines import int8

        if self.device.type != "cpu":
            raise UsageError(f"int8 runs on the CPU, not on {self.device}; add --device cpu.")
        if self.tile in ("exact", "approximate"):
            raise UsageError(
                f"int8 takes pictures as a whole, and --tile {self.tile} computes parts of them in float32; "
                "leave one of the two out."
            )
        inputs = int8.inputs_of(pictures, self.card, self._model_input)
        self._engine, sentence = int8.open_int8(self._model, int8.runtime_of(backend), inputs)
        return sentence

    def _model_input(self, pixels: np.ndarray) -> np.ndarray:
        """float32 (1, C, H, W) as the network takes it, of pixels of any size."""
        raise NotImplementedError
