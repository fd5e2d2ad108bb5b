"""From what a person types to a model file. Free of torch."""

from __future__ import annotations

from pathlib import Path

from translate.errors import ModelError, UsageError
from translate.weights.card import Card, has_card, read_card
from translate.weights.hub.address import read_address
from translate.weights.importers import names
from translate.weights.shipped import shipped

MODEL_FILES = {"a2b": "model.safetensors", "b2a": "model-b2a.safetensors"}
RUNS = Path("checkpoints")


def locate(model: str | Path, direction: str | None = None) -> Path:
    """The model file that `model` means.

    Args:
        model: a model file, a run folder, the name of a run under `checkpoints`, or of a model that comes
            with the project; a file of another tool, or its folder with `latest_net_G….pth`;
            `hf:OWNER/NAME[@REVISION]` on the Hugging Face Hub.
        direction: `a2b` or `b2a`; None is a run's a→b (b→a where it has no other), or whatever the file
            given does.

    Raises:
        UsageError: no such direction; no such name on the Hub, or its library isn't installed.
        ModelError: nothing there, a folder that is no run, or a model without that direction.
    """
    if direction not in (None, *MODEL_FILES):
        raise UsageError(f"unknown direction {direction!r}; choose one of {', '.join(MODEL_FILES)}.")
    path = resolve(model)
    if path.is_dir():
        return _in_run(path, direction)
    if path.exists() and is_foreign(path):
        return _of_another_tool(path, direction)
    if direction is None or read_card(path).direction == direction:
        return path
    other = path.with_name(MODEL_FILES[direction])
    if path.name not in MODEL_FILES.values() or not other.exists():
        raise ModelError(f"{path} does not translate {_arrow(direction)}, and no model beside it does.")
    return other


def resolve(model: str | Path) -> Path:
    """The file or folder that `model` names, whether it exists or not; one on the Hub is fetched.

    A name is a path first, then a run of the folder `checkpoints`, then a model that comes with the project.

    Raises:
        UsageError, ModelError: see `hub.transfer.fetch`.
    """
    path = Path(model)
    if path.exists():
        return path
    if (address := read_address(str(model))) is not None:
        from translate.weights.hub.transfer import fetch

        return fetch(address)
    places = [RUNS] if (came := shipped()) is None else [RUNS, came]
    return next((place / path for place in places if (place / path).exists()), path)


def is_foreign(path: Path) -> bool:
    """Whether a file is to be imported: a `.pth` and the like, or safetensors without a card."""
    suffix = path.suffix.lower()
    return suffix in names.SUFFIXES or (suffix == ".safetensors" and not has_card(path))


def card_at(path: Path) -> Card:
    """The card of a model file, or the one that another tool's file is given; that takes torch.

    Raises:
        ModelError: see `read_card`, and `importers.opening.open_foreign`.
    """
    if not is_foreign(path):
        return read_card(path)
    from translate.weights.importers.opening import open_foreign

    return open_foreign(path).card


def _of_another_tool(path: Path, direction: str | None) -> Path:
    if direction is None or names.direction(path) == direction:
        return path
    other = names.other_direction(path)
    if other == path or not other.exists():
        raise ModelError(f"{path} does not translate {_arrow(direction)}, and no model beside it does.")
    return other


def _in_run(run: Path, asked: str | None) -> Path:
    direction = asked or "a2b"
    file = run / MODEL_FILES[direction]
    if file.exists():
        return file
    foreign = names.in_folder(run, direction)
    if foreign is not None:
        return foreign
    present = [name for name, other in MODEL_FILES.items() if (run / other).exists()]
    if present and asked is None:
        return run / MODEL_FILES[present[0]]
    if present:
        raise ModelError(
            f"{run} translates {_arrow(present[0])} only; a model with both directions comes from "
            "`translate train cyclegan`."
        )
    raise ModelError(
        f"{run} is a folder without {MODEL_FILES[direction]}, so it is no run, or none that has saved yet."
    )


def _arrow(direction: str) -> str:
    return direction.replace("2", "→")
