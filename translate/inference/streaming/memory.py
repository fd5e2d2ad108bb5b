"""How much memory there is, and how much a whole picture would take."""

from __future__ import annotations

import ctypes
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from translate.errors import UsageError

if TYPE_CHECKING:
    import torch

    from translate.inference.streaming.record import Recording

SHARE = 0.7  # of what is free: others are on the machine, too, and the estimates are estimates
NEAR = 0.9  # of what a process may take, from where on it gives back what it doesn't use
LEAST = 2**26  # bytes: less than that is not worth asking for
# Convolutions copy what they read and write into layouts of their own, and a heap has holes.
SLACK = 1.25

_UNITS = {"": 1, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_bytes(text: str | int) -> int:
    """`2GB`, `1.5 GiB`, `800MB`, `2g` or a number of bytes; KB is 1000 bytes, KiB 1024.

    Raises:
        UsageError: it is none of these, or nothing.
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([kmgt]?)(i?)b?\s*", str(text), re.IGNORECASE)
    unit = 0 if match is None or not match[2] else _UNITS[match[2].lower()]
    value = 0 if match is None else int(float(match[1]) * (1024 if match[3] else 1000) ** unit)
    if value <= 0:
        raise UsageError(f"{text!r} is no amount of memory; write for instance 2GB, 800MB or 1.5GiB.")
    return value


def budget(device: torch.device, most: int | None) -> int:
    """Bytes that a picture may take now, besides what the process has already.

    Args:
        most: for the whole process, on a GPU for its memory there; None is a share of what is free.
    """
    if device.type == "cuda":
        import torch

        free = int(torch.cuda.mem_get_info(device)[0] + _unused_cache(device))
        taken = torch.cuda.memory_allocated(device)
    else:
        free, taken = free_memory(), taken_memory()
    share = int(SHARE * free)
    return max(LEAST, share if most is None else min(most - taken, free))


def free_memory() -> int:
    """Bytes that this process may still take, by the machine and by its control group."""
    limits = []
    with suppress(OSError, ValueError, IndexError):
        meminfo = Path("/proc/meminfo").read_text()
        limits.append(int(meminfo.split("MemAvailable:")[1].split()[0]) * 1024)
    with suppress(OSError, ValueError):  # "max" where there is no limit
        group = Path("/sys/fs/cgroup")
        most, now = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        limits.append(max(0, most - now))
    if not limits:
        limits.append(_half_of_the_machine())
    return min(limits)


def taken_memory() -> int:
    """Bytes of this process that are no file's pages; 0 where the system doesn't say."""
    with suppress(OSError, ValueError, IndexError):
        status = Path("/proc/self/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) * 1024
    return 0


class Guard:
    """Sees whether a process stays within its memory: what layers take for themselves is only estimated.

    Args:
        most: bytes for the whole process.
    """

    def __init__(self, most: int):
        self._most = most

    def excess(self) -> int:
        """Bytes that the process has now taken too many; near the limit the heap's holes are given back."""
        taken = taken_memory()
        if taken > NEAR * self._most:
            _trim()
        return max(0, taken - self._most)


def _trim() -> None:
    with suppress(OSError, AttributeError, TypeError):  # glibc's alone
        ctypes.CDLL(None).malloc_trim(0)


def whole_bytes(recording: Recording, device: torch.device) -> int:
    """About what the network takes at once: maps that are alive, and what a convolution copies."""
    last = {n: number for number, node in enumerate(recording.nodes) for n in node.inputs}
    last[recording.output] = len(recording.nodes)
    alive: dict[int, int] = {}
    most = 0
    for number, node in enumerate(recording.nodes):
        alive[number] = node.bytes
        copied = 0
        if device.type == "cpu" and node.name.startswith("conv"):
            copied = node.bytes + sum(recording.nodes[n].bytes for n in node.inputs)
        most = max(most, sum(alive.values()) + copied)
        for n in [n for n in alive if last.get(n, 0) <= number]:
            del alive[n]
    return int(SLACK * most)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch, or Python, had no memory left."""
    import torch

    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def _unused_cache(device: torch.device) -> int:
    import torch

    return torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def _half_of_the_machine() -> int:
    with suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 2**31
