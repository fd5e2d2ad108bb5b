"""Unpaired translation by cycle consistency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.losses.adversarial import Adversarial
from translate.translators.base import Batch, Losses, Phase, Translator, mixes_batch
from translate.translators.pix2pix import judge


@dataclass(frozen=True)
class CycleOutputs:
    """With G: a→b and F: b→a, float32 (B, C, H, W) in [-1, 1].

    `fake_b` = G(a), `fake_a` = F(b), `cycle_a` = F(G(a)), `cycle_b` = G(F(b)), `same_b` = G(b),
    `same_a` = F(a); the last two are None where no identity loss asks for them.
    """

    fake_b: Tensor
    fake_a: Tensor
    cycle_a: Tensor
    cycle_b: Tensor
    same_b: Tensor | None
    same_a: Tensor | None


class CycleGAN(Translator):
    """Two translators that undo each other (Zhu et al. 2017, eq. 3, with the identity loss of §5.2).

    L = gan(G, D_b) + gan(F, D_a) + λ_cycle (|F(G(a)) − a|₁ + |G(F(b)) − b|₁)
        + λ_identity (|G(b) − b|₁ + |F(a) − a|₁),
    and half of each discriminator's objective, on replayed fakes.
    """

    def __init__(
        self,
        generator: nn.Module,
        generator_b2a: nn.Module,
        discriminator_a: nn.Module,
        discriminator_b: nn.Module,
        adversarial: Adversarial,
        *,
        gan: float,
        cycle: float,
        identity: float,
    ):
        super().__init__()
        self.networks = nn.ModuleDict(
            {
                "generator": generator,
                "generator_b2a": generator_b2a,
                "discriminator_a": discriminator_a,
                "discriminator_b": discriminator_b,
            }
        )
        self.adversarial, self.gan, self.cycle, self.identity = adversarial, gan, cycle, identity
        self.merge_generators = not mixes_batch(generator)
        self.merge_discriminators = not mixes_batch(discriminator_b)
        self.phases = (
            Phase("generator", ("generator", "generator_b2a"), self.generator_loss),
            Phase(
                "discriminator",
                ("discriminator_a", "discriminator_b"),
                self.discriminator_loss,
                replay=("fake_a", "fake_b"),
            ),
        )

    def forward(self, batch: Batch) -> CycleOutputs:
        to_b, to_a = self.networks["generator"], self.networks["generator_b2a"]
        a, b = batch.a, batch.b
        targets = ([b], [a]) if self.identity else ([], [])
        fake_b, *same_b = self._through(to_b, a, *targets[0])
        fake_a, cycle_a, *same_a = self._through(to_a, b, fake_b, *targets[1])
        cycle_b = to_b(fake_a)
        return CycleOutputs(fake_b, fake_a, cycle_a, cycle_b, *(same_b or [None]), *(same_a or [None]))

    def _through(self, generator: nn.Module, *pictures: Tensor) -> Sequence[Tensor]:
        """Each of `pictures` through a generator, in one call where that changes nothing: it is faster."""
        if self.merge_generators and len({picture.shape for picture in pictures}) == 1:
            return generator(torch.cat(pictures)).chunk(len(pictures))
        return [generator(picture) for picture in pictures]

    def generator_loss(self, batch: Batch, out: CycleOutputs) -> Losses:
        judged_b = self.networks["discriminator_b"](out.fake_b).float()
        judged_a = self.networks["discriminator_a"](out.fake_a).float()
        losses = {
            "gan_b": self.gan * self.adversarial.generator(judged_b),
            "gan_a": self.gan * self.adversarial.generator(judged_a),
            "cycle_a": self.cycle * F.l1_loss(out.cycle_a.float(), batch.a),
            "cycle_b": self.cycle * F.l1_loss(out.cycle_b.float(), batch.b),
        }
        if out.same_b is not None and out.same_a is not None:
            losses["identity_b"] = self.identity * F.l1_loss(out.same_b.float(), batch.b)
            losses["identity_a"] = self.identity * F.l1_loss(out.same_a.float(), batch.a)
        return losses

    def discriminator_loss(self, batch: Batch, out: CycleOutputs) -> Losses:
        sides = {"a": (batch.a, out.fake_a), "b": (batch.b, out.fake_b)}
        losses = {}
        for side, (real, fake) in sides.items():
            name = f"discriminator_{side}"
            logits = judge(self.networks[name], real, fake, self.merge_discriminators)
            losses[name] = 0.5 * self.adversarial.discriminator(*logits)
        return losses

    def samples(self, batch: Batch, generators: Mapping[str, nn.Module]) -> dict[str, Tensor]:
        to_b, to_a = generators["generator"], generators["generator_b2a"]
        fake_b, fake_a = to_b(batch.a), to_a(batch.b)
        return {
            "a": batch.a,
            "generated b": fake_b,
            "a again": to_a(fake_b),
            "b": batch.b,
            "generated a": fake_a,
            "b again": to_b(fake_a),
        }
