from __future__ import annotations

import subprocess
import sys

import pytest

from translate import allocator

# How many pages of memory are new when 64 MB are taken and freed twice, before the call and after it.
_FAULTS = """
import resource
from translate.allocator import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(2):
        bytearray(64 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
before = faults()
assert keep_freed_memory()
faults()
print(before, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it is for glibc, the C library of most Linux systems")
def test_freed_memory_stays():
    before, after = map(int, subprocess.check_output([sys.executable, "-c", _FAULTS], text=True).split())
    assert before >= 64
    assert after < before / 8


def test_other_systems_are_left_alone(monkeypatch):
    def never(_):
        raise AssertionError

    monkeypatch.setattr(allocator.ctypes, "CDLL", never)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not allocator.keep_freed_memory()
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _: object())  # another C library
    assert not allocator.keep_freed_memory()
