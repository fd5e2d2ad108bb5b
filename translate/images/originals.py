"""A picture file with all that a conversion carries over: frames, transparency, 16 bit, EXIF and profile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from translate.errors import BadImage
from translate.images.checks import MAX_PIXELS, complaints_as_bad_image, require_mode, require_size
from translate.images.decoding import (
    Colour,
    Opened,
    contents,
    decode_jpeg,
    is_bare_jpeg,
    laid,
    notes_of_suffix,
    opened,
    several,
    straight,
    turned,
)
from translate.images.formats import HOLDING_16_BIT, HOLDING_FRAMES
from translate.images.metadata import kept_exif, kept_profile
from translate.images.scratch import is_large
from translate.images.strips import IN_EIGHT, read_by_strips
from translate.images.wide import sixteen_bit
from translate.pillow import is_srgb


@dataclass(frozen=True)
class Frame:
    """One picture, upright sRGB: `pixels` uint8 or uint16 `(H, W, 3)`, `alpha` of the same kind `(H, W)`.

    Those of large pictures are in temporary files (`scratch.empty`). `duration` is in milliseconds, or 0.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    duration: float = 0


@dataclass(frozen=True)
class Original:
    """A decoded file: its frames, what was done to it, its real format, and what belongs to all frames.

    `profile` is that of the pixels as they are here. `loop` is how often an animation is shown, 0 for ever,
    None where the file doesn't say; with `poster` its first frame is none of the animation.
    """

    frames: tuple[Frame, ...]
    notes: tuple[str, ...]
    format: str
    exif: bytes | None = None
    profile: bytes | None = None
    loop: int | None = None
    poster: bool = False


def read_original(
    path: str | Path, to: str, *, background: Colour = (255, 255, 255), max_pixels: int = MAX_PIXELS
) -> Original:
    """Decode a picture file to upright sRGB, with everything that a file of format `to` can hold.

    Where `to` holds transparency it is kept, and the colour of what can't be seen is `background`; where it
    doesn't, everything is laid over `background`. Where it holds 16 bit, pixels of 16 bit stay so, unless a
    colour profile has to be converted. Where it holds several frames, all are decoded.

    Args:
        path: a regular file, or a link to one.
        to: the format that will be written: "PNG", "JPEG", "WEBP", "BMP", "TIFF" or "GIF".
        background: RGB in 0..255.
        max_pixels: larger pictures, and animations of more pixels in all, are refused.

    Raises:
        BadImage: with a one-line reason, for every file that can't be decoded completely.
    """
    path = Path(path)
    with complaints_as_bad_image(path):
        encoded = contents(path)
        if encoded is not None and is_bare_jpeg(encoded):
            pixels = decode_jpeg(path, encoded, max_pixels, also_large=False)
            if pixels is not None:
                return Original((Frame(pixels),), notes_of_suffix(path, "JPEG"), "JPEG")
        with opened(path, encoded, max_pixels) as file:
            many = several(file.image)
            if many and to in HOLDING_FRAMES:
                frames = tuple(_frames(file, to, background, max_pixels))
            else:
                file.notes.extend(["several frames: the first is used"] if many else [])
                frames = (_single(file, to, background, max_pixels),)
            info = file.image.info
            exif, profile = kept_exif(file.image), kept_profile(info.get("icc_profile"), file.notes)
    notes = tuple(dict.fromkeys(file.notes))
    poster = bool(info.get("default_image", False))
    return Original(frames, notes, file.format, exif, profile, info.get("loop"), poster)


def _frames(file: Opened, to: str, background: Colour, max_pixels: int) -> Iterator[Frame]:
    count = getattr(file.image, "n_frames", 1)
    width, height = file.image.size
    if count * width * height > max_pixels:
        limit = f"{max_pixels / 1e6:g} megapixels"
        raise BadImage(file.path, f"{count} frames of {width}×{height} pixels are over the limit of {limit}")
    pixels = 0
    for number in range(count):
        file.image.seek(number)
        pixels += file.image.size[0] * file.image.size[1]
        require_size(file.path, (pixels, 1), max_pixels)  # pages may be larger than the first
        frame = _eight_bit(file, to, background)
        yield Frame(frame.pixels, frame.alpha, file.image.info.get("duration", 0))
    file.image.seek(0)


def _single(file: Opened, to: str, background: Colour, max_pixels: int) -> Frame:
    if is_large(file.image.size):
        found = read_by_strips(file, to, background)
        if found is not None:
            return Frame(*found)
    pixels = file.ordinary_jpeg(max_pixels)
    if pixels is not None:
        return Frame(pixels)
    return (_sixteen_bit(file, to, background) if to in HOLDING_16_BIT else None) or _eight_bit(
        file, to, background
    )


def _eight_bit(file: Opened, to: str, background: Colour) -> Frame:
    colour, alpha = straight(file.path, file.image, file.notes)
    return _finished(file, to, background, colour, alpha)


def _sixteen_bit(file: Opened, to: str, background: Colour) -> Frame | None:
    """A frame of 16 bits; None of a file that has 8, or has to be converted in 8."""
    file.image.load()
    require_mode(file.path, file.image)
    found = sixteen_bit(file.image, file.path, file.encoded)
    if found is None:
        return None
    profile = file.image.info.get("icc_profile")
    if profile and found[0].ndim == 3 and not is_srgb(profile):
        file.notes.append(IN_EIGHT)
        return None
    colour, alpha = found
    colour = np.repeat(colour[..., None], 3, axis=2) if colour.ndim == 2 else colour
    return _finished(file, to, background, colour, alpha)


def _finished(
    file: Opened, to: str, background: Colour, colour: np.ndarray, alpha: np.ndarray | None
) -> Frame:
    turn = turned(file.image, file.notes)
    colour, alpha = laid(colour, alpha, to, background)
    upright = np.ascontiguousarray(turn(colour))
    return Frame(upright, None if alpha is None else np.ascontiguousarray(turn(alpha)))
