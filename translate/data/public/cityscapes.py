"""Cityscapes, from the archives that its authors give to those who register, to pairs of a map and a photo.

The layout, as junyanz/pytorch-CycleGAN-and-pix2pix reads it in datasets/prepare_cityscapes_dataset.py, is
`leftImg8bit/SPLIT/CITY/NAME_leftImg8bit.png` and `gtFine/SPLIT/CITY/NAME_gtFine_color.png`. As there, the
splits train and val are taken.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from translate import images
from translate.colours import class_numbers, distinct
from translate.data.threads import each
from translate.errors import BadImage, DataError, OutputError
from translate.files import explain

HEIGHT = 512
_PHOTO = re.compile(r"(?:.*/)?(train|val)/[^/]+/([^/]+)_leftImg8bit\.png")
_MAP = re.compile(r"(?:.*/)?(train|val)/[^/]+/([^/]+)_gtFine_color\.png")
_LARGEST = 100_000_000  # bytes of one file

Read = Callable[[], bytes]
Progress = Callable[[str, int, int | None], None]


class _Pair(NamedTuple):
    split: str
    name: str
    photo: Read
    map: Read


def prepare(sources: Sequence[Path], into: Path, progress: Progress = lambda what, done, total: None) -> int:
    """Write `SPLIT/labels/NAME.png`, maps of classes as palettes, and `SPLIT/images/NAME.jpg`; how many.

    Both are brought to a height of 512: photographs by averages, maps by the nearest pixel, so that no colour
    arises that is no class's.

    Args:
        sources: the two zip files, read without being unpacked, or the folders that were unpacked from them.
        into: an empty folder.

    Raises:
        DataError: the pictures aren't there, one lacks its partner or can't be read.
        OutputError: the folder can't be written.
    """
    with ExitStack() as opened:
        pairs = _pairs(
            [opened.enter_context(_contents(source)) for source in dict.fromkeys(sources)], sources
        )
        for split in {pair.split for pair in pairs}:
            for side in ("labels", "images"):
                (into / split / side).mkdir(parents=True)
        results = each(lambda pair: _write(pair, into), pairs, label="", progress=False)
        for done, (_, error) in enumerate(results, 1):
            if error is not None:
                raise error
            progress("preparing pairs", done, len(pairs))
    return len(pairs)


@contextmanager
def _contents(source: Path) -> Iterator[dict[str, Read]]:
    """What a zip file or a folder holds, by relative path, and how to read it."""
    if source.is_dir():
        files = (path for path in source.rglob("*.png") if path.is_file())
        yield {path.relative_to(source.parent).as_posix(): path.read_bytes for path in files}
        return
    try:
        with zipfile.ZipFile(source) as archive:
            yield {info.filename: _reader(archive, info) for info in archive.infolist()}
    except zipfile.BadZipFile as error:
        raise DataError(f"{source} is no whole zip file.") from error


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Read:
    def read() -> bytes:
        with archive.open(info) as stream:
            return stream.read(_LARGEST)

    return read


def _pairs(contents: Sequence[dict[str, Read]], sources: Sequence[Path]) -> list[_Pair]:
    photos, maps = (
        {
            (m[1], m[2]): read
            for files in contents
            for path, read in files.items()
            if (m := pattern.fullmatch(path))
        }
        for pattern in (_PHOTO, _MAP)
    )
    where = " and ".join(str(source) for source in dict.fromkeys(sources))
    if not photos or not maps:
        missing = "leftImg8bit.png" if not photos else "gtFine_color.png"
        raise DataError(f"{where} holds no train/CITY/NAME_{missing}; give both of Cityscapes' archives.")
    if alone := sorted(photos.keys() ^ maps.keys()):
        side = "map" if alone[0] in photos else "photograph"
        raise DataError(
            f"{where}: {len(alone)} pictures lack their partner, the first is the {side} of {alone[0][1]}."
        )
    return [_Pair(*key, photos[key], maps[key]) for key in sorted(photos)]


def _write(pair: _Pair, into: Path) -> Exception | None:
    try:
        photo = _decoded(pair.photo, f"{pair.name}_leftImg8bit.png")
        labels = _decoded(pair.map, f"{pair.name}_gtFine_color.png")
        if photo.size != labels.size:
            raise BadImage(pair.name, f"the photograph is {photo.size}, its map {labels.size}")
        size = (max(1, round(photo.width * HEIGHT / photo.height)), HEIGHT)
        pixels = np.asarray(photo.resize(size, Image.Resampling.BOX))
        (into / pair.split / "images" / f"{pair.name}.jpg").write_bytes(
            images.encode(pixels, "JPEG", quality=95)
        )
        labels = np.asarray(labels.resize(size, Image.Resampling.NEAREST))
        _palette(labels, pair.name).save(into / pair.split / "labels" / f"{pair.name}.png")
    except BadImage as error:
        return DataError(f"{error.path}: {error.reason}; get the archive anew.")
    except OSError as error:
        return OutputError(f"the pictures can't be written: {explain(error)}")
    return None


def _decoded(read: Read, name: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(read()), formats=("PNG",))
        if image.width * image.height > images.MAX_PIXELS:
            raise BadImage(name, f"it has more than {images.MAX_PIXELS:,} pixels")
        return image.convert("RGB")
    except BadImage:
        raise
    except Exception as error:  # a zip's and a decoder's, which raises anything on hostile bytes
        raise BadImage(name, f"it can't be read ({error})") from error


def _palette(pixels: np.ndarray, name: str) -> Image.Image:
    """A map in colours as numbers and a palette, a quarter of the size: such pictures are never mixed."""
    colours = [int(colour) for colour in distinct(pixels)]
    if len(colours) > 256:
        raise BadImage(name, "its map has more than 256 colours")
    image = Image.fromarray(class_numbers(pixels, colours))
    image.putpalette([channel for colour in colours for channel in colour.to_bytes(3, "big")])
    return image
