"""Unpaired translation in one direction, by contrast between patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from translate.losses.features import patch_nce
from translate.networks.patch_sample import PatchSampler
from translate.networks.resnet import ResNet
from translate.translators.base import Batch, Losses, Translator, mixes_batch
from translate.translators.game import Game, Rules, discriminator_phases, generator_phase, named


@dataclass(frozen=True)
class CutOutputs:
    """With G: a→b, float32 (B, C, H, W) in [-1, 1].

    `fake_b` = G(a), `same_b` = G(b), None where no identity term asks for it. Where `mirrored`, both were
    made from mirrored pictures, and are mirrored themselves.
    """

    fake_b: Tensor
    same_b: Tensor | None
    mirrored: bool


class CUT(Translator):
    """Contrastive unpaired translation (Park et al. 2020, eq. 5).

    L = gan(G(a)) + λ_nce · [PatchNCE(a, G(a)) + PatchNCE(b, G(b))] / 2, or, without the identity term as in
    FastCUT, λ_nce · PatchNCE(a, G(a)); each is the mean over layers of the generator's own encoder. And half
    of the discriminator's objective.

    Args:
        patch_sampler: projects the features; it is trained with the generator.
        layers: of the encoder, as `ResNet.encode` numbers them.
        identity: with PatchNCE(b, G(b)), which keeps G from changing what is a b already.
        mirror: make half of the outputs from mirrored inputs, and compare them mirrored back (FastCUT's
            "flip equivariance").
    """

    def __init__(
        self,
        generator: ResNet,
        patch_sampler: PatchSampler,
        discriminator: nn.Module,
        rules: Rules,
        *,
        gan: float,
        nce: float,
        identity: bool,
        mirror: bool,
        layers: Sequence[int],
        temperature: float,
    ):
        super().__init__()
        self.networks = nn.ModuleDict(
            {"generator": generator, "patch_sampler": patch_sampler, "discriminator_b": discriminator}
        )
        self.game = Game(rules, discriminator)
        self.gan, self.nce, self.identity, self.mirror = gan, nce, identity, mirror
        self.layers, self.temperature = tuple(layers), temperature
        self.merge = not mixes_batch(generator)
        self.phases = (
            *discriminator_phases(rules, ("discriminator_b",), self.discriminator_loss, self.r1),
            generator_phase(rules, ("generator", "patch_sampler"), self.generator_loss),
        )

    def forward(self, batch: Batch) -> CutOutputs:
        generator = self.networks["generator"]
        mirrored = self.mirror and bool(torch.rand(()) < 0.5)
        a, b = (side.flip(3) if mirrored else side for side in (batch.a, batch.b))
        if not self.identity:
            return CutOutputs(generator(a), None, mirrored)
        if self.merge and a.shape == b.shape:
            fake_b, same_b = generator(torch.cat([a, b])).chunk(2)
            return CutOutputs(fake_b, same_b, mirrored)
        return CutOutputs(generator(a), generator(b), mirrored)

    def discriminator_loss(self, batch: Batch, out: CutOutputs) -> Losses:
        losses = self.game.discriminator_losses(
            self.networks["discriminator_b"], batch.b, out.fake_b, batch.progress
        )
        return named(losses, "b", weight=0.5)

    def r1(self, batch: Batch, out: CutOutputs) -> Losses:
        return {"r1_b": self.game.r1(self.networks["discriminator_b"], batch.b)}

    def generator_loss(self, batch: Batch, out: CutOutputs) -> Losses:
        judged = self.game.generator_losses(
            self.networks["discriminator_b"], batch.b, out.fake_b, batch.progress
        )
        weight = self.nce / 2 if self.identity else self.nce
        losses = named(judged, "b", self.gan)
        losses["nce_a"] = weight * self._contrast(batch.a, out.fake_b, out)
        if out.same_b is not None:
            losses["nce_b"] = weight * self._contrast(batch.b, out.same_b, out)
        return losses

    def samples(self, batch: Batch, generators: Mapping[str, nn.Module]) -> dict[str, Tensor]:
        return {"a": batch.a, "generated b": generators["generator"](batch.a), "b": batch.b}

    def _contrast(self, source: Tensor, output: Tensor, out: CutOutputs) -> Tensor:
        """PatchNCE between an input and its output, the mean over layers."""
        generator = cast(ResNet, self.networks["generator"])
        sample = cast(PatchSampler, self.networks["patch_sampler"])
        with torch.no_grad():  # the keys are given, only the queries learn
            keys, places = sample(generator.encode(source, self.layers))
        features = generator.encode(output, self.layers)
        if out.mirrored:
            features = [feature.flip(3) for feature in features]
        queries, _ = sample(features, places)
        terms = [
            patch_nce(query.float(), key.float(), self.temperature)
            for query, key in zip(queries, keys, strict=True)
        ]
        return torch.stack(terms).mean()
