"""Paired translation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.translators.base import Batch, Losses, Phase, Translator
from translate.translators.game import Game, Rules, discriminator_phases, named
from translate.translators.perceptual import PerceptualDistance


@dataclass(frozen=True)
class Pix2PixOutputs:
    """`fake_b` = G(a), and `fake_pair` = (a, G(a)) as channels, float32 (B, C, H, W) in [-1, 1].

    An earlier fake is replayed with its own input: beside another one it would be no pair.
    """

    fake_b: Tensor
    fake_pair: Tensor


class Pix2Pix(Translator):
    """Paired translation by a conditional GAN and an L1 distance (Isola et al. 2017, eq. 4).

    L = gan(G(a) | a) + λ_l1 |G(a) − b|₁, and half of the discriminator's objective (their §3.3). Not in the
    paper: + λ_perceptual times the distance of G(a) and b in the features of a frozen network.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        rules: Rules,
        *,
        gan: float,
        l1: float,
        perceptual: float = 0.0,
        distance: PerceptualDistance | None = None,
    ):
        super().__init__()
        self.networks = nn.ModuleDict({"generator": generator, "discriminator_b": discriminator})
        self.game = Game(rules, discriminator)
        self.gan, self.l1, self.perceptual = gan, l1, perceptual
        self.distance = distance
        # The discriminator goes first: the generator answers the sharpened judge.
        self.phases = (
            *discriminator_phases(
                rules, ("discriminator_b",), self.discriminator_loss, self.r1, replay=("fake_pair",)
            ),
            Phase(
                "generator",
                ("generator",),
                self.generator_loss,
                every=rules.n_critic,
                above=rules.generator_above,
            ),
        )

    def forward(self, batch: Batch) -> Pix2PixOutputs:
        fake_b = self.networks["generator"](batch.a)
        return Pix2PixOutputs(fake_b, torch.cat([batch.a, fake_b], 1))

    def discriminator_loss(self, batch: Batch, out: Pix2PixOutputs) -> Losses:
        real_pair = torch.cat([batch.a, batch.b], 1)
        losses = self.game.discriminator_losses(
            self.networks["discriminator_b"], real_pair, out.fake_pair, batch.progress
        )
        return named(losses, "b", weight=0.5)

    def r1(self, batch: Batch, out: Pix2PixOutputs) -> Losses:
        real_pair = torch.cat([batch.a, batch.b], 1)
        return {"r1_b": self.game.r1(self.networks["discriminator_b"], real_pair)}

    def generator_loss(self, batch: Batch, out: Pix2PixOutputs) -> Losses:
        real_pair = torch.cat([batch.a, batch.b], 1)
        judged = self.game.generator_losses(
            self.networks["discriminator_b"], real_pair, out.fake_pair, batch.progress
        )
        losses = {**named(judged, "b", self.gan), "l1": self.l1 * F.l1_loss(out.fake_b.float(), batch.b)}
        if self.distance is not None:
            losses["perceptual"] = self.perceptual * self.distance(batch.b, out.fake_b)
        return losses

    def samples(self, batch: Batch, generators: Mapping[str, nn.Module]) -> dict[str, Tensor]:
        return {"a": batch.a, "generated b": generators["generator"](batch.a), "b": batch.b}
