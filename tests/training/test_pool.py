from __future__ import annotations

import torch

from translate.training.pool import ReplayPool


def numbered(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1)


def test_without_capacity_everything_passes_detached():
    images = numbered(1, 2).requires_grad_()
    out = ReplayPool(0, seed=0).exchange(images)
    assert torch.equal(out, images)
    assert not out.requires_grad


def test_pictures_pass_through_while_the_pool_fills():
    pool = ReplayPool(3, seed=0)
    assert pool.exchange(numbered(1, 2)).flatten().tolist() == [1, 2]
    assert pool.exchange(numbered(3)).flatten().tolist() == [3]
    assert [int(image) for image in pool.images] == [1, 2, 3]


def test_a_full_pool_gives_half_the_time_an_earlier_picture_and_keeps_the_new_one_instead():
    pool = ReplayPool(10, seed=3)
    pool.exchange(numbered(*range(10)))
    replayed = 0
    for value in range(10, 2010):
        before = {int(image) for image in pool.images}
        (given,) = pool.exchange(numbered(value)).flatten().int().tolist()
        if given != value:
            assert given in before
            assert value in {int(image) for image in pool.images}
            replayed += 1
        assert len(pool.images) == 10
    assert abs(replayed / 2000 - 0.5) < 0.05  # four standard deviations


def test_a_restored_pool_goes_on_as_the_old_one_would():
    pool, other = ReplayPool(4, seed=1), ReplayPool(4, seed=99)
    for value in range(9):
        pool.exchange(numbered(value))
    other.load_state_dict(pool.state_dict(), torch.device("cpu"))
    for value in range(20, 40):
        assert torch.equal(pool.exchange(numbered(value)), other.exchange(numbered(value)))


def test_what_is_kept_is_a_copy():
    pool, images = ReplayPool(2, seed=0), numbered(1, 2)
    pool.exchange(images)
    images.zero_()
    assert [int(image) for image in pool.images] == [1, 2]


def test_pictures_of_another_size_are_forgotten():
    pool = ReplayPool(3, seed=0)
    pool.exchange(torch.zeros(3, 1, 4, 4))
    larger = torch.ones(2, 1, 8, 8)
    assert torch.equal(pool.exchange(larger), larger)
    assert [image.shape for image in pool.images] == [(1, 8, 8)] * 2
