from __future__ import annotations

import pytest
import torch

from translate.errors import TrainingError
from translate.training.health import Health


def test_names_the_first_bad_term_and_its_step():
    health = Health(patience=10)
    health.record(4, {"gan_b": torch.tensor(1.0), "l1": torch.tensor(2.0)})
    health.record(5, {"gan_b": torch.tensor(1.0), "l1": torch.tensor(float("inf"))})
    health.record(6, {"gan_b": torch.tensor(float("nan")), "l1": torch.tensor(float("nan"))})
    with pytest.raises(TrainingError, match=r"the loss l1 became infinite .* at step 5.*optim\.lr"):
        health.check()


def test_looks_by_itself_when_patience_is_over():
    health = Health(patience=2)
    health.record(1, {"l1": torch.tensor(float("nan"))})
    with pytest.raises(TrainingError, match="step 1"):
        health.record(2, {"l1": torch.tensor(0.0)})


def test_finite_losses_are_forgotten():
    health = Health(patience=1)
    health.record(1, {"l1": torch.tensor(3e38), "gan": torch.tensor(-3e38)})
    health.check()
    assert health.recent == []
