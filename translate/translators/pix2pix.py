"""Paired translation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.losses.adversarial import Adversarial
from translate.translators.base import Batch, Losses, Phase, Translator, mixes_batch


@dataclass(frozen=True)
class Pix2PixOutputs:
    """`fake_b` = G(a), and `fake_pair` = (a, G(a)) as channels, float32 (B, C, H, W) in [-1, 1].

    An earlier fake is replayed with its own input: beside another one it would be no pair.
    """

    fake_b: Tensor
    fake_pair: Tensor


class Pix2Pix(Translator):
    """Paired translation by a conditional GAN and an L1 distance (Isola et al. 2017, eq. 4).

    L = gan(G(a) | a) + λ_l1 |G(a) − b|₁, and half of the discriminator's objective (their §3.3).
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        adversarial: Adversarial,
        *,
        gan: float,
        l1: float,
    ):
        super().__init__()
        self.networks = nn.ModuleDict({"generator": generator, "discriminator_b": discriminator})
        self.adversarial, self.gan, self.l1 = adversarial, gan, l1
        self.merge = not mixes_batch(discriminator)
        # The discriminator goes first: the generator answers the sharpened judge.
        self.phases = (
            Phase("discriminator", ("discriminator_b",), self.discriminator_loss, replay=("fake_pair",)),
            Phase("generator", ("generator",), self.generator_loss),
        )

    def forward(self, batch: Batch) -> Pix2PixOutputs:
        fake_b = self.networks["generator"](batch.a)
        return Pix2PixOutputs(fake_b, torch.cat([batch.a, fake_b], 1))

    def discriminator_loss(self, batch: Batch, out: Pix2PixOutputs) -> Losses:
        real_pair = torch.cat([batch.a, batch.b], 1)
        logits = judge(self.networks["discriminator_b"], real_pair, out.fake_pair, self.merge)
        return {"discriminator_b": 0.5 * self.adversarial.discriminator(*logits)}

    def generator_loss(self, batch: Batch, out: Pix2PixOutputs) -> Losses:
        logits = self.networks["discriminator_b"](out.fake_pair)
        return {
            "gan_b": self.gan * self.adversarial.generator(logits.float()),
            "l1": self.l1 * F.l1_loss(out.fake_b.float(), batch.b),
        }

    def samples(self, batch: Batch, generators: Mapping[str, nn.Module]) -> dict[str, Tensor]:
        return {"a": batch.a, "generated b": generators["generator"](batch.a), "b": batch.b}


def judge(discriminator: nn.Module, real: Tensor, fake: Tensor, merge: bool) -> tuple[Tensor, Tensor]:
    """Logits of real and fake, float32; in one call where the batch's pictures don't see each other."""
    if merge and real.shape == fake.shape:
        logits = discriminator(torch.cat([real, fake]))
        return logits[: len(real)].float(), logits[len(real) :].float()
    return discriminator(real).float(), discriminator(fake).float()
