"""Where a training runs and with which numbers."""

from __future__ import annotations

from pathlib import Path

import torch

from translate.errors import UsageError


def choose_device(name: str) -> torch.device:
    """`auto` is the first CUDA device where there is one, else the CPU.

    Raises:
        UsageError: CUDA is asked for and missing, or the name means nothing.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"unknown device {name!r}; use auto, cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"device {name!r} isn't supported; use auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device {name!r}: this machine has no usable CUDA device; use --device cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"device {name!r}: this machine has {torch.cuda.device_count()} CUDA devices")
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype of autocast: `auto` is bf16 on CUDA devices that have it, else fp32.

    Raises:
        UsageError: bf16 where the hardware would only emulate it.
    """
    if device.type == "cuda":
        capable = torch.cuda.is_bf16_supported(including_emulation=False)
        reason = "this GPU has no bf16 instructions"
    else:
        capable = cpu_has_bf16()
        reason = "this CPU has no bf16 instructions, and emulating them is about 300 times slower than fp32"
    if name == "bf16" and not capable:
        raise UsageError(f"training.precision=bf16: {reason}; use fp32")
    if name == "bf16" or (name == "auto" and device.type == "cuda" and capable):
        return torch.bfloat16
    return torch.float32


def cpu_has_bf16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the CPU multiplies bf16 by itself (x86: avx512_bf16 or amx_bf16, Arm: bf16)."""
    try:
        words = set(cpuinfo.read_text().split())
    except OSError:
        return False
    return bool(words & {"avx512_bf16", "amx_bf16", "bf16"})
