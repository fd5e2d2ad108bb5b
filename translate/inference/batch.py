"""Pictures of one size through the network together; what is wrong with one of them is its own affair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from translate import images
from translate.errors import BadImage, ModelError, TranslateError
from translate.inference.converter import Condition, Converter
from translate.inference.pictures import require_finite


class Pixels(Protocol):
    """A picture, uint8 or uint16 `(H, W, 3)`, and its hole, bool `(1, 1, H, W)`, if there is one."""

    @property
    def pixels(self) -> np.ndarray: ...
    @property
    def hole(self) -> np.ndarray | None: ...


def run(
    translator: Converter, batch: Sequence[Pixels], condition: Condition, code: Condition
) -> list[np.ndarray | str]:
    """The outputs of a batch, uint8 or uint16 `(H, W, C)`, or for each the reason why there is none.

    Raises:
        ModelError: the model doesn't take pictures.
    """
    if len(batch) == 1:
        return [_alone(translator, batch[0], condition, code)]
    prepared = [_prepare(translator, frame) for frame in batch]
    inputs = [x for x in prepared if not isinstance(x, str)]
    try:
        made = iter(translator.arrays(np.concatenate(inputs), condition, code) if inputs else ())
    except TranslateError as error:
        return [x if isinstance(x, str) else str(error) for x in prepared]
    return [
        x if isinstance(x, str) else _pixels(next(made), 8 * frame.pixels.itemsize)
        for frame, x in zip(batch, prepared, strict=True)
    ]


def _alone(translator: Converter, frame: Pixels, condition: Condition, code: Condition) -> np.ndarray | str:
    """As `run`; a large picture is never there as floats in whole."""
    try:
        return translator.pixels(frame.pixels, condition, code, hole=frame.hole)
    except BadImage as error:
        return error.reason
    except ModelError:
        raise  # the next picture would fare no better
    except TranslateError as error:
        return str(error)


def _prepare(translator: Converter, frame: Pixels) -> np.ndarray | str:
    """What the network takes of a picture, or the reason why there is nothing."""
    try:
        return translator.prepare(frame.pixels, hole=frame.hole)
    except BadImage as error:
        return error.reason


def _pixels(output: np.ndarray, bits: int) -> np.ndarray | str:
    try:
        require_finite(output)
    except TranslateError as error:
        return str(error)
    return images.to_pixels(output, bits=bits)
