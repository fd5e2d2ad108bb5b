"""What `translate evaluate --kid` measures: how alike the outputs, as a set, and real targets are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from translate.cli.evaluate_data import answered, spread

if TYPE_CHECKING:
    from rich.console import Console
    from torch import Tensor

    from translate.cli.evaluate_console import Batches
    from translate.cli.evaluate_data import Answer
    from translate.data.held_out import BothSides, WholePictures
    from translate.metrics.evaluate import Score

_SHOWN = 1000  # KID is about a thousandth of what papers print


@dataclass(frozen=True)
class KidResult:
    """Kernel distances to the held-out targets, by whose pictures are compared with them."""

    scores: dict[str, Score]

    def as_dict(self) -> dict[str, Any]:
        return {"scores": {name: {"kid": asdict(score)} for name, score in self.scores.items()}}

    def show(self, console: Console, heading: str) -> None:
        from translate.cli.evaluate_console import show_protocols, show_table

        rows = {name: (f"{(score.mean or 0) * _SHOWN:.2f}",) for name, score in self.scores.items()}
        show_table(console, heading, (f"KID ×{_SHOWN} ↓",), rows)
        show_protocols(console, (score.protocol for score in self.scores.values()))


def measure_kid(
    answer: Answer,
    sides: BothSides,
    positions: list[int],
    targets: list[int],
    batch_size: int,
    device: str,
    progress: Callable[[Batches, int, str], Batches],
) -> KidResult:
    """Compare the outputs of the inputs at `positions` with the targets at `targets`.

    Beside the model stand two answers: the inputs as they are, and, where they are there, as many training
    targets as there are held-out ones, which is as near as another real set comes.
    """
    import torch

    from translate.data.datasets import to_float
    from translate.devices import choose_device
    from translate.metrics.evaluate import copy_input
    from translate.metrics.features import PictureFeatures
    from translate.metrics.kid import kid

    onlooker = PictureFeatures(choose_device(device))
    channels = sides.targets.shelf.channels[0]

    def features(pictures: WholePictures, places: list[int], label: str) -> Tensor:
        loaded = progress(pictures.batches(places, batch_size), len(places), label)
        return torch.cat([onlooker.pooled(to_float(batch)) for (batch,) in loaded])

    real = features(sides.targets, targets, "targets")
    outputs, copies = [], []
    batches = sides.inputs.batches(positions, batch_size)
    for (batch,) in progress(batches, len(positions), "measuring"):
        inputs, output = answered(answer, batch, sides.inputs.colours)
        outputs.append(onlooker.pooled(output))
        copies.append(onlooker.pooled(copy_input(inputs, channels)))
    scores = {"model": kid(torch.cat(outputs), real), "copy the input": kid(torch.cat(copies), real)}
    if sides.training is not None:
        places = spread(len(sides.training), len(targets))
        known = features(sides.training, places, "training")
        scores[f"{len(places)} training pictures"] = kid(known, real)
    return KidResult(scores)
