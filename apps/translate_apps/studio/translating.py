"""A picture through a model, for a page: what to show, what to download, what to say."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from translate import images
from translate.errors import BadImage, UsageError
from translate_apps.studio.desk import Report
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Shelf

if TYPE_CHECKING:
    from translate import Translator

_SHOWN_AS_IT_IS = (".png", ".jpg", ".jpeg", ".webp")  # by every browser
_LARGEST_SHOWN = 4096  # pixels of a side; what is downloaded has all of them
_REMEMBERED = 4  # results, so that another strength needs no network
_REMEMBERED_BYTES = 100_000_000  # of one result


@dataclass(frozen=True)
class Request:
    """What a visitor asks for.

    Attributes:
        path, name: the uploaded file, and what the visitor calls it.
        strength: 0 is the picture itself, 1 what the model makes of it.
        samples: how many outputs, of a model that can make many.
    """

    path: Path
    name: str
    model: str
    direction: str | None = None
    label: str | None = None
    text: str | None = None
    strength: float = 1.0
    samples: int = 1
    seed: int | None = None


@dataclass(frozen=True)
class Answer:
    """What a page shows: the picture before and after, the files to download, and a line about it."""

    before: Path
    after: tuple[Path, ...]
    files: tuple[Path, ...]
    sentence: str


class Translating:
    """Translates single pictures, and remembers the last few results."""

    def __init__(self, settings: Settings, shelf: Shelf):
        self._settings = settings
        self._shelf = shelf
        self._made: OrderedDict[Request, tuple[list[np.ndarray], float]] = OrderedDict()

    def answer(self, request: Request, report: Report) -> Answer:
        """Do what is asked for. To be called in one thread alone.

        Raises:
            TranslateError: with a sentence for the visitor.
        """
        offer = self._shelf.offer(request.model)
        suffix = _kept_suffix(request.name)
        original = self._read(request, suffix)
        translator = self._shelf.translator(offer, request.direction)
        outputs, seconds = self._outputs(translator, request, original.frames[0], report)
        pixels = images.eight_bits(original.frames[0].pixels)
        folder = new_folder(self._settings.files)
        files = []
        for number, output in enumerate(outputs, 1):
            mixed = blended(original.frames[0].pixels, output, request.strength)
            tail = f"_{number}" if len(outputs) > 1 else ""
            files.append(folder / f"{Path(request.name).stem}{tail}{suffix}")
            images.write_like(files[-1], [mixed], original)
        height, width = outputs[0].shape[:2]
        took = f"{seconds:.1f} s" if seconds >= 0.95 else f"{seconds:.2f} s"
        said = [f"{pixels.shape[1]}×{pixels.shape[0]} → {width}×{height} pixels in {took}"]
        notes = dict.fromkeys((*original.notes, *translator.notes))
        return Answer(
            shown(folder / "shown" / "before.png", request.path, pixels, upright=False),
            tuple(shown(folder / "shown" / f"after{i}.png", file) for i, file in enumerate(files)),
            tuple(files),
            " · ".join((*said, *notes)),
        )

    def _read(self, request: Request, suffix: str) -> images.Original:
        try:
            original = images.read_original(
                request.path, images.FORMAT_OF[suffix], max_pixels=self._settings.max_pixels
            )
        except BadImage as error:
            raise BadImage(request.name, error.reason) from error
        return replace(original, frames=original.frames[:1])

    def _outputs(
        self, translator: Translator, request: Request, frame: images.Frame, report: Report
    ) -> tuple[list[np.ndarray], float]:
        """uint8 or uint16 (H, W, C) each, and the seconds they took; `request.strength` plays no part."""
        key = replace(request, strength=1.0)
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        count = request.samples if translator.card.latent else 1
        started = time.perf_counter()
        made = translated(translator, frame, request, count, report)
        took = time.perf_counter() - started
        if sum(output.nbytes for output in made) <= _REMEMBERED_BYTES:
            self._made[key] = made, took
            while len(self._made) > _REMEMBERED:
                self._made.popitem(last=False)
        return made, took


def translated(
    translator: Translator, frame: images.Frame, request: Request, count: int, report: Report
) -> list[np.ndarray]:
    """`count` outputs of a frame, uint8 or uint16 (H, W, C), telling how far they are."""
    from translate.inference import holes
    from translate.inference.latent import Sampling

    condition = translator.condition(request.label or None, request.text or None)
    many = Sampling(count, request.seed or 0) if translator.card.latent and count > 1 else None
    codes = translator.codes(many or Sampling(seed=request.seed if translator.card.latent else None))
    rounds = [None] if codes is None else list(codes.split(1))
    hole = None
    if translator.card.mask:
        hole = holes.in_alpha(frame.alpha)
        if hole is None:
            raise UsageError("this model fills holes, and the picture has none; paint them under “Draw”.")
    outputs = []
    try:
        for number, code in enumerate(rounds):
            translator.progress = _part(report, number, len(rounds))
            translator.progress(0, 1)
            outputs.append(translator.pixels(frame.pixels, condition, code, request.name, hole))
    finally:
        translator.progress = None
    return outputs


def blended(before: np.ndarray, after: np.ndarray, strength: float) -> np.ndarray:
    """`before` at 0, `after` at 1, and linearly between; both uint8 or uint16 (H, W, C), any sizes.

    The picture before is enlarged (bicubic) to the size of that after.
    """
    if strength >= 1:
        return after
    height, width = after.shape[:2]
    if before.shape[:2] != (height, width):
        before = np.asarray(
            Image.fromarray(images.eight_bits(before)).resize((width, height), Image.Resampling.BICUBIC)
        )
    if before.dtype != after.dtype:
        before, after = images.eight_bits(before), images.eight_bits(after)
    if after.shape[2] == 1:
        after = np.repeat(after, before.shape[2], axis=2)
    share = np.float32(strength)
    return (before * (1 - share) + after * share + np.float32(0.5)).astype(after.dtype)


def new_folder(files: Path) -> Path:
    """A folder for one answer, under a name that nobody can guess."""
    folder = files / secrets.token_urlsafe(24)
    folder.mkdir(parents=True)
    return folder


def shown(target: Path, file: Path, pixels: np.ndarray | None = None, *, upright: bool = True) -> Path:
    """`file` itself if every browser shows it, else a PNG, at most `_LARGEST_SHOWN` pixels a side.

    Args:
        target: where that PNG goes.
        pixels: of the file, if they are known: uint8 (H, W, 3), upright.
        upright: it needs no turning.
    """
    with Image.open(file) as header:
        small = max(header.size) <= _LARGEST_SHOWN
        plain = header.mode in ("RGB", "L", "RGBA", "P") and (upright or header.getexif().get(0x0112, 1) == 1)
    if small and plain and file.suffix.lower() in _SHOWN_AS_IT_IS:
        return file
    picture = Image.fromarray(images.read(file, max_pixels=2**40).pixels if pixels is None else pixels)
    picture.thumbnail((_LARGEST_SHOWN, _LARGEST_SHOWN))
    target.parent.mkdir(exist_ok=True)
    images.write(target, np.asarray(picture))
    return target


def _kept_suffix(name: str) -> str:
    suffix = Path(name).suffix.lower()
    return suffix if suffix in images.WRITABLE else ".png"


def _part(report: Report, number: int, count: int) -> Callable[[int, int], None]:
    """Progress of the number-th of `count` parts."""
    return lambda done, of: report(number * of + done, count * of)
