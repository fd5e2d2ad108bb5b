"""Ctrl-C as a wish rather than an end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stopped_by_signals(say: Callable[[], object] = lambda: None) -> Iterator[threading.Event]:
    """The first SIGINT or SIGTERM sets the event and calls `say`; the same one again ends the process.

    Only the main thread can receive signals; in another the event stays unset.
    """
    stop = threading.Event()
    previous: dict[int, Any] = {}

    def remember(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, previous[number])
        say()

    if threading.current_thread() is threading.main_thread():
        previous = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
