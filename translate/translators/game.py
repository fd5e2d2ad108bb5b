"""One discriminator's game: an objective, and what a recipe adds to keep the discriminator in bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from translate.losses import penalties
from translate.losses.adversarial import Adversarial, began_balance, began_convergence, pulling_away
from translate.losses.conditional import matching_aware_discriminator
from translate.losses.features import feature_matching, layerwise_l1
from translate.networks.reference import introduce
from translate.translators.augment import Augment
from translate.translators.base import Batch, Losses, Phase, mixes_batch
from translate.translators.tally import Tally

Scales = Sequence[Tensor]
Look = Callable[[Tensor], Tensor | Scales]
Features = list[list[Tensor]]


@dataclass(frozen=True)
class Rules:
    """An objective, and what is added to it; weights of 0 leave a term out.

    Attributes:
        n_critic: the generator is stepped in every n-th step.
        generator_above, discriminator_above: a side is stepped only while its loss is above this.
        penalty: weight of the objective's own gradient penalty (WGAN-GP, DRAGAN).
        r1: γ of R1, ½ γ E‖∇D(x)‖² (Mescheder et al. 2018, eq. 9).
        r1_every: R1 is taken in every n-th step, n times as strong (Karras et al. 2020, §3.1).
        orthogonal: weight of ‖WᵀW ⊙ (1 − I)‖²_F (Brock et al. 2019, eq. 3).
        historical: weight of ‖θ − mean of all earlier θ‖² (Salimans et al. 2016, §3.3).
        clip: weights stay within ± this after every step (Arjovsky et al. 2017).
        real_target: what real pictures should score; below 1 is one-sided label smoothing.
        noise: standard deviation of Gaussian noise on all that the discriminator sees, on [-1, 1]; falls
            linearly to 0 over the training (Sønderby et al. 2017, §3.1; Arjovsky & Bottou 2017, §3).
        margin: EBGAN's m.
        gamma, balance_rate: BEGAN's γ and λ_k.
        feature_matching: weight of what the generator's pictures should share with real ones in the
            discriminator's eyes.
        matching: `layers` compares a picture with its own truth, place by place in every layer (Wang et al.
            2018, eq. 3); `mean` the batches' mean last features (Salimans et al. 2016, §3.1).
        pulling_away: weight of the likeness of the fakes' codes (Zhao et al. 2017, eq. 4).
        augment: kinds of augmentation of all that the discriminator sees, see `augment.Augment`.
        augment_p: how probable each is, or `adaptive`; then `augment_target`, `augment_ramp` count.
        given: leading channels of what the discriminator sees that the picture was made from.
    """

    objective: Adversarial
    n_critic: int = 1
    generator_above: float | None = None
    discriminator_above: float | None = None
    penalty: float = 0.0
    r1: float = 0.0
    r1_every: int = 16
    orthogonal: float = 0.0
    historical: float = 0.0
    clip: float | None = None
    real_target: float = 1.0
    noise: float = 0.0
    margin: float = 1.0
    gamma: float = 0.5
    balance_rate: float = 1e-3
    feature_matching: float = 0.0
    matching: Literal["layers", "mean"] = "layers"
    pulling_away: float = 0.0
    augment: tuple[str, ...] = ()
    augment_p: float | Literal["adaptive"] = 1.0
    augment_target: float = 0.6
    augment_ramp: int = 500_000
    given: int = 0


class Game(nn.Module):
    """What one discriminator and the generator that it judges minimise, unweighted.

    The only state is what the methods themselves define: BEGAN's k, the means of historical averaging and the
    probability of augmentation, as buffers, so that a resume has them.

    Args:
        discriminator: the network that will be judged with; only looked at, not kept.
    """

    k: Tensor
    seen: Tensor

    def __init__(self, rules: Rules, discriminator: nn.Module):
        super().__init__()
        self.rules, self.objective = rules, rules.objective
        self.merge = not mixes_batch(discriminator)
        self.register_buffer("k", torch.zeros(()))
        self.convergence = Tally() if self.objective.balanced else None
        self.augment = _augment(rules) if rules.augment else None
        if rules.historical:
            for name, parameter in unwrapped(discriminator).named_parameters():
                self.register_buffer(_mean_of(name), parameter.detach().clone())
            self.register_buffer("seen", torch.zeros(()))

    def discriminator_losses(
        self,
        discriminator: nn.Module,
        real: Tensor,
        fake: Tensor,
        progress: float,
        condition: Tensor | None = None,
        wrong: Tensor | None = None,
    ) -> Losses:
        """Terms of the discriminator: `discriminator`, and `penalty`, `orthogonal`, `historical` where asked.

        Args:
            real, fake: float (B, C, H, W) in [-1, 1].
            progress: how much of the training is done, 0 … 1.
            condition: what the pictures should show, labels (B,) or embeddings (B, E), the same for both.
            wrong: what the real pictures don't show; beside it they count as fakes, so that the discriminator
                must look at its condition (Reed et al. 2016, algorithm 1).
        """
        introduce(unwrapped(discriminator), real, condition)
        look = looking_for(discriminator, condition)
        real, fake = self.shown(real, progress), self.shown(fake, progress)
        scales = judge(look, real, fake, self.merge)
        if self.augment is not None and self.objective.undecided is not None:
            self.augment.hear([logits for logits, _ in scales], self.objective.undecided)
        if wrong is None:
            verdict = [self._discriminator(*logits) for logits in scales]
        else:
            mistaken = verdicts(looking_for(discriminator, wrong)(real))
            verdict = [
                matching_aware_discriminator(right, mistake, fakes, self._discriminator)
                for (right, fakes), mistake in zip(scales, mistaken, strict=True)
            ]
        losses = {"discriminator": torch.stack(verdict).sum()}
        asked = self.rules
        if asked.penalty:
            at = self._penalised(real, fake)
            penalty = penalties.gradient_penalty(score_with(look), at)
            losses["penalty"] = asked.penalty * penalty
        if asked.orthogonal:
            losses["orthogonal"] = asked.orthogonal * penalties.orthogonal(discriminator)
        if asked.historical:
            losses["historical"] = asked.historical * self._from_history(discriminator)
        return losses

    def generator_losses(
        self,
        discriminator: nn.Module,
        real: Tensor,
        fake: Tensor,
        progress: float,
        condition: Tensor | None = None,
    ) -> Losses:
        """Terms of the generator: `gan`, unweighted, and `matching`, `pulling_away` where asked.

        Args:
            real, fake: as for the discriminator; matched layer by layer, each fake beside its own truth.
        """
        losses = {"gan": self.generator_loss(discriminator, real, fake, progress, condition)}
        asked = self.rules
        if asked.feature_matching:
            matched = self._matched(discriminator, *self._augmented_alike(real, fake), condition)
            losses["matching"] = asked.feature_matching * matched
        if asked.pulling_away:
            codes = unwrapped(discriminator).encode(self.shown(fake, progress))  # type: ignore[operator]
            losses["pulling_away"] = asked.pulling_away * pulling_away(codes.float())
        return losses

    def generator_loss(
        self,
        discriminator: nn.Module,
        real: Tensor,
        fake: Tensor,
        progress: float,
        condition: Tensor | None = None,
    ) -> Tensor:
        """What the generator minimises; relativistic objectives look at the real pictures too."""
        introduce(unwrapped(discriminator), real, condition)
        look = looking_for(discriminator, condition)
        fake = self.shown(fake, progress)
        if self.objective.relative:
            scales = judge(look, self.shown(real, progress), fake, self.merge)
            return torch.stack([self.objective.generator(*logits) for logits in scales]).sum()
        return torch.stack([self.objective.generator(logits) for logits in verdicts(look(fake))]).sum()

    def r1(self, discriminator: nn.Module, real: Tensor, condition: Tensor | None = None) -> Tensor:
        """The lazy R1 term, strengthened by its interval: of the slope at the pictures as they are seen."""
        strength = self.rules.r1 * self.rules.r1_every
        introduce(unwrapped(discriminator), real, condition)
        seen = self.shown(real, progress=1.0)
        return strength * penalties.r1(score_with(looking_for(discriminator, condition)), seen)

    def readings(self) -> dict[str, float]:
        """What moves in this game and is no loss, by name; this waits for the device.

        BEGAN's `k` and its `convergence`, the mean since the last reading; an adaptive `augment_p`.
        """
        found: dict[str, float] = {}
        if self.convergence is not None:
            found["k"] = float(self.k)
            mean = self.convergence.take()
            found |= {} if mean is None else {"convergence": mean}
        if self.augment is not None and self.augment.adaptive:
            found["augment_p"] = float(self.augment.p)
        return found

    def shown(self, pictures: Tensor, progress: float) -> Tensor:
        """Pictures as the discriminator sees them: augmented, and under instance noise."""
        return self.noisy(pictures if self.augment is None else self.augment(pictures), progress)

    def noisy(self, pictures: Tensor, progress: float) -> Tensor:
        """Instance noise, as much as is left of it."""
        left = self.rules.noise * (1 - progress)
        return pictures + left * torch.randn_like(pictures) if left > 0 else pictures

    def _discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        objective, asked = self.objective, self.rules
        if self.convergence is not None:
            self.convergence.add(began_convergence(real, fake, asked.gamma))
            # A copy: the backward pass needs this k, not the next.
            loss = objective.discriminator(real, fake, self.k.clone())
            balanced = began_balance(self.k, real.detach(), fake.detach(), asked.gamma, asked.balance_rate)
            self.k.copy_(balanced)
            return loss
        if objective.energy:
            return objective.discriminator(real, fake, asked.margin)
        if asked.real_target != 1:
            return objective.discriminator(real, fake, target=asked.real_target)
        return objective.discriminator(real, fake)

    def _augmented_alike(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        if self.augment is None:
            return real, fake
        changes = self.augment.draw(len(real))
        return self.augment(real, changes), self.augment(fake, changes)

    def _matched(
        self, discriminator: nn.Module, real: Tensor, fake: Tensor, condition: Tensor | None
    ) -> Tensor:
        """The distance of the fakes' features to the real ones', which are only aimed at."""
        found = features_of(discriminator, fake, condition)
        with torch.no_grad():
            wanted = features_of(discriminator, real, condition)
        if self.rules.matching == "layers":
            return layerwise_l1(wanted, found)
        # Every patch is a sample of its own, so the mean is over places, too.
        last = [
            feature_matching(*(scale[-1].movedim(1, -1).flatten(0, -2) for scale in pair))
            for pair in zip(wanted, found, strict=True)
        ]
        return torch.stack(last).sum()

    def _penalised(self, real: Tensor, fake: Tensor) -> Tensor:
        if self.objective.penalty == "around_real":
            return penalties.perturbed(real)
        return penalties.interpolated(real, fake)

    def _from_history(self, discriminator: nn.Module) -> Tensor:
        """‖θ − θ̄‖², where θ̄ is the mean of the weights at all earlier calls; then this one counts."""
        parameters = dict(unwrapped(discriminator).named_parameters())
        means = {name: self.get_buffer(_mean_of(name)) for name in parameters}
        distance = penalties.historical(parameters.values(), means.values())
        self.seen += 1
        penalties.update_means_(means.values(), parameters.values(), self.seen)
        return distance


def looking_for(discriminator: nn.Module, condition: Tensor | None) -> Look:
    """The discriminator, told what the pictures should show; several batches of it at once, too."""
    if condition is None:
        return discriminator
    return lambda pictures: discriminator(
        pictures, torch.cat([condition] * (len(pictures) // len(condition)))
    )


def features_of(discriminator: nn.Module, pictures: Tensor, condition: Tensor | None = None) -> Features:
    """What a discriminator sees in pictures, scales × layers, float32 (B, C, H', W')."""
    told = () if condition is None else (condition,)
    features = unwrapped(discriminator).features(pictures, *told)  # type: ignore[operator]
    return [[layer.float() for layer in scale] for scale in features]


def unwrapped(network: nn.Module) -> nn.Module:
    """The network itself, of one that torch trains in many processes."""
    return network.module if isinstance(network, DistributedDataParallel) else network


def judge(discriminator: Look, real: Tensor, fake: Tensor, merge: bool) -> list[tuple[Tensor, Tensor]]:
    """Logits of real and fake at every scale, float32; in one call where pictures don't see each other."""
    if merge and real.shape == fake.shape:
        both = verdicts(discriminator(torch.cat([real, fake])))
        return [(logits[: len(real)], logits[len(real) :]) for logits in both]
    return list(zip(verdicts(discriminator(real)), verdicts(discriminator(fake)), strict=True))


def verdicts(answer: Tensor | Scales) -> list[Tensor]:
    """A discriminator's answer as float32 logits, one tensor a scale."""
    return [logits.float() for logits in ([answer] if isinstance(answer, Tensor) else answer)]


def score_with(discriminator: Look) -> Callable[[Tensor], Tensor]:
    """D as one number a picture, (B, C, H, W) to (B,): the mean over patches, as in the losses."""

    def score(pictures: Tensor) -> Tensor:
        return torch.stack([_of_pictures(logits) for logits in verdicts(discriminator(pictures))]).sum(0)

    return score


def discriminator_phases(
    rules: Rules,
    networks: tuple[str, ...],
    loss: Callable[[Batch, Any], Losses],
    r1: Callable[[Batch, Any], Losses],
    *,
    replay: tuple[str, ...] = (),
) -> tuple[Phase, ...]:
    """The phase that trains discriminators, and R1's own where it is asked for."""
    main = Phase(
        "discriminator",
        networks,
        loss,
        replay=replay,
        detached=True,
        above=rules.discriminator_above,
        clip=rules.clip,
    )
    lazy = Phase("r1", networks, r1, every=rules.r1_every, detached=True, optimizer="discriminator")
    return (main, lazy) if rules.r1 else (main,)


def generator_phase(rules: Rules, networks: tuple[str, ...], loss: Callable[[Batch, Any], Losses]) -> Phase:
    """The phase that trains generators, and whatever learns with them."""
    return Phase("generator", networks, loss, every=rules.n_critic, above=rules.generator_above)


def named(losses: Losses, side: str, weight: float) -> Losses:
    """`gan` → `gan_b`; the objective's term times the translator's weight, the others keep their own."""
    objective = ("discriminator", "gan")
    return {f"{name}_{side}": weight * term if name in objective else term for name, term in losses.items()}


def _augment(rules: Rules) -> Augment:
    return Augment(
        rules.augment,
        p=None if rules.augment_p == "adaptive" else rules.augment_p,
        target=rules.augment_target,
        ramp=rules.augment_ramp,
        given=rules.given,
    )


def _of_pictures(logits: Tensor) -> Tensor:
    """The mean of each picture's logits, (B, …) to (B,)."""
    return logits.reshape(len(logits), -1).mean(1)


def _mean_of(parameter: str) -> str:
    return "mean_" + parameter.replace(".", "_")
