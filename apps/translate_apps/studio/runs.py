"""Runs, as a page shows them: their losses, their sample sheets, what their cards say."""

from __future__ import annotations

import html
import json
import math
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from translate.errors import UsageError, did_you_mean
from translate.files import natural
from translate.training.run import RunFolder
from translate.weights.card import Card
from translate.weights.describing import described, flat
from translate_apps.studio.listing import files_below

POINTS = 300  # of a curve, at most
_SHOWN_APART = ("metrics", "recipe")  # of what a card says

Entry = dict[str, Any]  # a line of log.jsonl


class Runs:
    """The trainings below a folder."""

    def __init__(self, folder: Path):
        self.folder = folder

    def all(self) -> dict[str, RunFolder]:
        """Every run by its path below the folder, in POSIX form; the one written to last comes first."""
        kept = ("recipe.yaml", "log.jsonl")
        folders = {path.parent for path in files_below(self.folder) if path.name in kept}
        found = {}
        for path in sorted(folders, key=natural):
            below = path.relative_to(self.folder)
            found[below.as_posix() if below.parts else path.name] = RunFolder(path)
        return dict(sorted(found.items(), key=lambda item: -_written(item[1])))

    def run(self, name: str) -> RunFolder:
        """The run of that name.

        Raises:
            UsageError: there is none.
        """
        runs = self.all()
        if name not in runs:
            raise UsageError(f"there is no run called {name!r}{did_you_mean(name, runs)}.")
        return runs[name]


def entries(run: RunFolder) -> list[Entry]:
    """What the log says, in order; lines that a kill has torn are left out."""
    try:
        lines = run.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
            if isinstance(entry["step"], int) and isinstance(entry["losses"], dict):
                found.append(entry)
        except (ValueError, KeyError, TypeError):
            continue
    return found


def terms(log: Sequence[Entry]) -> list[str]:
    """The names of the losses, in the order in which they first appear."""
    return list(dict.fromkeys(name for entry in log for name in entry["losses"]))


def curves(log: Sequence[Entry], chosen: Iterable[str], points: int = POINTS) -> list[tuple[int, float, str]]:
    """Points of curves, as step, value and name of the loss.

    A log of more than `points` lines is thinned: neighbours become their mean, at the last one's step.
    """
    together = max(1, -(-len(log) // points))
    found = []
    for name in chosen:
        for start in range(0, len(log), together):
            part = log[start : start + together]
            values = [v for entry in part if _finite(v := entry["losses"].get(name))]
            if values:
                found.append((part[-1]["step"], sum(values) / len(values), name))
    return found


def samples(run: RunFolder) -> list[tuple[int, Path]]:
    """The sample sheets with their steps, from the first to the last."""
    folder = run.sample(0).parent
    found = [(match, path) for path in folder.glob("step-*.png") if (match := re.search(r"\d+", path.stem))]
    return sorted((int(match[0]), path) for match, path in found)


def recipe_text(run: RunFolder) -> str:
    """The recipe of a run; empty where it has none."""
    try:
        return run.recipe.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def told(run: RunFolder, log: Sequence[Entry]) -> str:
    """A line on how far a run is and when it was last heard of."""
    if not log:
        return "Nothing was logged yet."
    ago = max(0.0, time.time() - _written(run))
    rate = log[-1].get("images_per_second")
    speed = f" · {rate:.3g} pictures/s" if isinstance(rate, int | float) else ""
    return f"Step {log[-1]['step']:,}{speed} · last heard of {_duration(ago)} ago"


def facts(card: Card) -> str:
    """A card as HTML, what was measured first."""
    measured = [(name, _number(value)) for name, value in flat(card.metrics).items()]
    rows = [(name, value) for name, value in described(card) if name not in _SHOWN_APART]
    return (table("Measured", measured) if measured else "") + table("Card", rows)


def table(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    """Pairs of a heading and a text as an HTML table; both are escaped."""
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table class="facts"><caption>{html.escape(caption)}</caption><tbody>{body}</tbody></table>'


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _written(run: RunFolder) -> float:
    for path in (run.log, run.recipe):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return 0.0


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
