"""What a video's numbers mean: matrix and range, told or not. Free of PyAV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av import VideoFrame

_FULL = 2
# Matrix coefficients of ITU-T H.273, and what swscale calls them.
_SCALERS = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
_BT709, _BT601 = 1, 6
_LARGEST_SD = (1279, 576)


@dataclass(frozen=True)
class Matrix:
    """How red, green and blue became brightness and colour: `number` is H.273's."""

    number: int

    @property
    def for_scaler(self) -> int:
        """swscale's number of it."""
        return _SCALERS[self.number]


@dataclass(frozen=True)
class Colours:
    """A video's matrix, primaries and transfer, the last two as H.273's numbers (2: not told)."""

    matrix: Matrix
    primaries: int
    transfer: int


def matrix_of(frame: VideoFrame) -> Matrix:
    """A frame's matrix; where it says nothing, BT.709's from high definition's size on, as in players."""
    if frame.colorspace in _SCALERS:
        return Matrix(frame.colorspace)
    large = frame.width > _LARGEST_SD[0] or frame.height > _LARGEST_SD[1]
    return Matrix(_BT709 if large else _BT601)


def is_full(frame: VideoFrame) -> bool:
    """Whether black is 0 and white 255, and not 16 and 235."""
    name = frame.format.name
    return frame.format.is_rgb or name.startswith("yuvj") or frame.color_range == _FULL
