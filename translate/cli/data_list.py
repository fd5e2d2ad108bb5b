"""`translate data list`: the public data sets that there are cards of."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.console import Console

    from translate.data.public.cards import Card


def list_(
    name: str | None = None,
    /,
    *,
    cards: Annotated[list[Path] | None, Parameter(negative="")] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """List the public data sets that `translate data get` knows, or all that one's card says.

    Parameters
    ----------
    name
        Show this card, with the source of each fact.
    cards
        A folder with more cards, NAME.yaml; may be repeated.
    json
        Print the cards as JSON.
    """
    from rich.console import Console

    from translate.data.public.cards import find_card, find_cards

    found = [find_card(name, cards or ())] if name else list(find_cards(cards or ()).values())
    if json:
        print(jsonlib.dumps([card.model_dump(mode="json") for card in found]))
        return
    console = Console(highlight=False)
    if name:
        _show(found[0], console)
    else:
        _table(found, console)


def _table(cards: list[Card], console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("name", no_wrap=True)
    table.add_column("task")
    table.add_column("training", justify="right", no_wrap=True)
    table.add_column("download", justify="right", no_wrap=True)
    table.add_column("recipe")
    for card in cards:
        download = "by hand" if card.instructions else size_of(card)
        recipe = f"{card.recipe}, b2a" if card.direction == "b2a" else card.recipe
        table.add_row(*(escape(cell) for cell in (card.name, card.task, training_of(card), download, recipe)))
    console.print(table)
    console.print("translate data get NAME brings one; translate data list NAME shows its card.", style="dim")


def training_of(card: Card) -> str:
    """How many pictures or pairs there are to train on, in words."""
    counts = card.counts
    if "trainA" in counts:
        return f"{counts['trainA']:,} + {counts['trainB']:,}"
    what = "" if card.layout in ("plain", "labelled") else " pairs"
    if "train" in counts:
        return f"{counts['train']:,}{what}"
    return f"{counts['all']:,}{what} in all" if "all" in counts else card.rough_count or "–"


def size_of(card: Card) -> str:
    """How large the download is, in words."""
    if card.size:
        return f"{card.size / 1e9:.1f} GB" if card.size >= 1e9 else f"{card.size / 1e6:.0f} MB"
    return ", ".join(archive.rough_size for archive in card.archives if archive.rough_size) or "–"


def _show(card: Card, console: Console) -> None:
    from rich.markup import escape

    def line(label: str, text: str) -> None:
        console.print(f"[dim]{label:<10}[/] {escape(text)}", soft_wrap=True)

    console.print(f"[bold]{escape(card.name)}[/]: {escape(card.about)}", soft_wrap=True)
    line("task", card.task)
    line("layout", f"{card.layout}, {card.direction}")
    counts = ", ".join(f"{key} {count:,}" for key, count in card.counts.items()) or card.rough_count
    line("pictures", counts or "not known")
    line("licence", card.licence or "not known")
    line("citation", card.citation or "not known")
    for archive in card.archives:
        size = f"{archive.size:,} bytes" if archive.size else archive.rough_size or "size not known"
        line("archive", f"{archive.name}, {size}")
        for address in archive.addresses:
            line("", address)
        if archive.addresses:
            line("sha256", archive.sha256 or "none is published; that of the first download is remembered")
    if card.instructions:
        line("by hand", card.instructions)
    for fact, source in card.sources.items():
        line("source", f"{fact}: {source}")
    console.print(f"next: translate data get {escape(card.name)}", soft_wrap=True)
