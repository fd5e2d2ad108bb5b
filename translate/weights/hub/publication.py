"""The files that a model has on the Hub."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, cast

from torch import Tensor

from translate.errors import ModelError
from translate.files import replacing
from translate.weights import model_file
from translate.weights.card import Card, Direction
from translate.weights.hub.page import CONFIG, PAGE, SHEET, page
from translate.weights.importers import names
from translate.weights.locate import MODEL_FILES, resolve


@dataclass(frozen=True)
class Publication:
    """What is written for others: models, page, and a sheet of samples, and nothing else of a run.

    Args:
        repo: `OWNER/NAME`, which the page tells how to use.
        models: card and weights of each direction.
        sheet: a PNG.
    """

    repo: str
    models: Mapping[Direction, tuple[Card, Mapping[str, Tensor]]]
    sheet: Path | None = None

    def write(self, folder: Path) -> list[Path]:
        """Write all files into `folder`, each whole or not at all; gives their paths.

        Raises:
            OutputError: the folder can't be written.
        """
        written = []
        for direction, (card, weights) in self.models.items():
            written.append(folder / MODEL_FILES[direction])
            model_file.save(written[-1], weights, card)
        cards = {direction: card for direction, (card, _) in self.models.items()}
        first = next(iter(cards.values()))
        texts = {
            CONFIG: first.model_dump_json(indent=2) + "\n",
            PAGE: page(self.repo, cards, has_sheet=self.sheet is not None),
        }
        for name, text in texts.items():
            written.append(folder / name)
            with replacing(written[-1]) as temporary:
                temporary.write_text(text, encoding="utf-8")
        if self.sheet:
            written.append(folder / SHEET)
            with replacing(written[-1]) as temporary:
                shutil.copyfile(self.sheet, temporary)
        return written


def gather(model: str | Path, repo: str, licence: str | None = None) -> Publication:
    """What of a run, a model file or another tool's weights is to be published.

    Every model is built once, so that a damaged one isn't published.

    Args:
        licence: of the weights, in the place of what the card says.

    Raises:
        ModelError: there is no model, or a damaged one.
    """
    path = resolve(model)
    models: dict[Direction, tuple[Card, Mapping[str, Tensor]]] = {}
    for file in _files(path):
        card, weights, notes = model_file.contents(file)
        card = model_file.assemble(file, card, weights, notes).card
        models[card.direction] = for_others(card, licence), weights
    return Publication(repo, models, _newest_sheet(path) if path.is_dir() else None)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = []
    for direction, name in MODEL_FILES.items():
        file = path / name
        file = file if file.exists() else names.in_folder(path, direction)
        found += [file] if file else []
    if not found:
        raise ModelError(
            f"{path} is a folder without {MODEL_FILES['a2b']}, so it is no run, or none that has saved yet."
        )
    return found


def _newest_sheet(run: Path) -> Path | None:
    return max(run.glob("samples/step-*.png"), default=None, key=lambda path: path.name)


def for_others(card: Card, licence: str | None = None) -> Card:
    """The card with names of folders in the place of paths, which are nobody else's concern."""
    recipe = {key: _named(value) for key, value in card.recipe.items()}
    return card.model_copy(update={"recipe": recipe, "licence": licence or card.licence})


def _named(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _named(inner) for key, inner in value.items()}
    absolute = isinstance(value, str) and (
        PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()
    )
    return PureWindowsPath(cast(str, value)).name if absolute else value
