"""A trained translator in use: picture in, picture out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from translate import images
from translate.devices import choose_device
from translate.errors import ModelError, TranslateError, UsageError
from translate.inference import holes
from translate.inference.backends import Backends
from translate.inference.conditions import Asking
from translate.inference.inputs import Inputs
from translate.inference.latent import Sampling
from translate.inference.padding import pad, reflected
from translate.inference.pictures import checked_tensor, require_finite, translated
from translate.inference.saving import Saving
from translate.inference.sizes import Sizes, Tile
from translate.inference.streaming.memory import is_out_of_memory
from translate.inference.streaming.program import Progress
from translate.weights import model_file
from translate.weights.card import Card, NormStatistics
from translate.weights.locate import locate

Kind = TypeVar("Kind", str, Path, Image.Image, np.ndarray, Tensor)
Mask = str | Path | Image.Image | np.ndarray | Tensor


def load(
    path: str | Path,
    direction: str | None = None,
    device: str = "auto",
    norm_statistics: NormStatistics | None = None,
    tile: Tile = "auto",
    max_memory: int | str | None = None,
) -> Translator:
    """Load a trained translator.

    Args:
        path: a run folder (`checkpoints/demo`), the name of a run under `checkpoints` or of a model that
            comes with the project, a model file, another tool's weights, or `hf:OWNER/NAME[@REVISION]` on the
            Hugging Face Hub.
        direction: `a2b` or `b2a`, the other generator of a two-way run; None is a run's a→b, or whatever
            the model file given does.
        device: `auto` (CUDA if there is any), `cpu`, `cuda` or `cuda:N`.
        norm_statistics: see `model_file.load`.
        tile, max_memory: how large pictures are computed, see `sizes.Sizes`.

    Raises:
        ModelError: no model there, a damaged one, or none in that direction.
        UsageError: no such direction or device, statistics that the model hasn't, or no such `tile`.
    """
    target = choose_device(device)
    model = model_file.load(locate(path, direction), norm_statistics)
    return Translator(model, target, tile, max_memory)


class Translator(Saving, Backends):
    """Translates pictures of one domain into the other. Make one with `load`.

    Attributes:
        card: what the model file says of itself.
        direction: `a2b` or `b2a`.
        device: where the network is.
        notes: what a person should know of another tool's weights, one sentence each.
        progress: told (done, total) while a picture is computed in parts; an exception that it raises ends
            the work on that picture.
    """

    progress: Progress | None = None

    def __init__(
        self,
        model: model_file.Model,
        device: torch.device,
        tile: Tile = "auto",
        max_memory: int | str | None = None,
    ):
        self.card: Card = model.card
        self.direction: str = model.card.direction
        self.device = device
        self.notes = model.notes
        self.weights = model.weights
        self._inputs = Inputs(model.card)
        self._network = model.network.to(device)
        if device.type == "cpu" and getattr(model.network, "channels_last", False):
            # Convolutions follow their weights: pictures need not be brought into this format.
            self._network.to(memory_format=torch.channels_last)
        self._model = model
        self.tile: Tile = tile
        self._sizes = Sizes(self._network, device, model.card.size_multiple, tile, max_memory)
        encoder = None if model.text_encoder is None else model.text_encoder.to(device)
        self._asking = Asking(model.card, encoder, device)

    @classmethod
    def load(
        cls,
        path: str | Path,
        direction: str | None = None,
        device: str = "auto",
        norm_statistics: NormStatistics | None = None,
        tile: Tile = "auto",
        max_memory: int | str | None = None,
    ) -> Translator:
        """See `translate.load`."""
        return load(path, direction, device, norm_statistics, tile, max_memory)

    @classmethod
    def from_pretrained(
        cls,
        repo: str | Path,
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        direction: str | None = None,
        device: str = "auto",
        norm_statistics: NormStatistics | None = None,
    ) -> Translator:
        """A model from the Hugging Face Hub, or from a folder of what lies there.

        Only safetensors files are fetched, by `huggingface_hub`, into its cache.

        Args:
            repo: `OWNER/NAME`, also with `hf:` before or `@REVISION` after it, or a folder that exists.
            revision: a branch, tag or commit.
            token, cache_dir, local_files_only: as `huggingface_hub` has them.
            direction, device, norm_statistics: see `load`.

        Raises:
            UsageError: `huggingface_hub` isn't installed, no such name; and what `load` raises.
            ModelError: no such repository or revision, no way to it; and what `load` raises.
        """
        if not Path(repo).is_dir():
            from translate.weights.hub.transfer import fetch_named

            repo = fetch_named(str(repo), revision, token, cache_dir, local_files_only)
        return load(repo, direction, device, norm_statistics)

    def _model_input(self, pixels: np.ndarray) -> np.ndarray:
        """float32 (1, C, H, W) as the network takes it, of pixels of any size."""
        x = torch.from_numpy(self.prepare(pixels))
        return self._inputs.to_range(pad(x, *self._inputs.padded(*x.shape[2:]))).numpy()

    def __repr__(self) -> str:
        return f"Translator({self.card.source}→{self.card.target}, {self.card.architecture}, {self.device})"

    def __call__(
        self,
        image: Kind,
        label: str | Sequence[str] | None = None,
        text: str | Sequence[str] | None = None,
        *,
        mask: Mask | None = None,
        seed: int | None = None,
    ) -> Kind:
        """Translate one picture, or a batch of tensors; the same kind out, and `card.scale` times the size.

        Args:
            image: one of
                - the path of a picture file: gives a PIL image;
                - a PIL image of any mode: gives one of mode RGB (or L), upright;
                - uint8 `(H, W, 3)` or `(H, W)` RGB or grey: gives uint8 `(H, W, C)`, or `(H, W)` where
                  both are grey;
                - float `(N, C, H, W)` in [-1, 1]: gives the same dtype on the same device.
                For a model of maps (`card.classes`) pictures have the classes' colours, and tensors one
                plane for each class.
            label: what to translate into, of a model that has labels (`card.labels`); of a tensor also one
                for each of its pictures.
            text: a caption of what to translate into, of a model that asks for one (`card.text`); of a
                tensor also one for each of its pictures.
            mask: of a model that fills holes (`card.mask`), where they are: white in a file, PIL image or
                uint8 array, True in a bool array `(H, W)`, or a tensor `(N, 1, H, W)`, see `holes.of`; of the
                picture's size. Else the transparent pixels of a file or PIL image. All the rest of an 8-bit
                picture stays bit for bit.
            seed: of a model that makes many outputs (`card.latent`), the first of this seed's; else that of
                the mean code. See `samples`.

        Raises:
            BadImage: a file or PIL image that can't be read; a map with a colour that is no class's; a
                picture without holes, or with a mask of another size, for a model that fills them.
            UsageError: no kind of picture, or a tensor or array of the wrong shape, type or range; a label, a
                text, a mask or a seed that the model doesn't know, doesn't take or can't do without.
            ModelError: the model's channels don't fit.
            TranslateError: the output is not finite, or there was too little memory.
        """
        codes = self.codes(Sampling(seed=seed))
        return cast(Kind, self._translate(image, self.condition(label, text), codes, mask))

    def samples(
        self,
        image: Kind,
        count: int,
        *,
        seed: int = 0,
        truncation: float | None = None,
        interpolate: bool = False,
        label: str | Sequence[str] | None = None,
        text: str | Sequence[str] | None = None,
    ) -> list[Kind]:
        """Several of the many outputs of a model with a latent code (`card.latent`).

        Each is of the kind that `__call__` gives. The same seed gives the same outputs; the i-th is the same
        however many are asked for.

        Args:
            image, label, text: as for `__call__`.
            count, seed, truncation, interpolate: see `Sampling`.

        Raises:
            UsageError: the model makes one output, or numbers out of range; and what `__call__` raises.
        """
        codes = self.codes(Sampling(count, seed, truncation, interpolate))
        assert codes is not None
        condition = self.condition(label, text)
        return [cast(Kind, self._translate(image, condition, code[None])) for code in codes]

    def codes(self, sampling: Sampling) -> Tensor | None:
        """The codes that are asked for, float32 `(N, card.latent)`; None for a model that takes none.

        Raises:
            UsageError: something is asked for, and the model makes one output for a picture.
        """
        codes = sampling.codes_for(self.card)
        return None if codes is None else torch.from_numpy(codes)

    def condition(
        self, label: str | Sequence[str] | None = None, text: str | Sequence[str] | None = None
    ) -> Tensor | None:
        """What the network is called with besides pictures; see `Asking.condition`."""
        return self._asking.condition(label, text)

    def remarks(self, text: str) -> tuple[str, ...]:
        """What a person should know of how a caption is read; see `Asking.remarks`."""
        return self._asking.remarks(text)

    def _translate(
        self,
        image: object,
        condition: Tensor | None,
        code: Tensor | None,
        mask: Mask | None = None,
    ) -> Image.Image | np.ndarray | Tensor:
        hole = None if mask is None else holes.of(_as_array(mask) if isinstance(mask, Tensor) else mask)
        if isinstance(image, str | Path | Image.Image | np.ndarray):

            def pixels(of: np.ndarray, name: str, hole: np.ndarray | None) -> np.ndarray:
                return self.pixels(of, condition, code, name, hole)

            return translated(image, pixels, hole, fills=self.card.mask)
        if isinstance(image, Tensor):
            out = self.run(self._with_mask(checked_tensor(image), hole), condition, code)
            require_finite(out)
            # A copy, because what inference mode made can't take part in anybody's backward pass.
            return out.to(image.device, image.dtype).clone()
        raise UsageError(
            f"a {type(image).__name__} is no picture; give a path, PIL image, uint8 array or float tensor."
        )

    def pixels(
        self,
        pixels: np.ndarray,
        condition: Tensor | None,
        code: Tensor | None,
        name: str = "",
        hole: np.ndarray | None = None,
    ) -> np.ndarray:
        """uint8 or uint16 `(H, W, 1 or 3)` to `(scale · H, scale · W, C)`, a large picture band by band.

        A large output is in a temporary file (`images.empty`).

        Args:
            condition, code: see `run`.
            name, hole: see `prepare`.

        Raises:
            ModelError, BadImage: see `prepare`.
            UsageError, TranslateError: see `__call__`.
        """
        shape = (1, self.card.channels[0] + self.card.mask, *self._inputs.padded(*pixels.shape[:2]))
        told, coded = self._asked(1, condition, code)
        bits = 8 * pixels.itemsize
        if not self._sizes.streams(shape, told, coded):
            out = self.run(torch.from_numpy(self.prepare(pixels, name, hole)), condition, code)
            require_finite(out, name)
            return images.to_pixels(out, bits=bits)
        self._inputs.require_hole(hole, pixels.shape[:2], name)
        order = reflected(len(pixels), shape[2])

        def picture(start: int, stop: int) -> Tensor:
            wanted = order[start:stop]
            seen = None if hole is None else hole[:, :, wanted]
            band = torch.from_numpy(self.prepare(pixels[wanted], name, seen)).to(self.device)
            return self._inputs.to_range(pad(band, stop - start, shape[3]))

        height, width = (self.card.scale * n for n in pixels.shape[:2])
        output = images.empty((height, width, self.card.channels[1]), pixels.dtype)
        with torch.inference_mode():
            for rows, band in self._sizes.bands(shape, picture, told, coded, self.progress):
                wanted = self._inputs.from_range(band[:, :, : max(0, height - rows.start), :width])
                require_finite(wanted, name)
                if wanted.shape[2]:
                    output[rows.start : rows.stop] = images.to_pixels(wanted, bits=bits)
        return output

    def prepare(self, pixels: np.ndarray, name: str = "", hole: np.ndarray | None = None) -> np.ndarray:
        """What this model takes of a picture; see `Inputs.prepare`."""
        return self._inputs.prepare(pixels, name, hole)

    def arrays(self, x: np.ndarray, condition: Tensor | None, code: Tensor | None) -> np.ndarray:
        """As `run`, from array to array."""
        return self.run(torch.from_numpy(x), condition, code).cpu().numpy()

    def run(self, x: Tensor, condition: Tensor | None = None, code: Tensor | None = None) -> Tensor:
        """The network on float `(B, C, H, W)` in [-1, 1] as `prepare` gives, any size: float32 on `device`.

        The output is `(B, C', scale · H, scale · W)`, with `card.scale`.

        Every picture's result is its own, whatever its neighbours in the batch. Not checked for NaN.

        Args:
            condition: what `condition` gave, for all pictures or one for each.
            code: float `(1, card.latent)` for all pictures, or one for each; of a model that takes one, else
                the mean code.
        """
        height, width = x.shape[-2:]
        channels = self.card.channels[0] + self.card.mask
        if x.shape[1] != channels:
            which = ", the mask among them" if self.card.mask else ""
            raise ModelError(f"the model takes {channels} channels{which}, this is {x.shape[1]}.")
        told, coded = self._asked(len(x), condition, code)
        try:
            with torch.inference_mode():
                x = self._inputs.to_range(
                    pad(x.to(self.device, torch.float32), *self._inputs.padded(height, width))
                )
                y = self._inputs.from_range(self._sizes.run(x, told, coded, self.progress, self._engine))
                return y[..., : self.card.scale * height, : self.card.scale * width]
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                raise TranslateError(
                    f"not enough memory on {self.device} for {len(x)} × {width}×{height} pixels; "
                    "use smaller pictures or batches, or leave tile at auto, or set it to exact."
                ) from error
            raise

    def _with_mask(self, x: Tensor, hole: np.ndarray | None) -> Tensor:
        """Pictures (N, C, H, W), and behind them their holes where the model is told of such."""
        plane = self._inputs.mask_plane(hole, len(x), x.shape[-2:])
        return x if plane is None else torch.cat([x, torch.from_numpy(plane.copy()).to(x.device, x.dtype)], 1)

    def _asked(
        self, count: int, condition: Tensor | None, code: Tensor | None
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
        """What the network is called with besides so many pictures."""
        condition = self.condition() if condition is None else condition
        code = self.codes(Sampling()) if code is None else code
        if condition is not None and len(condition) not in (1, count):
            raise UsageError(
                f"these are {len(condition)} {self._asking.kind} for {count} pictures; give one, or one for "
                "each."
            )
        told = () if condition is None else (_for_each(condition.to(self.device), count),)
        return told, {} if code is None else {"latent": code.to(self.device).expand(count, -1)}


def _as_array(tensor: Tensor) -> np.ndarray:
    whole = tensor.detach().cpu()
    return (whole.float() if whole.is_floating_point() else whole).numpy()


def _for_each(condition: Tensor, count: int) -> Tensor:
    return condition.expand(count, *condition.shape[1:])
