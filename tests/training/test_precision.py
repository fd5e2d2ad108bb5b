from __future__ import annotations

from pathlib import Path

import pytest
import torch

from translate.errors import UsageError
from translate.training import precision as module
from translate.training.precision import choose_precision, cpu_has_bf16

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("flags", "answer"),
    [
        ("fpu avx2 fma avx512f", False),
        ("avx512f avx512_bf16", True),
        ("amx_tile amx_bf16", True),
        ("asimd bf16", True),
    ],
)
def test_bf16_is_read_off_the_processor(tmp_path: Path, flags: str, answer: bool):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    assert cpu_has_bf16(tmp_path / "cpuinfo") is answer


def test_an_unknown_processor_has_no_bf16(tmp_path: Path):
    assert cpu_has_bf16(tmp_path / "missing") is False


def test_bf16_is_refused_where_it_would_be_emulated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "cpu_has_bf16", lambda: False)
    with pytest.raises(UsageError, match=r"precision=bf16: this CPU has no bf16 instructions.*use fp32"):
        choose_precision("bf16", CPU)
    assert choose_precision("auto", CPU) is torch.float32


def test_fp16_is_for_cuda():
    assert choose_precision("fp16", torch.device("cuda")) is torch.float16
    with pytest.raises(UsageError, match=r"precision=fp16 is for CUDA devices; .* use fp32"):
        choose_precision("fp16", CPU)


def test_bf16_is_taken_where_the_cpu_has_it_and_a_person_asks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "cpu_has_bf16", lambda: True)
    assert choose_precision("bf16", CPU) is torch.bfloat16
    assert choose_precision("auto", CPU) is torch.float32
