"""From a folder to batches: recognise, check, cache, and load in an order that a resume can pick up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from translate.data.datasets import (
    Batch,
    DataOptions,
    Fault,
    PictureDataset,
    collate,
    paired_dataset,
    unpaired_dataset,
)
from translate.data.layout import Layout, recognise
from translate.data.machine import cores
from translate.data.preflight import check
from translate.data.sampling import Schedule
from translate.errors import DataError

_MOST_WORKERS = 8


@dataclass(frozen=True)
class TrainingData:
    """A data folder, ready to train on.

    Attributes:
        layout: what the folder was recognised as; its sides are not swapped, see `domains`.
        train: the training split.
        held_out: val, else test, else None; whole pictures, paired where `train` is.
        notes: sentences for the log: what is cached, what was skipped.
    """

    layout: Layout
    train: PictureDataset
    held_out: PictureDataset | None
    options: DataOptions
    notes: tuple[str, ...]
    pin_memory: bool = False

    @property
    def domains(self) -> dict[str, str]:
        """Names of input "a" and target "b", the direction applied."""
        return self.layout.directed(self.options.direction).domains

    @property
    def steps_per_epoch(self) -> int:
        return self._schedule(0, None).steps_per_epoch

    def loader(self, start_step: int = 0, steps: int | None = None) -> Iterator[Batch]:
        """The batches of steps `start_step`, `start_step` + 1, … below `steps`, or for ever.

        They depend on the seed and the step alone: neither on the number of workers nor on earlier
        batches, and torch's global random state is left alone.

        Raises:
            DataError: a file that was good before can't be read any more.
        """
        from torch import Generator
        from torch.utils.data import DataLoader

        workers = self._workers()
        options: dict[str, Any] = {"worker_init_fn": _start_worker, "prefetch_factor": 4} if workers else {}
        batches = DataLoader(
            self.train,  # type: ignore[arg-type]  # any object with __getitem__ will do
            batch_sampler=self._schedule(start_step, steps),  # type: ignore[arg-type]
            collate_fn=collate,
            num_workers=workers,
            pin_memory=self.pin_memory,
            # Without its own generator a loader draws from the global one, and a resumed run would differ.
            generator=Generator().manual_seed(self.options.seed),
            **options,
        )
        for batch in batches:
            if isinstance(batch, Fault):
                raise DataError(f"{batch.sentence}; it was good before the training: restore it.")
            yield batch

    def _schedule(self, start_step: int, steps: int | None) -> Schedule:
        size, size_b = self.train.sizes
        options = self.options
        return Schedule(size, options.batch_size, options.seed, start_step, steps, size_b=size_b)

    def _workers(self) -> int:
        if self.options.workers != "auto":
            return self.options.workers
        if all(shelf.kept for shelf in self.train.shelves):
            return 0
        return max(1, min(_MOST_WORKERS, cores() - 1))


def load_data(
    root: str | Path,
    options: DataOptions,
    *,
    paired: bool,
    verify: bool = True,
    pin_memory: bool = False,
    progress: bool = True,
) -> TrainingData:
    """Recognise `root`, open every file once, and make its data sets.

    Args:
        root: the data folder.
        options: how pictures become crops, and what to do with bad ones.
        paired: whether the recipe needs pairs.
        verify: False skips the check of every file (and with it the cache), say for a dry run.
        pin_memory: True when batches go to a CUDA device.
        progress: a bar on stderr for the check of a large set.

    Raises:
        DataError: one sentence on the layout, the files that can't be read, or a set smaller than a batch.
    """
    layout = recognise(root, a=options.a, b=options.b, task=options.task, paired=paired)
    build = paired_dataset if paired else unpaired_dataset
    train = build(layout, "train", options=replace(options, train=True))
    name = layout.held_out
    held_out = build(layout, name, options=replace(options, train=False)) if name else None
    notes = layout.notes
    if verify:
        found = check(
            [*train.shelves, *(held_out.shelves if held_out else ())],
            cache=options.cache,
            skip_corrupt=options.skip_corrupt,
            progress=progress,
        )
        train = PictureDataset(tuple(found.shelves[: len(train.shelves)]), train.options)
        rest = tuple(found.shelves[len(train.shelves) :])
        held_out = PictureDataset(rest, held_out.options) if held_out and all(map(len, rest)) else None
        notes += found.notes
    data = TrainingData(layout, train, held_out, options, notes, pin_memory)
    _ = data.steps_per_epoch  # a set smaller than a batch is refused here
    return data


def _start_worker(_: int) -> None:
    # Ctrl-C reaches the whole process group; the training process finishes its step and ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
