"""`translate evaluate`: a model measured on held-out pairs, beside the answers that it has to beat."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, validators

if TYPE_CHECKING:
    from rich.console import Console
    from torch import Tensor

    from translate.data.datasets import DataOptions
    from translate.data.held_out import HeldOut, WholePictures
    from translate.metrics.evaluate import Score, Scores
    from translate.weights.card import Card

    Answer = Callable[[Tensor], Tensor]  # float (B, C, H, W) in [-1, 1] to the same

_SHEET_PICTURES = 8
_TRAINING_PICTURES = 1000  # the mean picture hardly moves beyond so many
_AT_LEAST_ONE = validators.Number(gte=1)


def evaluate(
    model: str,
    /,
    *,
    data: Path,
    split: Literal["train", "val", "test"] | None = None,
    limit: Annotated[int | None, Parameter(validator=_AT_LEAST_ONE)] = None,
    size: Annotated[int | None, Parameter(validator=validators.Number(gte=11))] = None,
    a: Annotated[str | None, Parameter(name="--a")] = None,
    b: Annotated[str | None, Parameter(name="--b")] = None,
    task: Literal["edges"] | None = None,
    direction: Literal["a2b", "b2a"] | None = None,
    label: str | None = None,
    text: str | None = None,
    device: str = "auto",
    batch_size: Annotated[int, Parameter(validator=_AT_LEAST_ONE)] = 4,
    kid: Annotated[bool, Parameter(negative=())] = False,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> int:
    """Measure a model on held-out pairs: L1, PSNR and SSIM, beside the answers that it has to beat.

    Pictures are seen as in the training: shorter side to its size, centre crop. Unpaired folders need the
    true translations of testA in testTruth; with testMask, the change outside the mask is measured too.
    Without a truth, --kid tells how alike the outputs are to testB as a set.
    Of a model that can make many outputs (BicycleGAN) the one of the mean code is measured.

    Parameters
    ----------
    model
        A run folder, the name of a run under checkpoints, or a model file.
    data
        The data folder; `translate data inspect` says how it is read.
    split
        What to measure on. Default: val, or test where there is no val.
    limit
        At most so many pictures, evenly spread.
    size
        Side of the pictures, in pixels. Default: as trained.
    a
        Name of the folder with the inputs, where names don't tell; left or right for halves of files.
    b
        Name of the folder with the targets.
    task
        Make the inputs from plain pictures: edges. Default: as trained.
    direction
        a2b or b2a: the other generator of a two-way model. Without it a run's a→b.
    label
        What to translate into, of a model that has labels; the truths are to be of it.
    text
        A caption of what to translate into, of a model that asks for one; the truths are to be of it.
    device
        auto, cpu, cuda or cuda:N.
    batch_size
        How many pictures go through the network together.
    kid
        Measure the kernel distance (KID) between outputs and held-out targets instead, which needs no truth.
    output
        Write a sheet of inputs, outputs and truths to this picture file.
    json
        Print the scores as JSON.
    quiet
        No progress bar.
    """
    from rich.console import Console

    from translate.cli.evaluate_kid import measure_kid
    from translate.data.held_out import both_sides, held_out

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if output is not None:
        _require_writable(output)

    from translate.inference.translator import load

    translator = load(model, direction, device)
    translator.condition(label, text)  # refused here rather than after the data are read
    answer = partial(translator, label=label, text=text)
    card = translator.card
    options = data_options(card, size=size, a=a, b=b, task=task)
    found_like = {"split": split, "kind": _needs_pairs(card), "colours": card.colours}
    if kid:
        sides = both_sides(data, options, **found_like)
        found_split, pictures = sides.split, sides.inputs
        positions, targets = spread(len(pictures), limit), spread(len(sides.targets), limit)
        progress = partial(_progress, console=console, quiet=quiet)
        result = measure_kid(answer, sides, positions, targets, batch_size, device, progress)
    else:
        found = held_out(data, options, **found_like)
        found_split, pictures = found.split, found.pictures
        positions = spread(len(pictures), limit)
        result = measure(answer, found, positions, batch_size, console, quiet=quiet)
    if output is not None:
        _write_sheet(output, answer, pictures, positions)
    if json:
        facts = {
            "model": model,
            "direction": card.direction,
            "data": str(data),
            "split": found_split,
            "size": options.size,
            "pictures": len(positions),
            "of": len(pictures),
        }
        print(jsonlib.dumps(facts | result.as_dict()))
    else:
        result.show(console, f"{len(positions)} of {len(pictures)} pictures of {data}, {found_split}")
        if output is not None:
            rows = "input, output" if kid else "input, output, truth"
            console.print(f"sheet: {output} (rows: {rows})", markup=False)
    return 0


def data_options(
    card: Card, *, size: int | None, a: str | None, b: str | None, task: str | None
) -> DataOptions:
    """How held-out pictures are read: as the model was trained to see them, unless told otherwise.

    Raises:
        ModelError: the card's recipe makes no sense, or the model takes or makes what is no picture.
    """
    from pydantic import ValidationError

    from translate.config import DataSection
    from translate.data.datasets import DataOptions
    from translate.errors import ModelError

    recorded = card.recipe.get("data") or {}
    known = {key: recorded[key] for key in ("size", "direction", "task", "a", "b") if key in recorded}
    try:
        trained = DataSection.model_validate(known)
    except (ValidationError, AttributeError, TypeError) as error:
        raise ModelError(f"the recipe on the model's card makes no sense: {error}") from error
    channels = [int(card.arguments.get(key) or 3) for key in ("in_channels", "out_channels")]
    if card.classes:
        channels[0] = 3  # the colours that its maps are drawn in
    if not set(channels) <= {1, 3}:
        raise ModelError(
            f"the model makes {channels[1]} channels of {channels[0]}; pictures have 1 or 3, so there is "
            "nothing in a folder to measure it on."
        )
    swapped = (trained.direction == "b2a") != (card.direction == "b2a")
    named = a is not None or b is not None
    return DataOptions(
        size=size or trained.size,
        direction="b2a" if swapped else "a2b",
        task=task or (None if named else trained.task),
        a=a if named else trained.a,
        b=b if named else trained.b,
        channels_a=channels[0],
        channels_b=channels[1],
    )


def spread(count: int, limit: int | None) -> list[int]:
    """At most `limit` of the positions 0 … `count` − 1, evenly spread."""
    taken = count if limit is None else min(limit, count)
    return [place * count // taken for place in range(taken)]


@dataclass(frozen=True)
class Result:
    """Scores by who gave the answers, and the model's change outside the mask where there are masks."""

    scores: dict[str, Scores]
    outside: Score | None

    def as_dict(self) -> dict[str, Any]:
        scores = {name: scores.as_dict() for name, scores in self.scores.items()}
        return {"scores": scores} | ({"change_outside_mask": asdict(self.outside)} if self.outside else {})

    def show(self, console: Console, heading: str) -> None:
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("")
        for column in ("L1 ↓", "PSNR ↑", "SSIM ↑"):
            table.add_column(column, justify="right")
        for name, scores in self.scores.items():
            table.add_row(name, _text(scores.l1, 4), _text(scores.psnr, 2), _text(scores.ssim, 4))
        console.print(f"{heading}:", markup=False)
        console.print(table)
        if self.outside is not None:
            console.print(f"change outside the mask {_text(self.outside, 4)}")
        model = self.scores["model"]
        for one in (model.l1, model.psnr, model.ssim, self.outside):
            if one is not None:
                console.print(f"  {one.protocol}", style="dim", markup=False)
        for name, scores in self.scores.items():
            if scores.psnr.left_out:
                console.print(
                    f"note: PSNR, {name}: without {scores.psnr.left_out} pictures {scores.psnr.reason}"
                )
        if self.outside is not None and self.outside.left_out:
            console.print(f"note: without {self.outside.left_out} pictures {self.outside.reason}")


def measure(
    translator: Answer,
    found: HeldOut,
    positions: list[int],
    batch_size: int,
    console: Console,
    *,
    quiet: bool = False,
) -> Result:
    """Apply the model to the held-out pictures at `positions`, and score it and the baselines."""
    from translate.data.datasets import to_float
    from translate.metrics.evaluate import (
        change_outside,
        change_outside_score,
        copy_input,
        mean_picture,
        summarise,
    )
    from translate.metrics.fidelity import Fidelity, fidelity

    channels = found.pictures.shelf.channels[1]
    answers: dict[str, list[Fidelity]] = {"model": [], "copy the input": []}
    mean, mean_name = None, ""
    if found.training is not None:
        seen = spread(len(found.training), _TRAINING_PICTURES)
        batches = found.training.batches(seen, 16)
        mean = mean_picture(to_float(b) for (b,) in _progress(batches, len(seen), "training", console, quiet))
        mean_name = f"mean of {len(seen)} training pictures"
        answers[mean_name] = []
    outside: list[Tensor] = []
    batches = found.pictures.batches(positions, batch_size)
    for batch in _progress(batches, len(positions), "measuring", console, quiet):
        truth, *masks = (to_float(side) for side in batch[1:])
        inputs, outputs = answered(translator, batch[0], found.pictures.colours)
        answers["model"].append(fidelity(outputs, truth))
        answers["copy the input"].append(fidelity(copy_input(inputs, channels), truth))
        if mean is not None:
            answers[mean_name].append(fidelity(mean.expand_as(truth), truth))
        if masks:
            outside.append(change_outside(outputs, inputs, masks[0]))
    return Result(
        {name: summarise(parts, channels) for name, parts in answers.items()},
        change_outside_score(outside) if outside else None,
    )


def answered(answer: Answer, inputs: Tensor, colours: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The inputs as pictures, and what the model makes of them, float (B, C, S, S) in [-1, 1].

    Args:
        inputs: uint8 (B, C, S, S); of maps of classes their numbers, with C = 1.
        colours: of the classes, 0xrrggbb; empty for pictures.
    """
    from translate.data.datasets import to_colours, to_float, to_one_hot

    if colours:
        return to_float(to_colours(inputs, colours)), answer(to_one_hot(inputs, len(colours)))
    pictures = to_float(inputs)
    return pictures, answer(pictures)


def _needs_pairs(card: Card) -> Literal["paired"] | None:
    """ "paired" where the method needs pairs; None lets the folder decide: pairs can measure any model."""
    from translate.config import RECIPES

    recipe = RECIPES.get(card.translator)
    return "paired" if recipe is not None and recipe.kind == "paired" else None


def _require_writable(output: Path) -> None:
    from translate import images
    from translate.errors import UsageError

    if output.suffix.lower() not in images.WRITABLE:
        raise UsageError(
            f"--output {output}: a sheet is a picture file; end it in {', '.join(sorted(images.WRITABLE))}."
        )


def _progress(
    batches: Iterator[tuple[Tensor, ...]], total: int, label: str, console: Console, quiet: bool
) -> Iterator[tuple[Tensor, ...]]:
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(
        *columns, console=console, disable=quiet or not console.is_terminal, transient=True
    ) as bar:
        task = bar.add_task(label, total=total)
        for batch in batches:
            yield batch
            bar.update(task, advance=len(batch[0]))


def _text(score: Score, digits: int) -> str:
    if score.mean is None:
        return "∞" if score.left_out else "–"
    return f"{score.mean:.{digits}f}"


def _write_sheet(path: Path, translator: Answer, pictures: WholePictures, positions: list[int]) -> None:
    """Some of the pictures side by side; rows: input, output, and the truth where there is one."""
    import torch
    from torch.nn import functional as F

    from translate import images
    from translate.data.datasets import to_float

    shown = [positions[i] for i in spread(len(positions), _SHEET_PICTURES)]
    rows = [
        [*answered(translator, inputs, pictures.colours), *map(to_float, truth[:1])]
        for inputs, *truth in pictures.batches(shown, 1)
    ]
    columns = [[F.pad(p.expand(-1, 3, -1, -1), (2, 2, 2, 2), value=1.0) for p in column] for column in rows]
    sheet = torch.cat([torch.cat(column, -2) for column in columns], -1)
    images.write(path, images.to_pixels(sheet))
