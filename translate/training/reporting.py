"""What a training tells the world: progress, log.jsonl, TensorBoard, sample sheets."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

import torch
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text
from torch import Tensor, nn

from translate import colours, images
from translate.data.batches import Batch as ByteBatch
from translate.data.batches import to_colours, to_float
from translate.errors import OutputError
from translate.files import explain
from translate.lab import from_lab
from translate.training.loop import to_batch
from translate.training.run import RunFolder
from translate.training.state import TrainingState
from translate.translators.base import Losses, Translator
from translate.translators.game import Game
from translate.weights.statistics import use_picture_statistics

_SECONDS_BETWEEN_LINES = 10.0


class _TwoLines(Progress):
    """The bar, and below it the losses: beside each other neither would fit."""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        yield from (Text(task.fields["losses"], style="dim") for task in self.tasks)


class Reporter(AbstractContextManager):
    """Collects loss terms on the device and, now and then, writes their means.

    Args:
        batch_size: pictures of each side per step, for the rate.
        quiet: no progress on the console; the files are written all the same.
    """

    def __init__(
        self, run: RunFolder, *, start: int, steps: int, batch_size: int, console: Console, quiet: bool
    ):
        from torch.utils.tensorboard import SummaryWriter

        self.run, self.steps, self.batch_size = run, steps, batch_size
        self.console, self.quiet = console, quiet
        self.writer = SummaryWriter(str(run.events), purge_step=start + 1)
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.factor = 1.0
        self.since = time.perf_counter()
        self.since_step = start
        self.last_line = time.monotonic()
        self.progress = _TwoLines(
            TextColumn("step {task.completed}/{task.total}"),
            BarColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self.task = self.progress.add_task("train", total=steps, completed=start, rate="", losses="")

    def __enter__(self) -> Reporter:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()
        self.writer.close()

    def on_step(self, step: int, losses: Losses, factor: float) -> None:
        """Add a step's terms to the running sums; nothing waits for the device."""
        self.factor = factor
        for name, term in losses.items():
            self.sums[name] = self.sums[name] + term if name in self.sums else term
            self.counts[name] = self.counts.get(name, 0) + 1
        self.progress.update(self.task, completed=step)

    def on_log(self, step: int, state: Mapping[str, float] | None = None) -> None:
        """Write the means since the last call, and with them `state`: what moves and is no loss, by name."""
        state = state or {}
        means = {name: float(total) / self.counts[name] for name, total in self.sums.items()}
        self.sums, self.counts = {}, {}
        now = time.perf_counter()
        rate = self.batch_size * (step - self.since_step) / max(now - self.since, 1e-9)
        self.since, self.since_step = now, step
        entry = {"step": step, "losses": means, "lr_factor": self.factor, "images_per_second": round(rate, 3)}
        entry |= {"state": state} if state else {}
        try:
            with self.run.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(entry) + "\n")
            for name, mean in means.items():
                self.writer.add_scalar(f"losses/{name}", mean, step)
            for name, value in state.items():
                self.writer.add_scalar(f"state/{name}", value, step)
            self.writer.add_scalar("lr_factor", self.factor, step)
            self.writer.add_scalar("images_per_second", rate, step)
        except OSError as error:
            raise OutputError(
                f"{self.run.log} can't be written: {explain(error)}; the run is intact as last saved, "
                "go on from there with --resume"
            ) from None
        text = "  ".join(f"{name} {value:.3f}" for name, value in (means | dict(state)).items())
        self.progress.update(self.task, rate=f"{rate:.1f} img/s", losses=text)
        if (
            not (self.quiet or self.console.is_terminal)
            and time.monotonic() - self.last_line > _SECONDS_BETWEEN_LINES
        ):
            self.last_line = time.monotonic()
            left = (self.steps - step) * self.batch_size / max(rate, 1e-9)
            self.console.print(
                f"step {step}/{self.steps}  {rate:.1f} img/s  {left / 60:.1f} min left  {text}"
            )

    def on_sample(self, step: int, sheet: Tensor) -> None:
        """Write a sample sheet, uint8 (3, H, W)."""
        images.write(self.run.sample(step), sheet.permute(1, 2, 0).numpy())
        self.writer.add_image("samples", sheet, step)


def readings(translator: Translator) -> dict[str, float]:
    """What moves in a translator's games and is no loss, as `k`, or `k_b` of one of several games."""
    return {
        "_".join([key, *name.split(".")[1:]]): value  # game, games.a, games.b …
        for name, game in translator.named_modules()
        if isinstance(game, Game)
        for key, value in game.readings().items()
    }


def sample_sheet(
    state: TrainingState,
    generators: Mapping[str, nn.Module],
    pictures: ByteBatch,
    norm_statistics: str,
    *,
    channels: int = 3,
    classes: Sequence[str] = (),
) -> Tensor:
    """A fixed batch through the averaged generators: a row a picture, a column a stage; uint8 (3, H, W).

    Args:
        generators: by name, as model files have them.
        channels: of the inputs, without the mask that may follow.
        classes: what the colours of the maps are called where the inputs are maps of classes.
    """
    from torchvision.utils import make_grid

    batch = to_batch(pictures, state.device, shrink=state.shrink)
    generators = {name: serving_copy(network, norm_statistics) for name, network in generators.items()}
    with torch.inference_mode():
        columns = state.translator.samples(batch, generators)
    if pictures.classes_a:
        painted = to_colours(pictures.a, colours.from_names(classes))
        columns["a"] = to_float(painted).to(state.device)
    if pictures.lab:
        columns = {name: _coloured(batch.a, column) for name, column in columns.items()}
    elif not pictures.classes_a:
        columns["a"] = columns["a"][:, :channels]
    rows = torch.stack([column.expand(-1, 3, -1, -1) for column in columns.values()], 1).flatten(0, 1)
    grid = make_grid(rows.float().cpu(), nrow=len(columns), padding=2, pad_value=1.0)
    return grid.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def _coloured(lightness: Tensor, column: Tensor) -> Tensor:
    """A column of lightness (B, 1, H, W), grey, or of its colours (B, 2, H, W), as RGB."""
    without = torch.zeros_like(lightness).expand(-1, 2, -1, -1)
    return from_lab(lightness, column if column.shape[1] == 2 else without)


def serving_copy(network: nn.Module, norm_statistics: str) -> nn.Module:
    """A generator as it will be served: in evaluation mode, with its card's norm statistics."""
    generator = copy.deepcopy(network)
    return (use_picture_statistics(generator) if norm_statistics == "batch" else generator).eval()
