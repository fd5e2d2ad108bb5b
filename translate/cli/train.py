"""`translate train`: a recipe, a folder, a run."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter


def train(
    recipe: str,
    /,
    *,
    data: Path,
    name: str | None = None,
    size: int | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    direction: Literal["a2b", "b2a"] | None = None,
    a: str | None = None,
    b: str | None = None,
    task: str | None = None,
    scale: Literal[1, 2, 3, 4] | None = None,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    weights_dir: Path | None = None,
    device: str = "auto",
    output: Path = Path("checkpoints"),
    json_: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Train a translator on a folder of pictures.

    Ctrl-C finishes the step, saves, and says how to resume.

    Parameters
    ----------
    recipe
        pix2pix, pix2pixhd, bicyclegan (pairs), spade (maps of classes), cyclegan, cut, fastcut (no pairs),
        stargan (classes), text (captions), superres, colorize, inpaint (photographs), demo, or a recipe of
        your own (.yaml).
    data
        The data folder; `translate data inspect` says how it will be read.
    name
        The run's name: everything goes to OUTPUT/NAME. Default: RECIPE-DATA.
    size
        Side of the training crops, in pixels.
    steps
        Training steps in all, also after a resume.
    epochs
        Passes over the data, instead of steps.
    batch_size
        Pictures (or pairs) per step.
    direction
        Which side is translated into which.
    a
        Name of the folder that holds the inputs, where names don't tell.
    b
        Name of the folder that holds the targets.
    task
        Make the inputs from a plain folder of pictures: edges, soft-edges, sketch, denoise, deblur, dejpeg,
        downscale or colorize. The recipes superres and colorize bring theirs.
    scale
        How many times as large outputs are as inputs, with superres.
    set_
        Any recipe key, e.g. --set optim.lr=1e-4; may be repeated.
    resume
        Go on with the run of this name.
    dry_run
        Print the resolved recipe, the data, parameter counts and the memory estimate, then stop.
    weights_dir
        Folder with the weights of frozen backbones, where they can't be downloaded.
    device
        auto, cpu, cuda or cuda:N.
    output
        The folder that holds runs.
    json_
        Results on stdout as JSON.
    quiet
        No progress.
    """
    from translate.config import parse_assignments
    from translate.errors import UsageError

    if steps is not None and epochs is not None:
        raise UsageError("--steps and --epochs both say how long to train; give one of them")
    overrides: dict[str, Any] = parse_assignments(set_ or [])
    options = {
        "data.size": size,
        "data.batch_size": batch_size,
        "data.direction": direction,
        "data.a": a,
        "data.b": b,
        "data.task": task,
        "data.scale": scale,
        "training.steps": steps,
        "training.epochs": epochs,
    }
    overrides |= {key: value for key, value in options.items() if value is not None}
    if epochs is not None:
        overrides["training.steps"] = None
    run = output / _run_name(name, recipe, data)

    if dry_run:
        return _dry_run(recipe, data, overrides, device, weights_dir, json_)

    from translate.training.start import start_training

    outcome = start_training(
        recipe,
        data,
        run,
        overrides=overrides,
        resume=resume,
        weights_dir=weights_dir,
        device=device,
        quiet=quiet,
    )
    model = outcome.run.model()
    if json_:
        result = {"run": str(run), "model": str(model), "step": outcome.step, "steps": outcome.steps}
        print(json.dumps(result))
    if not quiet:
        again = shlex.join(["translate", "train", recipe, "--data", str(data), "--name", run.name])
        again += "" if output == Path("checkpoints") else f" --output {shlex.quote(str(output))}"
        again += "" if weights_dir is None else f" --weights-dir {shlex.quote(str(weights_dir))}"
        lines = [f"saved {model} at step {outcome.step}"]
        lines += [f"go on:  {again} --resume"] if outcome.interrupted else []
        asked = f" --label {shlex.quote(outcome.labels[0])}" if outcome.labels else ""
        asked += f" --text {shlex.quote(outcome.captions[0])}" if outcome.captions else ""
        lines += [f"use it: translate convert {run} PICTURES --output FOLDER{asked}"]
        print("\n".join(lines), file=sys.stderr)
    return 130 if outcome.interrupted else 0


def _run_name(name: str | None, recipe: str, data: Path) -> str:
    from translate.data.naming import name_of
    from translate.errors import UsageError

    name = name if name is not None else f"{Path(recipe).stem}-{name_of(data)}"
    if name in ("", ".", "..") or Path(name).name != name:
        raise UsageError(
            f"--name {name!r}: a run's name is one folder name, without slashes; see also --output"
        )
    return name


def _dry_run(
    recipe_name: str,
    root: Path,
    overrides: dict[str, Any],
    device: str,
    weights_dir: Path | None,
    as_json: bool,
) -> int:
    from translate.config import load_recipe, with_classes, with_labels
    from translate.devices import choose_device
    from translate.training.plan import plan
    from translate.training.precision import choose_precision
    from translate.training.start import open_data, total_steps

    recipe = load_recipe(recipe_name, overrides)
    choose_precision(recipe.training.precision, choose_device(device))
    data = open_data(root, recipe, verify=False, progress=False)
    recipe = with_classes(with_labels(recipe, data.labels), data.classes_a)
    facts = plan(recipe, data, total_steps(recipe, data), weights_dir)
    if as_json:
        print(json.dumps(facts))
        return 0

    import yaml

    networks = {name: f"{entry['parameters']:,} parameters" for name, entry in facts["networks"].items()}
    shown = facts | {"networks": networks, "memory_bytes": f"{facts['memory_bytes'] / 2**30:.2f} GiB"}
    frozen = {name: f"{count:,} weights" for name, count in shown.pop("frozen").items()}
    shown |= {"frozen networks": frozen} if frozen else {}
    files = {name: _weights(entry) for name, entry in shown.pop("files").items()}
    shown |= {"weights of frozen networks": files} if files else {}
    shown["memory of a step, estimated"] = shown.pop("memory_bytes")
    print(yaml.safe_dump(shown, sort_keys=False, width=1000), end="")
    return 0


def _weights(entry: dict[str, Any]) -> str:
    path = Path(entry["path"])
    if entry["there"]:
        return f"found, {path}"
    return f"still to be downloaded, {entry['bytes'] / 2**20:.0f} MiB: {path.name} into {path.parent}"
