"""From a model file of either kind to what converts files with it. Imports torch for those that need it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from translate.errors import UsageError
from translate.weights.card import NormStatistics
from translate.weights.onnx_file import is_exported

if TYPE_CHECKING:
    from translate.inference.converter import Converter
    from translate.inference.sizes import Tile


def open_model(
    path: Path,
    device: str = "auto",
    norm_statistics: NormStatistics | None = None,
    tile: Tile = "auto",
    max_memory: int | str | None = None,
) -> Converter:
    """The model of a file, ready to convert with; for arguments see `translate.load`.

    Raises:
        ModelError: a damaged model, or none of ours.
        UsageError: options that make no sense, or none for this kind of file.
    """
    if not is_exported(path):
        from translate.inference.translator import load

        return load(path, None, device, norm_statistics, tile, max_memory)
    from translate.inference.exported import ExportedTranslator

    translator = ExportedTranslator(path, max_memory)
    if device not in ("auto", "cpu"):
        raise UsageError(f"an exported model runs on the CPU, not on {device}; {_REMEDY}")
    if tile not in ("auto", "whole"):
        raise UsageError(
            f"an exported model computes pictures as a whole, so there is no --tile {tile}; {_REMEDY}"
        )
    if norm_statistics not in (None, translator.card.norm_statistics):
        raise UsageError(f"--norm-statistics was settled when the model was exported; {_REMEDY}")
    return translator


_REMEDY = "leave that out, or use the .safetensors model that it was exported from."
