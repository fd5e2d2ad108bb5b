from __future__ import annotations

import pytest
import torch
from torch import nn

from translate.training.ema import averaged


def test_the_average_follows_its_definition():
    torch.manual_seed(0)
    module = nn.Linear(3, 2)
    average = averaged(module, decay=0.9)
    expected = None
    for update in range(200):
        with torch.no_grad():
            module.weight.normal_()
        average.update_parameters(module)
        # AveragedModel takes the first weights as they are; n counts the updates before this one.
        decay = min(0.9, (1 + update) / (10 + update))
        expected = (
            module.weight.clone() if expected is None else decay * expected + (1 - decay) * module.weight
        )
    assert torch.allclose(average.module.weight, expected, atol=1e-6)
    assert not average.module.weight.requires_grad


@pytest.mark.parametrize("steps", [1, 5])
def test_decay_zero_is_a_copy(steps: int):
    module = nn.Linear(3, 2)
    average = averaged(module, decay=0.0)
    for _ in range(steps):
        with torch.no_grad():
            module.weight.add_(1)
        average.update_parameters(module)
    assert torch.allclose(average.module.weight, module.weight)


def test_running_statistics_are_the_newest_ones():
    module = nn.BatchNorm2d(2)
    average = averaged(module, decay=0.99)
    for _ in range(3):
        module(torch.randn(4, 2, 5, 5) + 7)
        average.update_parameters(module)
    assert torch.equal(average.module.running_mean, module.running_mean)
    assert average.module.num_batches_tracked == 3
