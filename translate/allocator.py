"""What the C library does with memory that was freed."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of mallopt(3)
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, for the next layer; true where that could be set.

    glibc hands every large block back to the kernel as it is freed, and pages for the next layer are mapped
    and zeroed anew: up to half the time of a small network on a large picture. From here on large blocks come
    from the heap, which doesn't shrink, so the process stays as large as it ever was. What that gains and
    costs is measured by `benchmarks/allocator.py`.

    It is for processes whose main work is networks on the CPU, as the command line's are. A library must not
    decide it for its caller, so `translate.load` doesn't. Elsewhere than with glibc on Linux it does nothing.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return False
    return bool(libc.mallopt(_TRIM_THRESHOLD, _NEVER) and libc.mallopt(_MMAP_MAX, 0))
