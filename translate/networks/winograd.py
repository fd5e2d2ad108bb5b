"""Convolutions by fewer multiplications: Winograd's, as torch operations, for a CPU.

The 3×3 convolutions of many channels, where a residual generator spends nearly all its time, run at the
processor's limit of direct convolution; only fewer multiplications go past that.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

TILE = 4  # pixels of output, in height and width, that one transform makes
PATCH = TILE + 2  # pixels of input that it reads for them, a 3×3 kernel's reach included
BAND_TILES = 128  # tiles taken at a time: what bounds the memory of a large picture
WORTH_TILES = 128  # below, transforming the kernel costs more than is saved
WORTH_CHANNELS = 256  # likewise for the picture


Padding = Literal["zeros", "reflect"]


def takes_plain_route(image: Tensor) -> bool:
    """Whether torch's own layers are to be used: off the CPU, in other precisions, compiling, exporting."""
    return (
        image.device.type != "cpu"
        or image.dtype != torch.float32
        or torch.is_autocast_enabled("cpu")
        or torch.compiler.is_compiling()
        or torch._C._get_tracing_state() is not None
    )


class WinogradConv2d(nn.Conv2d):
    """A 3×3 convolution of stride 1, padded by 1 (zeros or reflection), by a quarter of the multiplications.

    Every 4×4 pixels of output need 36 products per pair of channels instead of 144: F(4×4, 3×3) of Lavin
    & Gray 2016, "Fast algorithms for convolutional neural networks". Float32 results differ from those of
    `nn.Conv2d` by 3e-6 of their norm. Small or thin inputs, where it doesn't pay, take the direct route.
    In inference mode the transformed kernel is kept, which is four times the kernel's memory.

    Maps float32 (B, in_channels, H, W) to (B, out_channels, H, W); differentiable once.

    Args:
        padding_mode: `zeros` or `reflect`.
    """

    def __init__(self, inputs: int, outputs: int, *, padding_mode: Padding = "zeros", bias: bool = True):
        super().__init__(inputs, outputs, 3, padding=1, padding_mode=padding_mode, bias=bias)
        self._prepared: tuple[tuple[int, int], Tensor] | None = None  # of which weights, and their kernel

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (the parent's name)
        batch, channels, height, width = input.shape
        tiles = batch * -(-height // TILE) * -(-width // TILE)
        pays = tiles >= WORTH_TILES and min(channels, self.out_channels) >= WORTH_CHANNELS
        if takes_plain_route(input) or not pays:
            return super().forward(input)
        reflect = self.padding_mode == "reflect"
        if torch.is_inference_mode_enabled():
            return _convolved(input, self._kernel(), self.bias, reflect)
        output: Tensor = Winograd.apply(input, self.weight, reflect)  # type: ignore
        return output if self.bias is None else output + self.bias.view(-1, 1, 1)

    def _kernel(self) -> Tensor:
        """Transformed, (36, C, K), and kept as long as the weights stay what they are."""
        weight = self.weight
        if weight.is_inference():  # whose changes nobody counts
            return transformed_kernel(weight)
        state = (weight.data_ptr(), weight._version)
        if self._prepared is None or self._prepared[0] != state:
            self._prepared = state, transformed_kernel(weight)
        return self._prepared[1]


# Lavin & Gray 2016, §4.3: Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A for a kernel g and a patch d.
_PATCH_TRANSFORM = [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
]
_KERNEL_TRANSFORM = [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
]
_TILE_TRANSFORM = [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
]


@cache
def _transforms(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Both dimensions' transforms in one matrix: of patches (36, 36), kernels (36, 9), tiles (16, 36)."""
    matrices = (
        torch.tensor(rows, dtype=dtype, device="cpu")
        for rows in (_PATCH_TRANSFORM, _KERNEL_TRANSFORM, _TILE_TRANSFORM)
    )
    patch, kernel, tile = (torch.kron(matrix, matrix) for matrix in matrices)
    return patch, kernel, tile


class Winograd(torch.autograd.Function):
    """`apply(image, weight, reflect)`: (B, C, H, W) and (K, C, 3, 3) to (B, K, H, W), of any float dtype.

    Inside, pictures lie channels last, so that patches are copied as whole runs of channels, and everything
    else is a matrix product. The output has the picture's memory format: channels last it is made in half the
    time, as nothing has to be turned around.
    """

    @staticmethod
    def forward(ctx: Any, image: Tensor, weight: Tensor, reflect: bool) -> Tensor:
        batch, channels, height, width = image.shape
        to_patch, _, to_tile = _transforms(image.dtype)
        kernel = transformed_kernel(weight)
        padded = _padded(image, reflect)
        output = _empty(image, batch, len(weight), padded.shape[1] - 2, padded.shape[2] - 2)
        kept = []
        for rows in _bands(padded.shape):
            patches = _patches(padded, rows)
            transformed = (to_patch @ patches.reshape(PATCH**2, -1)).view(PATCH**2, -1, channels)
            products = torch.bmm(transformed, kernel)
            tiles = _tiles(output, rows)
            tiles.copy_((to_tile @ products.view(PATCH**2, -1)).view(tiles.shape))
            if ctx.needs_input_grad[1]:
                kept.append(transformed)
        ctx.save_for_backward(weight, *kept)
        ctx.reflect, ctx.image_shape, ctx.padded_shape = reflect, image.shape, padded.shape
        return output[:, :, :height, :width]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        weight, *kept = ctx.saved_tensors
        to_patch, to_kernel, to_tile = _transforms(weight.dtype)
        kernel = transformed_kernel(weight.transpose(0, 1))
        outputs, (height, width) = len(weight), ctx.image_shape[2:]
        bottom, right = ctx.padded_shape[1] - 2 - height, ctx.padded_shape[2] - 2 - width
        gradient = F.pad(gradient, (0, right, 0, bottom)) if bottom or right else gradient
        for_image, for_weight = ctx.needs_input_grad[:2]
        padded = gradient.new_zeros(ctx.padded_shape) if for_image else None
        for_kernel = None
        for band, rows in enumerate(_bands(ctx.padded_shape)):
            tiles = _tiles(gradient, rows).reshape(TILE**2, -1)
            products = (to_tile.T @ tiles).view(PATCH**2, -1, outputs)
            if for_weight:
                share = torch.bmm(products.transpose(1, 2), kept[band])
                for_kernel = share if for_kernel is None else for_kernel.add_(share)
            if padded is not None:
                patches = to_patch.T @ torch.bmm(products, kernel).view(PATCH**2, -1)
                _add_patches(padded, rows, patches)
        return (
            None if padded is None else _unpadded(padded, height, width, ctx.reflect),
            (for_kernel.view(PATCH**2, -1).T @ to_kernel).view_as(weight) if for_kernel is not None else None,
            None,
        )


def transformed_kernel(weight: Tensor) -> Tensor:
    """(K, C, 3, 3) -> (36, C, K), contiguous: a product with a turned matrix takes a third longer."""
    _, to_kernel, _ = _transforms(weight.dtype)
    outputs, inputs = weight.shape[:2]
    taps = weight.permute(2, 3, 1, 0).reshape(9, -1)
    return (to_kernel @ taps).view(PATCH**2, inputs, outputs)


def _empty(like: Tensor, *shape: int) -> Tensor:
    """Of the same type, and channels last if `like` is."""
    last = like.is_contiguous(memory_format=torch.channels_last) and not like.is_contiguous()
    form = torch.channels_last if last else torch.contiguous_format
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=form)


def _padded(image: Tensor, reflect: bool) -> Tensor:
    """(B, C, H, W) -> (B, H + 2, W + 2, C), rounded up to whole tiles by zeros at the bottom and right."""
    batch, channels, height, width = image.shape
    rows, columns = (-(-size // TILE) * TILE + 2 for size in (height, width))
    filled = reflect and (rows, columns) == (height + 2, width + 2)
    padded = (image.new_empty if filled else image.new_zeros)(batch, rows, columns, channels)
    padded[:, 1 : height + 1, 1 : width + 1] = image.permute(0, 2, 3, 1)
    if reflect:
        for edge, source in ((0, 2), (width + 1, width - 1)):
            padded[:, :, edge] = padded[:, :, source]
        for edge, source in ((0, 2), (height + 1, height - 1)):
            padded[:, edge] = padded[:, source]
    return padded


def _unpadded(padded: Tensor, height: int, width: int, reflect: bool) -> Tensor:
    """The gradient of `_padded`; changes its argument."""
    if reflect:
        for edge, source in ((0, 2), (height + 1, height - 1)):
            padded[:, source] += padded[:, edge]
        for edge, source in ((0, 2), (width + 1, width - 1)):
            padded[:, :, source] += padded[:, :, edge]
    return padded[:, 1 : height + 1, 1 : width + 1].permute(0, 3, 1, 2).contiguous()


def _convolved(image: Tensor, kernel: Tensor, bias: Tensor | None, reflect: bool) -> Tensor:
    """(B, C, H, W) and a transformed kernel, (36, C, K), to (B, K, H, W) in the picture's memory format."""
    batch, _, height, width = image.shape
    padded = _padded(image, reflect)
    output = _empty(image, batch, kernel.shape[2], padded.shape[1] - 2, padded.shape[2] - 2)
    _fill(output, padded, kernel, bias)
    return output[:, :, :height, :width]


def _fill(output: Tensor, padded: Tensor, kernel: Tensor, bias: Tensor | None) -> None:
    """Convolve (B, H, W, C) by a transformed kernel into (B, K, H − 2, W − 2)."""
    to_patch, _, to_tile = _transforms(padded.dtype)
    _, inputs, outputs = kernel.shape
    bands = _bands(padded.shape)
    most = _patches(padded, bands[0])[0, 0].numel() // inputs * max(inputs, outputs)
    # Two buffers for all bands: memory is handed out by the page, at the price of a pass over it.
    one, other = (padded.new_empty(PATCH**2 * most) for _ in range(2))
    for rows in bands:
        patches, tiles = _patches(padded, rows), _tiles(output, rows)
        count = patches[0, 0].numel() // inputs
        copied, transformed = (_matrix(buffer, PATCH**2, count * inputs) for buffer in (one, other))
        copied.view(patches.shape).copy_(patches)
        torch.mm(to_patch, copied, out=transformed)
        products = _matrix(one, PATCH**2, count * outputs)
        torch.bmm(transformed.view(-1, count, inputs), kernel, out=products.view(-1, count, outputs))
        made = torch.mm(to_tile, products, out=_matrix(other, TILE**2, count * outputs)).view(tiles.shape)
        if bias is None:
            tiles.copy_(made)
        else:
            torch.add(made, bias, out=tiles)


def _matrix(buffer: Tensor, rows: int, columns: int) -> Tensor:
    return buffer[: rows * columns].view(rows, columns)


def _bands(padded: torch.Size) -> list[slice]:
    """Rows of tiles, as many at a time as keep to `BAND_TILES`."""
    batch, height, width, _ = padded
    rows = (height - 2) // TILE
    step = max(1, BAND_TILES // (batch * ((width - 2) // TILE)))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def _patches(padded: Tensor, rows: slice) -> Tensor:
    """Overlapping patches of a band, (6, 6, B, rows, columns, C), as a view."""
    batch, _, width, channels = padded.shape
    of_picture, of_row, of_pixel, _ = padded.stride()
    return padded[:, rows.start * TILE :].as_strided(
        (PATCH, PATCH, batch, rows.stop - rows.start, (width - 2) // TILE, channels),
        (of_row, of_pixel, of_picture, TILE * of_row, TILE * of_pixel, 1),
    )


def _add_patches(padded: Tensor, rows: slice, patches: Tensor) -> None:
    """The gradient of `_patches`, added to `padded`: 36 shifted sums, none of which meets itself."""
    targets = _patches(padded, rows)
    patches = patches.view(targets.shape)
    for y in range(PATCH):
        for x in range(PATCH):
            targets[y, x].add_(patches[y, x])


def _tiles(picture: Tensor, rows: slice) -> Tensor:
    """The tiles of a band of (B, K, H, W), as a view (4, 4, B, rows, columns, K)."""
    batch, channels, height, width = picture.shape
    tiles = picture.view(batch, channels, height // TILE, TILE, width // TILE, TILE)
    return tiles[:, :, rows].permute(3, 5, 0, 2, 4, 1)


def by_winograd(image: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """(B, C, H, W), padded, and a transformed kernel, (36, C, K), to (B, K, H − 2, W − 2)."""
    batch, channels, height, width = image.shape
    rows, columns = (-(-(size - 2) // TILE) * TILE + 2 for size in (height, width))
    whole = image.new_zeros if (rows, columns) != (height, width) else image.new_empty
    padded = whole(batch, rows, columns, channels)
    padded[:, :height, :width] = image.permute(0, 2, 3, 1)
    output = image.new_empty(batch, kernel.shape[2], rows - 2, columns - 2)
    _fill(output, padded, kernel, bias)
    return output[:, :, : height - 2, : width - 2]
