"""`translate evaluate`: a model measured on held-out pairs, beside the answers that it has to beat."""

from __future__ import annotations

import json as jsonlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter, validators

from translate.data.sides import Task

if TYPE_CHECKING:
    from torch import Tensor

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
    task: Task | None = None,
    direction: Literal["a2b", "b2a"] | None = None,
    norm_statistics: Literal["batch", "running"] | None = None,
    label: str | None = None,
    text: str | None = None,
    device: str = "auto",
    batch_size: Annotated[int, Parameter(validator=_AT_LEAST_ONE)] = 4,
    sets: Annotated[bool, Parameter(name=("--sets", "--kid"), negative=())] = False,
    neighbours: Path | None = None,
    inception: Annotated[bool, Parameter(negative=())] = False,
    lpips: Annotated[bool, Parameter(negative=())] = False,
    weights_dir: Path | None = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> int:
    """Measure a model on held-out pairs: L1, PSNR and SSIM, beside the answers that it has to beat.

    Pictures are seen as in the training: shorter side to its size, or as data.load_size says; centre crop.
    Unpaired folders need the true translations of testA in testTruth; with testMask, the change outside the
    mask is measured too.
    Without a truth, --sets tells how alike the outputs are to testB as a set.
    Models that enlarge are measured on whole pictures, as papers do: PSNR and SSIM on Y and on RGB, without a
    border as wide as the scale, beside bicubic enlargement. The small ones are made, or named: --a LR --b HR.
    Of a model that adds colours the error of a and b in CIE Lab is measured, too; its inputs are made grey.
    Of a model that can make many outputs (BicycleGAN) the one of the mean code is measured.

    Parameters
    ----------
    model
        A run folder, the name of a run under checkpoints or of a model that comes with the project, a model
        file, another tool's weights, or hf:OWNER/NAME[@REVISION] on the Hugging Face Hub.
    data
        The data folder; `translate data inspect` says how it is read.
    split
        What to measure on. Default: val, or test where there is no val.
    limit
        At most so many pictures, evenly spread.
    size
        Side of the pictures, in pixels. Default: as trained; of models that enlarge pictures stay whole.
    a
        Name of the folder with the inputs, where names don't tell; left or right for halves of files.
    b
        Name of the folder with the targets.
    task
        Make the inputs from plain pictures, as in the training by default.
    direction
        a2b or b2a: the other generator of a two-way model. Without it a run's a→b.
    norm_statistics
        What batch norm uses: batch, the statistics of each picture, or running, those of the training.
        Default: as the model's card says; of another tool's weights batch.
    label
        What to translate into, of a model that has labels; the truths are to be of it.
    text
        A caption of what to translate into, of a model that asks for one; the truths are to be of it.
    device
        auto, cpu, cuda or cuda:N.
    batch_size
        How many pictures go through the network together.
    sets
        Measure outputs and held-out targets as sets instead, which needs no truth: KID, precision, recall,
        an Inception-like score, lattices and spectra.
    neighbours
        With --sets, also find each output's nearest training target, tell whether outputs are copies, and
        write the nearest pairs to this picture file.
    inception
        With --sets, look with Inception-v3 as papers do, which gives FID too, rather than with
        EfficientNet-Lite2.
    lpips
        Of pairs measure LPIPS (on AlexNet), too.
    weights_dir
        Folder with the weights of AlexNet or Inception-v3. Default: they are downloaded once.
    output
        Write a sheet of inputs, outputs and truths to this picture file.
    json
        Print the scores as JSON.
    quiet
        No progress bar.
    """
    from rich.console import Console

    from translate.cli.evaluate_console import progress
    from translate.cli.evaluate_data import data_options, needs_pairs, seen_as, spread
    from translate.cli.evaluate_enlarged import (
        baseline,
        enlarged_options,
        enlarges,
        measure_enlarged,
        require_whole,
        write_enlarged_sheet,
    )
    from translate.cli.evaluate_pairs import measure_pairs
    from translate.cli.evaluate_sets import measure_sets
    from translate.cli.evaluate_sheets import require_writable, write_neighbours, write_sheet
    from translate.data.held_out import both_sides, held_out
    from translate.data.whole_pairs import WholePairs, whole_pairs
    from translate.devices import choose_device
    from translate.errors import UsageError
    from translate.metrics.features import PictureFeatures
    from translate.metrics.inception_v3 import InceptionFeatures
    from translate.metrics.lpips import LEAST, LPIPS

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for option, path in (("--output", output), ("--neighbours", neighbours)):
        if path is not None:
            require_writable(option, path)

    of_sets = sets or neighbours is not None
    if inception and not of_sets:
        raise UsageError("--inception is for sets of pictures; add --sets, or take --lpips for pairs.")
    if lpips and of_sets:
        raise UsageError("--lpips compares each output with its truth, --sets with none; leave one out.")

    from translate.inference.translator import load

    translator = load(model, direction, device, norm_statistics)
    for note in () if quiet else translator.notes:
        console.print(f"note: {note}", markup=False)
    translator.condition(label, text)  # refused here rather than after the data are read

    def answer(pictures: Tensor, mask: Tensor | None = None) -> Tensor:
        return translator(pictures, label, text, mask=mask)

    card = translator.card
    options = data_options(card, size=size, a=a, b=b, task=task)
    found_like = {"split": split, "kind": needs_pairs(card), "colours": card.colours}
    shown = partial(progress, console=console, quiet=quiet)
    sheets: dict[Path, str] = {}
    enlarged = enlarges(card)
    if enlarged:
        require_whole(
            {
                "--size": size is not None,
                "--sets": sets,
                "--neighbours": neighbours is not None,
                "--lpips": lpips,
            }
        )
        pictures = whole_pairs(data, enlarged_options(options, card), split=split)
        found_split, positions = pictures.split, spread(len(pictures), limit)
        result = measure_enlarged(answer, pictures, positions, shown)
    elif of_sets:
        sides = both_sides(data, options, **found_like)
        found_split, pictures = sides.split, sides.inputs
        positions, targets = spread(len(pictures), limit), spread(len(sides.targets), limit)
        copies = neighbours is not None
        onlooker = (
            InceptionFeatures(choose_device(device), weights_dir, progress=not quiet)
            if inception
            else PictureFeatures(choose_device(device))
        )
        result = measure_sets(answer, sides, positions, targets, batch_size, onlooker, shown, copies=copies)
        if neighbours is not None and result.memorised is not None:
            write_neighbours(neighbours, answer, sides, positions, result.memorised)
            sheets[neighbours] = "the outputs nearest to training pictures, those pictures"
    else:
        if a is not None and b is not None and not quiet:
            console.print(
                f"note: pictures of equal names in {a} and {b} are taken for pairs, input and truth; if they "
                "are none, compare them as sets: --sets",
                markup=False,
            )
        found = held_out(data, options, **found_like)
        found_split, pictures = found.split, found.pictures
        positions = spread(len(pictures), limit)
        if lpips and options.size < LEAST:
            raise UsageError(f"LPIPS takes pictures of {LEAST} pixels at least; --size {LEAST} or more.")
        compared = LPIPS(choose_device(device), weights_dir, progress=not quiet) if lpips else None
        coloured = card.colour_space == "lab"
        result = measure_pairs(answer, found, positions, batch_size, shown, compared, colours=coloured)
    if not enlarged and not quiet and (said := seen_as(options)):
        console.print(f"note: {said}", markup=False)
    if output is not None:
        if isinstance(pictures, WholePairs):
            write_enlarged_sheet(output, answer, pictures, positions)
            sheets[output] = f"{baseline(pictures)}, output, truth"
        else:
            write_sheet(output, answer, pictures, positions)
            sheets[output] = ", ".join(("input", "output", "truth")[: 1 + len(pictures.shelf.sides)])
    if json:
        facts = {
            "model": model,
            "direction": card.direction,
            "data": str(data),
            "split": found_split,
            "size": None if enlarged else options.size,
            "load_size": None if enlarged else options.load_size,
            "pictures": len(positions),
            "of": len(pictures),
        }
        print(jsonlib.dumps(facts | result.as_dict()))
    else:
        result.show(console, f"{len(positions)} of {len(pictures)} pictures of {data}, {found_split}")
        for path, rows in sheets.items():
            console.print(f"sheet: {path} (rows: {rows})", markup=False)
    return 0
