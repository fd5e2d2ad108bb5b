"""The files that will be made of a sample: what is cut out of which picture, its size, its kind of file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from translate.data.prepare.looks import Look, Looks
from translate.data.prepare.sources import Sample, Shot
from translate.images import FORMAT_OF

Size = tuple[int, int]
Box = tuple[int, int, int, int]

_SUFFIX = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tiff", "BMP": ".bmp"}
_LOSSY = {"JPEG", "WEBP", "AVIF", "HEIF"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A picture, the part of it that is wanted (left, top, right, bottom), and the (width, height) to be."""

    shot: Shot
    box: Box
    goal: Size
    is_map: bool
    grey: bool


@dataclass(frozen=True, slots=True)
class Output:
    """A file that will be written.

    Attributes:
        pieces: one, or the two that will be beside each other.
        name: what it is of its sample, as in `key.name.png`, or empty.
        suffix: of the file.
        copied: the source's bytes are taken as they are.
        beside: "Truth" or "Mask", of what lies beside the sample in a folder of its own; else empty.
    """

    pieces: tuple[Piece, ...]
    name: str
    suffix: str
    copied: bool
    beside: str = ""

    @property
    def size(self) -> Size:
        """(width, height) of the file's picture."""
        return sum(piece.goal[0] for piece in self.pieces), self.pieces[0].goal[1]


@dataclass(frozen=True, slots=True)
class Maker:
    """What is made of samples.

    Args:
        names: of a pair's two files.
        combined: a pair's pictures beside each other in one file.
        maps: the sides that hold maps of classes.
        size, crop: see `planning.Wishes`.
    """

    names: tuple[str, str]
    combined: bool
    looks: Looks
    maps: frozenset[str]
    size: int | None
    crop: bool

    def __call__(self, sample: Sample) -> Iterator[Output]:
        """The sample's files, the input's first."""
        pair = len(sample.shots) == 2
        looks = [self.looks[shot] for shot in sample.shots]
        pieces = tuple(
            Piece(shot, box, goal, ("ab"[place] if pair else sample.side) in self.maps, look.grey)
            for place, (shot, look, (box, goal)) in enumerate(
                zip(sample.shots, looks, self._windows([look.size for look in looks]), strict=True)
            )
        )
        unchanged = [
            piece.box == (0, 0, *look.size) and piece.goal == look.size
            for piece, look in zip(pieces, looks, strict=True)
        ]
        if self.combined:
            whole = all(unchanged) and _is_whole(sample.shots)
            suffix = _own_suffix(sample.shots[0], looks[0]) if whole else ""
            lossy = all(look.format in _LOSSY for look in looks)
            yield Output(pieces, "", suffix or (".jpg" if lossy else ".png"), bool(suffix))
            return
        for place, (piece, look) in enumerate(zip(pieces, looks, strict=True)):
            whole = unchanged[place] and piece.shot.part == "whole"
            suffix = _own_suffix(piece.shot, look) if whole else ""
            name = self.names[place] if pair else ""
            yield Output((piece,), name, suffix or _new_suffix(piece, look), bool(suffix))
        for kind, shot in sample.beside:
            look = self.looks[shot]
            [(box, goal)] = self._windows([look.size])
            piece = Piece(shot, box, goal, kind == "Mask", look.grey)
            suffix = _own_suffix(shot, look) if box == (0, 0, *look.size) and goal == look.size else ""
            yield Output((piece,), "", suffix or _new_suffix(piece, look), bool(suffix), kind)

    def _windows(self, sizes: Sequence[Size]) -> list[tuple[Box, Size]]:
        """What is cut out of each picture, and its size to be: the target's as asked, the input's like it."""
        boxes = [_square(size) if self.crop else (0, 0, *size) for size in sizes]
        short = min(_size_of(boxes[-1]))
        factor = min(1.0, (self.size or short) / short)
        goals = [(max(1, round(w * factor)), max(1, round(h * factor))) for w, h in map(_size_of, boxes)]
        times = _times(sizes)
        if self.combined:
            goals = [goals[-1]] * len(goals)
        elif times > 1 and (self.crop or factor < 1):
            # What a scale's whole pixels don't cover is cut off, as a training would.
            left, top, right, bottom = boxes[0]
            boxes[1] = (times * left, times * top, times * right, times * bottom)
            goals[1] = (times * goals[0][0], times * goals[0][1])
        return list(zip(boxes, goals, strict=True))


def _square(size: Size) -> Box:
    width, height = size
    side = min(size)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def _size_of(box: Box) -> Size:
    return box[2] - box[0], box[3] - box[1]


def _times(sizes: Sequence[Size]) -> int:
    """How many times as large a pair's target is, for enlarging; 1 where it isn't, but for a rest."""
    if len(sizes) < 2:
        return 1
    (width, height), (wide, high) = sizes
    times = high // height
    exact = times > 1 and 0 <= high - times * height < times and 0 <= wide - times * width < times
    return times if exact else 1


def _is_whole(shots: Sequence[Shot]) -> bool:
    """Whether pictures beside each other are a file as it is."""
    return [shot.part for shot in shots] == ["left", "right"] and shots[0].path == shots[1].path


def _own_suffix(shot: Shot, look: Look) -> str:
    """The file's own suffix, or its format's where it has another's; empty where data sets leave it out."""
    own = shot.path.suffix.lower()
    if FORMAT_OF.get(own) == look.format:
        return own
    return next((suffix for suffix, name in FORMAT_OF.items() if name == look.format), "")


def _new_suffix(piece: Piece, look: Look) -> str:
    """Of a file that is written anew: its format's where that can be written, else that of one like it."""
    if piece.is_map:
        return ".png"
    return _SUFFIX.get(look.format) or (".jpg" if look.format in _LOSSY else ".png")
