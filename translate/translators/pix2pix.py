"""Paired translation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.translators.base import Batch, Losses, Translator
from translate.translators.game import Game, Rules, discriminator_phases, generator_phase, named
from translate.translators.perceptual import PerceptualDistance


@dataclass(frozen=True)
class Pix2PixOutputs:
    """`fake_b` = G(a), and `fake_pair` = (a, G(a)) as channels, float32 (B, C, H, W) in [-1, 1].

    An earlier fake is replayed with its own input: beside another one it would be no pair.
    """

    fake_b: Tensor
    fake_pair: Tensor


class Pix2Pix(Translator):
    """Paired translation by a conditional GAN and distances between the output and its truth.

    L = Σ_k gan(D_k(a, G(a))) + λ_match Σ_k Σ_i |D_k^i(a, b) − D_k^i(a, G(a))|₁ + λ_l1 |G(a) − b|₁
        + λ_perceptual Σ_i w_i |F_i(b) − F_i(G(a))|₁,
    and half of the discriminators' objective; terms of weight 0 are left out.

    - pix2pix (Isola et al. 2017, eq. 4): one D, λ_l1 = 100.
    - pix2pixHD (Wang et al. 2018, eq. 5 and §4): D_k at three sizes, LSGAN, λ_match = λ_perceptual = 10. The
      paper's equation has the matching of D's features; F, a frozen VGG-19, is that of its experiments.
    - colorize (Isola et al. 2017, §4; the colorization of pytorch-CycleGAN-and-pix2pix): pix2pix, where a is
      the lightness of a picture in CIE Lab and b its colours.
    - SPADE (Park et al. 2019, §3 and appendix): the same at two sizes with the hinge objective, where a are
      maps of classes, (B, classes, H, W) of zeros and ones.
    - inpainting: a is the picture with holes and, as its last channel, their mask (B, C + 1, H, W); G is a
      `networks.filling.Filling`, so that λ_l1 counts the holes alone, as in Pathak et al. 2016 (eq. 1,
      squared there) and in the hole's term of Liu et al. 2018 (§3.3), whose other term has nothing to count
      here. D judges the filled picture beside a: spectrally normalised patches with the hinge objective, as
      in Yu et al. 2019.

    Σ_k over the discriminators and λ_match are those of the game (`game.Rules`, `features.layerwise_l1`).
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
            generator_phase(rules, ("generator",), self.generator_loss),
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
        losses = named(judged, "b", self.gan)
        if self.l1:
            losses["l1"] = self.l1 * F.l1_loss(out.fake_b.float(), batch.b)
        if self.distance is not None:
            losses["perceptual"] = self.perceptual * self.distance(batch.b, out.fake_b)
        return losses

    def samples(self, batch: Batch, generators: Mapping[str, nn.Module]) -> dict[str, Tensor]:
        return {"a": batch.a, "generated b": generators["generator"](batch.a), "b": batch.b}
