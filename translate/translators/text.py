"""Translation to what a caption says, with one generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.networks.autocast import full_precision
from translate.networks.text import TextEncoder
from translate.translators.base import Batch, Losses, Translator
from translate.translators.game import Game, Rules, discriminator_phases, generator_phase, named

MOST_ROWS = 6  # of a sample sheet


@dataclass(frozen=True)
class TextOutputs:
    """With t the captions as vectors and G: (a, t) → b, float32 (B, C, H, W) in [-1, 1].

    `fake_b` = G(a, t_b), `cycle_a` = G(fake_b, t_a), `same_a` = G(a, t_a), None where no identity loss asks
    for it. `said_a`, `said_b` = t_a, t_b, float32 (B, E), without graph.
    """

    fake_b: Tensor
    cycle_a: Tensor
    same_a: Tensor | None
    said_a: Tensor
    said_b: Tensor


class TextGAN(Translator):
    """One generator for whatever captions say: StarGAN's cycle, and a discriminator that reads.

    a is a picture with the caption t_a; b is another one, with t_b, and a is to be turned into what t_b says.
    Choi et al. 2018 (eqs. 5 and 6), with captions for labels:

    L = gan(G(a, t_b) | t_b) + λ_cycle |G(G(a, t_b), t_a) − a|₁ + λ_identity |G(a, t_a) − a|₁,

    and half of the discriminator's matching-aware objective (Reed et al. 2016, algorithm 1): b beside t_b is
    real, G(a, t_b) beside t_b is fake, and so is b beside t_w, the caption of another picture of the batch
    that says something else (t_a, if it does).

    Text encoders that learn, learn with the discriminator: reading right from wrong captions beside real
    pictures teaches words. The generator takes their vectors as they are, so that it can't bend what words
    mean to where it is good.

    Args:
        text_encoder: of captions to what generator and discriminator are conditioned on.
    """

    def __init__(
        self,
        generator: nn.Module,
        text_encoder: TextEncoder,
        discriminator: nn.Module,
        rules: Rules,
        *,
        gan: float,
        cycle: float,
        identity: float,
    ):
        super().__init__()
        self.networks = nn.ModuleDict(
            {"generator": generator, "text_encoder": text_encoder, "discriminator_b": discriminator}
        )
        self.game = Game(rules, discriminator)
        self.learns_to_read = next(text_encoder.parameters(), None) is not None
        self.gan, self.cycle, self.identity = gan, cycle, identity
        trained = ("discriminator_b", "text_encoder") if self.learns_to_read else ("discriminator_b",)
        self.phases = (
            *discriminator_phases(rules, trained, self.discriminator_loss, self.r1),
            generator_phase(rules, ("generator",), self.generator_loss),
        )

    @property
    def served(self) -> tuple[str, ...]:
        return (*super().served, *(["text_encoder"] if self.learns_to_read else []))

    def forward(self, batch: Batch) -> TextOutputs:
        generator = self.networks["generator"]
        with torch.no_grad():
            said_a, said_b = self._said(batch)
        fake_b = generator(batch.a, said_b)
        cycle_a = generator(fake_b, said_a)
        same_a = generator(batch.a, said_a) if self.identity else None
        return TextOutputs(fake_b, cycle_a, same_a, said_a, said_b)

    def discriminator_loss(self, batch: Batch, out: TextOutputs) -> Losses:
        said_a, said_b = self._said(batch) if self.learns_to_read else (out.said_a, out.said_b)
        at = other_captions(batch.text_b or (), batch.text_a or ())
        wrong = None if at is None else torch.cat([said_b, said_a])[at]
        terms = self.game.discriminator_losses(
            self.networks["discriminator_b"], batch.b, out.fake_b, batch.progress, said_b, wrong
        )
        return named(terms, "b", weight=0.5)

    def r1(self, batch: Batch, out: TextOutputs) -> Losses:
        return {"r1_b": self.game.r1(self.networks["discriminator_b"], batch.b, out.said_b)}

    def generator_loss(self, batch: Batch, out: TextOutputs) -> Losses:
        judged = self.game.generator_losses(
            self.networks["discriminator_b"], batch.b, out.fake_b, batch.progress, out.said_b
        )
        losses = named(judged, "b", weight=self.gan)
        losses["cycle_a"] = self.cycle * F.l1_loss(out.cycle_a.float(), batch.a)
        if out.same_a is not None:
            losses["identity_a"] = self.identity * F.l1_loss(out.same_a.float(), batch.a)
        return losses

    def samples(self, batch: Batch, generators: Mapping[str, nn.Module]) -> dict[str, Tensor]:
        rows = {"a": batch.a}
        captions = dict.fromkeys((*(batch.text_b or ()), *(batch.text_a or ())))
        encoder = cast(TextEncoder, generators.get("text_encoder", self.networks["text_encoder"]))
        for caption in list(captions)[:MOST_ROWS]:
            said = encode(encoder, [caption], batch.a.device)
            rows[f"“{caption}”"] = generators["generator"](batch.a, said.expand(len(batch.a), -1))
        return rows

    def _said(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The captions of a and of b as vectors, float32 (B, E) each, from one call."""
        captions = (*(batch.text_a or ()), *(batch.text_b or ()))
        encoder = cast(TextEncoder, self.networks["text_encoder"])
        said_a, said_b = encode(encoder, captions, batch.a.device).chunk(2)
        return said_a, said_b


def encode(encoder: TextEncoder, captions: Sequence[str], device: torch.device) -> Tensor:
    """Captions as vectors, float32 (B, E) on `device`; in full precision, also under autocast."""
    with full_precision(device):
        return encoder(encoder.tokenise(captions).to(device))


def other_captions(right: Sequence[str], others: Sequence[str]) -> list[int] | None:
    """For each of the captions `right`, the position in `right + others` of one that says something else.

    The caption of the same place in `others`, or else of the next places of both; None where all captions are
    the same one.
    """
    count, captions = len(right), [*right, *others]
    if len(set(captions)) < 2:
        return None
    found = []
    for i in range(count):
        turn = [(i + step) % count for step in range(count)]
        candidates = (at for place in turn for at in (count + place, place))
        found.append(next(at for at in candidates if captions[at] != right[i]))
    return found
