"""The cards of public data sets: one YAML file a set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from translate import validation
from translate.config import recipe_names
from translate.data.sides import Direction, Kind, Task
from translate.errors import UsageError, did_you_mean
from translate.files import explain

_SPLITS = ("train", "val", "test")

Fact = Literal["addresses", "size", "sha256", "layout", "direction", "counts", "licence", "citation"]


def _is_folder(name: str) -> str:
    if not re.fullmatch(r"[\w.-]+", name) or name.startswith("."):
        raise ValueError("write letters, digits, _, - and dots: it is the name of a folder")
    return name


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Archive(_Strict):
    """One file to download.

    Attributes:
        addresses: where it is, the authors' own first; none where it can only be had by hand.
        file: its name; by default the last part of the first address.
        size: bytes.
        rough_size: in words, where the bytes aren't known.
        sha256: in hexadecimal.
        into: the folder of the data set that its content goes to; by default the data set itself.
    """

    addresses: tuple[str, ...] = ()
    file: str = ""
    size: int | None = Field(None, gt=0)
    rough_size: str = ""
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    into: Annotated[str, AfterValidator(_is_folder)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Archive:
        for address in self.addresses:
            if urlsplit(address).scheme not in ("http", "https"):
                raise ValueError(f"{address} is no address: it begins with https:// or http://")
        if not self.name:
            raise ValueError("an archive needs addresses, or the file's name under `file`")
        # It comes to lie beside the data set, and a card may be a stranger's.
        if self.name.startswith(".") or not re.fullmatch(r"[\w.()+%=@, -]+", self.name):
            raise ValueError(f"{self.name!r} can't be the name of a file; write a plain one under `file`")
        return self

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file or (urlsplit(self.addresses[0]).path.rpartition("/")[2] if self.addresses else "")


class Card(_Strict):
    """A public data set: what it is, where it is, and what to do with it.

    Attributes:
        name: what to call it, and its folder.
        about: what is in it, one sentence.
        task: from what to what.
        layout: how `data inspect` recognises it, see `Layout.kind`.
        direction: which side is the input a of the recipe.
        a, b: names of the folders with the inputs and the targets, where names don't tell.
        make: the task that makes the inputs of plain pictures.
        counts: pictures in each folder (trainA), or pairs or plain pictures in each split (train), or in all.
        rough_count: in words, where they aren't known.
        recipe: the recipe to start with.
        options: of `translate train`, besides what the layout asks for.
        licence, citation: what its authors say, or that they don't.
        archives: what to download.
        preparation: how to make the data set of its archives, where it takes more than unpacking.
        instructions: how to get at archives that have no address.
        sources: where each fact was read.
    """

    name: Annotated[str, AfterValidator(_is_folder)]
    about: str
    task: str
    layout: Kind
    direction: Direction = "a2b"
    a: str | None = None
    b: str | None = None
    make: Task | None = None
    counts: dict[str, int] = {}
    rough_count: str = ""
    recipe: str
    options: tuple[str, ...] = ()
    licence: str = ""
    citation: str = ""
    archives: tuple[Archive, ...] = Field(min_length=1)
    preparation: Literal["cityscapes"] | None = None
    instructions: str = ""
    sources: dict[Fact, str] = {}

    @model_validator(mode="after")
    def _check(self) -> Card:
        if self.recipe not in recipe_names():
            raise ValueError(f"there is no recipe {self.recipe!r}{did_you_mean(self.recipe, recipe_names())}")
        if (self.layout == "plain") != (self.make is not None):
            raise ValueError("plain pictures, and they alone, say with `make` how inputs are made of them")
        known = ["all", *(split + side for split in _SPLITS for side in ("", "A", "B"))]
        if wrong := [key for key in self.counts if key not in known]:
            raise ValueError(f"counts are of {', '.join(known)}, not of {wrong[0]!r}")
        if any(not archive.addresses for archive in self.archives) and not self.instructions:
            raise ValueError("an archive without an address needs `instructions`")
        if len({archive.name for archive in self.archives}) < len(self.archives):
            raise ValueError("two archives have the same name")
        return self

    @property
    def size(self) -> int | None:
        """Bytes to download, where all are known."""
        sizes = [archive.size for archive in self.archives]
        return sum(size for size in sizes if size) if all(sizes) else None

    def facts(self) -> set[Fact]:
        """What the card says that somebody must have read somewhere."""
        said: dict[Fact, object] = {
            "addresses": any(archive.addresses for archive in self.archives),
            "size": any(archive.size or archive.rough_size for archive in self.archives),
            "sha256": any(archive.sha256 for archive in self.archives),
            "layout": True,
            "direction": self.direction == "b2a" or self.layout == "side-by-side",
            "counts": self.counts or self.rough_count,
            "licence": self.licence,
            "citation": self.citation,
        }
        return {fact for fact, there in said.items() if there}

    def command(self, directory: str | Path) -> list[str]:
        """The training to start with, word by word, as `data inspect` suggests it."""
        said = {"--a": self.a, "--b": self.b, "--task": self.make}
        options = [word for option, value in said.items() if value for word in (option, value)]
        options += [*(["--direction", "b2a"] if self.direction == "b2a" else []), *self.options]
        name = Path(directory).resolve().name
        return ["translate", "train", self.recipe, "--data", str(directory), "--name", name, *options]


def find_cards(folders: Iterable[str | Path] = ()) -> dict[str, Card]:
    """The cards of the package and of further folders, by name in alphabetical order; a later one wins.

    Raises:
        UsageError: a folder or card that can't be read, a card that isn't one: which, what and why.
    """
    cards: dict[str, Card] = {}
    shipped = resources.files("translate.data.public").joinpath("cards")
    for entry in shipped.iterdir():
        if entry.name.endswith(".yaml"):
            card = read_card(entry.read_text(encoding="utf-8"), where=f"card {entry.name}")
            cards[card.name] = card
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise UsageError(f"--cards {folder}: it is no folder; give one that holds cards, NAME.yaml.")
        for path in sorted(folder.glob("*.yaml")):
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = explain(error) if isinstance(error, OSError) else "it isn't text in UTF-8"
                raise UsageError(f"card {path} can't be read: {reason}.") from error
            card = read_card(text, where=f"card {path}")
            cards[card.name] = card
    return dict(sorted(cards.items(), key=lambda item: item[0].lower()))


def find_card(name: str, folders: Iterable[str | Path] = ()) -> Card:
    """The card of that name.

    Raises:
        UsageError: see `find_cards`; there is no card of that name, with the nearest that there is.
    """
    cards = find_cards(folders)
    if name not in cards:
        raise UsageError(
            f"there is no card {name!r}{did_you_mean(name, cards)}; choose one of {', '.join(cards)}, or "
            "add a folder of cards with --cards."
        )
    return cards[name]


def read_card(text: str, *, where: str) -> Card:
    """A card from its YAML; `where` names it in messages.

    Raises:
        UsageError: no YAML, a key that there isn't, a value of the wrong kind.
    """
    try:
        values: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{where}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise UsageError(f"{where}: a card is a mapping with keys such as name and archives")
    try:
        return Card.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"{where}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """The first problem; checks of a whole card or archive speak for themselves."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"{place} is missing"
    if first["type"] == "value_error" and isinstance(first["input"], dict):
        reason = first["msg"].removeprefix("Value error, ")
        return f"{place}: {reason}" if place else reason
    return validation.explain(error, Card).replace("value error, ", "")
