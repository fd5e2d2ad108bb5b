from __future__ import annotations

import pytest
import torch

from translate.devices import choose_device
from translate.errors import UsageError


def test_devices(monkeypatch):
    assert choose_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(
        UsageError, match="device 'cuda': torch sees no CUDA device on this machine; choose cpu"
    ):
        choose_device("cuda")
    for name in ("gpu", "cuda:x", "cpu:1", "cuda:-1"):
        with pytest.raises(
            UsageError, match=f"unknown device '{name}'; choose one of auto, cpu, cuda, cuda:N"
        ):
            choose_device(name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto") == torch.device("cuda")
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert choose_device("auto") == torch.device("cuda:1"), "processes share what there is"
    assert choose_device("cuda:0") == torch.device("cuda:0")
    assert choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(UsageError, match="device 'cuda:2': this machine has cuda:0 to cuda:1"):
        choose_device("cuda:2")
