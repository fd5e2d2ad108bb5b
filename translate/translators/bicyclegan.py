"""Paired translation with many outputs for an input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from translate.losses import features
from translate.networks.encoder import LatentEncoder, reparameterise
from translate.translators.base import Batch, Losses, Translator, mixes_batch
from translate.translators.game import Game, Rules, discriminator_phases, generator_phase, named

SHEET_SAMPLES = 4


@dataclass(frozen=True)
class BicycleOutputs:
    """Both branches of the same inputs, with every number that was drawn for them.

    Attributes:
        encoded_b: G(a, z) with z drawn from E(b), float32 (B, C, H, W) in [-1, 1].
        random_b: G(a, z) with z drawn from N(0, 1), likewise.
        encoded_seen, random_seen: what the discriminators judge: these, or pairs with a as channels.
        mean, log_variance: of E(b), float32 (B, Z).
        code: the z of `random_b`, float32 (B, Z).
    """

    encoded_b: Tensor
    random_b: Tensor
    encoded_seen: Tensor
    random_seen: Tensor
    mean: Tensor
    log_variance: Tensor
    code: Tensor


class BicycleGAN(Translator):
    """Many outputs for an input, by a code that is encoded and recovered (Zhu et al. 2017, eq. 9).

    L = gan(G(a, E(b))) + λ_l1 |G(a, E(b)) − b|₁ + λ_kl KL(E(b) ‖ N(0, 1))     cVAE-GAN: b → z → b
      + gan(G(a, z)) + λ_latent |E(G(a, z)) − z|₁,  z ~ N(0, 1)                 cLR-GAN: z → b → z
    and the discriminators' objectives, unhalved as in the paper's code.

    G and E are trained together, but the last term trains G alone: both would hide the code in the picture
    (§4). It compares E's mean with z. The paper's code takes batches of two and gives each branch one of
    them; here both branches see every pair, and every output is judged beside its own truth.

    Args:
        discriminators: one for each branch, which the paper found slightly better, or a single one for both.
        conditional: they judge (a, output) as in the paper's equations, or as in its code the output alone.
    """

    def __init__(
        self,
        generator: nn.Module,
        encoder: LatentEncoder,
        discriminators: Sequence[nn.Module],
        rules: Rules,
        *,
        conditional: bool,
        gan: float,
        l1: float,
        latent: float,
        kl: float,
    ):
        super().__init__()
        sides = ("b",) if len(discriminators) == 1 else ("encoded", "random")
        judges = {f"discriminator_{side}": net for side, net in zip(sides, discriminators, strict=True)}
        self.networks = nn.ModuleDict({"generator": generator, "encoder": encoder, **judges})
        # A drawn code's picture isn't meant to be the truth: its features are matched on average at most.
        apart = {"encoded": rules, "random": replace(rules, matching="mean")}
        self.games = nn.ModuleDict(
            {
                side: Game(apart.get(side, apart["random"]), net)
                for side, net in zip(sides, discriminators, strict=True)
            }
        )
        self.conditional = conditional
        self.gan, self.l1, self.latent, self.kl = gan, l1, latent, kl
        self.merge = not mixes_batch(generator)
        self.phases = (
            generator_phase(rules, ("generator", "encoder"), self.generator_loss),
            *discriminator_phases(
                rules, tuple(judges), self.discriminator_loss, self.r1, replay=("encoded_seen", "random_seen")
            ),
        )

    def forward(self, batch: Batch) -> BicycleOutputs:
        mean, log_variance = (values.float() for values in self.networks["encoder"](batch.b))  # (B, Z) each
        code = torch.randn_like(mean)
        encoded_b, random_b = self._both(batch.a, reparameterise(mean, log_variance), code)
        encoded_seen, random_seen = (self._seen(batch, picture) for picture in (encoded_b, random_b))
        return BicycleOutputs(encoded_b, random_b, encoded_seen, random_seen, mean, log_variance, code)

    def generator_loss(self, batch: Batch, out: BicycleOutputs) -> Losses:
        losses: Losses = {}
        for side, (real, fake, terms) in self._rounds(batch, out).items():
            found = self._game(side).generator_losses(self._judge(side), real, fake, batch.progress)
            losses |= named(found, side, weight=self.gan * terms)
        losses["l1"] = self.l1 * F.l1_loss(out.encoded_b.float(), batch.b)
        losses["kl"] = self.kl * features.kl(out.mean, out.log_variance)
        losses["latent"] = self.latent * features.latent_regression(out.code, self._recovered(out.random_b))
        return losses

    def discriminator_loss(self, batch: Batch, out: BicycleOutputs) -> Losses:
        losses: Losses = {}
        for side, (real, fake, terms) in self._rounds(batch, out).items():
            found = self._game(side).discriminator_losses(self._judge(side), real, fake, batch.progress)
            losses |= named(found, side, weight=terms)
        return losses

    def r1(self, batch: Batch, out: BicycleOutputs) -> Losses:
        real = self._seen(batch, batch.b)
        return {f"r1_{side}": self._game(side).r1(self._judge(side), real) for side in self.games}

    def samples(self, batch: Batch, generators: Mapping[str, nn.Module]) -> dict[str, Tensor]:
        """Input, truth, the mean code's picture, and those of a few codes that are always the same."""
        generator, a = generators["generator"], batch.a
        length = cast(LatentEncoder, self.networks["encoder"]).latent
        # A generator of its own: a sheet must not move the training's random numbers.
        codes = torch.randn(SHEET_SAMPLES, length, generator=torch.Generator().manual_seed(0)).to(a.device)
        rows = {"a": a, "b": batch.b, "mean code": generator(a, latent=a.new_zeros(len(a), length))}
        for number, code in enumerate(codes, start=1):
            rows[f"sample {number}"] = generator(a, latent=code.expand(len(a), -1))
        return rows

    def _both(self, a: Tensor, *codes: Tensor) -> Sequence[Tensor]:
        """The pictures of each of `codes`, in one call where pictures don't see each other."""
        generator = self.networks["generator"]
        if self.merge:
            return generator(torch.cat([a] * len(codes)), latent=torch.cat(codes)).chunk(len(codes))
        return [generator(a, latent=code) for code in codes]

    def _seen(self, batch: Batch, picture: Tensor) -> Tensor:
        return torch.cat([batch.a, picture], 1) if self.conditional else picture

    def _rounds(self, batch: Batch, out: BicycleOutputs) -> dict[str, tuple[Tensor, Tensor, int]]:
        """For each discriminator the real and the fake ones that it judges, and how many terms these are."""
        real = self._seen(batch, batch.b)
        if len(self.games) == 1:
            return {"b": (torch.cat([real, real]), torch.cat([out.encoded_seen, out.random_seen]), 2)}
        return {"encoded": (real, out.encoded_seen, 1), "random": (real, out.random_seen, 1)}

    def _recovered(self, picture: Tensor) -> Tensor:
        """E's mean code of a picture, (B, Z), with gradients to the picture and none to E."""
        encoder = self.networks["encoder"]
        held = {name: weight.detach() for name, weight in encoder.named_parameters()}
        return functional_call(encoder, held, (picture,))[0].float()

    def _judge(self, side: str) -> nn.Module:
        return self.networks[f"discriminator_{side}"]

    def _game(self, side: str) -> Game:
        return cast(Game, self.games[side])
