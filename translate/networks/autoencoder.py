"""A critic that judges a picture by how badly it reconstructs it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from translate.networks.conditioning import refuse_condition
from translate.networks.layers import Discriminator

DISTANCES = ("l1", "l2")


class AutoencoderCritic(Discriminator):
    """The energy of a picture: its distance to what an autoencoder makes of it.

    Zhao et al. 2017 (EBGAN), eq. 1, with `l2`; Berthelot et al. 2017 (BEGAN), eq. 1, with `l1`. The network
    follows BEGAN's figure 1: ELUs, no normalisation, nearest-neighbour enlargement, channels that grow by
    `width` with every halving. Its code is a map of `code` channels rather than a vector, so that any size of
    picture fits: with 3 halvings and 64 channels it has a third of an RGB picture's numbers.

    Both distances are means over a picture's numbers, `l2` the root of the mean square: EBGAN's ‖·‖ divided
    by the root of their count. So a margin means the same whatever the size: 0 is perfect, 2 the most that
    pictures in [-1, 1] can differ by.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to energies (B,), 0 or more.

    Args:
        depth: halvings, at least 1.
        width: channels at full size; after n halvings (n + 1) × width.
        code: channels of the code.
        distance: `l1` or `l2`.
    """

    def __init__(
        self,
        in_channels: int = 3,
        *,
        depth: int = 3,
        width: int = 64,
        code: int = 64,
        distance: str = "l1",
    ):
        super().__init__()
        if depth < 1:
            raise ValueError(f"an autoencoder needs a depth of at least 1, not {depth}")
        if distance not in DISTANCES:
            raise ValueError(f"unknown distance {distance!r}; choose one of {', '.join(DISTANCES)}")
        self.distance = distance
        self.minimum_size = 2**depth
        widths = [width * (level + 1) for level in range(depth + 1)]
        self.first = nn.Conv2d(in_channels, width, 3, padding=1)
        self.down = nn.ModuleList(
            nn.Conv2d(widths[level], widths[level + 1], 4, stride=2, padding=1) for level in range(depth)
        )
        self.code = nn.Conv2d(widths[-1], code, 1)
        self.decode = nn.Conv2d(code, width, 1)
        self.up = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
        self.last = nn.Conv2d(width, in_channels, 3, padding=1)

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        """Energies (B,); takes no condition."""
        refuse_condition(condition)
        error = (self.reconstruct(image) - image).flatten(1)
        if self.distance == "l1":
            return error.abs().mean(1)
        # The root's slope at 0 is infinite.
        return (error.square().mean(1) + 1e-12).sqrt()

    def reconstruct(self, image: Tensor) -> Tensor:
        """What the autoencoder makes of a picture: (B, in_channels, H, W), not bounded."""
        *outer, code = self._encoded(image)
        return self.last(self._decoded(code, outer)[-1])

    def encode(self, image: Tensor) -> Tensor:
        """Codes (B, code · H' · W'), as EBGAN's pulling-away term (its eq. 4) compares them."""
        return self._encoded(image)[-1].flatten(1)

    def features(self, image: Tensor, condition: Tensor | None = None) -> list[list[Tensor]]:
        """Activations (B, C, H', W') of encoder, code and decoder, in a list of one scale."""
        refuse_condition(condition)
        encoded = self._encoded(image)
        return [[*encoded, *self._decoded(encoded[-1], encoded[:-1])]]

    def _encoded(self, image: Tensor) -> list[Tensor]:
        """From full size to H / 2^depth, then the code."""
        found = [F.elu(self.first(image))]
        for layer in self.down:
            found.append(F.elu(layer(found[-1])))
        return [*found, self.code(found[-1])]

    def _decoded(self, code: Tensor, outer: list[Tensor]) -> list[Tensor]:
        """From the code to full size; of the encoder's activations only the sizes are looked at."""
        x, found = self.decode(code), []
        for layer, level in zip(self.up, reversed(outer[:-1]), strict=True):
            x = F.elu(layer(F.interpolate(x, level.shape[2:], mode="nearest")))
            found.append(x)
        return found
