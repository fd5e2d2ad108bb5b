"""Pictures by position, at the size that training crops from: decoded when asked for, or held in RAM."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from translate import images
from translate.colours import UnknownColour, class_numbers
from translate.data import transforms
from translate.data.layout import Part, Side
from translate.errors import BadImage


class Shelf:
    """One side of unpaired data, or both sides of paired data, of which position `i` is a pair.

    `shelf[i]` is a tuple with one planar picture, uint8 `(C, H, W)`, for each side; its shorter side is
    `short` pixels, and the pictures of a pair have one size. A side of maps of classes (`Side.colours`) has
    one channel, which holds the classes' numbers.

    Args:
        sides: one or two sides of equal length.
        channels: 1 or 3 for each side.
        short: length in pixels of the shorter side.
    """

    def __init__(self, sides: tuple[Side, ...], channels: tuple[int, ...], short: int):
        self.sides, self.channels, self.short = sides, channels, short
        self._kept: list[tuple[np.ndarray, ...]] = []

    def __len__(self) -> int:
        return len(self.sides[0].files)

    def __getitem__(self, i: int) -> tuple[np.ndarray, ...]:
        return self._kept[i] if self._kept else self.decode(i)

    @property
    def kept(self) -> bool:
        """Whether the pictures are held in RAM."""
        return bool(self._kept)

    def keep(self, pictures: list[tuple[np.ndarray, ...]]) -> None:
        """Hold `pictures`, what `decode` gave for every position, from now on; contiguous is fastest."""
        self._kept = pictures

    def files(self, i: int) -> tuple[Path, ...]:
        """The file of each side; the two halves of an A|B file name it twice."""
        return tuple(side.files[i] for side in self.sides)

    def without(self, positions: Collection[int]) -> Shelf:
        """A shelf that lacks `positions`; nothing is kept."""
        sides = tuple(side.without(positions) for side in self.sides)
        return Shelf(sides, self.channels, self.short)

    def decode(self, i: int) -> tuple[np.ndarray, ...]:
        """Read position `i` from its files.

        Raises:
            BadImage: a file can't be read, can't be halved, is over ten times as long as wide, differs in
                shape from its partner, or holds a colour that is no class.
        """
        read = {path: images.read(path).pixels for path in dict.fromkeys(self.files(i))}
        regions = [region(side.part, side.files[i], read[side.files[i]]) for side in self.sides]
        shape = common_shape(self.files(i), [pixels.shape[:2] for pixels in regions])
        size = transforms.fitted(shape, self.short)
        return tuple(
            _finished(pixels, side, side.files[i], size, channels)
            for pixels, side, channels in zip(regions, self.sides, self.channels, strict=True)
        )


def region(part: Part, path: Path, pixels: np.ndarray) -> np.ndarray:
    """What `part` means of `(H, W, 3)`: a half, or all of it; BadImage where the width is odd."""
    if part in ("whole", "edges"):
        return pixels
    half, odd = divmod(pixels.shape[1], 2)
    if odd:
        raise BadImage(path, f"{pixels.shape[1]} pixels wide, so it can't be halved as an A|B file")
    return pixels[:, :half] if part == "left" else pixels[:, half:]


def common_shape(files: Sequence[Path], shapes: Sequence[tuple[int, ...]]) -> tuple[int, int]:
    """(height, width) whose aspect all pictures of a pair share, that of the first.

    Raises:
        BadImage: it is over ten times as long as wide, or a partner's aspect differs.
    """
    height, width = shapes[0]
    if transforms.too_long((height, width)):
        raise BadImage(files[0], f"{width}×{height} is over ten times as long as wide")
    for path, (high, wide) in zip(files[1:], shapes[1:], strict=True):
        # Partners of different scale, as in super-resolution: equal up to the rounding of the smaller.
        if abs(width * high - wide * height) > max(width + height, wide + high):
            reason = f"{wide}×{high}, but its partner {files[0].name} is {width}×{height}, another shape"
            raise BadImage(path, reason)
    return height, width


def _finished(pixels: np.ndarray, side: Side, path: Path, size: tuple[int, int], channels: int) -> np.ndarray:
    picture = transforms.resize(pixels, size, labels=side.labels)
    if side.colours:
        try:
            return class_numbers(picture, side.colours)[None]
        except UnknownColour as error:
            raise BadImage(path, f"holds the colour {error}, which is no class's") from None
    return transforms.planar(transforms.edges(picture) if side.part == "edges" else picture, channels)
