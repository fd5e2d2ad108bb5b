"""How `translate evaluate` shows people what it does and finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from torch import Tensor

    from translate.metrics.evaluate import Score

    Batches = Iterator[tuple[Tensor, ...]]


def progress(batches: Batches, total: int, label: str, console: Console, quiet: bool) -> Batches:
    """The batches, with a bar that counts their pictures up to `total`."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as bar:
        task = bar.add_task(label, total=total)
        for batch in batches:
            yield batch
            bar.update(task, advance=len(batch[0]))


def show_table(
    console: Console, heading: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]
) -> None:
    """Numbers under their heads, a row each for whose they are."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    for name, cells in rows.items():
        table.add_row(name, *cells)
    console.print(f"{heading}:", markup=False)
    console.print(table)


def text(score: Score, digits: int) -> str:
    """A mean for a table; infinite where that is why there is none."""
    if score.mean is None:
        return "∞" if score.left_out else "–"
    return f"{score.mean:.{digits}f}"


def show_protocols(console: Console, protocols: Iterable[str]) -> None:
    """What the numbers are, each protocol once."""
    for protocol in dict.fromkeys(protocols):
        console.print(f"  {protocol}", style="dim", markup=False)
