"""Translation between many domains by label, with one generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.translators.base import Batch, Losses, Translator
from translate.translators.game import Game, Rules, discriminator_phases, generator_phase, named

MOST_ROWS = 8  # of a sample sheet


@dataclass(frozen=True)
class StarOutputs:
    """With G: (a, label) → b, float32 (B, C, H, W) in [-1, 1].

    `fake_b` = G(a, label of b), `cycle_a` = G(fake_b, label of a), `same_a` = G(a, label of a), None where no
    identity loss asks for it.
    """

    fake_b: Tensor
    cycle_a: Tensor
    same_a: Tensor | None


class StarGAN(Translator):
    """One generator for all domains (Choi et al. 2018, eqs. 5 and 6, written for any objective).

    a is a picture of class y_a; b is another picture, of class y_b, which a is to be turned into.

    L = gan(G(a, y_b) | y_b) + λ_cycle |G(G(a, y_b), y_a) − a|₁ + λ_identity |G(a, y_a) − a|₁
        + λ_classify CE(C(G(a, y_b)), y_b),
    and half of the discriminator's objective on b and G(a, y_b), plus λ_classify CE(C(b), y_b).

    The discriminator knows the label by projection or as part of its input, where the pair (picture, label)
    is judged; or, as in the paper, it is an auxiliary classifier C beside an unconditional verdict: then the
    last terms are there, and else they aren't.

    A semi-supervised discriminator (Salimans et al. 2016, §5) is such a classifier, too, whose verdict is
    about the K + 1st class, "generated": D(x) = Z / (Z + 1) with Z = Σ_k exp C_k(x). With the non-saturating
    objective a patch's −log D(x̃) − log C(y | x̃) is then −log p(y | x̃) among all K + 1 classes.

    Args:
        labels: names of the classes, in the order of their numbers.
        classifies: the discriminator has `classify`, and judges without label.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        rules: Rules,
        labels: Sequence[str],
        *,
        classifies: bool,
        gan: float,
        cycle: float,
        identity: float,
        classify: float,
    ):
        super().__init__()
        self.networks = nn.ModuleDict({"generator": generator, "discriminator_b": discriminator})
        self.game = Game(rules, discriminator)
        self.labels, self.classifies = tuple(labels), classifies
        self.gan, self.cycle, self.identity, self.classify = gan, cycle, identity, classify
        self.phases = (
            *discriminator_phases(rules, ("discriminator_b",), self.discriminator_loss, self.r1),
            generator_phase(rules, ("generator",), self.generator_loss),
        )

    def forward(self, batch: Batch) -> StarOutputs:
        generator = self.networks["generator"]
        fake_b = generator(batch.a, batch.label_b)
        cycle_a = generator(fake_b, batch.label_a)
        return StarOutputs(fake_b, cycle_a, generator(batch.a, batch.label_a) if self.identity else None)

    def discriminator_loss(self, batch: Batch, out: StarOutputs) -> Losses:
        discriminator = self.networks["discriminator_b"]
        terms = self.game.discriminator_losses(
            discriminator, batch.b, out.fake_b, batch.progress, self._asked(batch)
        )
        losses = named(terms, "b", weight=0.5)
        if self.classifies:
            losses["classify_real"] = self.classify * self._wrong(batch.b, batch)
        return losses

    def r1(self, batch: Batch, out: StarOutputs) -> Losses:
        return {"r1_b": self.game.r1(self.networks["discriminator_b"], batch.b, self._asked(batch))}

    def generator_loss(self, batch: Batch, out: StarOutputs) -> Losses:
        judged = self.game.generator_losses(
            self.networks["discriminator_b"], batch.b, out.fake_b, batch.progress, self._asked(batch)
        )
        losses = named(judged, "b", self.gan)
        losses["cycle_a"] = self.cycle * F.l1_loss(out.cycle_a.float(), batch.a)
        if out.same_a is not None:
            losses["identity_a"] = self.identity * F.l1_loss(out.same_a.float(), batch.a)
        if self.classifies:
            losses["classify_fake"] = self.classify * self._wrong(out.fake_b, batch)
        return losses

    def samples(self, batch: Batch, generators: Mapping[str, nn.Module]) -> dict[str, Tensor]:
        rows = {"a": batch.a}
        for number, label in list(enumerate(self.labels))[:MOST_ROWS]:
            wanted = torch.full((len(batch.a),), number, device=batch.a.device)
            rows[label] = generators["generator"](batch.a, wanted)
        return rows

    def _asked(self, batch: Batch) -> Tensor | None:
        return None if self.classifies else batch.label_b

    def _wrong(self, pictures: Tensor, batch: Batch) -> Tensor:
        classify = self.networks["discriminator_b"].classify
        seen = self.game.shown(pictures, batch.progress)
        return F.cross_entropy(classify(seen).float(), batch.label_b)  # type: ignore[operator]
