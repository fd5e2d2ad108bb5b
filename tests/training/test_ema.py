from __future__ import annotations

import pytest
import torch
from torch import nn

from translate.training.ema import averaged, update_average


def test_the_average_follows_its_definition():
    torch.manual_seed(0)
    module = nn.Linear(3, 2)
    average = averaged(module)
    expected = module.weight.detach().clone()
    for update in range(200):
        with torch.no_grad():
            module.weight.normal_()
        update_average(average, module, decay=0.9, updates=update)
        decay = min(0.9, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * module.weight.detach()
    assert torch.allclose(average.weight, expected, atol=1e-6)
    assert not average.weight.requires_grad


@pytest.mark.parametrize("steps", [1, 5])
def test_decay_zero_is_a_copy(steps: int):
    module = nn.Linear(3, 2)
    average = averaged(module)
    for update in range(steps):
        with torch.no_grad():
            module.weight.add_(1)
        update_average(average, module, decay=0.0, updates=update)
    assert torch.equal(average.weight, module.weight)


def test_running_statistics_are_the_newest_ones():
    module = nn.BatchNorm2d(2)
    average = averaged(module)
    for update in range(3):
        module(torch.randn(4, 2, 5, 5) + 7)
        update_average(average, module, decay=0.99, updates=update)
    assert torch.equal(average.running_mean, module.running_mean)
    assert average.num_batches_tracked == 3
