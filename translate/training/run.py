"""The folder of one training."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from translate.config import Recipe, dump_recipe, load_recipe
from translate.errors import UsageError
from translate.files import replacing


@dataclass(frozen=True)
class RunFolder:
    """`checkpoints/NAME/`: where everything about one training is kept."""

    path: Path

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.yaml"

    @property
    def state(self) -> Path:
        return self.path / "state" / "last.pt"

    @property
    def log(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def events(self) -> Path:
        return self.path / "events"

    def model(self, direction: str = "a2b") -> Path:
        """The model file of a direction."""
        return self.path / ("model.safetensors" if direction == "a2b" else f"model-{direction}.safetensors")

    @property
    def first_stage(self) -> Path:
        """The model file as it was at the end of the first of two stages."""
        return self.path / "model-pixel.safetensors"

    def write_recipe(self, recipe: Recipe) -> None:
        """Keep the resolved recipe, whole or not at all."""
        with replacing(self.recipe) as temporary:
            temporary.write_text(dump_recipe(recipe), encoding="utf-8")

    def sample(self, step: int) -> Path:
        """The sample sheet of a step."""
        return self.path / "samples" / f"step-{step:07d}.png"


def require_free(path: Path) -> None:
    """Refuse a place where a new run would be in the way of something.

    Raises:
        UsageError: there is a run, or something else.
    """
    if RunFolder(path).recipe.exists():
        raise UsageError(
            f"{path}: there is a run of this name; add --resume to go on with it, or choose another --name"
        )
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path}: something that isn't a run is in the way; choose another --name")


def create_run(path: Path, recipe: Recipe) -> RunFolder:
    """Make a new run's folder and write its recipe.

    Raises:
        UsageError: there is a run, or something else, in the place.
        OutputError: the folder can't be written.
    """
    require_free(path)
    run = RunFolder(path)
    run.write_recipe(recipe)
    return run


@contextmanager
def held(run: RunFolder) -> Iterator[None]:
    """Keep other processes from training the same run; a kill lets go of it.

    Raises:
        UsageError: another process has it.
    """
    lock = FileLock(run.path / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(
            f"{run.path}: another process is training this run; wait for it, or stop it first"
        ) from None
    try:
        yield
    finally:
        lock.release()


def reopen_run(path: Path, translator: str, overrides: dict) -> tuple[RunFolder, Recipe]:
    """Open a run to resume it, with the recipe that it was started with.

    Only what leaves the steps already taken valid may be overridden: the length, how often to save and log.

    Raises:
        UsageError: there is no such run, or an override contradicts it.
    """
    run = RunFolder(path)
    if not run.recipe.is_file():
        raise UsageError(f"{path}: there is no run to resume; leave --resume out to start one")
    saved = load_recipe(run.recipe)
    if saved.translator != translator:
        raise UsageError(f"{path}: a run of {saved.translator} can't be resumed as {translator}")
    recipe = load_recipe(run.recipe, overrides)
    before, after = _flat(saved.model_dump()), _flat(recipe.model_dump())
    changed = [
        key
        for key in after
        if before.get(key) != after[key]
        and not key.startswith(("log.", "checkpoint."))
        and key not in ("training.steps", "training.epochs", "data.workers", "data.cache")
    ]
    if changed:
        key = next((key for key in changed if key in overrides), changed[0])
        raise UsageError(
            f"{path} was started with {key} = {before.get(key)!r}, not {after[key]!r}; "
            "leave it out to resume, or start a new run with another --name"
        )
    return run, recipe


def trim_log(path: Path, step: int) -> None:
    """Drop what the log says of steps after `step`, and a last line that was torn by a kill."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue
    with replacing(path) as temporary:
        temporary.write_text("".join(kept), encoding="utf-8")


def _flat(values: dict, prefix: str = "") -> dict:
    flat = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
