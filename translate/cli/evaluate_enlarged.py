"""What `translate evaluate` measures of models that enlarge: whole pictures, as papers do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from rich.console import Console
    from torch import Tensor

    from translate.cli.evaluate_console import Batches
    from translate.cli.evaluate_data import Answer
    from translate.data.options import DataOptions
    from translate.data.whole_pairs import WholePairs
    from translate.metrics.superres import ResolvedScores
    from translate.weights.card import Card

_SHOWN = 192  # pixels of a picture's middle on a sheet


@dataclass(frozen=True)
class EnlargedResult:
    """Scores by who gave the answers, and how many of the pictures are grey."""

    scores: dict[str, ResolvedScores]
    scale: int
    grey: int

    def as_dict(self) -> dict[str, Any]:
        scores = {name: scores.as_dict() for name, scores in self.scores.items()}
        return {"scale": self.scale, "grey": self.grey, "scores": scores}

    def show(self, console: Console, heading: str) -> None:
        from translate.cli.evaluate_console import show_protocols, show_table, text

        rows = {
            name: (text(s.psnr_y, 2), text(s.ssim_y, 4), text(s.psnr_rgb, 2), text(s.ssim_rgb, 4))
            for name, s in self.scores.items()
        }
        columns = ("PSNR Y ↑", "SSIM Y ↑", "PSNR RGB ↑", "SSIM RGB ↑")
        times = f", ×{self.scale}" if self.scale > 1 else ""
        show_table(console, heading + times, columns, rows)
        model = self.scores["model"]
        measured = (model.psnr_y, model.ssim_y, model.psnr_rgb, model.ssim_rgb)
        show_protocols(console, (one.protocol for one in measured))
        if self.grey:
            console.print(f"note: grey files are their own Y: {self.grey}")


def enlarges(card: Card) -> bool:
    """Whether a model is measured on whole pictures, as one of super-resolution."""
    return card.scale > 1 or card.translator == "superres"


def require_whole(asked: Mapping[str, bool]) -> None:
    """Refuse options that are for pictures of one size.

    Args:
        asked: options, and whether they were given.

    Raises:
        UsageError: naming the first one.
    """
    from translate.errors import UsageError

    for option in (option for option, given in asked.items() if given):
        raise UsageError(
            f"{option} is for pictures of one size, and models of superres, whether they enlarge or restore, "
            "are measured on whole ones; leave it out."
        )


def enlarged_options(options: DataOptions, card: Card) -> DataOptions:
    """How small pictures and large ones are found; where no folder is named they are made.

    Raises:
        UsageError: nothing would be changed by what makes the inputs.
    """
    from translate.errors import UsageError

    named = options.a is not None or options.b is not None
    if card.scale == 1 and options.task == "downscale":
        raise UsageError(
            "the model restores pictures of realistic degradation, which evaluate doesn't make; give pairs, "
            "--a NAME --b NAME, or other damage: --task denoise, deblur or dejpeg."
        )
    task = options.task or (None if named or card.scale == 1 else "downscale")
    return replace(options, task=task, scale=card.scale, load_size="full")


def baseline(pairs: WholePairs) -> str:
    """What a model has to beat: bicubic enlargement, and where the size stays the input itself."""
    return "bicubic" if pairs.shelf.scale > 1 else "copy the input"


def measure_enlarged(
    answer: Answer,
    pairs: WholePairs,
    positions: Sequence[int],
    progress: Callable[[Batches, int, str], Batches],
) -> EnlargedResult:
    """Apply the model to the small pictures at `positions`, and score it and the baseline."""
    import torch

    from translate.metrics.superres import resolved, summarise

    scale = pairs.shelf.scale
    beside = baseline(pairs)
    answers = {"model": [], beside: []}
    grey = 0
    batches = (tuple(torch.from_numpy(side)[None] for side in pairs[i]) for i in positions)
    for i, (small, large) in zip(positions, progress(batches, len(positions), "measuring"), strict=True):
        truth, is_grey = _float(large), pairs.grey(i)
        grey += is_grey
        for name, output in (("model", answer(_float(small))), (beside, _bicubic(small, scale, truth))):
            seen = [_as_grey(picture) if is_grey else picture for picture in (output, truth)]
            answers[name].append(resolved(*seen, border=scale))
    channels = pairs.shelf.channels[1]
    scores = {name: summarise(parts, channels, border=scale) for name, parts in answers.items()}
    return EnlargedResult(scores, scale, grey if channels == 3 else 0)


def write_enlarged_sheet(path: Path, answer: Answer, pairs: WholePairs, positions: Sequence[int]) -> None:
    """The middles of some of the pictures; rows: baseline, output, truth."""
    import torch

    from translate.cli.evaluate_sheets import some, write_columns

    columns = []
    for i in some(positions):
        small, large = (torch.from_numpy(side)[None] for side in pairs[i])
        truth = _float(large)
        pictures = (_bicubic(small, pairs.shelf.scale, truth), answer(_float(small)), truth)
        columns.append([_middle(picture.cpu()) for picture in pictures])
    write_columns(path, columns)


def _middle(picture: Tensor) -> Tensor:
    from torch.nn import functional as F

    height, width = picture.shape[-2:]
    side = min(_SHOWN, height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[..., top : top + side, left : left + side]
    return F.pad(square, (0, _SHOWN - side, 0, _SHOWN - side), value=1.0)


def _float(pictures: Tensor) -> Tensor:
    from translate.data.batches import to_float

    return to_float(pictures)


def _bicubic(small: Tensor, scale: int, truth: Tensor) -> Tensor:
    """MATLAB's enlargement of uint8 (1, C, H, W), as grey or RGB as the truth."""
    import torch

    from translate.data.bicubic import imresize
    from translate.metrics.evaluate import copy_input

    enlarged: np.ndarray = imresize(small[0].numpy(), scale, planar=True)
    return copy_input(_float(torch.from_numpy(enlarged)[None]), truth.shape[1])


def _as_grey(picture: Tensor) -> Tensor:
    from translate.metrics.evaluate import copy_input

    return copy_input(picture.cpu(), 1)
