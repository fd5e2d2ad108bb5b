"""`translate info`: the card of a model or run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from translate.weights.card import Card


def info(
    model: str,
    /,
    *,
    direction: Literal["a2b", "b2a"] | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Print the card of a model or run: what it translates, how it was trained, what it needs.

    Parameters
    ----------
    model
        A run folder, the name of a run under checkpoints, a model file, another tool's weights, or
        hf:OWNER/NAME[@REVISION] on the Hugging Face Hub.
    direction
        a2b or b2a, where a run has both.
    json
        Print the card as JSON.
    """
    from translate.weights.locate import card_at, locate

    path = locate(model, direction)
    card = card_at(path)
    if json:
        print(card.model_dump_json(indent=2))
    else:
        _print_table(path, card)


def _print_table(path: Path, card: Card) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(path, card):
        table.add_row(name, value)
    Console(highlight=False, markup=False).print(table)


def _rows(path: Path, card: Card) -> list[tuple[str, str]]:
    low, high = card.value_range
    rows = [
        ("file", f"{path} ({path.stat().st_size / 1e6:.1f} MB)"),
        ("translates", f"{card.source} → {card.target} ({card.direction})"),
        ("labels", ", ".join(card.labels)),
        ("classes", f"{len(card.classes)}, of the colours {', '.join(card.classes)}" if card.classes else ""),
        ("text", _captions(card)),
        ("samples", f"many for a picture, by a code of {card.latent} numbers" if card.latent else ""),
        (
            "mask",
            "needed: what to fill, as --mask FILE or as transparent pixels" if card.mask else "",
        ),
        ("translator", card.translator),
        ("network", f"{card.architecture} ({_joined(card.arguments)})"),
        ("colours", "given lightness, makes a and b of CIE Lab" if card.colour_space == "lab" else ""),
        ("values", f"{low:g} to {high:g}"),
        ("batch norm", "statistics of the very picture" if card.norm_statistics == "batch" else ""),
        ("sizes", f"any; padded to multiples of {card.size_multiple}, at least {card.minimum_size} pixels"),
        ("enlarges", f"{card.scale} times" if card.scale > 1 else ""),
        ("trained for", "" if card.origin and not card.step else f"{card.step} steps"),
        ("imported", _joined(card.origin)),
        ("perceptual", _perceptual(card.recipe)),
        ("data", _joined(card.data)),
        ("metrics", _joined(card.metrics)),
        ("recipe", _joined(_flat(card.recipe))),
        ("licence", card.licence or "not stated"),
        ("written by", _joined(card.versions)),
        ("format", f"version {card.format_version}"),
    ]
    return [(name, value) for name, value in rows if value]


def _perceptual(recipe: dict[str, Any]) -> str:
    """Through whose eyes the training compared outputs to their truths, if it did."""
    losses = recipe.get("losses", {})
    weight = losses.get("perceptual", 0)
    return f"features of {losses['backbone']}, weight {weight:g}" if weight and "backbone" in losses else ""


def _captions(card: Card) -> str:
    if card.text is None:
        return ""
    said = f"asks for a caption, read by {card.text.encoder}"
    return f"{said}; such as: {'; '.join(card.text.examples)}" if card.text.examples else said


def _joined(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
