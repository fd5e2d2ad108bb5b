"""Small parts that several networks share: normalisation, upsampling, initialisation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from translate.networks.blur import BlurUp
from translate.networks.convolutions import DoublingConv2d, InstanceNorm2d
from translate.networks.spectral import SETTLING, SpectralConv2d
from translate.networks.virtual_norm import VirtualBatchNorm2d

Norm = Callable[[int], nn.Module]
_Module = TypeVar("_Module", bound=nn.Module)


def _batch_norm(channels: int, affine: bool) -> nn.Module:
    return nn.BatchNorm2d(channels, affine=affine)


def _instance_norm(channels: int, affine: bool) -> nn.Module:
    return InstanceNorm2d(channels)


def _no_norm(channels: int, affine: bool) -> nn.Module:
    return nn.Identity()


def _layer_norm(channels: int, affine: bool) -> nn.Module:
    return nn.GroupNorm(1, channels, affine=affine)


def _group_norm(channels: int, affine: bool) -> nn.Module:
    groups = max(count for count in range(1, 33) if channels % count == 0)
    return nn.GroupNorm(groups, channels, affine=affine)


def _sync_batch_norm(channels: int, affine: bool) -> nn.Module:
    # Both have the same weights under the same names, so a model trained by many processes loads into one.
    # Torch's layer wants CUDA devices, and says so itself.
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    return (nn.SyncBatchNorm if distributed else nn.BatchNorm2d)(channels, affine=affine)


def _virtual_batch_norm(channels: int, affine: bool) -> nn.Module:
    return VirtualBatchNorm2d(channels, affine=affine)


NORMS: dict[str, Callable[[int, bool], nn.Module]] = {
    "batch": _batch_norm,
    "instance": _instance_norm,
    "none": _no_norm,
    "layer": _layer_norm,
    "group": _group_norm,
    "sync-batch": _sync_batch_norm,
    "virtual": _virtual_batch_norm,
}


class Generator(nn.Module):
    """A network from picture to picture, `forward(image, condition=None, latent=None)` where it has these.

    Attributes:
        size_multiple: height and width of its input are multiples of it, in pixels.
        minimum_size: the smallest height and width that it takes, in pixels.
        scale: height and width of its output in those of its input.
        channels_last: on a CPU it is faster in use with its weights in that memory format, by measurement.
        classes: it takes labels int64 (B,) below this number as its condition; 0 for none.
        embedding: it takes float (B, embedding) as its condition; 0 for none.
        latent: it takes float (B, latent), noise or a code of a picture; 0 for none.
    """

    size_multiple: int
    minimum_size: int
    scale: int = 1
    channels_last: bool = False
    classes: int = 0
    embedding: int = 0
    latent: int = 0


class Discriminator(nn.Module):
    """A network from picture to logits.

    Attributes:
        minimum_size: the smallest height and width that it takes, in pixels.
    """

    minimum_size: int


def norm_layer(name: str, *, affine: bool = True) -> Norm:
    """Look up a normalisation by name: a function from channels to a module of (B, C, H, W).

    `batch` (Ioffe & Szegedy 2015), `instance` (Ulyanov et al. 2017), `layer` (Ba et al. 2016, over C, H and
    W), `group` (Wu & He 2018, 32 groups, or the largest number below that divides the channels), `sync-batch`
    (batch norm over all processes, where torch.distributed runs when the network is built; plain batch norm
    elsewhere), `virtual` (of discriminators: by a fixed reference batch, see `reference.WithReference`),
    `none`.

    Args:
        affine: with a learnt scale and shift of each channel; instance norm never has them.

    Raises:
        ValueError: the name is unknown; the message lists the valid ones.
    """
    if name not in NORMS:
        raise ValueError(f"unknown norm {name!r}; choose one of {', '.join(NORMS)}")
    return lambda channels: NORMS[name](channels, affine)


def needs_bias(norm: str) -> bool:
    """Whether a convolution before this normalisation keeps its bias.

    Batch norm has a shift of its own. Instance norm cancels the bias too, but the papers' published
    weights and parameter counts carry it, so it stays. Layer and group norm subtract a mean of several
    channels, which leaves a bias its use.
    """
    return norm not in ("batch", "sync-batch", "virtual")


def lies_channels_last(norm: str) -> bool:
    """Whether pictures may lie channels last, with this normalisation, without harm to the result.

    Torch's layer and group norm then subtract large sums of squares: with a mean of ten standard deviations
    the result is 0.5 % off.
    """
    return norm not in ("layer", "group")


class ShuffleConv2d(nn.Conv2d):
    """A convolution before PixelShuffle; `initialise` gives the channels that become one pixel's
    neighbours the same kernel, so that the enlargement starts as nearest-neighbour, without checkerboard.

    ICNR of Aitken et al. 2017, "Checkerboard artifact free sub-pixel convolution", §3.2.
    Maps (B, inputs, H, W) to (B, outputs · scale², H, W).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        scale: int = 2,
        *,
        kernel: int = 3,
        padding_mode: Literal["zeros", "replicate"] = "zeros",
        bias: bool = True,
    ):
        # The parent's constructor already asks for weights.
        self.copies = scale**2
        channels = outputs * self.copies
        super().__init__(inputs, channels, kernel, padding=kernel // 2, padding_mode=padding_mode, bias=bias)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(parameter[:: self.copies].repeat_interleave(self.copies, 0))


def upsample(name: str, inputs: int, outputs: int, *, kernel: int, bias: bool) -> nn.Sequential:
    """Double height and width: (B, inputs, H, W) -> (B, outputs, 2H, 2W).

    Args:
        name: `transpose` (strided transposed convolution, as in the papers), `resize`
            (nearest-neighbour enlargement and a 3×3 convolution, which leaves no checkerboard:
            Odena et al. 2016, "Deconvolution and checkerboard artifacts"), `shuffle` (3×3 convolution and
            PixelShuffle: Shi et al. 2016; see `ShuffleConv2d`) or `blur` (bilinear enlargement and a 3×3
            convolution, the counterpart of `BlurDown`: Zhang 2019, as in CUT).
        kernel: of the transposed convolution, 3 or 4.
    """
    if name == "transpose":
        if kernel == 4:
            return nn.Sequential(DoublingConv2d(inputs, outputs, bias=bias))
        return nn.Sequential(
            nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1, bias=bias)
        )
    if name == "resize":
        return nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect", bias=bias),
        )
    if name == "shuffle":
        layer = ShuffleConv2d(inputs, outputs, padding_mode="replicate", bias=bias)
        return nn.Sequential(layer, nn.PixelShuffle(2))
    if name == "blur":
        return nn.Sequential(BlurUp(), nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias))
    raise ValueError(f"unknown upsampling {name!r}; choose one of transpose, resize, shuffle, blur")


def match_channels(x: Tensor, channels: int) -> Tensor:
    """(B, C, H, W) -> (B, channels, H, W): as it is, or the mean of its channels as often as needed."""
    return x if x.shape[1] == channels else x.mean(1, keepdim=True).expand(-1, channels, -1, -1)


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


def initialise(module: _Module, kind: str = "normal", std: float = 0.02) -> _Module:
    """Draw the weights of convolutions and linear layers anew; their biases become 0.

    Works in place, from torch's global generator, and returns the module. Frozen parameters stay. Under
    spectral normalisation the weight before division is drawn; under ICNR (`ShuffleConv2d`) one kernel for
    the pixels of a block.

    Args:
        kind: `normal`, N(0, std), and scales of batch norm N(1, std) (Radford et al. 2016, DCGAN, §3; kept by
            pix2pix and CycleGAN); `orthogonal` (Saxe et al. 2014; SAGAN and BigGAN), `xavier` (uniform,
            Glorot & Bengio 2010, eq. 16), `kaiming` (normal, of the inputs, He et al. 2015, eq. 10). The last
            three leave norms as they are.
        std: of `normal` alone.

    Raises:
        ValueError: an unknown kind.
    """
    draw = INITIALISATIONS.get(kind)
    if draw is None:
        raise ValueError(f"unknown initialisation {kind!r}; choose one of {', '.join(INITIALISATIONS)}")
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            _draw_weight(part, partial(draw, std=std))
            if part.bias is not None and part.bias.requires_grad:
                nn.init.zeros_(part.bias)
        elif kind == "normal" and isinstance(part, BATCH_NORMS):
            if part.weight is not None and part.weight.requires_grad:
                nn.init.normal_(part.weight, 1.0, std)
            if part.bias is not None and part.bias.requires_grad:
                nn.init.zeros_(part.bias)
    return module


def _orthogonal(weight: Tensor, std: float) -> None:
    nn.init.orthogonal_(weight)


def _xavier(weight: Tensor, std: float) -> None:
    nn.init.xavier_uniform_(weight)


def _kaiming(weight: Tensor, std: float) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def _normal(weight: Tensor, std: float) -> None:
    nn.init.normal_(weight, 0.0, std)


INITIALISATIONS: dict[str, Callable[..., None]] = {
    "normal": _normal,
    "orthogonal": _orthogonal,
    "xavier": _xavier,
    "kaiming": _kaiming,
}


BATCH_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm, VirtualBatchNorm2d)


@torch.no_grad()
def _draw_weight(layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear, draw: Callable[[Tensor], None]) -> None:
    normalised = parametrize.is_parametrized(layer, "weight")
    name = "parametrizations.weight.original" if normalised else "weight"
    weight = dict(layer.named_parameters()).get(name)
    if weight is None or not weight.requires_grad:
        return  # frozen, and a buffer where it must stay so
    if isinstance(layer, ShuffleConv2d):
        draw(kernel := torch.empty_like(weight[:: layer.copies]))
        weight.copy_(kernel.repeat_interleave(layer.copies, 0))
    else:
        draw(weight)
    for _ in range(SETTLING if normalised and layer.training else 0):
        # Reading is a power iteration: the estimate of the largest singular value was the old weight's.
        _ = layer.weight
    if isinstance(layer, SpectralConv2d):
        layer.settle()
