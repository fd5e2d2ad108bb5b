"""The same patch discriminator on several sizes of a picture."""

from __future__ import annotations

from torch import Tensor, nn, stack
from torch.nn import functional as F

from translate.networks.layers import Discriminator
from translate.networks.patchgan import PatchGAN


class MultiScale(Discriminator):
    """PatchGANs on the picture, its half, its quarter …, each with weights of its own.

    Wang et al. 2018, "High-resolution image synthesis and semantic manipulation with conditional GANs"
    (pix2pixHD), §3.2: three of them, on pictures halved by average-pooling (3×3, as in the authors' code).
    With 3 layers, width 64, instance norm and RGB: 3 × 2.76 M = 8.29 M parameters.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to `scales` logits (B, 1, H', W'), finest first.

    Args:
        scales: how many sizes, at least 1.
        layers: of each PatchGAN; this and all other arguments are those of `patchgan.PatchGAN`. Each one's
            attention is at that part of the picture that it sees itself.
    """

    def __init__(
        self,
        in_channels: int = 3,
        *,
        scales: int = 3,
        layers: int = 3,
        width: int = 64,
        norm: str = "instance",
        spectral: bool = False,
        attention: bool | int = False,
        minibatch: str = "none",
        conditioning: str = "none",
        classes: int = 0,
        embedding: int = 0,
    ):
        super().__init__()
        if scales < 1:
            raise ValueError(f"a multi-scale discriminator needs at least 1 scale, not {scales}")
        self.scales = nn.ModuleList(
            PatchGAN(
                in_channels,
                layers=layers,
                width=width,
                norm=norm,
                spectral=spectral,
                attention=attention,
                minibatch=minibatch,
                conditioning=conditioning,
                classes=classes,
                embedding=embedding,
            )
            for _ in range(scales)
        )
        # Halving rounds up.
        self.minimum_size = (3 * 2**layers - 1) * 2 ** (scales - 1) + 1

    def forward(self, image: Tensor, condition: Tensor | None = None) -> list[Tensor]:
        """Logits (B, 1, H', W') of every scale; the condition as for `patchgan.PatchGAN`."""
        return [judge(size, condition) for judge, size in zip(self.scales, self._sizes(image), strict=True)]

    def features(self, image: Tensor, condition: Tensor | None = None) -> list[list[Tensor]]:
        """Activations after every non-linearity of every scale, finest first, the logits left out."""
        return [
            judge.features(size, condition)[0]
            for judge, size in zip(self._judges(), self._sizes(image), strict=True)
        ]

    def classify(self, image: Tensor) -> Tensor:
        """Logits of the classes, the mean over scales, (B, classes).

        Raises:
            ValueError: the conditioning isn't `classifier`.
        """
        sizes = self._sizes(image)
        return stack([judge.classify(size) for judge, size in zip(self._judges(), sizes, strict=True)]).mean(
            0
        )

    def _judges(self) -> list[PatchGAN]:
        return [judge for judge in self.scales if isinstance(judge, PatchGAN)]

    def _sizes(self, image: Tensor) -> list[Tensor]:
        sizes = [image]
        for _ in range(len(self.scales) - 1):
            sizes.append(F.avg_pool2d(sizes[-1], 3, stride=2, padding=1, count_include_pad=False))
        return sizes
