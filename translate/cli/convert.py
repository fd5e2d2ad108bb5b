"""`translate convert`: pictures and folders through a trained model."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter, validators

if TYPE_CHECKING:
    from rich.console import Console

    from translate.inference.folder import Result

_INTERRUPTED = 130


def convert(
    model: str,
    /,
    *inputs: str,
    output: Annotated[Path, Parameter(alias="-o")],
    direction: Literal["a2b", "b2a"] | None = None,
    norm_statistics: Literal["batch", "running"] | None = None,
    label: str | None = None,
    text: str | None = None,
    samples: Annotated[int | None, Parameter(validator=validators.Number(gte=1))] = None,
    seed: int | None = None,
    truncation: float | None = None,
    interpolate: Annotated[bool, Parameter(negative=())] = False,
    device: str = "auto",
    format: Literal["keep", "png", "jpg", "webp"] = "keep",  # noqa: A002
    quality: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=100))] = 95,
    batch_size: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 1,
    background: str = "white",
    json: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> int:
    """Convert pictures and folders with a trained model.

    Folders are taken with everything below them. Names, tree and sizes are kept; existing outputs are
    replaced, inputs never change. A file that can't be converted doesn't stop the others.

    Parameters
    ----------
    model
        A run folder, the name of a run under checkpoints, a model file, another tool's weights, or
        hf:OWNER/NAME[@REVISION] on the Hugging Face Hub.
    inputs
        Picture files, folders, or quoted patterns such as 'photos/**/*.jpg'.
    output
        The folder to write to; created if needed.
    direction
        a2b or b2a: the other generator of a two-way model. Without it a run's a→b.
    norm_statistics
        What batch norm uses: batch, the statistics of each picture, or running, those of the training.
        Default: as the model's card says; of another tool's weights batch.
    label
        What to translate into, of a model that has labels; translate info MODEL lists them.
    text
        A caption of what to translate into, of a model that asks for one: "a zebra at noon".
    samples
        How many outputs for each picture, of a model that can make many: photo_1.png, photo_2.png …
        Without it one, under the picture's own name: the seed's first, or without a seed the mean one.
    seed
        Which outputs. The same seed gives the same ones, the n-th of all pictures alike. Default: 0.
    truncation
        Draw codes within ± this alone: less varied, more usual. 1 or 2 are common.
    interpolate
        The samples go from the seed's first output to its second in equal steps.
    device
        auto, cpu, cuda or cuda:N.
    format
        keep the input's format, or write png, jpg or webp.
    quality
        Of JPEG and WebP, 1 to 100.
    batch_size
        How many pictures of equal size go through the network together.
    background
        What shows through transparent pixels: a colour name or #rrggbb.
    json
        Print one JSON object per file and a summary to stdout.
    quiet
        No progress bar and no summary; failures are still listed.
    """
    from rich.console import Console

    from translate.errors import UsageError
    from translate.inference.plan import plan
    from translate.signals import stopped_by_signals

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if not inputs:
        raise UsageError("name at least one picture, folder or pattern to convert.")
    colour = _colour(background)
    jobs = plan(inputs, output, format, samples)

    from translate.inference.folder import convert as convert_files
    from translate.inference.latent import Sampling
    from translate.inference.translator import load

    if label is not None and text is not None:
        raise UsageError("--label and --text both say what to translate into; give one of them.")
    sampling = Sampling(samples, seed, truncation, interpolate)

    translator = load(model, direction, device, norm_statistics)
    translator.condition(label, text)  # what makes no sense is refused before it is remarked on
    translator.codes(sampling)
    remarks = (*translator.notes, *(() if text is None else translator.remarks(text)))
    for remark in () if quiet else remarks:
        console.print(f"note: {remark}", markup=False)
    started = time.perf_counter()
    with stopped_by_signals() as stop:
        results = convert_files(
            translator,
            jobs,
            label=label,
            text=text,
            sampling=sampling,
            batch_size=batch_size,
            quality=quality,
            background=colour,
            stop=stop,
        )
        tally = Tally(len(jobs))
        for result in _with_progress(results, len(jobs), console, quiet):
            tally.add(result)
            if json:
                _print_json(_as_dict(result))
    summary = tally.summary(time.perf_counter() - started, interrupted=stop.is_set())
    if json:
        _print_json({"summary": asdict(summary) | {"notes": remarks}})
    _report(console, tally, summary, output, quiet)
    return _INTERRUPTED if summary.interrupted else int(summary.failed > 0)


@dataclass(frozen=True)
class Summary:
    """What a conversion came to; `seconds` without loading the model."""

    files: int
    done: int
    failed: int
    seconds: float
    pictures_per_second: float
    interrupted: bool


@dataclass
class Tally:
    """Counts that don't grow with the number of files, and the failures, which do."""

    files: int
    done: int = 0
    failures: list[tuple[Path, str]] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        if result.error is None:
            self.done += 1
        else:
            self.failures.append((result.job.source, result.error))
        for note in result.notes:
            self.notes[note] = self.notes.get(note, 0) + 1

    def summary(self, seconds: float, *, interrupted: bool) -> Summary:
        unfinished = self.done + len(self.failures) < self.files
        rate = round(self.done / seconds, 2) if seconds else 0.0
        return Summary(
            self.files, self.done, len(self.failures), round(seconds, 3), rate, interrupted and unfinished
        )


def _colour(text: str) -> tuple[int, int, int]:
    from PIL import ImageColor

    from translate.errors import UsageError

    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        raise UsageError(
            f"--background {text}: not a colour; write a name such as white, or #rrggbb."
        ) from None
    return red, green, blue


def _with_progress(results: Iterator[Result], total: int, console: Console, quiet: bool) -> Iterator[Result]:
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, disable=quiet, transient=True) as bar:
        task = bar.add_task("converting", total=total, rate="")
        for result in results:
            yield result
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, advance=1, rate=f"{speed:.1f}/s" if speed else "")


def _as_dict(result: Result) -> dict:
    width, height = result.size or (None, None)
    targets = [str(target) for target in result.job.targets]
    many = {} if result.job.samples is None else {"outputs": [] if result.error else targets}
    return {
        "input": str(result.job.source),
        "output": None if result.error else targets[0],
        **many,
        "status": "failed" if result.error else "done",
        "error": result.error,
        "notes": result.notes,
        "width": width,
        "height": height,
        "seconds": round(result.seconds, 4),
    }


def _print_json(content: dict) -> None:
    import json

    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def _report(console: Console, tally: Tally, summary: Summary, output: Path, quiet: bool) -> None:
    def say(text: str, style: str = "") -> None:
        console.print(text, style=style, markup=False)

    if not quiet:
        _say_notes(tally.notes.items(), say)
        say(
            f"{summary.done} of {summary.files} converted to {output} "
            f"in {summary.seconds:.1f} s ({summary.pictures_per_second:.1f}/s)"
        )
    if summary.interrupted:
        say("interrupted: the picture at hand was finished; run the same command again for the rest")
    if tally.failures:
        say(f"{summary.failed} failed:", "red")
        for path, reason in tally.failures:
            say(f"  {path}: {reason}")


def _say_notes(notes: Iterable[tuple[str, int]], say) -> None:
    for note, count in notes:
        say(f"note: {note} ({count} file{'s' if count != 1 else ''})")
