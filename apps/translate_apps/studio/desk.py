"""One thread for everything that runs a network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
Report = Callable[[int, int], None]  # done, of how many; raises `Stopped`
_LOOK_EVERY = 0.1  # seconds


class Stopped(Exception):
    """The visitor has gone, or doesn't want the result any more."""


@dataclass
class Task(Generic[T]):
    """Work that was handed in. `done` is the share that is done, 0 … 1."""

    stop: threading.Event = field(default_factory=threading.Event)
    future: Future[T] = field(default_factory=Future)
    done: float = 0.0

    def watch(self) -> Iterator[float]:
        """The share that is done, ten times a second until the work is over; stops it if left earlier."""
        try:
            while not wait([self.future], _LOOK_EVERY).done:
                yield self.done
        finally:
            self.stop.set()
            self.future.cancel()

    def result(self) -> T:
        """What came of it, or the exception that it ended with."""
        return self.future.result()


class Desk:
    """Runs jobs one after the other, in one thread.

    A thread that calls torch gets a pool of threads of its own, and more of those than there are cores put
    all of them to sleep: the web server's threads, which come and go, never call a network.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "network")

    def hand_in(self, job: Callable[[Report], T]) -> Task[T]:
        """Queue `job`, which is given what to report its progress to."""
        task: Task[T] = Task()

        def report(done: int, of: int) -> None:
            task.done = done / max(1, of)
            if task.stop.is_set():
                raise Stopped

        task.future = self._thread.submit(job, report)
        return task

    def close(self) -> None:
        """Take no more jobs."""
        self._thread.shutdown(wait=False, cancel_futures=True)
