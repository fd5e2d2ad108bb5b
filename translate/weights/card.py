"""The card of a model file: everything needed to use the weights beside it. Free of torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)
from safetensors import SafetensorError, safe_open

from translate.colours import from_names
from translate.errors import ModelError
from translate.weights import onnx_file
from translate.weights.first_bytes import first_bytes, is_pickle

FORMAT_VERSION = 5  # 1 knew no labels; 2 no captions, no classes and no codes; 3 no origin; 4 no mask
METADATA_KEY = "card"
CLASS = r"^(#[0-9a-f]{6}|0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])$"

Direction = Literal["a2b", "b2a"]
NormStatistics = Literal["batch", "running"]


class Captions(BaseModel):
    """How a model reads the captions that it is asked with.

    Args:
        encoder: a name in `networks.text.TEXT_ENCODERS`. What it has learnt lies beside the network's
            weights, under names that begin with `text_encoder.`.
        arguments: what that encoder is built with.
        examples: captions of the training data, for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: str
    arguments: dict[str, int] = {}
    examples: tuple[str, ...] = ()


class Card(BaseModel):
    """What a model file says of itself.

    Args:
        architecture: a name in `networks.catalogue.GENERATORS`.
        arguments: what that network is built with, `in_channels` and `out_channels` among them.
        translator: the method that trained it, e.g. `cyclegan`.
        direction: which way it translates.
        domains: what a and b are, e.g. `{"a": "horse", "b": "zebra"}`.
        labels: names of the classes that can be asked for, by the numbers that the network knows them by;
            it is called with the number besides the picture. Empty: it is called with the picture alone.
        text: where it is asked with a caption instead, how it reads it; it is called with the caption's
            vector besides the picture.
        classes: its input is a map of classes, one plane of zeros and ones for each; these are the colours
            that they are drawn in, grey levels or `#rrggbb`, in the order of the planes. Empty: its input
            is a picture.
        latent: numbers of the code that it is called with besides, and that says which of many outputs is
            wanted; 0 where it makes one output alone.
        mask: it fills holes (see `networks.filling.Filling`): besides the picture it is given a mask of them,
            which is the last of `arguments.in_channels`, and all else stays as it is.
        colour_space: `lab` if the network is given lightness and gives colours (see `in_lab.InLab`), which is
            used from picture to picture all the same; else `rgb`.
        value_range: of input and output.
        size_multiple: height and width of the network's input are multiples of it, in pixels.
        minimum_size: the smallest height and width that the network takes, in pixels.
        norm_statistics: `batch` if batch norm uses the statistics of the very picture, as a network
            trained one picture at a time needs; `running` if it uses those collected in training.
        step: training steps behind these weights.
        origin: of another tool's weights, where they come from: the tool, the file and its SHA-256.
        recipe: the resolved recipe. data: facts of the training data. metrics: what was measured.
        licence: of the weights. versions: of translate and torch that wrote the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1, 2, 3, 4, 5] = FORMAT_VERSION
    architecture: str
    arguments: dict[str, str | bool | int | float | None]
    translator: str
    direction: Direction
    domains: dict[Literal["a", "b"], str]
    labels: tuple[str, ...] = ()
    text: Captions | None = None
    classes: tuple[Annotated[str, Field(pattern=CLASS)], ...] = ()
    latent: NonNegativeInt = 0
    mask: bool = False
    colour_space: Literal["rgb", "lab"] = "rgb"
    value_range: tuple[float, float] = (-1.0, 1.0)
    size_multiple: PositiveInt
    minimum_size: PositiveInt
    norm_statistics: NormStatistics = "running"
    step: int = 0
    origin: dict[str, Any] = {}
    recipe: dict[str, Any] = {}
    data: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    licence: str | None = None
    versions: dict[str, str] = {}

    @field_validator("text", mode="before")
    @classmethod
    def _was_a_word(cls, value: Any) -> Any:
        return None if value is False else value  # all that a file of version 2 could say

    @field_validator("value_range")
    @classmethod
    def _ascending(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not value[0] < value[1]:
            raise ValueError("the range's lower end comes first")
        return value

    @model_validator(mode="after")
    def _labels_fit(self) -> Card:
        if len(set(self.labels)) < len(self.labels) or not all(self.labels):
            raise ValueError("labels are different names, none of them empty")
        classes = self.arguments.get("classes")
        if self.labels and classes != len(self.labels):
            raise ValueError(f"labels names {len(self.labels)} classes, but arguments.classes is {classes}")
        if self.labels and self.text:
            raise ValueError("a network is asked with a label or with a caption, not with both")
        if self.text and not self.arguments.get("embedding"):
            raise ValueError("a network that is asked with a caption has arguments.embedding")
        return self

    @model_validator(mode="after")
    def _classes_fit(self) -> Card:
        colours, planes = self.colours, self.arguments.get("in_channels")
        if colours != tuple(sorted(set(colours))) or len(colours) == 1:
            raise ValueError("classes are different colours in ascending order, two at least")
        if colours and planes != len(colours):
            raise ValueError(f"classes has {len(colours)} colours, but arguments.in_channels is {planes}")
        return self

    @model_validator(mode="after")
    def _lab_fits(self) -> Card:
        taken = (self.arguments.get("in_channels"), self.arguments.get("out_channels"))
        if self.colour_space == "lab" and (taken != (1, 2) or self.value_range != (-1.0, 1.0) or self.asked):
            raise ValueError(
                "a network in lab takes 1 channel, makes 2, in -1 to 1, and is asked for nothing"
            )
        return self

    @model_validator(mode="after")
    def _latent_fits(self) -> Card:
        built = self.arguments.get("latent") or 0
        if self.latent != built:
            raise ValueError(f"latent is {self.latent}, but arguments.latent is {built}")
        return self

    @model_validator(mode="after")
    def _mask_fits(self) -> Card:
        taken, made = self.arguments.get("in_channels"), self.arguments.get("out_channels")
        if not self.mask:
            return self
        if not isinstance(taken, int) or taken - 1 != made:
            raise ValueError(
                f"a network that fills holes takes a channel more than it makes, not {taken} and {made}"
            )
        if self.value_range != (-1.0, 1.0) or self.scale != 1 or self._asked_else:
            raise ValueError(
                "a network that fills holes keeps the size, in -1 to 1, and is asked for nothing"
            )
        return self

    @property
    def _asked_else(self) -> bool:
        return bool(self.labels or self.text or self.classes or self.latent)

    @property
    def asked(self) -> bool:
        """Whether it takes anything but a picture."""
        return self._asked_else or self.mask

    @property
    def channels(self) -> tuple[int, int]:
        """Of input and output, as the model is used; the mask isn't counted."""
        if self.colour_space == "lab":
            return 3, 3
        taken, made = (int(self.arguments.get(key) or 3) for key in ("in_channels", "out_channels"))
        return taken - self.mask, made

    @property
    def colours(self) -> tuple[int, ...]:
        """The classes' colours as numbers 0xrrggbb."""
        return from_names(self.classes)

    @property
    def scale(self) -> int:
        """How many times as large the output is as the input."""
        return int(self.arguments.get("scale") or 1)

    @property
    def source(self) -> str:
        """The name of the domain that goes in."""
        return self.domains.get("a" if self.direction == "a2b" else "b", self.direction[0])

    @property
    def target(self) -> str:
        """The name of the domain that comes out."""
        return self.domains.get("b" if self.direction == "a2b" else "a", self.direction[2])


def read_card(path: str | Path) -> Card:
    """The card of a model file, from its header alone, or of an ONNX file that was exported from one.

    Raises:
        ModelError: the file is missing, damaged, no model file of ours, or of a newer format.
    """
    path = Path(path)
    if onnx_file.is_exported(path):
        metadata = onnx_file.metadata(path)
    else:
        _require_safetensors(path)
        metadata = _metadata(path)
    if METADATA_KEY not in metadata:
        raise ModelError(f"{path} holds weights but no card, so it is no model file that translate wrote.")
    return _parse(path, metadata[METADATA_KEY])


def has_card(path: str | Path) -> bool:
    """Whether a file is a model file of ours and not another tool's weights; damaged ones count as ours.

    It tells what to open a file with, and leaves it to that to complain.
    """
    path = Path(path)
    try:
        _require_safetensors(path)
        return METADATA_KEY in _metadata(path)
    except ModelError:
        return True


def _metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, framework="np") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"{path} is no whole safetensors file ({_first_line(error)}); copy or download it again."
        ) from error


def _require_safetensors(path: Path) -> None:
    if is_pickle(first_bytes(path, "no such model; give a run folder or a model file")):
        raise ModelError(
            f"{path} is a pickle whatever its name says; a pickle can run any code, so it was not opened "
            "and nothing was executed. Give a .safetensors model file."
        )


def _parse(path: Path, text: str) -> Card:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ModelError(f"{path}: the card is no JSON ({_first_line(error)}).") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ModelError(
            f"{path} has format version {version}, this translate reads up to {FORMAT_VERSION}; "
            "update translate."
        )
    try:
        return Card.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"])) or "the whole"
        raise ModelError(f"{path}: the card is not valid: {place}: {problem['msg']}.") from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
