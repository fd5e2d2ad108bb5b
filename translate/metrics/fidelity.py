"""How close an output is to its truth, picture by picture: L1, PSNR, SSIM.

Pictures are float `(B, C, H, W)` in [-1, 1]. They are clamped and measured on [0, 1], as they are: not
rounded to 8 bits, no border cropped. Numbers are comparable only where the protocol is the same, so
every one of them travels with its protocol.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from translate.errors import UsageError

_WINDOW, _SIGMA = 11, 1.5  # Wang et al. 2004
_CHANNELS = {1: "grey", 3: "RGB"}


@dataclass(frozen=True)
class Fidelity:
    """Each `(B,)`, float32 on the CPU: one value a picture.

    `psnr` is infinite where output and truth are equal.
    """

    l1: Tensor
    psnr: Tensor
    ssim: Tensor


def protocols(channels: int) -> dict[str, str]:
    """What exactly each field of `Fidelity`, averaged over pictures, is; for pictures of so many channels."""
    kind = _CHANNELS.get(channels, f"{channels} channels")
    window = f"Gaussian {_WINDOW}x{_WINDOW}, sigma {_SIGMA:g}, whole windows only"
    return {
        "l1": f"L1, {kind}, range [0, 1], mean over pictures",
        "psnr": f"PSNR in dB, {kind}, range [0, 1], mean over pictures",
        "ssim": f"SSIM, {kind}, range [0, 1], {window}, mean over channels and pictures",
    }


def fidelity(outputs: Tensor, targets: Tensor) -> Fidelity:
    """L1, PSNR and SSIM of each picture.

    Args:
        outputs, targets: float (B, C, H, W) in [-1, 1], at least 11 pixels high and wide.

    Raises:
        UsageError: shapes that differ or can't be measured, values that are not finite.
    """
    require_alike(outputs, targets)
    x, y = to_unit(outputs), to_unit(targets)
    # SSIM in single precision: double takes eight times as long, to move the mean by less than 5e-5 (on
    # pictures that are flat from end to end, by 5e-4).
    values = (l1(x.double(), y.double()), _psnr(x.double(), y.double()), _ssim(x, y))
    return Fidelity(*(value.float().cpu() for value in values))


def to_unit(pictures: Tensor) -> Tensor:
    """Float in [-1, 1] to float32 in [0, 1]; what lies beyond is clamped, as writing a file would."""
    return pictures.detach().float().add(1).div(2).clamp(0, 1)


def l1(x: Tensor, y: Tensor) -> Tensor:
    """Mean absolute difference of each picture: (B, C, H, W) twice to (B,)."""
    return F.l1_loss(x, y, reduction="none").mean((1, 2, 3))


def _psnr(x: Tensor, y: Tensor) -> Tensor:
    # Importing any part of torchmetrics imports all of it, torchvision too: seconds that only this costs.
    from torchmetrics.functional.image import peak_signal_noise_ratio

    return peak_signal_noise_ratio(x, y, data_range=1.0, reduction="none", dim=(1, 2, 3))


def _ssim(x: Tensor, y: Tensor) -> Tensor:
    from torchmetrics.functional.image import structural_similarity_index_measure

    _, similarity = structural_similarity_index_measure(
        x, y, sigma=_SIGMA, kernel_size=_WINDOW, data_range=1.0, reduction="none", return_full_image=True
    )
    assert isinstance(similarity, Tensor), "return_full_image gives (B, C, H, W) as well"
    # Releases of torchmetrics differ in whether their mean counts windows that reach over the border, into
    # mirrored pixels. Wang et al. and scikit-image don't count them.
    border = _WINDOW // 2
    return similarity[..., border:-border, border:-border].mean((1, 2, 3))


def require_alike(outputs: Tensor, targets: Tensor) -> None:
    """Refuse pictures that `fidelity` can't compare.

    Raises:
        UsageError: shapes that differ or can't be measured, values that are not finite.
    """
    if outputs.shape != targets.shape:
        raise UsageError(
            f"outputs are {_size(outputs)} and their truths {_size(targets)}: only pictures of one shape can "
            "be compared."
        )
    if outputs.ndim != 4 or not outputs.numel():
        raise UsageError(f"pictures to compare are (B, C, H, W), these are {_size(outputs)}.")
    if min(outputs.shape[-2:]) < _WINDOW:
        raise UsageError(
            f"pictures of {outputs.shape[-1]}×{outputs.shape[-2]} pixels are smaller than the window of "
            f"SSIM; {_WINDOW}×{_WINDOW} is the least."
        )
    if not (torch.isfinite(outputs).all() and torch.isfinite(targets).all()):
        raise UsageError("pictures to compare hold NaN or infinity; the model or its input is broken.")


def _size(tensor: Tensor) -> str:
    return f"({', '.join(map(str, tensor.shape))})"
