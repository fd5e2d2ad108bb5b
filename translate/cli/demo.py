"""`translate demo`: the whole path on rendered pictures, in minutes, on a CPU."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = 10
_ENLARGED = 3  # a 64-pixel picture is small on today's screens


def demo(
    folder: Path = Path(),
    /,
    *,
    steps: int | None = None,
    count: int = 200,
    test_count: int = 40,
    seed: int = 0,
    device: str = "auto",
    json_: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative="")] = False,
) -> int:
    """From nothing to a trained horse→zebra translator, in minutes.

    Renders the built-in data set, trains a small CycleGAN on it, converts held-out pictures, measures them
    and puts some side by side. Everything goes to FOLDER/datasets, FOLDER/checkpoints and FOLDER/outputs.
    What is already there is kept: run it again to go on where it stopped.

    Parameters
    ----------
    folder
        Where to work.
    steps
        Training steps, instead of the recipe's.
    count
        Training pictures of horses, and of zebras.
    test_count
        Held-out pictures.
    seed
        Of pictures and training.
    device
        auto, cpu, cuda or cuda:N.
    json_
        What was measured, on stdout as JSON.
    quiet
        No progress.
    """
    from rich.console import Console

    console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
    data, run = folder / "datasets/savanna-demo", folder / "checkpoints/demo"
    outputs, sheet = folder / "outputs/demo", folder / "outputs/demo.png"
    started = time.perf_counter()

    console.print("[bold]1/4  Rendering horses and zebras[/]")
    _render(data, count, test_count, seed, quiet)
    console.print("\n[bold]2/4  Training a CycleGAN on them: unpaired, it never sees a horse as a zebra[/]")
    if not _train(data, run, steps, seed, device, quiet, console):
        return 130
    console.print("\n[bold]3/4  Converting horses that it has not seen[/]")
    if code := _convert(run, data / "testA", outputs, device, quiet):
        return code
    console.print("\n[bold]4/4  Measuring[/]")
    measured = measure(outputs, data)
    write_sheet(sheet, [data / "testA", outputs, data / "testTruth"])

    console.print(
        f"called zebra by a classifier of coats: {measured['called_zebra']:.0%} of {measured['pictures']}\n"
        f"mean change outside the animal:        {measured['changed_outside_mask']:.4f} on [0, 1]\n"
        f"PSNR to the true zebra:                {measured['psnr']:.1f} dB; "
        f"of the horse itself: {measured['psnr_copy']:.1f} dB"
    )
    console.print(f"\nbefore / after / truth:  {sheet}   ({time.perf_counter() - started:.0f} s in all)")
    console.print(
        f"""
How to go on:
  translate convert {run} YOUR_PICTURES --output {folder / "outputs/mine"}
  translate convert {run} {data / "testB"} --output {folder / "outputs/horses"} --direction b2a
  translate data inspect YOUR_FOLDER
  translate train cyclegan --data YOUR_FOLDER --name mine""",
        markup=False,
    )
    if json_:
        print(json.dumps(measured | {"sheet": str(sheet), "run": str(run)}))
    return 0


def _render(data: Path, count: int, test_count: int, seed: int, quiet: bool) -> None:
    from translate.cli.data_render import render

    plan: dict[str, Any] = {"count": count, "test_count": test_count, "size": 64, "seed": seed}
    render("savanna", data, pair="chestnut:zebra", **plan, quiet=quiet)


def _train(
    data: Path, run: Path, steps: int | None, seed: int, device: str, quiet: bool, console: Console
) -> bool:
    """Start or go on; False when it was interrupted."""
    from translate.training.start import start_training

    overrides: dict[str, Any] = {"training.seed": seed} | ({} if steps is None else {"training.steps": steps})
    outcome = start_training(
        "demo",
        data,
        run,
        overrides=overrides,
        resume=(run / "recipe.yaml").exists(),
        device=device,
        quiet=quiet,
        console=console,
    )
    if outcome.interrupted:
        console.print(f"stopped at step {outcome.step} of {outcome.steps}; run it again to go on")
    return not outcome.interrupted


def _convert(run: Path, source: Path, outputs: Path, device: str, quiet: bool) -> int:
    from translate.cli.convert import convert

    return convert(str(run), str(source), output=outputs, device=device, batch_size=8, quiet=quiet)


def measure(outputs: Path, data: Path) -> dict[str, Any]:
    """Converted pictures against what they should be.

    Args:
        outputs: converted pictures of `data`/testA, by the same names.
        data: a savanna data set with testTruth and testMask.
    """
    from translate.metrics.coats import NONE, classify
    from translate.metrics.evaluate import change_outside, change_outside_score, score

    names = [path.name for path in sorted((data / "testA").iterdir())]
    made, source, truth, mask = (
        _stack([folder / name for name in names])
        for folder in (outputs, data / "testA", data / "testTruth", data / "testMask")
    )
    coats = classify(made)
    scores = score(made, truth)
    return {
        "pictures": len(names),
        "called_zebra": coats.count("zebra") / len(coats),
        "called_none": coats.count(NONE) / len(coats),
        "changed_outside_mask": change_outside_score([change_outside(made, source, mask[:, :1])]).mean,
        "psnr": scores.psnr.mean,
        "psnr_copy": score(source, truth).psnr.mean,
        "ssim": scores.ssim.mean,
        "l1": scores.l1.mean,
    }


def _stack(paths: Sequence[Path]) -> Any:
    import torch

    from translate import images

    return torch.cat([images.to_tensor(images.read(path).pixels) for path in paths])


def write_sheet(path: Path, folders: Sequence[Path]) -> None:
    """One row a folder, the same evenly chosen pictures in each, enlarged."""
    import numpy as np

    from translate import images

    names = sorted(file.name for file in folders[0].iterdir())
    shown = min(_SHOWN, len(names))
    chosen = [names[place * len(names) // shown] for place in range(shown)]
    rows = [np.concatenate([images.read(folder / name).pixels for name in chosen], 1) for folder in folders]
    images.write(path, np.concatenate(rows).repeat(_ENLARGED, 0).repeat(_ENLARGED, 1))
