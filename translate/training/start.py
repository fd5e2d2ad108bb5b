"""From a recipe and a data folder to a finished run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import torch
from rich.console import Console
from torch import nn

import translate
from translate.config import Direction, Recipe, load_recipe, with_classes, with_labels
from translate.data.batches import Batch as ByteBatch
from translate.data.loading import TrainingData, load_data
from translate.data.options import DataOptions
from translate.devices import choose_device
from translate.errors import OutputError, UsageError
from translate.networks.catalogue import Generator, parameter_count
from translate.networks.filling import Filling
from translate.signals import stopped_by_signals
from translate.training.growth import grow
from translate.training.loop import train
from translate.training.plan import data_facts
from translate.training.precision import choose_precision
from translate.training.reporting import Reporter, readings, sample_sheet
from translate.training.run import RunFolder, create_run, held, reopen_run, require_free, trim_log
from translate.training.standing import serving
from translate.training.state import TrainingState, new_state
from translate.translators.base import Translator, stage_begins
from translate.translators.catalogue import build_translator, generator_arguments, text_encoder_arguments
from translate.weights import model_file
from translate.weights.card import Captions, Card, read_card

MOST_EXAMPLES, LONGEST_EXAMPLE = 4, 80  # captions on a model's card, and their characters


@dataclass(frozen=True)
class Outcome:
    """How a training ended: its run, the steps taken and asked for in all, what it can be asked for."""

    run: RunFolder
    step: int
    steps: int
    labels: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()

    @property
    def interrupted(self) -> bool:
        return self.step < self.steps


def start_training(
    recipe_name: str | Path,
    data_root: Path,
    run_path: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    weights_dir: Path | None = None,
    device: str = "auto",
    quiet: bool = False,
    console: Console | None = None,
) -> Outcome:
    """Train a recipe on a folder, into a run folder; or go on with a run.

    Args:
        recipe_name: a recipe's name or YAML file; when resuming it may only name the run's own translator.
        run_path: the run's folder; new, or with `resume` the one to go on with.
        overrides: dotted recipe keys to values.
        weights_dir: where weights of frozen backbones lie, see `build_translator`. No part of the recipe, so
            that a recipe means the same on every machine.
        device: auto, cpu, cuda or cuda:N.
        quiet: nothing on the console.
        console: where progress goes; stderr by default.

    Raises:
        TranslateError: the one-line reason why it can't start or go on; a state once saved stays intact.
    """
    console = console or Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    overrides = dict(overrides or {})
    recipe = load_recipe(recipe_name, overrides)
    if resume:
        run, recipe = reopen_run(run_path, recipe.translator, overrides)
    else:
        require_free(run_path)
        run = RunFolder(run_path)
    where = choose_device(device)
    precision = choose_precision(recipe.training.precision, where)
    data = open_data(data_root, recipe, device=where, progress=not quiet)
    recipe = with_classes(with_labels(recipe, data.labels), data.classes_a)
    torch.manual_seed(recipe.training.seed)
    # Before there is a folder: what can't be built, or not without a download, leaves no run behind.
    translator = build_translator(recipe, weights_dir, progress=not quiet)
    if not resume:
        create_run(run_path, recipe)
    with held(run):
        return _go_on(
            run, recipe, data, translator, where, precision, resume=resume, console=console, quiet=quiet
        )


def _go_on(
    run: RunFolder,
    recipe: Recipe,
    data: TrainingData,
    translator: Translator,
    device: torch.device,
    precision: torch.dtype,
    *,
    resume: bool,
    console: Console,
    quiet: bool,
) -> Outcome:
    """Train a run from its last save, if it has one, to the end of its recipe."""
    steps = total_steps(recipe, data)
    state = new_state(translator, recipe, device)
    if resume:
        # A run that was ended before its first save has nothing to lose: it starts again.
        if run.state.exists() or run.model().exists():
            state.restore(run.state)
        _require_same_data(run, data)
        if state.step > steps:
            raise UsageError(
                f"{run.path} has taken {state.step} steps already, more than the {steps} asked for in all; "
                "give a larger --steps to go on"
            )
        trim_log(run.log, state.step)
        run.write_recipe(recipe)
    if not quiet:
        _announce(console, run, recipe, data, state, steps)

    statistics = norm_statistics(recipe)
    fixed = sample_batch(data, recipe.log.samples)

    def say() -> None:
        if not quiet:
            console.print("finishing this step, then saving (once more to stop at once) …")

    with (
        stopped_by_signals(say) as stop,
        Reporter(
            run,
            start=state.step,
            steps=steps,
            batch_size=recipe.data.batch_size,
            console=console,
            quiet=quiet,
        ) as reporter,
    ):
        train(
            state,
            recipe,
            data.loader(state.step, steps),
            steps=steps,
            precision=precision,
            on_step=reporter.on_step,
            on_log=lambda step: reporter.on_log(step, readings(translator)),
            on_sample=lambda step: reporter.on_sample(
                step,
                sample_sheet(
                    state,
                    serving(state, recipe, data),
                    fixed,
                    statistics,
                    channels=recipe.data.channels_a,
                    classes=recipe.data.classes,
                ),
            ),
            on_save=lambda step: save_run(run, state, recipe, data, steps),
            should_stop=stop.is_set,
        )
    if not all(run.model(direction).exists() for direction in translator.generators):
        # It was ended between its last state and the models.
        grow(state, int(recipe.training.resolutions), state.step - 1, steps)
        save_run(run, state, recipe, data, steps)
    asked = examples(data.captions) if recipe.kind == "captioned" else ()
    return Outcome(run, state.step, steps, recipe.data.labels, asked)


def open_data(
    root: Path, recipe: Recipe, *, device: torch.device | None = None, **options: bool
) -> TrainingData:
    """The recipe's view of a data folder; see `load_data`.

    Args:
        device: where a training takes the batches.
    """
    wanted = DataOptions(**recipe.data.model_dump(exclude={"labels", "classes"}), seed=recipe.training.seed)
    cuda = device is not None and device.type == "cuda"
    if cuda and wanted.degrade_on == "auto":
        wanted = replace(wanted, degrade_on="device")
    return load_data(root, wanted, kind=recipe.kind, pin_memory=cuda, **options)


def _require_same_data(run: RunFolder, data: TrainingData) -> None:
    """Which pictures a step sees follows from how many there are, so with others it would be another run."""
    if not run.model().exists():
        return
    before, now = read_card(run.model()).data, data_facts(data)
    changed = [key for key in now if key != "name" and before.get(key) != now[key]]
    if changed:
        key = changed[0]
        raise UsageError(
            f"{run.path} was started with other data: {key.replace('_', ' ')} was {before.get(key)} and is "
            f"{now[key]}; bring the data back, or start a new run with another --name"
        )


def total_steps(recipe: Recipe, data: TrainingData) -> int:
    """The training's length: `training.steps`, or as many as `training.epochs` hold."""
    return recipe.training.steps or recipe.training.epochs * data.steps_per_epoch


def norm_statistics(recipe: Recipe) -> Literal["batch", "running"]:
    """What batch norm does in use: batches of one have only ever known a picture's own statistics."""
    batched = getattr(recipe.generator, "norm", "none") in ("batch", "sync-batch")
    return "batch" if batched and recipe.part_size == 1 else "running"


def sample_batch(data: TrainingData, count: int) -> ByteBatch:
    """The pictures of the sample sheets: held-out ones if there are any, evenly spread, always the same."""
    pictures = data.held_out or data.train
    count = min(count, len(pictures))
    return pictures.batch([place * len(pictures) // count for place in range(count)])


def _captions(recipe: Recipe, data: TrainingData) -> Captions | None:
    """What the card says of the captions that a model is asked with; None where it isn't."""
    encoder = text_encoder_arguments(recipe)
    if encoder is None:
        return None
    return Captions(encoder=encoder[0], arguments=encoder[1], examples=examples(data.captions))


def examples(captions: Sequence[str]) -> tuple[str, ...]:
    """A few of the captions, different ones and none of them long."""
    short = dict.fromkeys(caption for caption in captions if len(caption) <= LONGEST_EXAMPLE)
    return tuple(short)[:MOST_EXAMPLES]


def save_run(run: RunFolder, state: TrainingState, recipe: Recipe, data: TrainingData, steps: int) -> None:
    """Write the state, then the model of each direction; every file whole or not at all.

    At the end of a stage its model comes first, under a name of its own: a kill before the state is written
    leads a resume here again.

    Raises:
        OutputError: no room or no permission; the files of the last save are intact.
        TrainingError: weights that are not finite; they are not saved.
    """
    state.require_finite()
    try:
        generators = serving(state, recipe, data)
        if stage_begins(state.translator.phases, state.step, state.staged(steps)):
            _save_model(run.first_stage, "a2b", generators, state, recipe, data)
        state.save(run.state)
        for direction in state.translator.generators:
            _save_model(run.model(direction), direction, generators, state, recipe, data)
    except OutputError as error:
        raise OutputError(
            f"{error}; the run is intact as last saved, go on from there with --resume"
        ) from None


def _save_model(
    path: Path,
    direction: Direction,
    generators: Mapping[str, nn.Module],
    state: TrainingState,
    recipe: Recipe,
    data: TrainingData,
) -> None:
    network = cast(Generator, generators[state.translator.generators[direction]])
    architecture, arguments = generator_arguments(recipe, direction)
    card = Card(
        architecture=architecture,
        arguments=arguments,
        translator=recipe.translator,
        direction=direction,
        domains={"a": data.domains["a"], "b": data.domains["b"]},
        size_multiple=network.size_multiple,
        minimum_size=network.minimum_size,
        norm_statistics=norm_statistics(recipe),
        labels=recipe.data.labels,
        classes=recipe.data.classes,
        text=_captions(recipe, data),
        latent=network.latent,
        colour_space="lab" if recipe.translator == "colorize" else "rgb",
        mask=isinstance(network, Filling),
        step=state.step,
        recipe=recipe.model_dump(mode="json"),
        data=data_facts(data),
        versions={"translate": translate.__version__, "torch": torch.__version__},
    )
    learnt = encoder.state_dict() if (encoder := state.averages.get("text_encoder")) else None
    model_file.save(path, network.state_dict(), card, text_encoder=learnt)


def _second_stage(after: float, state: TrainingState) -> str:
    if state.stage_steps:
        return f"the second began after {after:.0%} of {state.stage_steps} steps, and stays"
    return f"the second begins after {after:.0%} of the steps"


def _announce(
    console: Console, run: RunFolder, recipe: Recipe, data: TrainingData, state: TrainingState, steps: int
) -> None:
    facts = data_facts(data)
    counts, names = facts["train"], facts["domains"]
    networks = ", ".join(
        f"{name} {parameter_count(network) / 1e6:.2f} M"
        for name, network in state.translator.networks.items()
    )
    held_out = f", {len(data.held_out)} held out" if data.held_out else ""
    console.print(
        f"data      {facts['layout']}: {counts['a']} {names['a']}, {counts['b']} {names['b']}{held_out}"
    )
    for note in data.notes:
        console.print(f"          {note}")
    console.print(f"networks  {networks}")
    if (resolutions := int(recipe.training.resolutions)) > 1:
        sizes = [str(recipe.data.size // 2**halvings) for halvings in reversed(range(resolutions))]
        console.print(f"pictures  of {', '.join(sizes)} pixels, {steps / resolutions:.0f} steps each")
    for after in sorted({phase.after for phase in state.translator.phases} - {0.0}):
        console.print(f"stages    {_second_stage(after, state)}")
    console.print(
        f"training  {recipe.translator}, steps {state.step} to {steps} on {state.device}, into {run.path}"
    )
