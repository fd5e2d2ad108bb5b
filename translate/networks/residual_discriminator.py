"""A deep residual discriminator with one verdict a picture."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from translate.networks.attention import SelfAttention, attended_place
from translate.networks.conditioning import conditioning_layer
from translate.networks.layers import Discriminator
from translate.networks.minibatch import minibatch_layer
from translate.networks.spectral import spectral as normalise


class ResidualDiscriminator(Discriminator):
    """Residual blocks that halve the picture, then a sum over places and one logit.

    Miyato & Koyama 2018, "cGANs with projection discriminator", figure 14: ψ(φ(x)) + ⟨V y, φ(x)⟩, and
    Miyato et al. 2018 (SN-GAN), table 4; SAGAN and BigGAN build on it. With 5 halvings and width 64 it is
    theirs for 128² pictures, of 29.0 M parameters without a label. No normalisation but the spectral one.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to logits (B, 1, 1, 1).

    Args:
        depth: blocks that halve, at least 1; one more follows that doesn't.
        width: channels after the first block; every further one doubles them, up to 16 × width.
        spectral: normalise every weight, V included.
        attention: self-attention behind the second block (behind the first where there is no second), as
            SAGAN's table 1 finds best (32×32 for 128²), or at 1/n of the size, n from 2 to 2**depth.
        minibatch: `none`, `stddev` or `discrimination`, before the last block.
        conditioning: `none`, `projection` (the paper's), `input`, `hidden`, `classifier`, see `conditioning`.
        classes: the condition is a label, int64 (B,), of so many.
        embedding: the condition is float (B, embedding).
    """

    def __init__(
        self,
        in_channels: int = 3,
        *,
        depth: int = 5,
        width: int = 64,
        spectral: bool = True,
        attention: bool | int = False,
        minibatch: str = "none",
        conditioning: str = "none",
        classes: int = 0,
        embedding: int = 0,
    ):
        super().__init__()
        if depth < 1:
            raise ValueError(f"a residual discriminator needs a depth of at least 1, not {depth}")
        widths = [width * min(2**block, 16) for block in range(depth)]
        self.minimum_size = 2**depth
        self.conditioning = conditioning_layer(conditioning, widths[-1], classes=classes, embedding=embedding)
        inputs = [in_channels + self.conditioning.planes, *widths[:-1]]
        self.blocks = nn.ModuleList(
            ResidualBlock(narrow, wide, halve=True, first=place == 0)
            for place, (narrow, wide) in enumerate(zip(inputs, widths, strict=True))
        )
        self.attended = attended_place(attention, {2 ** (block + 1): block for block in range(depth)})
        self.attention = nn.Identity() if self.attended is None else SelfAttention(widths[self.attended])
        self.minibatch = minibatch_layer(minibatch, widths[-1])
        self.last = ResidualBlock(widths[-1] + self.minibatch.added, widths[-1], halve=False)
        self.head = nn.Linear(widths[-1], 1)
        if spectral:
            normalise(self)

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits (B, 1, 1, 1); the condition is int64 (B,) for `classes`, float (B, E) for `embedding`."""
        seen = self._seen(self._activations(image, condition)[-1])
        logits = self.head(seen.flatten(1))[:, :, None, None]
        return self.conditioning.verdict(logits, seen, condition)

    def features(self, image: Tensor, condition: Tensor | None = None) -> list[list[Tensor]]:
        """Activations (B, C, H', W') after every block, in a list of one scale."""
        return [self._activations(image, condition)]

    def classify(self, image: Tensor) -> Tensor:
        """Logits of the classes, (B, classes).

        Raises:
            ValueError: the conditioning isn't `classifier`.
        """
        return self.conditioning.classify(self._seen(self._activations(image, None)[-1]))

    def _activations(self, image: Tensor, condition: Tensor | None) -> list[Tensor]:
        x = self.conditioning.before(image, condition)
        found = []
        for place, block in enumerate(self.blocks):
            x = block(x)
            if place == self.attended:
                x = self.attention(x)
            found.append(x)
        x = self.last(self.minibatch(x))
        return [*found, self.conditioning.inside(x, condition)]

    def _seen(self, hidden: Tensor) -> Tensor:
        """φ(x): the sum over all places, (B, C, 1, 1)."""
        return F.relu(hidden).sum((2, 3), keepdim=True)


class ResidualBlock(nn.Module):
    """shortcut(x) + conv(relu(conv(relu(x)))), both halved by averaging where asked.

    The shortcut is a 1×1 convolution wherever channels or size change. The first block doesn't rectify the
    picture and pools before the shortcut's convolution (the authors' `OptimizedBlock`).

    Maps float32 (B, inputs, H, W) to (B, outputs, H/2, W/2), rounded down, or (B, outputs, H, W).
    """

    def __init__(self, inputs: int, outputs: int, *, halve: bool, first: bool = False):
        super().__init__()
        between = outputs if first else inputs
        self.first, self.halve = first, halve
        self.conv1 = nn.Conv2d(inputs, between, 3, padding=1)
        self.conv2 = nn.Conv2d(between, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if halve or inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        branch = self.conv2(F.relu(self.conv1(x if self.first else F.relu(x))))
        if not self.halve:
            return self.shortcut(x) + branch
        # A 1×1 convolution and averaging commute, and the pooled picture is a quarter of the work.
        return self.shortcut(F.avg_pool2d(x, 2)) + F.avg_pool2d(branch, 2)
