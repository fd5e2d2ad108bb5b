"""The sheets of pictures that `translate evaluate` writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from translate.cli.evaluate_data import answered, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from translate.cli.evaluate_data import Answer
    from translate.data.held_out import BothSides, WholePictures
    from translate.metrics.memorised import Memorised

_PICTURES = 8


def require_writable(option: str, path: Path) -> None:
    """Refuse a sheet that could not be written, before anything is measured.

    Raises:
        UsageError: the name doesn't end as that of a picture.
    """
    from translate import images
    from translate.errors import UsageError

    if path.suffix.lower() not in images.WRITABLE:
        raise UsageError(
            f"{option} {path}: a sheet is a picture file; end it in {', '.join(sorted(images.WRITABLE))}."
        )


def write_sheet(path: Path, answer: Answer, pictures: WholePictures, positions: Sequence[int]) -> None:
    """Some of the pictures side by side; rows: input, output, and the truth where there is one."""
    from translate.data.batches import to_float

    columns = [
        [*answered(answer, inputs, pictures), *map(to_float, truth[:1])]
        for inputs, *truth in pictures.batches(some(positions), 1)
    ]
    write_columns(path, columns)


def some(positions: Sequence[int]) -> list[int]:
    """As many of the positions as a sheet shows, evenly spread."""
    return [positions[i] for i in spread(len(positions), _PICTURES)]


def write_neighbours(
    path: Path,
    answer: Answer,
    sides: BothSides,
    positions: Sequence[int],
    found: Memorised,
) -> None:
    """The outputs that are nearest to a training picture, the nearest first; below each that picture.

    Args:
        sides: with the targets that were trained on.
        positions: of the inputs, whose outputs `found` is of.
    """
    from translate.data.batches import to_float

    columns = []
    assert sides.training is not None, "who has neighbours there has training targets"
    for i in found.distances.argsort()[:_PICTURES].tolist():
        (inputs,) = next(sides.inputs.batches([positions[i]], 1))
        (neighbour,) = next(sides.training.batches([int(found.neighbours[i])], 1))
        columns.append([answered(answer, inputs, sides.inputs)[1], to_float(neighbour)])
    write_columns(path, columns)


def write_columns(path: Path, columns: Sequence[Sequence[Tensor]]) -> None:
    """Columns of pictures (1, 1 or 3, S, S), float in [-1, 1], all of one size."""
    import torch
    from torch.nn import functional as F

    from translate import images

    framed = [[F.pad(p.expand(-1, 3, -1, -1), (2, 2, 2, 2), value=1.0) for p in column] for column in columns]
    sheet = torch.cat([torch.cat(column, -2) for column in framed], -1)
    images.write(path, images.to_pixels(sheet))
