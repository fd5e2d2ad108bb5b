"""One function over many files, on all cores, in order, with a progress bar for what takes a while."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from translate.data.machine import cores

_IN_FLIGHT = 32
_WORTH_A_BAR = 200

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    function: Callable[[Item], Result], items: Sequence[Item], *, label: str, progress: bool
) -> Generator[tuple[Item, Result], None, None]:
    """(item, function(item)) in order; decoders release the GIL, so threads do.

    Closed before its end it waits for what has been begun.

    Args:
        function: must not raise.
        items: what to call it with.
        label: words beside the progress bar.
        progress: False for no bar; without a terminal there is none either.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    shown = progress and len(items) >= _WORTH_A_BAR and console.is_terminal
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        ThreadPoolExecutor(cores()) as pool,
        Progress(*columns, console=console, transient=True, disable=not shown) as bar,
    ):
        task = bar.add_task("", total=len(items))
        for start in range(0, len(items), _IN_FLIGHT):
            chunk = items[start : start + _IN_FLIGHT]
            for item, result in zip(chunk, pool.map(function, chunk), strict=True):
                yield item, result
                bar.advance(task)
