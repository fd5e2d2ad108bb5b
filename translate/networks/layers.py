"""Small parts that several networks share: normalisation, upsampling, initialisation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

Norm = Callable[[int], nn.Module]

NORMS: dict[str, Norm] = {
    "batch": nn.BatchNorm2d,
    "instance": partial(nn.InstanceNorm2d, affine=False, track_running_stats=False),
    "none": nn.Identity,
}


def norm_layer(name: str) -> Norm:
    """Look up a normalisation by name.

    Raises:
        ValueError: the name is unknown; the message lists the valid ones.
    """
    if name not in NORMS:
        raise ValueError(f"unknown norm {name!r}; choose one of {', '.join(NORMS)}")
    return NORMS[name]


def needs_bias(norm: str) -> bool:
    """Whether a convolution before this normalisation keeps its bias.

    Batch norm has a shift of its own. Instance norm cancels the bias too, but the papers' published
    weights and parameter counts carry it, so it stays.
    """
    return norm != "batch"


def upsample(name: str, inputs: int, outputs: int, *, kernel: int, bias: bool) -> nn.Sequential:
    """Double height and width: (B, inputs, H, W) -> (B, outputs, 2H, 2W).

    Args:
        name: `transpose` (strided transposed convolution, as in the papers) or `resize`
            (nearest-neighbour enlargement and a 3×3 convolution, which leaves no checkerboard:
            Odena et al. 2016, "Deconvolution and checkerboard artifacts").
        kernel: of the transposed convolution, 3 or 4.
    """
    if name == "transpose":
        padding, extra = (1, 0) if kernel == 4 else (1, 1)
        layer = nn.ConvTranspose2d(
            inputs, outputs, kernel, stride=2, padding=padding, output_padding=extra, bias=bias
        )
        return nn.Sequential(layer)
    if name == "resize":
        return nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect", bias=bias),
        )
    raise ValueError(f"unknown upsampling {name!r}; choose one of transpose, resize")


def initialise(module: nn.Module, std: float = 0.02) -> nn.Module:
    """Draw weights as DCGAN does: convolutions N(0, std), norm scales N(1, std), biases 0.

    Source: Radford et al. 2016, §3; kept by pix2pix and CycleGAN. Works in place, from torch's
    global generator, and returns the module.
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(part.weight, 0.0, std)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1.0, std)
            nn.init.zeros_(part.bias)
    return module
