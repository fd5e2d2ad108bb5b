"""The models that the studio offers: what a folder holds, and those that are loaded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from translate.errors import ModelError, TranslateError, UsageError, did_you_mean
from translate.files import natural
from translate.images import SUFFIXES
from translate.weights.card import Card, read_card
from translate.weights.locate import MODEL_FILES
from translate_apps.studio.listing import files_below

if TYPE_CHECKING:
    from translate import Translator

_LOADED = 3  # translators that stay in memory


@dataclass(frozen=True)
class Offer:
    """A model to choose.

    Attributes:
        name: its path below the models folder, in POSIX form; of a run that of its folder.
        files: the model file of each direction, a→b first.
        examples: pictures that lie beside it in `examples/`.
    """

    name: str
    files: dict[str, Path]
    cards: dict[str, Card]
    examples: tuple[Path, ...] = ()

    @property
    def card(self) -> Card:
        """That of the first direction."""
        return next(iter(self.cards.values()))

    @property
    def title(self) -> str:
        """For people: the name and what it translates into what."""
        arrow = "⇄" if len(self.files) > 1 else "→"
        return f"{self.name}  ·  {self.card.source} {arrow} {self.card.target}"


class Shelf:
    """Finds models below a folder, and loads those that are asked for, the last few of which stay.

    Safe to call from several threads.

    Args:
        more: another folder; its models are offered where `folder` has none of the same name.
    """

    def __init__(self, folder: Path, device: str = "auto", more: Path | None = None):
        self.folder = folder
        self._folders = (folder,) if more is None else (folder, more)
        self._device = device
        self._loaded: OrderedDict[tuple[Path, int], Translator] = OrderedDict()
        self._lock = threading.Lock()

    def offers(self) -> dict[str, Offer]:
        """What is there now, by name; damaged files and those of other tools are left out."""
        found: dict[str, Offer] = {}
        for folder in self._folders:
            paths = (path for path in files_below(folder) if path.suffix == ".safetensors")
            for path in sorted(paths, key=natural):
                if path.name == MODEL_FILES["b2a"] and path.with_name(MODEL_FILES["a2b"]).exists():
                    continue
                if offer := _offer(path, folder):
                    found.setdefault(offer.name, offer)
        return found

    def offer(self, name: str) -> Offer:
        """The model of that name.

        Raises:
            UsageError: there is none.
        """
        offers = self.offers()
        if name not in offers:
            raise UsageError(f"there is no model called {name!r}{did_you_mean(name, offers)}.")
        return offers[name]

    def translator(self, offer: Offer, direction: str | None = None) -> Translator:
        """Load a model, or take it from those that are.

        Raises:
            UsageError: it has no such direction.
            ModelError: it can't be loaded.
        """
        direction = direction or next(iter(offer.files))
        if direction not in offer.files:
            raise UsageError(f"{offer.name} translates {offer.card.source} to {offer.card.target} only.")
        from translate import Translator

        path = offer.files[direction]
        with self._lock:
            key = (path, _changed(path))
            if key not in self._loaded:
                self._loaded[key] = Translator.load(path, device=self._device)
            self._loaded.move_to_end(key)
            while len(self._loaded) > _LOADED:
                self._loaded.popitem(last=False)
            return self._loaded[key]

    def load_first(self) -> None:
        """Load the model that visitors meet first, so that they needn't wait for it."""
        for offer in self.offers().values():
            try:
                self.translator(offer)
            except TranslateError:
                continue  # whoever chooses it is told
            return


def _offer(path: Path, folder: Path) -> Offer | None:
    of_run = path.name in MODEL_FILES.values()
    paths = [path.with_name(name) for name in MODEL_FILES.values()] if of_run else [path]
    try:
        cards = {file: read_card(file) for file in paths if file.exists()}
    except (ModelError, OSError):
        return None
    named = path.parent if of_run and path.parent != folder else path.with_suffix("")
    examples = path.parent / "examples" if of_run else path.with_suffix("") / "examples"
    return Offer(
        named.relative_to(folder).as_posix(),
        {card.direction: file for file, card in cards.items()},
        {card.direction: card for card in cards.values()},
        _pictures(examples),
    )


def _pictures(folder: Path) -> tuple[Path, ...]:
    found = (path for path in files_below(folder) if path.suffix.lower() in SUFFIXES)
    return tuple(sorted(found, key=natural))


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise ModelError(f"{path.name} is no longer there.") from error
