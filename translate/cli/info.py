"""`translate info`: the card of a model or run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
        A run folder, the name of a run under checkpoints or of a model that comes with the project, a model
        file, another tool's weights, or hf:OWNER/NAME[@REVISION] on the Hugging Face Hub.
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

    from translate.weights.describing import described

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("file", f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    for name, value in described(card):
        table.add_row(name, value)
    Console(highlight=False, markup=False).print(table)
