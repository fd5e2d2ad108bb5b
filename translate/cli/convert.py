"""`translate convert`: pictures, videos and folders through a trained model."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, validators

from translate.cli.convert_report import Tally, Watch, as_dict, print_json, report

if TYPE_CHECKING:
    from translate.inference.plan import Job

_INTERRUPTED = 130
_BYTES = 10_000  # of a frame, where it matters how many there are before any video is opened


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
    mask: Path | None = None,
    device: str = "auto",
    backend: Literal["auto", "torch", "onnx", "openvino", "mnn"] = "auto",
    precision: Literal["fp32", "int8"] = "fp32",
    tile: Literal["auto", "whole", "exact", "approximate"] = "auto",
    max_memory: str | None = None,
    format: Literal["keep", "png", "jpg", "webp"] = "keep",  # noqa: A002
    quality: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=100))] = 95,
    batch_size: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 1,
    background: str = "white",
    max_pixels: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 64_000_000,
    check: Literal["time", "hash"] = "time",
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    on_collision: Literal["refuse", "suffix"] = "refuse",
    shard: str | None = None,
    engine: Literal["local", "ray"] = "local",
    workers: Annotated[int | None, Parameter(validator=validators.Number(gte=1))] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> int:
    """Convert pictures, videos and folders with a trained model.

    Folders are taken with everything below them. Names, tree and sizes are kept, inputs never change. A
    file that can't be converted doesn't stop the others. A second run does what is left: files that were
    finished with the same model and options are skipped. Anything else under an output's name is replaced.

    Parameters
    ----------
    model
        A run folder, the name of a run under checkpoints or of a model that comes with the project, a model
        file, another tool's weights, or hf:OWNER/NAME[@REVISION] on the Hugging Face Hub; or a .onnx file
        that translate export wrote, which starts in a second, as it needs no torch.
    inputs
        Picture and video files, folders, or quoted patterns such as 'photos/**/*.jpg'.
    output
        The folder to write to; created if needed. Of one video also a file: .mp4, .m4v, .mov, .mkv or .webm.
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
    mask
        What to fill, of a model that fills holes: a picture of the same size, white in the holes, for all
        inputs, or a folder with one of each, under the same name. Without it the transparent pixels.
    device
        auto, cpu, cuda or cuda:N.
    backend
        What runs the network on a CPU: torch, or onnx, openvino or mnn where they are installed. auto takes
        the fastest for this model, measured at the first long conversion and remembered.
    precision
        int8: on a CPU in 8-bit integers, by openvino or onnx. Faster; calibrated on some of the pictures, and
        refused if others of them come out at less than 35 dB (PSNR) from fp32.
    tile
        How large pictures are computed. whole: at once. exact: in bands of rows, with the same result in less
        memory. approximate: in tiles, with nearly the same, also by networks with attention. auto: whole
        where that fits into the memory, else exact.
    max_memory
        What the process may take, on a GPU there: 2GB, 800MB. Default: most of what is free.
    format
        keep the input's format, or write png, jpg or webp. Of pictures; videos stay what they are.
    quality
        Of JPEG, WebP and videos, 1 to 100.
    batch_size
        How many pictures of equal size, or frames, go through the network together.
    background
        What shows through transparent pixels in a format without transparency: a colour name or #rrggbb.
    max_pixels
        Larger pictures and frames, and animations of more pixels in all, are refused.
    check
        By what a second run knows that an input hasn't changed: its time of change, or its contents' hash.
    overwrite
        Convert everything again, also what an earlier run has finished.
    on_collision
        Of two inputs for one output, a.jpg and a.png to WebP: refuse to start, or suffix, which writes
        a_jpg.webp and a_png.webp.
    shard
        i/n: of all files only the i-th of n shares, so that n processes do the whole. By itself under
        torchrun, srun, SLURM arrays and Kubernetes' indexed jobs.
    engine
        Who works: local, this process, or ray, the workers of a Ray cluster (RAY_ADDRESS, or one of this
        machine's own).
    workers
        How many, of --engine ray. Default: one for each GPU, without any one for four CPUs.
    json
        Print one JSON object per file and a summary to stdout.
    quiet
        No progress bar and no summary; failures are still listed.
    """
    from rich.console import Console

    from translate.errors import UsageError
    from translate.inference.on_ray import Setup, require_ray
    from translate.inference.on_ray import convert as convert_on_ray
    from translate.inference.plan import plan
    from translate.inference.shards import choose_shard
    from translate.signals import stopped_by_signals
    from translate.videos import require_encoders
    from translate.weights.locate import locate

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if not inputs:
        raise UsageError("name at least one picture, folder or pattern to convert.")
    colour = _colour(background)
    share = choose_shard(shard)
    jobs = plan(inputs, output, format, samples, on_collision=on_collision, shard=share, mask=mask)
    pictures, videos = jobs.pictures, jobs.videos
    if engine == "ray" and precision != "fp32":
        raise UsageError("--engine ray converts in fp32; leave --precision out.")
    if engine == "ray":
        require_ray()
    elif workers is not None:
        raise UsageError("--workers is how many workers --engine ray has; add --engine ray.")
    if not pictures:
        require_encoders(job.target.suffix for job in videos)

    from translate.inference.ahead import USUAL_SIDE, Ahead, ahead
    from translate.inference.folder import convert as convert_files
    from translate.inference.latent import Sampling
    from translate.inference.loading import open_model
    from translate.inference.manifest import Manifest, clean, stamp_of, stamp_of_files
    from translate.inference.video import convert as convert_videos

    if label is not None and text is not None:
        raise UsageError("--label and --text both say what to translate into; give one of them.")
    sampling = Sampling(samples, seed, truncation, interpolate)
    model_file = locate(model, direction)
    loading = (device, norm_statistics, tile, max_memory)
    translator = open_model(model_file, *loading)
    if mask is not None and not translator.card.mask:
        raise UsageError("the model translates whole pictures and takes no mask; leave --mask out.")
    fingerprint = _fingerprint(model_file)
    translator.condition(label, text)  # what makes no sense is refused before it is remarked on
    translator.codes(sampling)
    options = {
        "norm_statistics": norm_statistics,
        "label": label,
        "text": text,
        "sampling": asdict(sampling),
        "quality": quality,
        "background": colour,
        "tile": "approximate" if tile == "approximate" else "exact",
        "mask": None if mask is None else stamp_of_files(mask),
    }
    if precision != "fp32":
        options["precision"] = precision  # beside fp32, which manifests from before don't name
    remarks = [*translator.notes, *(() if text is None else translator.remarks(text))]
    stamp = stamp_of(options)
    manifest = Manifest(jobs.output, fingerprint, stamp, share, check=check, overwrite=overwrite)
    work = ahead(pictures, videos, manifest, _frames) if backend == "auto" else Ahead(1, USUAL_SIDE)
    if precision == "int8":
        # Shares calibrate alike, and a small one has enough to do it with.
        whole = plan(inputs, output, format, samples, on_collision=on_collision, mask=mask).pictures
        remarks.append(translator.use_int8([job.source for job in whole], backend))
    elif engine == "local" and (measured := translator.use_backend(backend, *work)):
        remarks.append(measured)
    if share is not None:
        remarks.append(
            f"share {share} by {share.origin}: {len(jobs)} of {jobs.files} files; "
            "--shard 1/1 converts all of them"
        )
    for remark in () if quiet else remarks:
        console.print(f"note: {remark}", markup=False)
    clean(jobs)
    stdout = sys.stdout  # Ray's messages are kept away from it
    started = time.perf_counter()
    with (
        stopped_by_signals() as stop,
        Watch(len(jobs), console, quiet, translator) as watch,
        manifest,
    ):
        common: dict[str, Any] = {
            "label": label,
            "text": text,
            "sampling": sampling,
            "batch_size": batch_size,
            "quality": quality,
            "max_pixels": max_pixels,
        }
        if engine == "ray":
            setup = Setup(
                model_file,
                loading,
                backend,
                work,
                common,
                colour,
                jobs.output,
                fingerprint,
                stamp,
                check,
            )
            results = convert_on_ray(jobs, setup, manifest, workers=workers, stop=stop)
        else:
            common |= {"manifest": manifest, "stop": stop}
            files = convert_files(translator, pictures, background=colour, **common)
            clips = convert_videos(translator, videos, progress=watch.frame, **common)
            results = chain(files, clips)
        tally = Tally(len(jobs), len(videos), share)
        for result in results:
            tally.add(result)
            watch.step()
            if json:
                print_json(as_dict(result), stdout)
    summary = tally.summary(time.perf_counter() - started, interrupted=stop.is_set())
    if json:
        print_json({"summary": asdict(summary) | {"notes": remarks}}, stdout)
    report(console, tally, summary, output, quiet)
    return _INTERRUPTED if summary.interrupted else int(summary.failed > 0)


def _frames(job: Job) -> int:
    """Roughly, of a video."""
    with suppress(OSError):
        return 1 + job.source.stat().st_size // _BYTES
    return 0


def _fingerprint(model_file: Path) -> str:
    from translate.errors import ModelError
    from translate.files import explain, fingerprint

    try:
        return fingerprint(model_file)
    except OSError as error:
        raise ModelError(f"{model_file} can't be read: {explain(error)}.") from error


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
