"""Maps in memory and in the temporary file."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch

from translate.errors import TranslateError
from translate.files import temporary_folder
from translate.inference.streaming import memory, stores
from translate.inference.streaming.stores import Arena, Store, Tier

CPU = torch.device("cpu")


def block(start: int) -> torch.Tensor:
    return torch.arange(start, start + 4.0)[None, None, :, None].expand(1, 2, 4, 8).contiguous()


def filled(arena: Arena, blocks: int = 4) -> Store:
    store = Store(arena)
    for start in range(0, 4 * blocks, 4):
        store.append(start, block(start))
    return store


def test_rows_come_back_from_memory_and_from_the_file(tmp_path):
    size = block(0).nbytes
    with Arena(CPU, [Tier(CPU, 2 * size)], folder=tmp_path) as arena:
        store = filled(arena)
        assert (arena.tiers[0].used, arena.written) == (2 * size, 2 * size)
        assert list(tmp_path.iterdir()) == [], "the file has a name"
        for start, stop in ((0, 3), (3, 9), (6, 16), (15, 16)):
            expected = torch.arange(float(start), stop)
            assert torch.equal(store.rows(start, stop)[0, 1, :, 5], expected)
            store.leave(start, forever=True)
        assert arena.tiers[0].used == 0
        store.close()
        other = filled(arena)
        assert arena.written == 4 * size, "freed places of the file are used again, and so is memory"
        assert arena._end == 2 * size
        arena.limit(0)
        assert arena.tiers[0].used == 0
        assert torch.equal(other.rows(0, 16)[0, 0, :, 0], torch.arange(16.0))


def test_what_a_process_takes_too_much_is_withheld_from_maps(monkeypatch):
    size = block(0).nbytes
    taken = [1000]
    monkeypatch.setattr(memory, "taken_memory", lambda: taken[0])
    with Arena(CPU, [Tier(CPU, 4 * size)], memory.Guard(1000)) as arena:
        store = filled(arena)
        arena.relieve()
        assert arena.tiers[0].used == 4 * size
        taken[0] += size + 1
        arena.relieve()
        assert (arena.tiers[0].used, arena.written) == (2 * size, 2 * size)
        taken[0] = 900
        arena.limit(4 * size)
        assert arena.free == size - 1, "what was too much once stays withheld from later passes"
        assert torch.equal(store.rows(0, 16)[0, 0, :, 0], torch.arange(16.0))


def test_a_view_doesn_t_keep_what_it_was_cut_from():
    with Arena(CPU, [Tier(CPU, 2**20)]) as arena:
        store = Store(arena)
        store.append(0, torch.zeros(1, 2, 100, 8)[:, :, 3:7])
        assert arena.tiers[0].used == block(0).nbytes
        assert store.rows(0, 4).untyped_storage().nbytes() == block(0).nbytes


def test_a_full_disk_is_a_sentence_with_a_remedy(tmp_path, monkeypatch):
    class Full:
        def __init__(self, **_: object):
            pass

        def seek(self, place: int) -> None:
            pass

        def write(self, data: memoryview) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            pass

    monkeypatch.setattr(stores.tempfile, "TemporaryFile", Full)
    with Arena(CPU, [Tier(CPU, 0)], folder=tmp_path) as arena, pytest.raises(TranslateError) as error:
        filled(arena)
    assert str(tmp_path) in str(error.value)
    assert "No space left on device; set TMPDIR to a folder with more room" in str(error.value)


def test_the_file_goes_where_a_person_says(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(stores.tempfile, "tempdir", None)
    assert temporary_folder() == tmp_path
    assert temporary_folder(Path("here")) == Path("here")
