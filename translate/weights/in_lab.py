"""Networks that see lightness and add colours, used from picture to picture."""

from __future__ import annotations

from torch import Tensor

from translate.lab import from_lab, to_lab
from translate.networks.layers import Generator


class InLab(Generator):
    """A network from lightness to colours: float32 RGB (B, 3, H, W) in [-1, 1] to the same, lightness kept.

    Zhang et al. 2016, "Colorful image colorization", §2; L / 50 − 1 goes in and (a, b) / 110 comes out, as in
    pytorch-CycleGAN-and-pix2pix. Colours that no screen shows are clipped.

    Args:
        network: (B, 1, H, W) to (B, 2, H, W).
    """

    def __init__(self, network: Generator):
        super().__init__()
        self.network = network
        self.size_multiple, self.minimum_size = network.size_multiple, network.minimum_size

    def forward(self, image: Tensor) -> Tensor:
        lightness, _ = to_lab(image)
        return from_lab(lightness, self.network(lightness))
