"""Devices by the names that people give them."""

from __future__ import annotations

import os

import torch

from translate.errors import UsageError


def choose_device(name: str) -> torch.device:
    """The device that a person names; `auto` is a GPU if there is one.

    Of several GPUs each of the processes that torchrun or SLURM starts on a machine gets its own.

    Raises:
        UsageError: not a device, or not on this machine.
    """
    if name == "auto":
        return _automatic()
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda") or (index and not (index.isdecimal() and kind == "cuda")):
        raise UsageError(f"unknown device {name!r}; choose one of auto, cpu, cuda, cuda:N.")
    if kind == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device {name!r}: torch sees no CUDA device on this machine; choose cpu or auto.")
    if index and int(index) >= torch.cuda.device_count():
        raise UsageError(f"device {name!r}: this machine has cuda:0 to cuda:{torch.cuda.device_count() - 1}.")
    return torch.device(name)


def _automatic() -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    number = os.environ.get("LOCAL_RANK", os.environ.get("SLURM_LOCALID", ""))
    many = torch.cuda.device_count()
    return (
        torch.device("cuda", int(number) % many) if number.isdecimal() and many > 1 else torch.device("cuda")
    )
