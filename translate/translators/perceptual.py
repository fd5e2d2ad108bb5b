"""The distance of an output to its truth, as a frozen network sees them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from translate.losses.perceptual import perceptual
from translate.networks.perceptual import PerceptualFeatures


class PerceptualDistance(nn.Module):
    """Features of both, and `losses.perceptual` between them, unweighted.

    No graph is kept of the truth's features, and none leads to the backbone's weights.
    """

    def __init__(self, features: PerceptualFeatures):
        super().__init__()
        self.features = features

    def forward(self, truth: Tensor, output: Tensor) -> Tensor:
        """A scalar, from pictures float32 (B, 1 or 3, H, W) in [-1, 1]."""
        with torch.no_grad():
            of_truth = self.features(truth)
        return perceptual(of_truth, self.features(output), self.features.weights)
