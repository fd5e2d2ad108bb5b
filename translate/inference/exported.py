"""An exported model in use: an ONNX file, run without torch, which takes seconds to import."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from PIL import Image

from translate import images
from translate.errors import ModelError, TranslateError, UsageError
from translate.inference import holes
from translate.inference.ahead import USUAL_SIDE
from translate.inference.engines.runtimes import RUNTIMES, Run, first_line, ran_out_of_memory
from translate.inference.inputs import Inputs
from translate.inference.labels import label_numbers
from translate.inference.latent import Sampling
from translate.inference.padding import pad_array
from translate.inference.pictures import require_finite, translated
from translate.inference.streaming import memory
from translate.weights.card import Card, read_card
from translate.weights.locate import locate
from translate.weights.onnx_file import input_names, is_exported

Kind = TypeVar("Kind", str, Path, Image.Image, np.ndarray)

BACKENDS = ("onnx", "openvino")  # from the best known on; MNN would convert the file first
_SMALL = 2**20  # pixels up to which nobody asks whether they fit into the memory
_PROBE = 512  # pixels of the side of the picture that the memory of large ones is estimated with


def load_exported(
    path: str | Path, direction: str | None = None, backend: str = "auto", max_memory: int | str | None = None
) -> ExportedTranslator:
    """Load a model that `translate export --format onnx` wrote. Imports no torch.

    Args:
        direction: `a2b` or `b2a`, what the file must translate; None is whatever it does.
        backend: `onnx` (ONNX Runtime), `openvino`, or `auto`, the first of them that is installed.
        max_memory: bytes, or words such as `2GB`, that the process may take; None is a share of what is free.

    Raises:
        ModelError: no such file, a damaged one, one that translate didn't write, or of a model that is asked
            with a caption, whose reader isn't in the file.
        UsageError: the runtime isn't installed.
    """
    file = locate(path, direction)
    if not is_exported(file):
        raise UsageError(f"{file} is no exported model (.onnx); use translate.load.")
    translator = ExportedTranslator(file, max_memory)
    translator.use_backend(backend)
    return translator


class ExportedTranslator:
    """Translates pictures by an exported model. Make one with `load_exported`.

    Attributes:
        card: what the file says of itself.
        direction: `a2b` or `b2a`.
        notes: what a person should know of the model.
        backend: what runs it, once `use_backend` has chosen.
    """

    progress: Callable[[int, int], None] | None = None  # never told: it knows no parts of a picture

    def __init__(self, path: Path, max_memory: int | str | None = None):
        self.card: Card = read_card(path)
        self.direction: str = self.card.direction
        self.notes: tuple[str, ...] = ()
        self.backend = ""
        self._path = path
        self._most = None if max_memory is None else memory.parse_bytes(max_memory)
        self._inputs = Inputs(self.card)
        self._run: Run | None = None
        self._bytes: float | None = None  # that a pixel takes
        self._largest = 0  # pixels of the largest picture so far
        self._at_start = 0  # bytes that the process had taken before the first
        if self.card.text is not None:
            raise ModelError(
                f"{path} is asked with a caption, and its reader of captions isn't in an ONNX file; use the "
                ".safetensors model that it was exported from."
            )

    def __repr__(self) -> str:
        return f"ExportedTranslator({self.card.source}→{self.card.target}, {self.card.architecture})"

    def __call__(
        self, image: Kind, label: str | None = None, *, mask: object = None, seed: int | None = None
    ) -> Kind:
        """Translate one picture; see `Translator.__call__`, from which only tensors are missing."""
        codes = self.codes(Sampling(seed=seed))
        return cast(Kind, self._translate(image, self.condition(label), codes, mask))

    def samples(
        self,
        image: Kind,
        count: int,
        *,
        seed: int = 0,
        truncation: float | None = None,
        interpolate: bool = False,
        label: str | None = None,
    ) -> list[Kind]:
        """Several of the many outputs of a model with a latent code; see `Translator.samples`."""
        codes = self.codes(Sampling(count, seed, truncation, interpolate))
        assert codes is not None
        condition = self.condition(label)
        return [cast(Kind, self._translate(image, condition, code[None])) for code in codes]

    def use_backend(self, name: str, pictures: int = 1, side: int = USUAL_SIDE) -> str | None:
        """Run the model by `onnx`, `openvino` or `auto`, the first of them that is installed.

        Raises:
            UsageError: it isn't installed, or runs no exported models.
            ModelError: it can't run this one.
        """
        if name not in ("auto", *BACKENDS):
            raise UsageError(
                f"the backend {name} doesn't run ONNX files as they are; choose {' or '.join(BACKENDS)}, or "
                "use the .safetensors model that it was exported from."
            )
        installed = [one for one in BACKENDS if RUNTIMES[one].installed]
        if not installed or name not in ("auto", *installed):
            missing = RUNTIMES["onnx" if name == "auto" else name]
            raise UsageError(
                f"an exported model needs {missing.package}, which isn't installed: "
                f"pip install 'image-translate[{missing.extra}]'"
            )
        self.backend = installed[0] if name == "auto" else name
        try:
            self._run = RUNTIMES[self.backend].open(self._path, input_names(self.card), _threads())
            self._at_start, self._largest, self._bytes = memory.taken_memory(), 0, None
        except Exception as error:  # each runtime has exceptions of its own
            raise ModelError(f"{self._path}: {self.backend} can't run it: {first_line(error)}") from error
        return None

    def use_int8(self, pictures: Sequence[Path], backend: str = "auto") -> str:
        """Refused: the calibration is measured against the network itself.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "int8 is measured against the network itself, which an exported model hasn't; use the "
            ".safetensors model that it was exported from."
        )

    def condition(
        self, label: str | Sequence[str] | None = None, text: str | Sequence[str] | None = None
    ) -> np.ndarray | None:
        """The labels' numbers, int64 `(1,)` or `(N,)`; None for a model without labels.

        Raises:
            UsageError: see `label_numbers`.
        """
        return label_numbers(self.card, label, text)

    def codes(self, sampling: Sampling) -> np.ndarray | None:
        """The codes that are asked for; see `Sampling.codes_for`."""
        return sampling.codes_for(self.card)

    def remarks(self, text: str) -> tuple[str, ...]:
        """Nothing: no model of this kind reads captions."""
        return ()

    def prepare(self, pixels: np.ndarray, name: str = "", hole: np.ndarray | None = None) -> np.ndarray:
        """What this model takes of a picture; see `Inputs.prepare`."""
        return self._inputs.prepare(pixels, name, hole)

    def pixels(
        self,
        pixels: np.ndarray,
        condition: np.ndarray | None,
        code: np.ndarray | None,
        name: str = "",
        hole: np.ndarray | None = None,
    ) -> np.ndarray:
        """uint8 or uint16 `(H, W, 1 or 3)` to `(scale · H, scale · W, C)`; see `Translator.pixels`."""
        out = self.arrays(self.prepare(pixels, name, hole), condition, code)
        require_finite(out, name)
        return images.to_pixels(out, bits=8 * pixels.itemsize)

    def arrays(self, x: np.ndarray, condition: np.ndarray | None, code: np.ndarray | None) -> np.ndarray:
        """The network on float32 `(B, C, H, W)` in [-1, 1], of any size; see `Translator.run`.

        Raises:
            UsageError: other than one label, or one for each picture.
            TranslateError: too little memory for pictures of this size.
            ModelError: the runtime can't do it.
        """
        height, width = x.shape[2:]
        given = [self._inputs.to_range(pad_array(x, *self._inputs.padded(height, width)))]
        condition = self.condition() if condition is None else condition
        code = self.codes(Sampling()) if code is None else code
        if condition is not None and len(condition) not in (1, len(x)):
            raise UsageError(
                f"these are {len(condition)} labels for {len(x)} pictures; give one, or one each."
            )
        told = [each for each in (condition, code) if each is not None]
        given += [np.ascontiguousarray(np.broadcast_to(each, (len(x), *each.shape[1:]))) for each in told]
        self._require_room(given)
        scale = self.card.scale
        return self._inputs.from_range(self._answer(given)[..., : scale * height, : scale * width])

    def _translate(
        self, image: object, condition: np.ndarray | None, code: np.ndarray | None, mask: object = None
    ) -> Image.Image | np.ndarray:
        if not isinstance(image, str | Path | Image.Image | np.ndarray):
            raise UsageError(
                f"a {type(image).__name__} is no picture; give a path, PIL image or uint8 array."
            )

        def pixels(of: np.ndarray, name: str, hole: np.ndarray | None) -> np.ndarray:
            return self.pixels(of, condition, code, name, hole)

        return translated(image, pixels, None if mask is None else holes.of(mask), fills=self.card.mask)

    def _answer(self, given: list[np.ndarray]) -> np.ndarray:
        if self._run is None:
            self.use_backend("auto")
        assert self._run is not None
        try:
            return self._run(given)
        except Exception as error:
            if ran_out_of_memory(error):
                raise self._too_large(given[0]) from error
            raise ModelError(f"{self._path}: {self.backend} can't run it: {first_line(error)}") from error

    def _require_room(self, given: list[np.ndarray]) -> None:
        """Refuse what won't fit, for a runtime that is given too much is killed with all that was made.

        What a pixel takes is measured by what the largest picture so far has left taken, or a small part of
        this one where it is the first: these runtimes keep their memory for the next picture.
        """
        batch, _, height, width = given[0].shape
        pixels, largest = batch * height * width, self._largest
        self._largest = max(largest, pixels)
        if pixels <= _SMALL and self._most is None:
            return
        if self._bytes is None and not largest:
            side = [min(size, self._inputs.padded(_PROBE, _PROBE)[0]) for size in (height, width)]
            self._answer([given[0][:1, :, : side[0], : side[1]], *(told[:1] for told in given[1:])])
            largest = side[0] * side[1]
        held = max(0, memory.taken_memory() - self._at_start)  # which it uses again
        if largest:
            self._bytes = max(self._bytes or 0.0, held / largest)
        room = memory.free_memory() * memory.SHARE
        if self._most is not None:
            room = min(room, self._most - memory.taken_memory())
        if (self._bytes or 0.0) * pixels - held > room:
            self._largest = largest
            raise self._too_large(given[0])

    def _too_large(self, x: np.ndarray) -> TranslateError:
        batch, _, height, width = x.shape
        return TranslateError(
            f"not enough memory for {f'{batch} × ' if batch > 1 else ''}{width}×{height} pixels, which an "
            "exported model computes as a whole; use the .safetensors model that it was exported from, with "
            "--tile exact."
        )


def _threads() -> int:
    """0 leaves it to the runtime."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() else 0
