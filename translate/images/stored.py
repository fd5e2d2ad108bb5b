"""Pictures resized without looking at what their values mean: for maps of classes."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

from translate.files import replacing
from translate.images.checks import MAX_PIXELS, complaints_as_bad_image, require_mode
from translate.images.decoding import contents, opened

Box = tuple[int, int, int, int]


def write_nearest(path: str | Path, source: str | Path, box: Box, size: tuple[int, int]) -> None:
    """Write a part of a picture as a PNG by the nearest pixel, with its values and palette as stored.

    Args:
        box: left, top, right and bottom of the part, of the upright picture.
        size: (width, height) of the new one.

    Raises:
        BadImage: `source` can't be read.
        OutputError: the folder can't be written, the disk is full.
    """
    source = Path(source)
    with complaints_as_bad_image(source), opened(source, contents(source), MAX_PIXELS) as file:
        file.image.load()
        require_mode(source, file.image)
        upright = ImageOps.exif_transpose(file.image)
        small = upright.resize(size, Image.Resampling.NEAREST, box)
        kept = {"transparency": small.info["transparency"]} if "transparency" in small.info else {}
    with replacing(path) as temporary:
        small.save(temporary, "PNG", **kept)
