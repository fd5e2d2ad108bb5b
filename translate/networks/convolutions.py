"""Layers that are faster on a CPU; weights, names and results are those of torch's.

A generator's 3×3 convolutions of many channels are `winograd.WinogradConv2d`. Its last convolution has so few
output channels that a vector unit idles: `FewOutputsConv2d`; its norms are `InstanceNorm2d`. A U-Net's deep
layers have more weights than pixels: `HalvingConv2d` and `DoublingConv2d`. Elsewhere (CUDA, other precisions,
compiling, exporting) these are the layers of torch that they inherit from.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from translate.networks.winograd import (
    TILE,
    WORTH_CHANNELS,
    WORTH_TILES,
    Padding,
    by_winograd,
    takes_plain_route,
    transformed_kernel,
)

NORM_PIXELS = 2**11  # added up at a time by a norm
FEW_OUTPUTS = 4  # channels, half of what the narrowest vector unit makes at once
FEW_PIXELS = 256  # of the smaller map and a whole batch; with more, torch's own routine is faster
FEW_ROWS = 128  # of a product's left side: fewer are read along, whichever way they lie


class FewOutputsConv2d(nn.Conv2d):
    """A k×k convolution of stride 1 to few channels: as a k×1 one to k times as many, shifted and summed.

    A vector unit makes 8 or 16 output channels at once, wanted or not, and a picture has three. The
    sums are the same ones in another order. Maps float32 (B, in_channels, H, W) to (B, out_channels, H, W).

    Args:
        kernel: odd; the padding keeps the size.
        padding_mode: `zeros` or `reflect`.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, padding_mode: Padding = "zeros", bias: bool = True
    ):
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, padding_mode=padding_mode, bias=bias)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (the parent's name)
        if takes_plain_route(input):
            return super().forward(input)
        weight = self.weight  # read once: under spectral normalisation every reading is a power iteration
        outputs, inputs, kernel, _ = weight.shape
        edge = kernel // 2
        padded = F.pad(input, (edge,) * 4, "reflect" if self.padding_mode == "reflect" else "constant")
        columns = weight.permute(3, 0, 1, 2).reshape(kernel * outputs, inputs, kernel, 1)
        output: Tensor = ShiftedSum.apply(F.conv2d(padded, columns), kernel)  # type: ignore
        return output if self.bias is None else output + self.bias.view(-1, 1, 1)


class HalvingConv2d(nn.Conv2d):
    """A 4×4 convolution of stride 2; from few pixels as one product with the weights as they lie.

    Torch's routine turns the weights into a layout of its own at every call, and for a deep layer's small map
    that is most of the time. Maps float32 (B, inputs, H, W) to (B, outputs, H / 2, W / 2).
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True):
        super().__init__(inputs, outputs, 4, stride=2, padding=1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (the parent's name)
        batch, _, height, width = input.shape
        rows, columns = height // 2, width // 2
        if takes_plain_route(input) or batch * rows * columns > FEW_PIXELS // 4:
            return super().forward(input)
        patches = F.unfold(input, 4, padding=1, stride=2)  # (B, inputs · 16, H W / 4)
        output = (self.weight.flatten(1) @ patches).view(batch, -1, rows, columns)
        return output if self.bias is None else output + self.bias.view(-1, 1, 1)


class DoublingConv2d(nn.ConvTranspose2d):
    """A 4×4 transposed convolution of stride 2; of few pixels as one product, and sixteen shifted sums.

    For the same reason as `HalvingConv2d`, and to few channels as `FewOutputsConv2d`. Maps float32
    (B, inputs, H, W) to (B, outputs, 2 H, 2 W).
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True):
        super().__init__(inputs, outputs, 4, stride=2, padding=1, bias=bias)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:  # noqa: A002
        batch, inputs, height, width = input.shape
        pixels = batch * height * width
        most = FEW_PIXELS if self.out_channels > FEW_OUTPUTS else FEW_PIXELS * 64
        if takes_plain_route(input) or pixels > most or output_size is not None:
            return super().forward(input, output_size)
        weight, vectors = self.weight.flatten(1), input.flatten(2)
        if pixels > FEW_ROWS:
            shares = weight.T @ vectors
        else:
            shares = vectors.transpose(1, 2).reshape(pixels, inputs) @ weight
            shares = shares.view(batch, height * width, -1).transpose(1, 2)
        output = F.fold(shares, (2 * height, 2 * width), 4, padding=1, stride=2)
        return output if self.bias is None else output + self.bias.view(-1, 1, 1)


class InstanceNorm2d(nn.InstanceNorm2d):
    """Instance norm of the picture's own statistics, in a fifth of the time that torch's takes on a CPU.

    By group norm's routine with a group for each channel, and channels last, where that routine subtracts
    large sums of squares, by `_normalised`. Maps float32 (B, channels, H, W) to the same.

    Args:
        affine: with a scale and shift of each channel.
    """

    def __init__(self, channels: int, eps: float = 1e-5, *, affine: bool = False):
        super().__init__(channels, eps=eps, affine=affine)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (the parent's name)
        # A single pixel is refused by the parent.
        if takes_plain_route(input) or input.ndim != 4 or input.shape[2:].numel() == 1:
            return super().forward(input)
        if input.is_contiguous():
            return F.group_norm(input, input.shape[1], self.weight, self.bias, self.eps)
        if torch.is_grad_enabled() or not input.is_contiguous(memory_format=torch.channels_last):
            return super().forward(input)
        return _normalised(input, self.weight, self.bias, self.eps)


def _normalised(image: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """Instance norm of (B, C, H, W), channels last, by statistics of bands of rows.

    Those come from batch norm's routine, one picture at a time, the only one of torch's that reads such a
    map at the memory's speed. It adds up one number after the other in float32, so what it is given is short;
    bands are merged as in Chan et al. 1983.
    """
    _, _, height, width = image.shape
    bands = image.split(max(1, NORM_PIXELS // width), 2)
    means, variances = (torch.stack(parts).double() for parts in zip(*map(_moments, bands), strict=True))
    shares = torch.tensor([band.shape[2] / height for band in bands], dtype=torch.float64)[:, None, None]
    mean = (shares * means).sum(0)
    scale = ((shares * (variances + (means - mean).square())).sum(0) + eps).rsqrt()
    scale = scale if weight is None else scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    scale, shift = (factor.to(image.dtype)[:, :, None, None] for factor in (scale, shift))
    return torch.addcmul(shift, image, scale)


def _moments(band: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each picture's channels, (B, C)."""
    parts = [torch.batch_norm_update_stats(picture[None], None, None, 0.0) for picture in band]
    means, variances = zip(*parts, strict=True)
    return torch.stack(means), torch.stack(variances)


class ShiftedSum(torch.autograd.Function):
    """`apply(parts, count)`: (B, count · K, H, W) to (B, K, H, W − count + 1), part i moved left by i."""

    @staticmethod
    def forward(ctx: Any, parts: Tensor, count: int) -> Tensor:
        ctx.count, ctx.width = count, parts.shape[3] - count + 1
        first, *others = parts.chunk(count, 1)
        total = first[..., : ctx.width].clone(memory_format=torch.contiguous_format)
        for shift, part in enumerate(others, start=1):
            total += part[..., shift : shift + ctx.width]
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        batch, outputs, height, width = gradient.shape
        parts = gradient.new_zeros(batch, ctx.count * outputs, height, width + ctx.count - 1)
        for shift, part in enumerate(parts.chunk(ctx.count, 1)):
            part[..., shift : shift + width] = gradient
        return parts, None


class Convolve:
    """A convolution of many pieces of one picture: what depends on the weights alone is prepared once.

    Called with float (B, inputs, H, W), whose rows are padded already, it gives what `F.conv2d` gives, by the
    quicker routes of this module where they pay, and without gradients.

    Args:
        weight, bias, stride, dilation, groups: as of `F.conv2d`, the pairs for (rows, columns).
        padding: columns of zeros at the left and right.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int] = (1, 1),
        padding: int = 0,
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
    ):
        self._weight, self._bias, self._padding = weight, bias, padding
        self._arguments = (stride, (0, padding), dilation, groups)
        plain = stride == dilation == (1, 1) and groups == 1 and weight.device.type == "cpu"
        outputs, inputs, rows, columns = weight.shape
        self._winograd = plain and rows == columns == 3 and min(outputs, inputs) >= WORTH_CHANNELS
        self._shifted = plain and columns > 1 and outputs <= FEW_OUTPUTS
        self._prepared: Tensor | None = None

    def __call__(self, image: Tensor) -> Tensor:
        batch, _, height, width = image.shape
        outputs, inputs, rows, columns = self._weight.shape
        tiles = batch * -(-(height - 2) // TILE) * -(-(width + 2 * self._padding - 2) // TILE)
        if takes_plain_route(image) or not (self._shifted or (self._winograd and tiles >= WORTH_TILES)):
            return F.conv2d(image, self._weight, self._bias, *self._arguments)
        if self._padding:
            image = F.pad(image, (self._padding, self._padding))
        if self._shifted:
            if self._prepared is None:
                turned = self._weight.permute(3, 0, 1, 2)
                self._prepared = turned.reshape(columns * outputs, inputs, rows, 1)
            made: Tensor = ShiftedSum.apply(F.conv2d(image, self._prepared), columns)  # type: ignore
            return made if self._bias is None else made.add_(self._bias.view(-1, 1, 1))
        if self._prepared is None:
            self._prepared = transformed_kernel(self._weight)
        return by_winograd(image, self._prepared, self._bias)

    def forget(self) -> None:
        """Let go of what was prepared; it is made again when it is needed."""
        self._prepared = None
