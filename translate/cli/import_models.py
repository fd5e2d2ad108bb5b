"""`translate import`: other tools' weights as model files."""

from __future__ import annotations

import json as jsonlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.console import Console

_SUFFIX = ".safetensors"


def import_models(
    *files: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    norm_statistics: Literal["batch", "running"] | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> int:
    """Make model files of other tools' weights: pix2pix, CycleGAN, CUT, pix2pixHD, Real-ESRGAN and more.

    The network is read off the weights; an options file beside them (train_opt.txt, opt.txt, test_opt.txt)
    says the rest. Nothing in a file is run: one that needs code to be opened is refused. Files stay as they
    are. A file that can't be imported doesn't stop the others.

    Parameters
    ----------
    files
        .pth, .pt or .safetensors files, or folders with latest_net_G….pth.
    output
        The model file to write, or a folder: both generators of a two-way model make one run folder there.
    norm_statistics
        What batch norm uses: batch, the statistics of each picture, as the reference tools convert; or
        running, those of the training, as with their --eval. Default: batch.
    json
        Print one JSON object per file to stdout.
    quiet
        Print failures only.
    """
    from rich.console import Console

    from translate.errors import TranslateError, UsageError

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if not files:
        raise UsageError("name at least one file of weights to import.")
    failed = 0
    for job in _plan(files, output):
        try:
            result = _import(job, norm_statistics)
        except TranslateError as error:
            if len(files) == 1 and not job.folder:
                raise
            failed += 1
            result = {"input": str(job.source), "status": "failed", "error": str(error)}
            console.print(f"failed: {error}", style="red", markup=False)
        else:
            if not quiet:
                _tell(console, result)
        if json:
            print(jsonlib.dumps(result))
    return int(failed > 0)


@dataclass(frozen=True)
class _Job:
    """`folder`: it is one of several, or of a folder that was named."""

    source: Path
    target: Path
    folder: bool


def _plan(files: tuple[Path, ...], output: Path) -> list[_Job]:
    """Which file becomes which."""
    from translate.errors import UsageError

    sources = [source for file in files for source in _sources(file)]
    if len(sources) == 1 and output.suffix == _SUFFIX and not output.is_dir():
        return [_Job(sources[0], output, folder=False)]
    if output.suffix == _SUFFIX:
        raise UsageError(
            f"--output {output} is one file, but these are {len(sources)} models; give a folder."
            if len(sources) > 1
            else f"--output {output} is a folder, whatever its name says; give a file in it."
        )
    targets = _names(sources)
    return [_Job(source, output / name, folder=True) for source, name in zip(sources, targets, strict=True)]


def _sources(file: Path) -> list[Path]:
    from translate.errors import ModelError
    from translate.weights.importers import names

    if not file.is_dir():
        return [file]
    found = [path for path in (names.in_folder(file, way) for way in ("a2b", "b2a")) if path is not None]
    if not found:
        raise ModelError(
            f"{file} is a folder without latest_net_G.pth or latest_net_G_A.pth; name the files."
        )
    return found


def _names(sources: list[Path]) -> list[str]:
    """Those of a run folder for one model or both its ways; else each its own, told apart by folders."""
    from translate.weights.importers import names
    from translate.weights.locate import MODEL_FILES

    ways = [names.direction(source) for source in sources]
    if len(sources) == 1 or (len(sources) == 2 and names.other_direction(sources[0]) == sources[1]):
        return [MODEL_FILES[way] for way in ways]
    stems = [source.stem for source in sources]
    if len(set(stems)) < len(stems):
        stems = [f"{source.absolute().parent.name}-{source.stem}" for source in sources]
    return [
        f"{stem}{'' if stems.count(stem) == 1 else f'-{place}'}{_SUFFIX}"
        for place, stem in enumerate(stems, 1)
    ]


def _import(job: _Job, norm_statistics: Literal["batch", "running"] | None) -> dict[str, Any]:
    from translate.errors import ModelError
    from translate.networks.catalogue import parameter_count
    from translate.weights import model_file
    from translate.weights.card import has_card
    from translate.weights.importers.opening import open_foreign

    if job.source.suffix == _SUFFIX and job.source.exists() and has_card(job.source):
        raise ModelError(f"{job.source} is a model file already (or a damaged one); copy it as it is.")
    imported = open_foreign(job.source)
    # Built first: a file that doesn't load again must not be written.
    model = model_file.assemble(job.source, imported.card, imported.weights, imported.notes, norm_statistics)
    model_file.save(job.target, imported.weights, model.card)
    card = model.card
    return {
        "input": str(job.source),
        "output": str(job.target),
        "status": "done",
        "tool": card.origin["tool"],
        "architecture": card.architecture,
        "arguments": card.arguments,
        "parameters": parameter_count(model.network),
        "direction": card.direction,
        "domains": card.domains,
        "norm_statistics": card.norm_statistics,
        "notes": list(imported.notes),
    }


def _tell(console: Console, result: dict[str, Any]) -> None:
    arguments = ", ".join(f"{key} {value}" for key, value in result["arguments"].items())
    millions = result["parameters"] / 1e6
    console.print(f"{result['input']} → {result['output']}", markup=False)
    console.print(
        f"  {result['architecture']} of {result['tool']}, {millions:.2f} M: {arguments}", markup=False
    )
    if result["arguments"].get("norm") == "batch":
        used = "each picture" if result["norm_statistics"] == "batch" else "the training"
        console.print(f"  batch norm uses the statistics of {used} (--norm-statistics)", markup=False)
    for note in result["notes"]:
        console.print(f"  note: {note}", markup=False)
