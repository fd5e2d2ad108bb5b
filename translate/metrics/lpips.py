"""LPIPS: the distance between two pictures that was fitted to human judgements."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from translate.errors import ModelError, UsageError
from translate.metrics.evaluate import Score, mean_score
from translate.networks.perceptual import IMAGENET_MEAN, IMAGENET_STD
from translate.networks.pinned import Pinned, obtain

LEAST = 31  # pixels a side, of which AlexNet's last layers see one
_ENDS = (2, 5, 8, 10, 12)  # behind each of its ReLUs


class LPIPS:
    """LPIPS 0.1 on AlexNet, Zhang et al. 2018, eq. 1: lower is more alike.

    d = Σ_l mean over places of Σ_c w_lc (ŷ_lc − ŷ0_lc)², with features of unit length in each place and
    weights w ≥ 0 that were fitted to what people said. The network is torchvision's, trained on ImageNet; the
    weights w come with torchmetrics.

    Args:
        device: where it computes; what it returns is on the CPU.
        folder: where AlexNet's weights lie, 244 MB; by default torch's hub cache, into which they are
            downloaded.
        progress: a bar on stderr while downloading.

    Raises:
        ModelError: the weights can't be had, or aren't the right ones.
        OutputError: they can't be stored.
    """

    protocol = "LPIPS 0.1 on AlexNet, mean over pictures"

    def __init__(
        self, device: torch.device | str = "cpu", folder: Path | None = None, *, progress: bool = False
    ):
        from torchvision.models import alexnet

        stored = torch.load(
            obtain(weights_of_alexnet(), folder, progress=progress), map_location="cpu", weights_only=True
        )
        network = alexnet()
        network.load_state_dict(stored)
        self.device = torch.device(device)
        layers = network.features.to(self.device).eval().requires_grad_(False)
        self.stages = [layers[start:end] for start, end in pairwise((0, *_ENDS))]
        self.weights = [weight.to(self.device) for weight in _fitted()]

    @torch.no_grad()
    def distance(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Of each output to its truth: float (B, 1 or 3, H, W) in [-1, 1] twice to float32 (B,).

        Raises:
            UsageError: shapes that differ or can't be measured.
        """
        if outputs.shape != targets.shape or outputs.ndim != 4 or outputs.shape[1] not in (1, 3):
            raise UsageError(
                f"LPIPS compares pictures (B, 1 or 3, H, W) of one shape; these are {tuple(outputs.shape)} "
                f"and {tuple(targets.shape)}."
            )
        if min(outputs.shape[-2:]) < LEAST:
            raise UsageError(
                f"pictures of {outputs.shape[-1]}×{outputs.shape[-2]} pixels are too small for LPIPS; "
                f"{LEAST}×{LEAST} is the least."
            )
        x, y = (self._shown(pictures) for pictures in (outputs, targets))
        total = torch.zeros(len(outputs), device=self.device)
        for stage, weight in zip(self.stages, self.weights, strict=True):
            x, y = stage(x), stage(y)
            total += (weight * (F.normalize(x) - F.normalize(y)).square()).sum(1).mean((1, 2))
        return total.float().cpu()

    def score(self, parts: list[Tensor]) -> Score:
        """The score over values of `distance`."""
        return mean_score(parts, self.protocol)

    def _shown(self, pictures: Tensor) -> Tensor:
        shown = pictures.detach().to(self.device).float().clamp(-1, 1).expand(-1, 3, -1, -1)
        mean, std = (shown.new_tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
        return (shown - (2 * mean - 1)) / (2 * std)


def weights_of_alexnet() -> Pinned:
    """Torchvision's own: the name of the file holds the first digits of its checksum."""
    from torchvision.models import AlexNet_Weights

    url = AlexNet_Weights.IMAGENET1K_V1.url
    return Pinned(url, url.rpartition("-")[2].removesuffix(".pth"), size=244_408_911)


def _fitted() -> list[Tensor]:
    """w of each layer, (1, channels, 1, 1)."""
    found = find_spec("torchmetrics")
    folder = Path(found.origin).parent if found and found.origin else Path()
    path = folder / "functional" / "image" / "lpips_models" / "alex.pth"
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        return [stored[f"lin{layer}.model.1.weight"] for layer in range(len(_ENDS))]
    except (OSError, KeyError) as error:
        raise ModelError(
            f"{path}, the fitted weights of LPIPS, is missing; reinstall torchmetrics"
        ) from error
