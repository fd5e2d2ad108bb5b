"""Batches of equal size, of things that needn't be neighbours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from translate.inference.buckets import Buckets


@given(st.lists(st.integers(0, 5), max_size=80), st.integers(1, 6))
def test_everything_comes_out_once_in_batches_of_one_size_and_soon(sizes, batch_size):
    buckets: Buckets[tuple[int, int]] = Buckets(lambda thing: thing[1], batch_size)
    batches, held = [], 0
    for thing in enumerate(sizes):
        due = list(buckets.add(thing))
        held += 1 - sum(map(len, due))
        assert held < 4 * batch_size
        assert batch_size > 1 or due == [[thing]]
        batches += due
    batches += buckets.rest()
    assert sorted(thing for batch in batches for thing in batch) == list(enumerate(sizes))
    for batch in batches:
        assert batch == sorted(batch)
        assert len({size for _, size in batch}) == 1
        assert len(batch) <= batch_size


def test_sizes_that_alternate_make_whole_batches():
    buckets: Buckets[int] = Buckets(lambda number: number % 2, 4)
    assert [batch for number in range(16) for batch in buckets.add(number)] == [
        [0, 2, 4, 6],
        [1, 3, 5, 7],
        [8, 10, 12, 14],
        [9, 11, 13, 15],
    ]
