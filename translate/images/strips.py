"""Large picture files: decoded strip by strip, so that never more than a strip of one is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from translate import tars
from translate.errors import BadImage, TranslateError
from translate.images import scratch
from translate.images.checks import require_mode
from translate.images.decoding import Colour, Opened, as_stored, laid, parted
from translate.images.formats import HOLDING_16_BIT
from translate.images.libvips import FORMATS, library, stored_strips
from translate.images.tensors import eight_bits
from translate.images.wide import says_16
from translate.pillow import is_srgb, orientation_of, to_srgb

IN_EIGHT = "16 bits with a colour profile other than sRGB are converted in 8"
_WHOLE = (
    "decoded as a whole, 4 bytes a pixel; pip install 'image-translate[large]' reads such files by strips"
)


def read_by_strips(file: Opened, to: str, background: Colour) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Upright sRGB and transparency as in `originals.Frame`, in temporary files.

    Pillow decodes what libvips doesn't, as a whole (4 bytes a pixel).

    Returns:
        None for a file of 16 bits that libvips doesn't decode.
    """
    require_mode(file.path, file.image)
    sequence = stored_strips(file)
    if sequence is None:
        if file.image.mode.startswith("I") or (to in HOLDING_16_BIT and _says_16(file)):
            return None
        if library() is None and file.format in FORMATS:
            file.notes.append(_WHOLE)
        sequence = _cropped(file.image)
    profile = file.image.info.get("icc_profile")
    picture = _Picture(file)
    for strip in sequence:
        convert = to_srgb(None if file.image.mode.startswith("I") else profile, file.notes)
        parts = _wide_parts(strip, profile, file.notes) if to in HOLDING_16_BIT else None
        picture.add(*laid(*(parts or _parts(strip, convert)), to, background))
        file.notes[:] = dict.fromkeys(file.notes)  # what is remarked on in every strip is remarked on once
    return picture.pixels, picture.alpha


class _Picture:
    """An upright picture, filled from the top of the file on."""

    def __init__(self, file: Opened):
        self._path = file.path
        self._size = file.image.size[::-1]
        self._orientation = orientation_of(file.image, file.notes)
        self._row = 0
        self._arrays: list[np.ndarray] = []
        self._views: list[np.ndarray] = []

    @property
    def pixels(self) -> np.ndarray:
        return self._arrays[0]

    @property
    def alpha(self) -> np.ndarray | None:
        return self._arrays[1] if len(self._arrays) > 1 else None

    def add(self, *parts: np.ndarray | None) -> None:
        rows = slice(self._row, self._row + len(parts[0]))  # type: ignore[arg-type]
        self._row = rows.stop
        given = [part for part in parts if part is not None]
        if not self._arrays:
            upright = self._size[::-1] if self._orientation >= 5 else self._size
            try:
                self._arrays = [scratch.empty((*upright, *part.shape[2:]), part.dtype) for part in given]
            except TranslateError as error:
                raise BadImage(self._path, str(error)) from error
            self._views = [as_stored(array, self._orientation) for array in self._arrays]
        for view, part in zip(self._views, given, strict=True):
            view[rows] = part


def _cropped(image: Image.Image) -> Iterator[Image.Image]:
    image.load()
    width, height = image.size
    for rows in scratch.strips((height, width, 4)):
        yield image.crop((0, rows.start, width, rows.stop))


def _parts(
    strip: np.ndarray | Image.Image, convert: Callable[[Image.Image], Image.Image]
) -> tuple[np.ndarray, np.ndarray | None]:
    if isinstance(strip, np.ndarray):
        levels = eight_bits(strip)
        strip = Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)
    return parted(strip, convert)


def _wide_parts(
    strip: np.ndarray | Image.Image, profile: bytes | None, notes: list[str]
) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Colour and transparency in 16 bits; None of what has 8, or has to be converted in 8."""
    if not isinstance(strip, np.ndarray) or strip.dtype != np.uint16:
        return None
    channels = strip.shape[2]
    if profile and channels > 2 and not is_srgb(profile):
        notes.append(IN_EIGHT)
        return None
    colour = strip[..., :3] if channels > 2 else strip[..., :1].repeat(3, axis=2)
    return colour, None if channels % 2 else strip[..., -1]


def _says_16(file: Opened) -> bool:
    with tars.opened(file.path) as stream:
        return says_16(file.image, stream.read(32))
