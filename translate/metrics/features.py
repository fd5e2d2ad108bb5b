"""What a frozen network sees in pictures, for distances between sets of pictures and between pairs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from translate.errors import UsageError
from translate.metrics.evaluate import Score, mean_score
from translate.networks.backbones import EfficientNetLite

# Another than the discriminators' usual one: nobody should be judged by what he has learnt to please.
BACKBONE, SIDE = "efficientnet-lite2", 260  # pixels, that it was trained on
_TINY = 1e-10


def unlike(seen: str, theirs: str) -> str:
    """What to say of numbers on features that are not those of `theirs`, the papers'."""
    return "" if seen.startswith("Inception") else f"; not comparable with {theirs} on Inception"


class PictureFeatures:
    """EfficientNet-Lite2, trained on ImageNet, as an onlooker.

    Args:
        device: where it computes; what it returns is on the CPU.

    Attributes:
        protocol: the network and how pictures are shown to it, in words.

    Raises:
        UsageError: its package, of the extra `features`, is missing.
    """

    protocol = f"EfficientNet-Lite2 (ImageNet) at {SIDE}x{SIDE} pixels"

    def __init__(self, device: torch.device | str = "cpu"):
        self.device = torch.device(device)
        self.network = EfficientNetLite(BACKBONE).to(self.device)

    @torch.no_grad()
    def pooled(self, pictures: Tensor) -> Tensor:
        """One vector a picture: float (B, 1 or 3, H, W) in [-1, 1] to float32 (B, 1280)."""
        return self.network.pooled(self._shown(pictures)).float().cpu()

    @torch.no_grad()
    def class_probabilities(self, features: Tensor) -> Tensor:
        """What the network takes pictures for, from what `pooled` gave: (B, 1280) to float32 (B, 1000)."""
        return self.network.classifier(features.to(self.device)).softmax(1).float().cpu()

    @torch.no_grad()
    def distance(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """How unlike each output and its truth are: float (B, C, H, W) in [-1, 1] twice to float32 (B,).

        Zhang et al. 2018, "The unreasonable effectiveness of deep features as a perceptual metric", eq. 1
        with w = 1: at four scales the squared difference of features with unit length, mean over places, sum
        over channels and scales. Their weights were fitted to human judgements on other networks, so this is
        not LPIPS and its numbers are not comparable with LPIPS.

        Raises:
            UsageError: shapes that differ.
        """
        if outputs.shape != targets.shape:
            raise UsageError(
                f"outputs are {tuple(outputs.shape)} and their truths {tuple(targets.shape)}: only pictures "
                "of one shape can be compared."
            )
        scales = zip(*(self.network(self._shown(pictures)) for pictures in (outputs, targets)), strict=True)
        distances = [(_unit(x) - _unit(y)).square().sum(1).mean((1, 2)) for x, y in scales]
        return torch.stack(distances).sum(0).float().cpu()

    def distance_score(self, parts: list[Tensor]) -> Score:
        """The score over values of `distance`."""
        return mean_score(
            parts,
            f"LPIPS-like: squared difference of unit features of {self.protocol}, unweighted; not LPIPS",
        )

    def _shown(self, pictures: Tensor) -> Tensor:
        if pictures.ndim != 4 or pictures.shape[1] not in (1, 3):
            raise UsageError(
                f"features are of pictures (B, 1 or 3, H, W), these are {tuple(pictures.shape)}."
            )
        shown = pictures.detach().to(self.device).float().clamp(-1, 1).expand(-1, 3, -1, -1)
        return F.interpolate(shown, (SIDE, SIDE), mode="bilinear", antialias=True)


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(1, keepdim=True).sqrt() + _TINY)
