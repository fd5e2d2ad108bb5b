"""What a discriminator is shown in the place of the pictures, and how often."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from translate.networks.augment import Changes, changed, draw

LISTENED = 4  # batches between two changes of the probability, Karras et al. 2020, §3.1


class Augment(nn.Module):
    """Differentiable augmentation of all that a discriminator sees (Zhao et al. 2020, eqs. 4 to 6).

    The probability p is fixed, or adapted as in Karras et al. 2020 (ADA), §3.1: from 0 it rises by a fixed
    amount where r = E sign(D(x)) over four batches of real pictures is above the target, which says that the
    discriminator knows them by heart, and falls where it is below, within 0 … 1.

    Its only state is p and what r is made of, as buffers, so that a resume has them.

    Args:
        kinds: names in `networks.augment.AUGMENTATIONS`.
        p: None to adapt it.
        target: of r.
        ramp: real pictures in which p rises from 0 to 1 if r stays above the target.
        given: leading channels that are no picture to be judged, see `networks.augment.changed`.
    """

    p: Tensor
    heard: Tensor
    batches: Tensor

    def __init__(
        self,
        kinds: Sequence[str],
        *,
        p: float | None = 1.0,
        target: float = 0.6,
        ramp: int = 500_000,
        given: int = 0,
    ):
        super().__init__()
        self.kinds, self.adaptive, self.given = tuple(kinds), p is None, given
        self.target, self.ramp = target, ramp
        self.register_buffer("p", torch.tensor(p or 0.0))
        if self.adaptive:
            self.register_buffer("heard", torch.zeros(()))
            self.register_buffer("batches", torch.zeros(()))

    def draw(self, count: int) -> Changes:
        """Changes for so many pictures, for batches that must be changed alike."""
        return draw(self.kinds, count, self.p)

    def forward(self, pictures: Tensor, changes: Changes | None = None) -> Tensor:
        """Pictures (B, C, H, W) after the changes, fresh ones if None."""
        return changed(pictures, changes or self.draw(len(pictures)), self.given)

    @torch.no_grad()
    def hear(self, verdicts: Sequence[Tensor], undecided: float) -> None:
        """Take a batch's verdicts on real pictures into p. Nothing waits for the device.

        Args:
            verdicts: logits (B, ...) of each scale.
            undecided: the logit that says neither real nor fake.
        """
        if not self.adaptive:
            return
        self.heard += torch.stack([(logits - undecided).sign().mean() for logits in verdicts]).mean()
        self.batches += 1
        full = self.batches == LISTENED
        step = LISTENED * len(verdicts[0]) / self.ramp
        change = step * (self.heard / LISTENED - self.target).sign()
        self.p.copy_((self.p + full * change).clamp(0, 1))
        self.heard *= ~full
        self.batches *= ~full
