"""Pictures by position, at the size that training crops from: decoded when asked for, or held in RAM."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from translate import images
from translate.colours import UnknownColour, class_numbers
from translate.data import damage, transforms
from translate.data.degrade.drawings import sketch, soft_edges
from translate.data.layout import Part, Side
from translate.errors import BadImage

_DRAWINGS = {
    "edges": transforms.edges,
    "soft-edges": soft_edges,
    "sketch": sketch,
    "colorize": transforms.greyed,
}


class Shelf:
    """One side of unpaired data, or both sides of paired data, of which position `i` is a pair.

    `shelf[i]` is a tuple with one planar picture, uint8 `(C, H, W)`, for each side; its shorter side is
    `short` pixels, and the pictures of a pair have one size, or the second is `scale` times as large. A side
    of maps of classes (`Side.colours`) has one channel, which holds the classes' numbers. A side of damage
    has what is drawn for its file's name, or with `fresh` none yet. A side of holes has their mask, 0 and
    255, as one more channel.

    Args:
        sides: one or two sides of equal length.
        channels: 1 or 3 for each side.
        short: length in pixels of the shorter side, of the target's; None leaves pictures as they are.
        scale: how many times as large the target is; what would be left over is cut off.
        least: height and width that a target has at least, where pictures stay as they are.
        fresh: whoever crops draws the damage, so a side of damage holds the picture as it is.
    """

    def __init__(
        self,
        sides: tuple[Side, ...],
        channels: tuple[int, ...],
        short: int | None,
        *,
        scale: int = 1,
        least: int = 1,
        fresh: bool = False,
    ):
        self.sides, self.channels, self.short = sides, channels, short
        self.scale, self.least, self.fresh = scale, least, fresh
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
        return Shelf(sides, self.channels, self.short, scale=self.scale, least=self.least, fresh=self.fresh)

    def decode(self, i: int) -> tuple[np.ndarray, ...]:
        """Read position `i` from its files.

        Raises:
            BadImage: a file can't be read, can't be halved, is over ten times as long as wide or, where
                pictures stay as they are, too small, differs in shape from its partner, or holds a colour
                that is no class.
        """
        files = self.files(i)
        read = {path: images.read(path).pixels for path in dict.fromkeys(files)}
        regions = [region(side.part, side.files[i], read[side.files[i]]) for side in self.sides]
        sizes = self._sizes(files, [pixels.shape[:2] for pixels in regions])
        pictures = tuple(
            self._finished(pixels, side, path, size, channels)
            for pixels, side, path, size, channels in zip(
                regions, self.sides, files, sizes, self.channels, strict=True
            )
        )
        awaits = self.fresh and any(damage.drawn(side.part) for side in self.sides)
        # What is still the same on both sides is one picture, so that it is kept once.
        return pictures[:1] * len(pictures) if awaits and len(set(self.channels)) == 1 else pictures

    def _sizes(self, files: Sequence[Path], shapes: list[tuple[int, ...]]) -> list[tuple[int, int]]:
        """(height, width) of each side when it is ready."""
        if self.short is not None:
            height, width = transforms.fitted(common_shape(files, shapes), self.short)
            height, width = height // self.scale, width // self.scale
        else:
            factor = self.scale if self.sides[0].part == "downscale" else 1
            height, width = shapes[0][0] // factor, shapes[0][1] // factor
            _require_times(files, shapes, self.scale if factor == 1 else 1)
            _require_least(files[-1], shapes[-1], self.least)
        return [(height, width)] + [(self.scale * height, self.scale * width)] * (len(shapes) - 1)

    def _finished(
        self, pixels: np.ndarray, side: Side, path: Path, size: tuple[int, int], channels: int
    ) -> np.ndarray:
        if side.part == "downscale":
            large = self._brought(pixels, (self.scale * size[0], self.scale * size[1]))
            return transforms.planar(transforms.reduced(large, self.scale), channels)
        picture = self._brought(pixels, size, labels=side.labels)
        if side.colours:
            try:
                return class_numbers(picture, side.colours)[None]
            except UnknownColour as error:
                raise BadImage(path, f"holds the colour {error}, which is no class's") from None
        if side.part in _DRAWINGS:
            picture = _DRAWINGS[side.part](picture)
        planes = transforms.planar(picture, channels)
        if damage.drawn(side.part) and not self.fresh:
            return damage.of_file(side.part, planes, path, self.short or self.least)
        return planes

    def _brought(self, pixels: np.ndarray, size: tuple[int, int], *, labels: bool = False) -> np.ndarray:
        """`pixels` at `size`: resized, or where pictures stay as they are, without what is left over."""
        if self.short is None:
            return pixels[: size[0], : size[1]]
        return transforms.resize(pixels, size, labels=labels)


def region(part: Part, path: Path, pixels: np.ndarray) -> np.ndarray:
    """What `part` means of `(H, W, 3)`: a half, or all of it; BadImage where the width is odd."""
    if part not in ("left", "right"):
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


def _require_times(files: Sequence[Path], shapes: Sequence[tuple[int, ...]], scale: int) -> None:
    """Refuse a pair whose second picture isn't `scale` times as large, up to a pixel of the first."""
    (height, width), (high, wide) = shapes[0][:2], shapes[-1][:2]
    if 0 <= high - scale * height < scale and 0 <= wide - scale * width < scale:
        return
    wanted = f"{scale} times as large" if scale > 1 else "of one size"
    raise BadImage(
        files[-1],
        f"{wide}×{high}, but its partner {files[0].name} is {width}×{height}: the pictures of a pair are to "
        f"be {wanted} (data.scale)",
    )


def _require_least(path: Path, shape: tuple[int, ...], least: int) -> None:
    height, width = shape[:2]
    if min(height, width) < least:
        raise BadImage(path, f"{width}×{height} is smaller than the crops of data.size {least}")
