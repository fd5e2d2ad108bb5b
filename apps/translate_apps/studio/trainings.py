"""Trainings that the studio starts: each a `translate train` in a process of its own, one at a time."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from translate.config import load_recipe, parse_assignments, recipe_names
from translate.data.layout import TASKS
from translate.errors import DataError, ModelError, UsageError
from translate.files import natural
from translate.training.run import RunFolder
from translate.weights.card import read_card
from translate_apps.studio.runs import Runs
from translate_apps.studio.settings import Settings
from translate_apps.studio.translating import new_folder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_STEPS, _SIZES, _BATCHES = (1, 100_000_000), (8, 4096), (1, 4096)
_MOST_SETTINGS, _LONGEST_SETTING = 40, 200
_TAIL = 4000  # bytes of the console that are shown
_LINES = 8
_INTERRUPTED = (130, -signal.SIGINT)  # exit codes
_SAVING = 10  # seconds that a server waits for a training to save

Stage = Literal["running", "stopping", "finished", "stopped", "failed"]


@dataclass(frozen=True)
class Wish:
    """What a visitor wants trained.

    Args:
        data: the name of a folder below the data folder.
        recipe, task: of those that there are; the task is None where the data has inputs.
        name: the run's.
        steps, size, batch_size: None is what the recipe says.
        settings: any key of the recipe, as `optim.lr=1e-4`.
    """

    data: str
    recipe: str
    name: str
    task: str | None = None
    steps: int | None = None
    size: int | None = None
    batch_size: int | None = None
    settings: tuple[str, ...] = ()


@dataclass
class Training:
    """A training that was started here."""

    wish: Wish
    run: RunFolder
    process: subprocess.Popen[bytes]
    console: Path
    asked_to_stop: bool = False

    @property
    def stage(self) -> Stage:
        code = self.process.poll()
        if code is None:
            return "stopping" if self.asked_to_stop else "running"
        if code == 0:
            return "finished"
        return "stopped" if code in _INTERRUPTED else "failed"

    def said(self) -> str:
        """The last lines of its console."""
        with self.console.open("rb") as console:
            console.seek(max(0, self.console.stat().st_size - _TAIL))
            return "\n".join(console.read().decode(errors="replace").splitlines()[-_LINES:])

    def interrupt(self) -> None:
        """Let it finish its step and save. Once: a second signal would end it before it has saved."""
        if self.stage == "running":
            self.asked_to_stop = True
            self.process.send_signal(signal.SIGINT)


class Trainings:
    """Starts, stops and resumes trainings. Safe to call from several threads.

    What a training writes is the run folder of the command line, below the models folder; `last` is the
    training that was started last, over or not.
    """

    def __init__(self, settings: Settings):
        self._settings = settings
        self._runs = Runs(settings.models)
        self._lock = threading.Lock()
        self.last: Training | None = None

    def data_sets(self) -> dict[str, Path]:
        """The folders that can be trained on, by name: those directly below the data folder."""
        if not self._settings.data.is_dir():
            return {}
        folders = (path for path in self._settings.data.iterdir() if path.is_dir() and path.name[0] != ".")
        return {path.name: path for path in sorted(folders, key=natural)}

    def data_set(self, name: str) -> Path:
        """The data folder of that name.

        Raises:
            UsageError: there is none.
        """
        folders = self.data_sets()
        if name not in folders:
            raise UsageError(f"there is no data folder called {name!r}.")
        return folders[name]

    def start(self, wish: Wish) -> Training:
        """Begin a new run.

        Raises:
            UsageError: a part of the wish is no good, or a training is under way.
        """
        _check(wish)
        _check_recipe(wish)
        options = ["--task", wish.task] if wish.task else []
        options += ["--size", str(wish.size)] if wish.size else []
        options += ["--batch-size", str(wish.batch_size)] if wish.batch_size else []
        options += [word for setting in wish.settings for word in ("--set", setting)]
        return self._launch(wish, wish.recipe, self.data_set(wish.data), options)

    def resume(self, wish: Wish) -> Training:
        """Go on with the run of that name, by its own recipe; only `steps` and `data` of the wish count.

        Raises:
            UsageError: there is no such run, or a training is under way.
        """
        _check(wish)
        run = self._runs.run(wish.name)
        data = self.data_sets().get(_trained_on(run)) or self.data_set(wish.data)
        return self._launch(wish, str(run.recipe), data, ["--resume"])

    def stop(self) -> None:
        """Let the training that is under way finish its step and save."""
        with self._lock:
            if self.last:
                self.last.interrupt()

    def close(self) -> None:
        """Stop, and wait for the training to save; a longer save ends by itself."""
        self.stop()
        if self.last and self.last.stage == "stopping":
            try:
                self.last.process.wait(_SAVING)
            except subprocess.TimeoutExpired:
                return

    def _launch(self, wish: Wish, recipe: str, data: Path, options: list[str]) -> Training:
        with self._lock:
            if self.last and self.last.stage in ("running", "stopping"):
                raise UsageError(f"{self.last.wish.name} is being trained; wait for it, or stop it first.")
            command = [sys.executable, "-m", "translate", "train", recipe, "--data", str(data)]
            command += ["--name", wish.name, "--output", str(self._settings.models)]
            command += ["--device", self._settings.device, *options]
            command += ["--steps", str(wish.steps)] if wish.steps else []
            console = new_folder(self._settings.files) / "console.txt"
            with console.open("wb") as written:
                # A session of its own: Ctrl-C at the server's terminal reaches it through `close` alone.
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=written,
                    stderr=written,
                    start_new_session=True,
                )
            self.last = Training(wish, RunFolder(self._settings.models / wish.name), process, console)
            return self.last


def _check(wish: Wish) -> None:
    if not _NAME.fullmatch(wish.name):
        raise UsageError("a run's name has letters, digits and - _ . only, a letter or digit first.")
    if wish.recipe not in recipe_names():
        raise UsageError(f"there is no recipe called {wish.recipe!r}.")
    if wish.task is not None and wish.task not in TASKS:
        raise UsageError(f"there is no task called {wish.task!r}.")
    for value, (low, high), what in (
        (wish.steps, _STEPS, "steps"),
        (wish.size, _SIZES, "size"),
        (wish.batch_size, _BATCHES, "the batch's size"),
    ):
        if value is not None and not low <= value <= high:
            raise UsageError(f"{what} is a number from {low:,} to {high:,}.")


def _check_recipe(wish: Wish) -> None:
    """See that the recipe takes what is wished, as the command would."""
    if len(wish.settings) > _MOST_SETTINGS or any(len(each) > _LONGEST_SETTING for each in wish.settings):
        raise UsageError(f"{_MOST_SETTINGS} settings of {_LONGEST_SETTING} letters are the most.")
    asked = {
        "data.task": wish.task,
        "data.size": wish.size,
        "data.batch_size": wish.batch_size,
        "training.steps": wish.steps,
    }
    chosen = {key: value for key, value in asked.items() if value is not None}
    load_recipe(wish.recipe, parse_assignments(wish.settings) | chosen)


def _trained_on(run: RunFolder) -> str:
    """The name of the folder that a run was trained on; empty where it was never saved."""
    try:
        return str(read_card(run.model()).data.get("name", ""))
    except (ModelError, DataError, OSError):
        return ""
