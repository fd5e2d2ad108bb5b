"""Super-resolution: a picture that is `scale` times as large as the input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from translate.losses.pixel import charbonnier, l1
from translate.translators.base import Batch, Losses, Phase, Translator
from translate.translators.game import Game, Rules, discriminator_phases, generator_phase, named
from translate.translators.perceptual import PerceptualDistance

PIXEL = {"l1": l1, "charbonnier": charbonnier}


@dataclass(frozen=True)
class SuperResOutputs:
    """`fake_b` = G(a), float32 (B, C, scale · H, scale · W), about [-1, 1]."""

    fake_b: Tensor


class SuperRes(Translator):
    """Super-resolution in two stages: near to the truth first, then like a photograph.

    Until the share `pretrain` of the training:

    L = λ_pixel ρ(G(a), b), where ρ is E|G(a) − b|, or Charbonnier's E √((G(a) − b)² + ε²);

    from there on:

    L = λ_pixel ρ(G(a), b) + λ_perceptual Σ_i w_i E|F_i(b) − F_i(G(a))| + λ_gan gan(D, b, G(a)),
    L_D = ½ · the discriminator's side of gan, where D sees the large pictures alone;

    terms of weight 0 are left out. Ledig et al. 2017, "SRGAN" (eq. 3), and Wang et al. 2018, "ESRGAN": its
    relativistic average gan (eq. 1 and 2) and its two stages (§3.4 and §4.1). The default weights 1, 1 and
    0.1, and D, a U-Net with spectral normalisation, are Real-ESRGAN's (Wang et al. 2021, §4.1); ESRGAN's own
    are 0.01, 1 and 0.005 (eq. 3).

    Args:
        discriminator, rules: None for no adversarial term.
        distance: None for no perceptual term.
        pretrain: 1 for the first stage alone, 0 for the second.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module | None,
        rules: Rules,
        *,
        pixel: float,
        pixel_loss: Literal["l1", "charbonnier"],
        gan: float,
        perceptual: float,
        distance: PerceptualDistance | None,
        pretrain: float,
    ):
        super().__init__()
        networks = {"generator": generator}
        self.game = None
        if discriminator is not None:
            networks["discriminator_b"] = discriminator
            self.game = Game(rules, discriminator)
        self.networks = nn.ModuleDict(networks)
        self.pixel, self.gan, self.perceptual = pixel, gan, perceptual
        self.difference = PIXEL[pixel_loss]
        self.distance = distance
        self.phases = self._phases(rules, pretrain)

    def _phases(self, rules: Rules, pretrain: float) -> tuple[Phase, ...]:
        pixel = Phase("generator", ("generator",), self.pixel_losses)
        if self.game is None and self.distance is None:
            return (pixel,)
        both = generator_phase(rules, ("generator",), self.generator_losses)
        judge = (
            ()
            if self.game is None
            else discriminator_phases(rules, ("discriminator_b",), self.discriminator_loss, self.r1)
        )
        if pretrain == 0:
            return (both, *judge)
        later = [replace(phase, after=pretrain) for phase in judge]
        fine = replace(both, name="refinement", optimizer="generator", after=pretrain)
        return (replace(pixel, until=pretrain), fine, *later)

    def forward(self, batch: Batch) -> SuperResOutputs:
        return SuperResOutputs(self.networks["generator"](batch.a))

    def pixel_losses(self, batch: Batch, out: SuperResOutputs) -> Losses:
        return {"pixel": self.pixel * self.difference(out.fake_b.float(), batch.b)}

    def generator_losses(self, batch: Batch, out: SuperResOutputs) -> Losses:
        losses = self.pixel_losses(batch, out) if self.pixel else {}
        if self.distance is not None:
            losses["perceptual"] = self.perceptual * self.distance(batch.b, out.fake_b)
        if self.game is not None:
            judge = self.networks["discriminator_b"]
            judged = self.game.generator_losses(judge, batch.b, out.fake_b, batch.progress)
            losses |= named(judged, "b", self.gan)
        return losses

    def discriminator_loss(self, batch: Batch, out: SuperResOutputs) -> Losses:
        assert self.game is not None
        judge = self.networks["discriminator_b"]
        return named(
            self.game.discriminator_losses(judge, batch.b, out.fake_b, batch.progress), "b", weight=0.5
        )

    def r1(self, batch: Batch, out: SuperResOutputs) -> Losses:
        assert self.game is not None
        return {"r1_b": self.game.r1(self.networks["discriminator_b"], batch.b)}

    def samples(self, batch: Batch, generators: Mapping[str, nn.Module]) -> dict[str, Tensor]:
        size = batch.b.shape[-2:]
        enlarged = F.interpolate(batch.a, size, mode="bicubic", align_corners=False).clamp(-1, 1)
        return {"a": enlarged, "generated b": generators["generator"](batch.a), "b": batch.b}
