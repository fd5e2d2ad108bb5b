"""What `translate evaluate` measures where there are truths: fidelity, beside the answers to beat."""

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
    from translate.data.held_out import HeldOut
    from translate.metrics.evaluate import Score, Scores
    from translate.metrics.lpips import LPIPS

_TRAINING_PICTURES = 1000  # the mean picture hardly moves beyond so many
_COLUMNS = {
    "lpips": ("LPIPS ↓", 4),
    "ab": ("ab ↓", 2),
    "psnr_inside": ("PSNR in holes ↑", 2),
}  # heading, and decimals


@dataclass(frozen=True)
class PairsResult:
    """Scores by who gave the answers.

    Attributes:
        outside: the model's change outside the mask, where there are masks.
        more: further measures by their names in `_COLUMNS`, each by who gave the answers.
    """

    scores: dict[str, Scores]
    outside: Score | None
    more: dict[str, dict[str, Score]]

    def as_dict(self) -> dict[str, Any]:
        scores = {name: scores.as_dict() for name, scores in self.scores.items()}
        for measure, found in self.more.items():
            for name, score in found.items():
                scores[name][measure] = asdict(score)
        return {"scores": scores} | ({"change_outside_mask": asdict(self.outside)} if self.outside else {})

    def show(self, console: Console, heading: str) -> None:
        from translate.cli.evaluate_console import show_protocols, show_table, text

        rows = {
            name: (text(scores.l1, 4), text(scores.psnr, 2), text(scores.ssim, 4))
            for name, scores in self.scores.items()
        }
        columns = ["L1 ↓", "PSNR ↑", "SSIM ↑"]
        for measure, found in self.more.items():
            heading_of, digits = _COLUMNS[measure]
            columns.append(heading_of)
            rows = {name: (*cells, text(found[name], digits)) for name, cells in rows.items()}
        show_table(console, heading, columns, rows)
        if self.outside is not None:
            console.print(f"change outside the mask {text(self.outside, 4)}")
        model = self.scores["model"]
        more = (found["model"] for found in self.more.values())
        measured = (model.l1, model.psnr, model.ssim, *more, self.outside)
        show_protocols(console, (one.protocol for one in measured if one is not None))
        for name, scores in self.scores.items():
            if scores.psnr.left_out:
                console.print(
                    f"note: PSNR, {name}: without {scores.psnr.left_out} pictures {scores.psnr.reason}"
                )
        if self.outside is not None and self.outside.left_out:
            console.print(f"note: without {self.outside.left_out} pictures {self.outside.reason}")


def measure_pairs(
    answer: Answer,
    found: HeldOut,
    positions: list[int],
    batch_size: int,
    progress: Callable[[Batches, int, str], Batches],
    lpips: LPIPS | None = None,
    *,
    colours: bool = False,
) -> PairsResult:
    """Apply the model to the held-out pictures at `positions`, and score it and the baselines.

    Args:
        lpips: measure that, too.
        colours: measure the error of colours alone, too, of RGB.
    """
    from translate.data.batches import to_float
    from translate.metrics.colour import COLOUR_ERROR, colour_error
    from translate.metrics.evaluate import (
        change_outside,
        change_outside_score,
        copy_input,
        inside_score,
        mean_picture,
        mean_score,
        psnr_inside,
        summarise,
    )
    from translate.metrics.fidelity import Fidelity, fidelity

    channels = found.pictures.shelf.channels[1]
    answers: dict[str, list[Fidelity]] = {"model": [], "copy the input": []}
    mean, mean_name = None, ""
    if found.training is not None:
        seen = spread(len(found.training), _TRAINING_PICTURES)
        batches = found.training.batches(seen, 16)
        mean = mean_picture(to_float(b) for (b,) in progress(batches, len(seen), "training"))
        mean_name = f"mean of {len(seen)} training pictures"
        answers[mean_name] = []
    outside: list[Tensor] = []
    seen_as: dict[str, list[Tensor]] = {name: [] for name in answers}
    colour: dict[str, list[Tensor]] = {name: [] for name in answers}
    inside: dict[str, list[Tensor]] = {name: [] for name in answers if found.pictures.holes}
    batches = found.pictures.batches(positions, batch_size)
    for batch in progress(batches, len(positions), "measuring"):
        truth, *masks = (to_float(side) for side in batch[1:])
        inputs, outputs = answered(answer, batch[0], found.pictures)
        given = {"model": outputs, "copy the input": copy_input(inputs, channels)}
        if mean is not None:
            given[mean_name] = mean.expand_as(truth)
        for name, pictures in given.items():
            answers[name].append(fidelity(pictures, truth))
            if inside:
                inside[name].append(psnr_inside(pictures, truth, batch[0][:, -1:].to(pictures.device)))
            if lpips is not None:
                seen_as[name].append(lpips.distance(pictures, truth))
            if colours:
                colour[name].append(colour_error(pictures, truth))
        if masks:
            outside.append(change_outside(outputs, inputs, masks[0]))
    more: dict[str, dict[str, Score]] = {}
    if lpips is not None:
        more["lpips"] = {name: lpips.score(parts) for name, parts in seen_as.items()}
    if colours:
        more["ab"] = {name: mean_score(parts, COLOUR_ERROR) for name, parts in colour.items()}
    if inside:
        more["psnr_inside"] = {name: inside_score(parts, channels) for name, parts in inside.items()}
    return PairsResult(
        {name: summarise(parts, channels) for name, parts in answers.items()},
        change_outside_score(outside) if outside else None,
        more,
    )
