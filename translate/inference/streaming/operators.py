"""What a network is made of, row by row: which rows of its inputs an operation needs, and how it makes its
own.

All work on one picture: maps are float32 (1, C, rows, W), and rows are counted from the top of the whole map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from translate.networks.convolutions import Convolve


class Rows(NamedTuple):
    """Rows `start` … `stop − 1` of a map."""

    start: int
    stop: int


class Operator(Protocol):
    """One operation, the same for every input that depends on the picture.

    Attributes:
        cheap: computing a row twice costs less than keeping it.
        products: multiplications for each number of the output, that of a convolution.
    """

    cheap: bool
    products: float

    def needs(self, rows: Rows) -> Rows:
        """The rows of its inputs that it makes these rows of, one at least."""
        ...

    def first(self, row: int) -> int:
        """The first row of its inputs that this row or any below it needs."""
        ...

    def make(self, bands: Sequence[Tensor], rows: Rows) -> Tensor:
        """These rows, from those that `needs` said, a band for each input."""
        ...


class Pixelwise:
    """Each pixel of the output from the same pixel of the inputs."""

    cheap, products = True, 0.0

    def __init__(self, call: Callable[[Sequence[Tensor], Rows], Tensor]):
        self._call = call

    def needs(self, rows: Rows) -> Rows:
        return rows

    def first(self, row: int) -> int:
        return row

    def make(self, bands: Sequence[Tensor], rows: Rows) -> Tensor:
        return self._call(bands, rows)


class Gathered:
    """Rows that are rows of the input, in any order, with repetitions: padding, slices, nearest pixels.

    Args:
        sources: for each row of the output that of the input; −1 is a row of `filling`.
        columns: what happens to the columns, from (1, C, rows, W) to (1, C, rows, W').
    """

    cheap, products = True, 0.0

    def __init__(self, sources: Tensor, columns: Callable[[Tensor], Tensor], filling: float = 0.0):
        self._sources = sources
        self._columns = columns
        self._filling = filling
        beyond = int(sources.max()) + 1
        ascending = torch.where(sources < 0, beyond, sources).flip(0).cummin(0).values.flip(0)
        self._first = ascending.tolist()

    def needs(self, rows: Rows) -> Rows:
        wanted = self._sources[rows.start : rows.stop]
        wanted = wanted[wanted >= 0]
        if not len(wanted):  # nothing but filling; any row will do, as only its shape matters
            row = max(0, min(self._first[rows.start], int(self._sources.max())))
            return Rows(row, row + 1)
        return Rows(int(wanted.min()), int(wanted.max()) + 1)

    def first(self, row: int) -> int:
        if row >= len(self._first):
            return int(self._sources.max()) + 1
        # Rows of nothing but filling, too, ask for a row, the last one at worst.
        return min(self._first[row], int(self._sources.max()))

    def make(self, bands: Sequence[Tensor], rows: Rows) -> Tensor:
        (band,) = bands
        wanted = self._sources[rows.start : rows.stop]
        start = self.needs(rows).start
        if bool((wanted[1:] - wanted[:-1] == 1).all()) and wanted[0] >= 0:
            return self._columns(band)
        chosen = self._columns(band.index_select(2, (wanted.clamp(min=start) - start).to(band.device)))
        if bool((wanted < 0).any()):
            chosen = chosen.masked_fill((wanted < 0).to(band.device)[:, None], self._filling)
        return chosen


class Convolution:
    """`F.conv2d` with padding by zeros.

    Args:
        height: of the input.
        weight, bias: of the convolution.
        stride, padding, dilation: (rows, columns).
    """

    cheap = False

    def __init__(
        self,
        height: int,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
    ):
        self.products = float(weight[0].numel())
        self._height = height
        self._stride, self._padding = stride[0], padding[0]
        self._reach = dilation[0] * (weight.shape[2] - 1) + 1
        self._convolve = Convolve(weight, bias, stride, padding[1], dilation, groups)

    def needs(self, rows: Rows) -> Rows:
        start, stop = self._window(rows)
        return Rows(max(0, start), min(self._height, stop))

    def first(self, row: int) -> int:
        return max(0, row * self._stride - self._padding)

    def make(self, bands: Sequence[Tensor], rows: Rows) -> Tensor:
        (band,) = bands
        start, stop = self._window(rows)
        above, below = max(0, -start), max(0, stop - self._height)
        return self._convolve(F.pad(band, (0, 0, above, below)) if above or below else band)

    def forget(self) -> None:
        """Let go of what was prepared for speed."""
        self._convolve.forget()

    def _window(self, rows: Rows) -> Rows:
        start = rows.start * self._stride - self._padding
        return Rows(start, (rows.stop - 1) * self._stride - self._padding + self._reach)


class TransposedConvolution:
    """`F.conv_transpose2d`, not dilated.

    Args:
        height: of the input.
        weight, bias: of the convolution.
        stride, padding, extra: (rows, columns); `extra` is what torch calls output padding.
    """

    cheap = False

    def __init__(
        self,
        height: int,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
        extra: tuple[int, int],
        groups: int,
    ):
        outputs = weight.shape[1] * groups
        self.products = weight.numel() / (outputs * stride[0] * stride[1])
        self._height, self._kernel = height, weight.shape[2]
        self._stride, self._padding = stride[0], padding[0]
        self._arguments = (weight, bias, stride, (0, padding[1]), extra, groups)

    def needs(self, rows: Rows) -> Rows:
        start = self.first(rows.start)
        stop = min(self._height, (rows.stop - 1 + self._padding) // self._stride + 1)
        return Rows(min(start, stop - 1), stop)

    def first(self, row: int) -> int:
        start = -((self._kernel - 1 - row - self._padding) // self._stride)
        return min(max(0, start), self._height - 1)

    def make(self, bands: Sequence[Tensor], rows: Rows) -> Tensor:
        (band,) = bands
        made = F.conv_transpose2d(band, *self._arguments)
        # The band's first row writes to the rows from here on.
        offset = self.needs(rows).start * self._stride - self._padding
        return made[:, :, rows.start - offset : rows.stop - offset]


class Resampled:
    """An operation that is called with bands as it is with whole maps, and whose ends are cut off.

    Pooling, and enlargement by a whole number. Bands begin at a multiple of `stride`, or the grid would move.

    Args:
        height: of the input.
        call: the operation, from a band to a band.
        grow: rows of the output for each of the input; 1 for pooling.
        stride: rows of the input for each of the output; 1 for enlargement.
        before, after: how far up and down a row looks from row `row * stride // grow` of the input.
    """

    cheap, products = False, 1.0

    def __init__(
        self,
        height: int,
        call: Callable[[Tensor], Tensor],
        *,
        grow: int = 1,
        stride: int = 1,
        before: int,
        after: int,
    ):
        self._height, self._call = height, call
        self._grow, self._stride = grow, stride
        self._before, self._after = before, after

    def needs(self, rows: Rows) -> Rows:
        stop = (rows.stop - 1) * self._stride // self._grow + self._after + 1
        return Rows(self.first(rows.start), min(self._height, stop))

    def first(self, row: int) -> int:
        start = row * self._stride // self._grow - self._before
        return min(max(0, start // self._stride * self._stride), self._height - 1)

    def make(self, bands: Sequence[Tensor], rows: Rows) -> Tensor:
        (band,) = bands
        offset = self.needs(rows).start * self._grow // self._stride
        return self._call(band)[:, :, rows.start - offset : rows.stop - offset]


class Shuffled:
    """Pixels and channels that change places, in blocks of `grow` or `shrink` rows."""

    cheap, products = True, 0.0

    def __init__(self, call: Callable[[Tensor], Tensor], grow: int = 1, shrink: int = 1):
        self._call, self._grow, self._shrink = call, grow, shrink

    def needs(self, rows: Rows) -> Rows:
        return Rows(rows.start // self._grow * self._shrink, -(-rows.stop // self._grow) * self._shrink)

    def first(self, row: int) -> int:
        return row // self._grow * self._shrink

    def make(self, bands: Sequence[Tensor], rows: Rows) -> Tensor:
        (band,) = bands
        offset = rows.start // self._grow * self._grow
        return self._call(band)[:, :, rows.start - offset : rows.stop - offset]


class Normalised:
    """A norm by statistics of the whole map, which are known only after a first look at all of it.

    (x − mean) / √(variance + eps) · scale + shift, with the mean and the variance of each group of channels.

    Attributes:
        statistics: float32 (C,), each channel's mean and variance, once they are known.
    """

    cheap, products = True, 0.0

    def __init__(self, groups: int, scale: Tensor | None, shift: Tensor | None, eps: float):
        self.groups = groups
        self.statistics: tuple[Tensor, Tensor] | None = None
        self._scale, self._shift, self._eps = scale, shift, eps

    def needs(self, rows: Rows) -> Rows:
        return rows

    def first(self, row: int) -> int:
        return row

    def make(self, bands: Sequence[Tensor], rows: Rows) -> Tensor:
        (band,) = bands
        assert self.statistics is not None
        mean, variance = self.statistics
        return F.batch_norm(band, mean, variance, self._scale, self._shift, eps=self._eps)
