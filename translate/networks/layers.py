"""Small parts that several networks share: normalisation, upsampling, initialisation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn

Norm = Callable[[int], nn.Module]
_Module = TypeVar("_Module", bound=nn.Module)

NORMS: dict[str, Norm] = {
    "batch": nn.BatchNorm2d,
    "instance": partial(nn.InstanceNorm2d, affine=False, track_running_stats=False),
    "none": nn.Identity,
}


class Generator(nn.Module):
    """A network from picture to picture.

    Attributes:
        size_multiple: height and width of its input are multiples of it, in pixels.
        minimum_size: the smallest height and width that it takes, in pixels.
    """

    size_multiple: int
    minimum_size: int


class Discriminator(nn.Module):
    """A network from picture to logits.

    Attributes:
        minimum_size: the smallest height and width that it takes, in pixels.
    """

    minimum_size: int


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


def blend(image: Tensor, decoded: Tensor, masked: bool) -> Tensor:
    """Turn a decoder's last activations into a picture in [-1, 1].

    Plain: tanh(decoded). Masked: the last channel m says where to change anything at all,
    σ(m − 2)·tanh(decoded) + (1 − σ(m − 2))·image, so that an untouched background costs nothing to learn
    (Pumarola et al. 2018, GANimation, eq. 1; Tang et al. 2019, AttentionGAN). By the offset, ours, an
    untrained generator leaves the picture nearly as it is: σ(−2) = 0.12.
    """
    if not masked:
        return torch.tanh(decoded)
    change, mask = torch.tanh(decoded[:, :-1]), torch.sigmoid(decoded[:, -1:] - 2)
    return image + mask * (change - image)


def check_masked(masked: bool, in_channels: int, out_channels: int) -> None:
    """Refuse a masked generator whose input can't be kept.

    Raises:
        ValueError: input and output differ in channels.
    """
    if masked and in_channels != out_channels:
        raise ValueError(
            f"a masked generator keeps parts of its input, so input and output need equal channels, "
            f"not {in_channels} and {out_channels}"
        )


def initialise(module: _Module, std: float = 0.02) -> _Module:
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
