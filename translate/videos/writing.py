"""Frames and sound into a video file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from translate.errors import OutputError, UsageError
from translate.videos.formats import ENCODERS, MUXERS, WRITABLE, require_pyav
from translate.videos.reading import Traits

if TYPE_CHECKING:
    from av import Packet
    from av.audio.stream import AudioStream
    from av.video.stream import VideoStream

_LIMITED = 1
_EVEN = ("libx264",)  # encoders that take even sizes alone, with colours at half the resolution


class Writer:
    """A video file in the making; whole only after `close`. To be used by one thread at a time.

    H.264, in WebM VP9, 8 bits with colours at half the resolution (4:2:0), which everything plays, in the
    source's matrix and limited range. H.264 so holds even sizes alone: of an odd one the last row or column
    is repeated. Times are the frames' own, and the sound is copied as it is.

    Args:
        path: where to write.
        suffix: says what, one of `WRITABLE`.
        size: of the frames, (width, height).
        traits: of the video that they were made of.
        sounds: its streams of sound.
        quality: 1 to 100; the encoders' constant quality, where 95 is H.264's CRF 17.

    Raises:
        UsageError: another suffix, a sound that the container doesn't hold, no such encoder.
        OutputError: it can't be written, here or later; the cause has the system's reason.
    """

    def __init__(
        self,
        path: str | Path,
        suffix: str,
        size: tuple[int, int],
        traits: Traits,
        sounds: Sequence[AudioStream] = (),
        quality: int = 95,
    ):
        import av

        require_encoder(suffix)
        self._path, self._traits, self._size = Path(path), traits, size
        self._suffix = suffix.lower()
        encoder = ENCODERS[self._suffix]
        self._pad = tuple(n % 2 if encoder in _EVEN else 0 for n in size)
        muxer = MUXERS[self._suffix]
        options = {"movflags": "+faststart"} if muxer in ("mp4", "mov") else {}
        self._container = av.open(str(path), "w", format=muxer, options=options)
        self._container.metadata.update(traits.metadata)
        self._video = self._stream(encoder, quality)
        self._sounds = {sound.index: self._copy(sound, suffix) for sound in sounds}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the file."""
        notes = []
        if any(self._pad):
            (width, height), (right, below) = self._size, self._pad
            notes.append(
                f"H.264 holds even sizes: {width}×{height} became {width + right}×{height + below} by "
                "repeating the edge; .webm keeps it"
            )
        aspect = self._traits.aspect
        if self._suffix == ".webm" and aspect not in (None, 1):
            # PyAV hands the encoder's aspect to the encoder alone, and VP9 doesn't write it down.
            notes.append(
                f"its pixels are {aspect.numerator}:{aspect.denominator}, and .webm shows them as squares"
            )
        return tuple(notes)

    def _stream(self, encoder: str, quality: int) -> VideoStream:
        traits = self._traits
        rate = traits.rate.limit_denominator(2**31 - 1)
        stream = cast("VideoStream", self._container.add_stream(encoder, rate, _options(encoder, quality)))
        stream.width, stream.height = (n + more for n, more in zip(self._size, self._pad, strict=True))
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = traits.unit
        context.color_range = _LIMITED
        context.colorspace = traits.colours.matrix.number
        context.color_primaries, context.color_trc = traits.colours.primaries, traits.colours.transfer
        if traits.aspect:
            context.sample_aspect_ratio = traits.aspect
        return stream

    def _copy(self, sound: AudioStream, suffix: str) -> AudioStream:
        try:
            stream = self._container.add_stream_from_template(sound)
        except ValueError as error:
            raise UsageError(
                f"{suffix} doesn't hold its sound ({sound.codec_context.name}), and sound is copied as it "
                "is; write .mkv, which does."
            ) from error
        stream.metadata.update(sound.metadata)
        return stream

    def add(self, pixels: np.ndarray, time: int, duration: int = 0) -> None:
        """Encode a frame.

        Args:
            pixels: uint8 `(H, W, 1 or 3)`.
            time: when it is shown, in `traits.unit`, later than all before it.
            duration: how long; 0 where that isn't known.
        """
        from av import VideoFrame
        from av.video.reformatter import ColorRange, Interpolation

        right, below = self._pad
        colour = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
        if right or below:
            colour = np.pad(colour, ((0, below), (0, right), (0, 0)), "edge")
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(colour), format="rgb24").reformat(
            format="yuv420p",
            dst_colorspace=self._traits.colours.matrix.for_scaler,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
        )
        frame.pts, frame.time_base, frame.duration = time, self._traits.unit, duration
        with _complaints_as_output_error(self._path):
            self._container.mux(self._video.encode(frame))

    def copy(self, packet: Packet) -> None:
        """Take a packet of one of `sounds`."""
        packet.stream = self._sounds[packet.stream_index]
        with _complaints_as_output_error(self._path):
            self._container.mux(packet)

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        with _complaints_as_output_error(self._path):
            self._container.mux(self._video.encode())
            self._container.close()

    def abandon(self) -> None:
        """Let go of a file that nobody wants."""
        with suppress(Exception):
            self._container.close()


def require_encoder(suffix: str) -> None:
    """Refuse a suffix that can't be written, or not by this PyAV.

    Raises:
        UsageError: naming those that can, or the encoder that is missing; or PyAV isn't installed.
    """
    require_pyav()
    from av.codec import codecs_available

    if suffix.lower() not in WRITABLE:
        raise UsageError(f"videos are written as {', '.join(sorted(WRITABLE))}, not as {suffix}.")
    encoder = ENCODERS[suffix.lower()]
    if encoder not in codecs_available:
        raise UsageError(
            f"{suffix} takes the encoder {encoder}, which this PyAV hasn't got; the wheels of PyPI have it: "
            "pip install --force-reinstall av."
        )


def require_encoders(suffixes: Iterable[str]) -> None:
    """`require_encoder` of all of them."""
    for suffix in set(suffixes):
        require_encoder(suffix)


def _options(encoder: str, quality: int) -> dict[str, str]:
    """Constant quality: of 100 CRF 14, of 95 CRF 17, of 50 CRF 44, where 51 (VP9: 63) is the worst."""
    crf = 14 + 0.6 * (100 - quality)
    if encoder == "libx264":
        return {"crf": f"{min(crf, 51):g}", "flags": "+frame_duration"}
    return {"crf": str(round(min(crf * 63 / 51, 63))), "row-mt": "1", "cpu-used": "3"}


@contextmanager
def _complaints_as_output_error(path: Path) -> Iterator[None]:
    """The system's reasons stay `OSError`s, as all other writing has them; others become `OutputError`."""
    from av.error import FFmpegError

    try:
        yield
    except FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise OutputError(f"{path} can't be encoded: {error.strerror or error}") from error
    except ValueError as error:
        raise OutputError(f"{path} can't be encoded: {error}") from error
