"""From a folder to batches: recognise, check, cache, and load in an order that a resume can pick up."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from translate.colours import names
from translate.data.batches import Batch, Fault, collate
from translate.data.class_maps import with_classes
from translate.data.datasets import PictureDataset, labelled_dataset, paired_dataset, unpaired_dataset
from translate.data.layout import Layout, Wanted, recognise
from translate.data.machine import cores
from translate.data.options import DataOptions
from translate.data.preflight import check
from translate.data.sampling import Schedule
from translate.errors import DataError

_MOST_WORKERS = 8
_LISTED = 24


@dataclass(frozen=True)
class TrainingData:
    """A data folder, ready to train on.

    Attributes:
        layout: what the folder was recognised as; its sides are not swapped, see `domains`.
        train: the training split.
        held_out: val, else test, else None; whole pictures, paired where `train` is.
        notes: sentences for the log: what is cached, what was skipped.
        kind: what the batches are, as `load_data` was asked.
    """

    layout: Layout
    train: PictureDataset
    held_out: PictureDataset | None
    options: DataOptions
    notes: tuple[str, ...]
    pin_memory: bool = False
    kind: Wanted = "unpaired"

    @property
    def domains(self) -> dict[str, str]:
        """Names of input "a" and target "b", the direction applied."""
        return self.layout.directed(self.options.direction).domains

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes that `label_a` and `label_b` number, in natural order; empty for none."""
        return self.layout.labels

    @property
    def captions(self) -> tuple[str, ...]:
        """The training pictures' captions, which `text_a` and `text_b` are of; empty for none."""
        return self.train.shelves[0].sides[0].texts

    @property
    def classes_a(self) -> tuple[str, ...]:
        """Names of the classes that `a` numbers where the inputs are maps of classes; empty for none."""
        return names(self.train.shelves[0].sides[0].colours)

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
                before = "it was good before the training: restore it"
                remedy = (
                    before if self.options.check else "repair or remove it; data.check=true finds all such"
                )
                raise DataError(f"{batch.sentence}; {remedy}.")
            # Pinning memory makes lists of the tuples inside of a batch.
            yield batch._replace(
                text_a=_tuple(batch.text_a), text_b=_tuple(batch.text_b), pending=_tuple(batch.pending)
            )

    def _schedule(self, start_step: int, steps: int | None) -> Schedule:
        size, size_b = self.train.sizes
        options = self.options
        return Schedule(
            size,
            options.batch_size,
            options.seed,
            start_step,
            steps,
            size_b=size_b,
            classes_b=self.train.classes,
        )

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
    kind: Wanted,
    verify: bool = True,
    pin_memory: bool = False,
    progress: bool = True,
) -> TrainingData:
    """Recognise `root`, open every file once, and make its data sets.

    Args:
        root: the data folder.
        options: how pictures become crops, and what to do with bad ones.
        kind: what the recipe needs: "paired", "unpaired", "labelled" (batches with labels, and with texts
            where every picture has one) or "captioned" (with texts, and labels where every picture has one).
        verify: False skips the check of every file (and with it the cache), say for a dry run; so does
            `options.check`.
        pin_memory: True when batches go to a CUDA device.
        progress: a bar on stderr for the check of a large set.

    Raises:
        DataError: one sentence on the layout, the files that can't be read, or a set smaller than a batch.
    """
    layout = recognise(root, a=options.a, b=options.b, task=options.task, kind=kind)
    if options.classes_a:
        layout = with_classes(layout, "a" if options.direction == "a2b" else "b", progress=progress)
    build = _BUILDERS[kind]
    train = build(layout, "train", options=replace(options, train=True))
    name = layout.held_out
    held_out = build(layout, name, options=replace(options, train=False)) if name else None
    notes = (*layout.notes, *_class_notes(names(train.shelves[0].sides[0].colours)))
    if verify and options.check:
        # The two sides of labelled data are one shelf, which is checked and kept once.
        shelves = list(dict.fromkeys([*train.shelves, *(held_out.shelves if held_out else ())]))
        found = check(shelves, cache=options.cache, skip_corrupt=options.skip_corrupt, progress=progress)
        checked = dict(zip(shelves, found.shelves, strict=True))
        train = PictureDataset(tuple(checked[shelf] for shelf in train.shelves), train.options)
        if held_out:
            rest = tuple(checked[shelf] for shelf in held_out.shelves)
            held_out = PictureDataset(rest, held_out.options) if all(map(len, rest)) else None
        _require_classes(layout, train)
        notes += found.notes
        if options.task == "colorize" and found.grey:
            notes += (f"{found.grey} of {sum(map(len, found.shelves))} pictures are grey, and teach grey",)
    data = TrainingData(layout, train, held_out, options, notes, pin_memory, kind)
    _ = data.steps_per_epoch  # a set smaller than a batch is refused here
    return data


_BUILDERS: dict[Wanted, Callable[..., PictureDataset]] = {
    "paired": paired_dataset,
    "unpaired": unpaired_dataset,
    "labelled": labelled_dataset,
    "captioned": labelled_dataset,
}


def _class_notes(classes: Sequence[str]) -> tuple[str, ...]:
    listed = ", ".join(classes[:_LISTED]) + (" …" if len(classes) > _LISTED else "")
    return (f"maps of {len(classes)} classes: {listed}",) if classes else ()


def _require_classes(layout: Layout, train: PictureDataset) -> None:
    """Refuse classes whose every picture was left out as unreadable: nothing could be learnt of them."""
    lost = [label for number, label in enumerate(layout.labels) if number not in set(train.classes)]
    if lost:
        raise DataError(
            f"no training picture of {', '.join(lost)} in {layout.root} can be read; repair one, or remove "
            "the class."
        )


def _tuple(items: Sequence[Any] | None) -> tuple[Any, ...] | None:
    return None if items is None else tuple(items)


def _start_worker(_: int) -> None:
    # Ctrl-C reaches the whole process group; the training process finishes its step and ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
