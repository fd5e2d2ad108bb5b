"""What Inception-v3 sees: the network of the papers' FID, KID and Inception Score."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from translate.errors import UsageError
from translate.networks.pinned import Pinned, obtain

SIDE = 299  # pixels, that it was trained on
WEIGHTS = Pinned(
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    "6726825d",
)


class InceptionFeatures:
    """Inception-v3 of 2015-12-05, TensorFlow's, in torch-fidelity's translation, as an onlooker.

    Salimans et al. 2016, Heusel et al. 2017. Pictures are rounded to 8 bits and enlarged as TensorFlow 1
    does; it is what papers measure with, if they say no other. Its interface is that of
    `features.PictureFeatures`.

    Args:
        device: where it computes; what it returns is on the CPU.
        folder: where its weights lie, 95 MB; by default torch's hub cache, into which they are downloaded.
        progress: a bar on stderr while downloading.

    Attributes:
        protocol: the network and how pictures are shown to it, in words.

    Raises:
        UsageError: its package, of the extra `inception`, is missing.
        ModelError: the weights can't be had, or aren't the right ones.
        OutputError: they can't be stored.
    """

    protocol = f"Inception-v3 (2015-12-05) at {SIDE}x{SIDE} pixels"

    def __init__(
        self, device: torch.device | str = "cpu", folder: Path | None = None, *, progress: bool = False
    ):
        try:
            from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
        except ImportError as error:
            raise UsageError(
                "Inception-v3 needs a package: pip install 'image-translate[inception]'"
            ) from error
        path = obtain(WEIGHTS, folder, progress=progress)
        self.device = torch.device(device)
        network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], str(path))
        self.network = network.to(self.device).eval().requires_grad_(False)

    @torch.no_grad()
    def pooled(self, pictures: Tensor) -> Tensor:
        """One vector a picture: float (B, 1 or 3, H, W) in [-1, 1] to float32 (B, 2048)."""
        if pictures.ndim != 4 or pictures.shape[1] not in (1, 3):
            raise UsageError(
                f"features are of pictures (B, 1 or 3, H, W), these are {tuple(pictures.shape)}."
            )
        levels = pictures.detach().to(self.device).float().add(1).mul(127.5).round().clamp(0, 255)
        (found,) = self.network(levels.to(torch.uint8).expand(-1, 3, -1, -1))
        return found.float().cpu()

    @torch.no_grad()
    def class_probabilities(self, features: Tensor) -> Tensor:
        """What the network takes pictures for, from what `pooled` gave: (B, 2048) to float32 (B, 1008).

        Without the bias of its last layer, as in the code of the Inception Score.
        """
        weight = self.network.fc.weight
        return (features.to(self.device) @ weight.T).softmax(1).float().cpu()
