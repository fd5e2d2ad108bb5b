"""Which numbers a training computes with."""

from __future__ import annotations

from pathlib import Path

import torch

from translate.errors import UsageError


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype of autocast: `auto` is bf16 on CUDA devices that have it, else fp32.

    Raises:
        UsageError: bf16 where the hardware would only emulate it, fp16 on a CPU.
    """
    if name == "fp16":
        if device.type != "cuda":
            raise UsageError(
                "training.precision=fp16 is for CUDA devices; a CPU computes slower with it, use fp32"
            )
        return torch.float16
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
