"""From a video file to upright frames and the packets of its sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from translate.errors import BadImage
from translate.files import explain
from translate.images.checks import MAX_PIXELS, require_regular, require_size
from translate.videos.colours import Colours, is_full, matrix_of
from translate.videos.formats import DEMUXERS, require_pyav

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.audio.stream import AudioStream
    from av.error import FFmpegError

_MICROSECONDS = 1_000_000
_USUAL_RATE = Fraction(25)
_HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics of ITU-T H.273
_MISSING = Fraction(1, 4)  # seconds, or a hundredth of its length: what may be missing at a file's end
_TELLING = ("mov", "matroska")  # demuxers of files that say how long they are
_OF_THE_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder")


@dataclass(frozen=True)
class Moment:
    """A frame: upright uint8 `(H, W, 3)`, when it is shown and how long (0: not told), in `Traits.unit`."""

    pixels: np.ndarray
    time: int
    duration: int


@dataclass(frozen=True)
class Traits:
    """What a video's frames have in common, and what belongs to the file.

    `unit` is what times are counted in, in seconds; `rate` frames a second, on average; `aspect` a pixel's
    width in heights, once upright; `frames` how many there are as far as the file tells, else None.
    """

    size: tuple[int, int]
    unit: Fraction
    rate: Fraction
    frames: int | None
    colours: Colours
    aspect: Fraction | None
    metadata: dict[str, str]


class Reader:
    """A video file, decoded as it is gone through, once.

    Iterating gives its frames as `Moment`s, upright sRGB-like as players show them, and between them the
    packets of its sound as they are, in the file's order and all from time 0 on. `traits` are known from the
    first frame on. To be used by one thread at a time.

    Args:
        path: a regular file, or a link to one.
        max_pixels: larger frames are refused.

    Raises:
        BadImage: no video, a damaged one, frames that change their size; here and while iterating.
        UsageError: PyAV isn't installed.
    """

    def __init__(self, path: str | Path, max_pixels: int = MAX_PIXELS):
        require_pyav()
        import av

        self.path = Path(path)
        self.notes: list[str] = []
        self.traits: Traits | None = None
        self._turn: Callable[[np.ndarray], np.ndarray] = _as_it_is
        self._last: int | None = None
        with complaints_as_bad_image(self.path):
            require_regular(self.path)
            options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
            self._container = av.open(str(self.path), options=options)
        try:
            self._start(max_pixels)
        except BaseException:
            self.close()
            raise

    def _start(self, max_pixels: int) -> None:
        streams = self._container.streams
        pictures = [v for v in streams.video if not v.disposition & v.disposition.attached_pic]
        if not pictures:
            raise BadImage(self.path, "there is no video in it")
        self._video = pictures[0]
        if self._video.codec_context is None:
            raise BadImage(self.path, "its video is in a format that this PyAV can't decode")
        self.sounds: list[AudioStream] = [s for s in streams.audio if s.codec_context is not None]
        left = [
            word
            for word, there in (
                ("subtitles", streams.subtitles),
                ("other videos", pictures[1:]),
                ("sound in a format that this PyAV doesn't know", len(self.sounds) < len(streams.audio)),
            )
            if there
        ]
        if left:
            self.notes.append(f"{' and '.join(left)} are left out")
        require_size(self.path, (self._video.width, self._video.height), max_pixels)
        self._video.thread_type = "AUTO"
        self._begin = Fraction(self._container.start_time or 0, _MICROSECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def __iter__(self) -> Iterator[Moment | Packet]:
        end = Fraction(0)
        sounds = {sound.index for sound in self.sounds}
        with complaints_as_bad_image(self.path):
            for packet in self._container.demux():
                end = max(end, self._end_of(packet))
                if packet.is_corrupt:
                    raise BadImage(self.path, f"it is damaged at {float(end):.1f} s")
                if packet.stream_index == self._video.index:
                    yield from (self._moment(cast("VideoFrame", frame)) for frame in packet.decode())
                elif packet.stream_index in sounds and packet.dts is not None:
                    yield self._from_zero(packet)
        if self.traits is None:
            raise BadImage(self.path, "no frame in it can be decoded")
        self._require_all(end)

    def _end_of(self, packet: Packet) -> Fraction:
        if packet.pts is None or not packet.time_base:
            return Fraction(0)
        return (packet.pts + (packet.duration or 0)) * packet.time_base - self._begin

    def _require_all(self, end: Fraction) -> None:
        """A file that was cut off simply stops; but most say how long they should be."""
        length = Fraction(self._container.duration or 0, _MICROSECONDS)
        told = self._container.format.name.startswith(_TELLING)
        if told and length - end > max(_MISSING, length / 100):
            raise BadImage(self.path, f"it is truncated: {float(end):.1f} of {float(length):.1f} s are there")

    def _from_zero(self, packet: Packet) -> Packet:
        shift = round(self._begin / packet.time_base) if packet.time_base else 0
        packet.dts = None if packet.dts is None else packet.dts - shift
        packet.pts = None if packet.pts is None else packet.pts - shift
        return packet

    def _moment(self, frame: VideoFrame) -> Moment:
        if frame.is_corrupt:
            raise BadImage(self.path, f"it is damaged at {frame.time or 0:.1f} s")
        if self.traits is None:
            self.traits = self._traits_of(frame)
        pixels = self._turn(_rgb(frame))
        if pixels.shape[1::-1] != self.traits.size:
            raise BadImage(self.path, f"its frames change their size at {frame.time or 0:.1f} s")
        return Moment(np.ascontiguousarray(pixels), self._time_of(frame), frame.duration or 0)

    def _time_of(self, frame: VideoFrame) -> int:
        """When a frame is shown, always later than the last one, as encoders ask."""
        assert self.traits is not None
        shift = round(self._begin / self.traits.unit)
        time = self._next(frame) if frame.pts is None else frame.pts - shift
        if self._last is not None and time <= self._last:
            time = self._last + 1
        self._last = time
        return time

    def _next(self, frame: VideoFrame) -> int:
        assert self.traits is not None
        step = frame.duration or round(1 / self.traits.rate / self.traits.unit)
        return 0 if self._last is None else self._last + step

    def _traits_of(self, frame: VideoFrame) -> Traits:
        self._turn, across = turning(frame)
        width, height = frame.width, frame.height
        rate = self._video.average_rate or self._video.guessed_rate or _USUAL_RATE
        aspect = self._video.sample_aspect_ratio or None
        if frame.color_trc in _HDR:
            self.notes.append(f"HDR ({_HDR[frame.color_trc]}): its colours are taken as they are")
        if max((part.bits for part in frame.format.components), default=8) > 8:
            self.notes.append("more than 8 bits a colour are read as 8")
        if frame.interlaced_frame:
            self.notes.append("interlaced: its frames are taken as they are")
        length = self._container.duration
        guessed = round(length / _MICROSECONDS * rate) if length else None
        return Traits(
            size=(height, width) if across else (width, height),
            unit=self._video.time_base or 1 / rate,
            rate=rate,
            frames=self._video.frames or guessed,
            colours=Colours(matrix_of(frame), frame.color_primaries, frame.color_trc),
            aspect=1 / aspect if aspect and across else aspect,
            metadata={
                name: text
                for name, text in self._container.metadata.items()
                if name.lower() not in _OF_THE_FILE
            },
        )


@contextmanager
def complaints_as_bad_image(path: Path) -> Iterator[None]:
    """Whatever PyAV raises, as a `BadImage` in one line."""
    from av.error import FFmpegError

    try:
        yield
    except BadImage:
        raise
    except OSError as error:  # PyAV's own, of files, are among them
        raise BadImage(path, explain(error)) from error
    except FFmpegError as error:
        raise BadImage(path, f"can't be decoded: {_said(error)}") from error
    except (ValueError, MemoryError, OverflowError) as error:
        raise BadImage(path, f"can't be decoded: {error or type(error).__name__}") from error


def _said(error: FFmpegError) -> str:
    text = error.strerror or type(error).__name__
    return text[:1].lower() + text[1:]


def _as_it_is(pixels: np.ndarray) -> np.ndarray:
    return pixels


def turning(frame: VideoFrame) -> tuple[Callable[[np.ndarray], np.ndarray], bool]:
    """What makes a frame upright by its display matrix, and whether width and height change places.

    The matrix, 3×3 in fixed point, says where the frame's axes go on the screen; its first two rows and
    columns are a rotation by quarters, mirrored or not, in all that cameras write. Others are left alone.
    """
    parts: Any = frame.side_data  # a mapping, which gives its values when it is gone through
    entries = next((bytes(part) for part in parts if part.type.name == "DISPLAYMATRIX"), None)
    if entries is None:
        return _as_it_is, False
    a, b, _, c, d = np.frombuffer(entries, np.int32)[:5].tolist()
    signs = tuple((value > 0) - (value < 0) if abs(value) > 2**14 else 0 for value in (a, b, c, d))
    across = signs[0] == 0
    columns, rows = (signs[2], signs[1]) if across else (signs[0], signs[3])  # which way x and y go now
    if 0 in (columns, rows) or signs.count(0) != 2:
        return _as_it_is, False

    def turn(pixels: np.ndarray) -> np.ndarray:
        turned = pixels.swapaxes(0, 1) if across else pixels
        return turned[::rows, ::columns]

    return turn, across


def _rgb(frame: VideoFrame) -> np.ndarray:
    """uint8 `(H, W, 3)` by the frame's own matrix and range."""
    from av.video.reformatter import ColorRange, Interpolation

    accurate = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
    return frame.reformat(
        format="rgb24",
        src_colorspace=matrix_of(frame).for_scaler,
        src_color_range=ColorRange.JPEG if is_full(frame) else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=accurate | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP,
    ).to_ndarray()
