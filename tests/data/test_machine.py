"""Memory that may be used: the machine's, or what a container leaves."""

from __future__ import annotations

import psutil
import pytest

from translate.data.machine import available_memory, cores

GIB = 2**30


@pytest.fixture
def cgroup(tmp_path):
    def make(limit: str, current: int, inactive: int):
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        (tmp_path / "memory.current").write_text(f"{current}\n")
        (tmp_path / "memory.stat").write_text(f"anon 5\ninactive_file {inactive}\n")
        return tmp_path

    return make


@pytest.fixture(autouse=True)
def eight_free(monkeypatch):
    memory = type("Memory", (), {"available": 8 * GIB})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)


def test_container_limit_counts(cgroup):
    assert available_memory(cgroup(str(4 * GIB), 3 * GIB, GIB)) == 2 * GIB


def test_container_without_limit_or_with_a_generous_one(cgroup, tmp_path):
    assert available_memory(cgroup("max", GIB, 0)) == 8 * GIB
    assert available_memory(cgroup(str(99 * GIB), GIB, 0)) == 8 * GIB
    assert available_memory(tmp_path / "none") == 8 * GIB


def test_an_overdrawn_container_has_nothing(cgroup):
    assert available_memory(cgroup(str(GIB), 2 * GIB, 0)) == 0


def test_cores():
    assert cores() >= 1
