"""From per-picture values to scores that say what they are, and the answers that a model has to beat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from translate.errors import UsageError
from translate.metrics.fidelity import Fidelity, fidelity, protocols, to_unit

_LUMA = (0.299, 0.587, 0.114)  # ITU-R 601-2, as in images.grey


@dataclass(frozen=True)
class Score:
    """A mean over pictures.

    Attributes:
        mean: None where no picture has a finite value.
        pictures: how many the mean is over.
        protocol: what was measured, and how.
        left_out: pictures that the mean leaves out, and `reason` why; 0 and empty otherwise.
    """

    mean: float | None
    pictures: int
    protocol: str
    left_out: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Scores:
    """Of outputs against their truths."""

    l1: Score
    psnr: Score
    ssim: Score

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it: nested dicts of strings, numbers and None."""
        return asdict(self)


def score(outputs: Tensor, targets: Tensor) -> Scores:
    """Scores of outputs against their truths, float (B, C, H, W) in [-1, 1]; see `fidelity`."""
    return summarise([fidelity(outputs, targets)], outputs.shape[1])


def summarise(parts: Sequence[Fidelity], channels: int) -> Scores:
    """Scores of pictures that were measured in parts, all of so many channels.

    Every picture counts the same, however the parts were cut. Pictures equal to their truth have an
    infinite PSNR: its mean leaves them out and says how many they were.

    Raises:
        UsageError: no part at all.
    """
    if not parts:
        raise UsageError("there is no picture to measure.")
    names = protocols(channels)
    return Scores(
        l1=mean_score([part.l1 for part in parts], names["l1"]),
        psnr=mean_score(
            [part.psnr for part in parts], names["psnr"], "equal to their truth, so of infinite PSNR"
        ),
        ssim=mean_score([part.ssim for part in parts], names["ssim"]),
    )


def mean_score(parts: Sequence[Tensor], protocol: str, reason: str = "") -> Score:
    """The mean of the finite among per-picture values, in tensors (B,); `reason` explains the others."""
    values = torch.cat(list(parts)).double()
    finite = values[torch.isfinite(values)]
    left_out = len(values) - len(finite)
    mean = float(finite.mean()) if len(finite) else None
    return Score(mean, len(finite), protocol, left_out, reason if left_out else "")


OUTSIDE_MASK = (
    "mean absolute difference to the input outside the mask (where it is 0), range [0, 1], mean over pictures"
)


def change_outside(outputs: Tensor, inputs: Tensor, masks: Tensor) -> Tensor:
    """How much of what should stay was changed, for each picture; its protocol is `OUTSIDE_MASK`.

    Args:
        outputs, inputs: float (B, C, H, W) in [-1, 1].
        masks: float (B, 1, H, W) in [-1, 1]; above −1, however little, is inside.

    Returns:
        (B,) float32 on the CPU, on the range [0, 1]; NaN where the mask covers the whole picture.
    """
    difference = (to_unit(outputs) - to_unit(copy_input(inputs, outputs.shape[1]))).abs()
    outside = (masks <= -1).float()  # (B, 1, H, W)
    count = outside.sum((1, 2, 3)) * outputs.shape[1]
    return ((difference * outside).sum((1, 2, 3)) / count).cpu()


def change_outside_score(parts: Sequence[Tensor]) -> Score:
    """The score over values of `change_outside`."""
    return mean_score(parts, OUTSIDE_MASK, "covered by the mask entirely")


INSIDE_HOLES = "PSNR in dB inside the holes alone, {kind}, range [0, 1], mean over pictures"


def psnr_inside(outputs: Tensor, targets: Tensor, masks: Tensor) -> Tensor:
    """PSNR of what was filled in, for each picture.

    Args:
        outputs, targets: float (B, C, H, W) in [-1, 1].
        masks: uint8 (B, 1, H, W); above 0 is a hole.

    Returns:
        (B,) float64 on the CPU; infinite where they are equal, NaN where there is no hole.
    """
    squared = (to_unit(outputs).double() - to_unit(targets).double()) ** 2
    inside = (masks > 0).double()
    count = inside.sum((1, 2, 3)) * outputs.shape[1]
    return (-10 * torch.log10((squared * inside).sum((1, 2, 3)) / count)).cpu()


def inside_score(parts: Sequence[Tensor], channels: int) -> Score:
    """The score over values of `psnr_inside`."""
    protocol = INSIDE_HOLES.format(kind="grey" if channels == 1 else "RGB")
    return mean_score(parts, protocol, "equal to their truth there, or without a hole")


def copy_input(inputs: Tensor, channels: int) -> Tensor:
    """The answer of somebody who does nothing: the input (B, C, H, W), as grey or RGB as the target is.

    Raises:
        UsageError: channel counts that have no such conversion.
    """
    if inputs.shape[1] == channels:
        return inputs
    if inputs.shape[1] == 1:
        return inputs.expand(-1, channels, -1, -1)
    if (inputs.shape[1], channels) == (3, 1):
        weights = torch.tensor(_LUMA, dtype=inputs.dtype, device=inputs.device).view(1, 3, 1, 1)
        return (inputs * weights).sum(1, keepdim=True)
    raise UsageError(f"a picture of {inputs.shape[1]} channels can't stand for one of {channels}.")


def mean_picture(targets: Iterable[Tensor]) -> Tensor:
    """The answer of somebody who never looks: the mean of the training targets.

    Args:
        targets: batches (B, C, H, W) of one size, float in [-1, 1].

    Returns:
        (1, C, H, W) float32, on the CPU.

    Raises:
        UsageError: no batch.
    """
    total, count = None, 0
    for batch in targets:
        # Sums in double: thousands of pictures would eat the last digits of single precision.
        part = batch.detach().double().sum(0, keepdim=True).cpu()
        total = part if total is None else total + part
        count += len(batch)
    if total is None:
        raise UsageError("there is no training picture to take the mean of.")
    return (total / count).float()
