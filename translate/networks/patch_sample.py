"""The projection head of PatchNCE: features at random places, each as a unit vector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PatchSampler(nn.Module):
    """Take features at random places of every layer and project them by an MLP of its own.

    F (or H) of CUT: Park et al. 2020, "Contrastive learning for unpaired image-to-image translation", §3.2,
    a two-layer MLP of 256 units for each layer. Places are the same for all pictures of a batch.

    Args:
        channels: of the features of each layer, as `ResNet.encoded_channels` says.
        width: the length of the vectors.
        patches: how many places are taken; all, where a layer has fewer.

    Raises:
        ValueError: no layers, or in use another number of them.
    """

    def __init__(self, channels: Sequence[int], *, width: int = 256, patches: int = 256):
        super().__init__()
        if not channels:
            raise ValueError("a patch sampler needs the channels of at least one layer")
        self.patches = patches
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(count, width), nn.ReLU(inplace=True), nn.Linear(width, width))
            for count in channels
        )

    def forward(
        self, features: Sequence[Tensor], places: Sequence[Tensor] | None = None
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Unit vectors (B, P, width) of every layer, and the places (P,) that they are from.

        Args:
            features: (B, C, H, W) for each layer.
            places: int64 (P,) for each layer, row · W + column: those of an earlier call, so that two
                pictures are compared at the same ones. Drawn from torch's global generator where not given.
        """
        if len(features) != len(self.heads):
            raise ValueError(f"features of {len(self.heads)} layers were expected, not of {len(features)}")
        if places is None:
            places = [self._draw(feature) for feature in features]
        vectors = [
            F.normalize(head(feature.flatten(2)[:, :, place].transpose(1, 2)), dim=-1, eps=1e-7)
            for head, feature, place in zip(self.heads, features, places, strict=True)
        ]
        return vectors, list(places)

    def _draw(self, feature: Tensor) -> Tensor:
        count = feature.shape[2] * feature.shape[3]
        return torch.randperm(count, device=feature.device)[: self.patches]
