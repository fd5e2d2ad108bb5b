"""The schedule: a pure function of seed and step that shows every picture once an epoch."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translate.data.sampling import Schedule
from translate.errors import DataError

sizes = st.integers(1, 40)


@settings(deadline=None, max_examples=40)
@given(
    size=sizes,
    size_b=st.none() | sizes,
    batch=st.integers(1, 8),
    seed=st.integers(0, 2**40),
    start=st.integers(0, 99),
)
def test_starting_late_equals_slicing(size, size_b, batch, seed, start):
    batch = min(batch, max(size, size_b or 0))
    whole = list(Schedule(size, batch, seed, steps=start + 5, size_b=size_b))
    late = list(Schedule(size, batch, seed, start_step=start, steps=start + 5, size_b=size_b))
    assert late == whole[start:]
    assert all(len(items) == batch for items in whole)


@settings(deadline=None, max_examples=40)
@given(size=sizes, size_b=st.none() | sizes, seed=st.integers(0, 999))
def test_every_epoch_covers_every_picture(size, size_b, seed):
    schedule = Schedule(size, 1, seed, size_b=size_b)
    length = max(size, size_b or 0)
    assert schedule.steps_per_epoch == length
    items = [item for items in islice(schedule, 3 * length) for item in items]
    for epoch in range(3):
        shown = items[epoch * length : (epoch + 1) * length]
        for count, positions in ((size, [i.a for i in shown]), (size_b or size, [i.b for i in shown])):
            times = Counter(positions)
            assert set(times) == set(range(count))
            assert max(times.values()) - min(times.values()) <= 1


def test_epochs_and_seeds_and_sides_differ():
    one = [item for items in Schedule(30, 1, 7, steps=60, size_b=30) for item in items]
    first, second = [i.a for i in one[:30]], [i.a for i in one[30:]]
    assert first != second
    assert first != [i.b for i in one[:30]]
    assert first != [i.a for items in Schedule(30, 1, 8, steps=30) for i in items]
    assert len({item.seed for item in one}) == 60


def test_pairs_share_their_position():
    assert all(item.a == item.b for items in Schedule(9, 2, 0, steps=20) for item in items)


def test_left_over_items_change_with_the_epoch():
    schedule = Schedule(5, 2, 3)
    assert schedule.steps_per_epoch == 2
    assert {item.a for items in islice(schedule, 40) for item in items} == set(range(5))


def test_files_own_order():
    assert [[item.a for item in items] for items in Schedule(4, 2, 0, steps=3, shuffle=False)] == [
        [0, 1],
        [2, 3],
        [0, 1],
    ]


def test_endless_without_steps():
    assert len(list(islice(Schedule(3, 3, 0), 1000))) == 1000


@pytest.mark.parametrize(("size", "size_b", "word"), [(3, None, "3 pairs"), (3, 2, "3 pictures a side")])
def test_smaller_than_a_batch(size, size_b, word):
    with pytest.raises(
        DataError, match=rf"has {word}, fewer than one batch of 4; set data.batch_size to at most 3"
    ):
        Schedule(size, 4, 0, size_b=size_b)


@pytest.mark.parametrize(("size", "size_b"), [(0, None), (0, 5), (5, 0)])
def test_no_pictures(size, size_b):
    with pytest.raises(DataError, match="no pictures to train on"):
        Schedule(size, 1, 0, size_b=size_b)
