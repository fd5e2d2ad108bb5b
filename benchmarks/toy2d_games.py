"""The games of the 2-D bench (`toy2d.py`): data, networks, and how each objective is trained."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call

from translate.losses.adversarial import ADVERSARIAL, Adversarial, began_balance, pulling_away
from translate.losses.penalties import clip_weights_, consensus, gradient_penalty, interpolated, perturbed

BATCH, WIDTH, NOISE = 128, 64, 2


@dataclass(frozen=True)
class Data:
    """Points around `centres` (M, 2), which scatter by `sigma`; a mode is `group` neighbouring centres."""

    centres: Tensor
    sigma: float
    group: int = 1

    @property
    def modes(self) -> int:
        return len(self.centres) // self.group

    def sample(self, runs: int, count: int, random: torch.Generator) -> Tensor:
        """(runs, count, 2)."""
        which = torch.randint(len(self.centres), (runs, count), generator=random)
        return self.centres[which] + self.sigma * torch.randn(runs, count, 2, generator=random)


def ring() -> Data:
    angle = torch.arange(8) * (2 * math.pi / 8)
    return Data(2 * torch.stack([angle.cos(), angle.sin()], 1), sigma=0.1)


def grid() -> Data:
    return Data(torch.cartesian_prod(*2 * [torch.arange(-2.0, 3)]), sigma=0.07)


def swiss_roll() -> Data:
    """2000 centres at equal steps of arc; a mode is a twentieth of the curve."""
    fine = torch.linspace(1.5 * math.pi, 4.5 * math.pi, 20001)
    curve = torch.stack([fine * fine.cos(), fine * fine.sin()], 1) / 6
    length = torch.cat([torch.zeros(1), (curve[1:] - curve[:-1]).norm(dim=1).cumsum(0)])
    at = torch.searchsorted(length, torch.linspace(0, float(length[-1]), 2000)).clamp(max=len(curve) - 1)
    return Data(curve[at], sigma=0.06, group=100)


DATA: dict[str, Callable[[], Data]] = {"8-gaussians": ring, "25-gaussians": grid, "swiss-roll": swiss_roll}


@dataclass(frozen=True)
class Row:
    """How an objective is trained here: by Adam, WGAN by RMSProp; no loss is halved.

    Rates fall linearly to 0 over the second half of the `steps`, which are the generator's.
    """

    adversarial: str
    lr: float = 1e-3
    critic_lr: float = 1e-3
    betas: tuple[float, float] = (0.5, 0.99)
    steps: int = 1000
    critic_steps: int = 1
    # Of data so small some constants are too; the WGAN-GP paper's own code takes 0.1 for the penalty here.
    clip: float | None = None
    penalty: float | None = None
    pull: float = 0.0
    code: int = WIDTH  # numbers that an autoencoder squeezes a point into
    balance_rate: float = 1e-3
    unrolled: int = 0
    unrolled_lr: float = 0.02
    consensus: float = 0.0


SLOW = 1e-4  # a critic ten times slower than its generator, as in Metz et al. 2017, appendix A
ROWS: dict[str, Row] = {
    "minimax": Row("minimax"),
    "nonsaturating": Row("nonsaturating"),
    "lsgan": Row("lsgan"),
    "hinge": Row("hinge"),
    "wgan": Row("wgan", lr=5e-4, critic_lr=5e-4, steps=600, critic_steps=5, clip=0.1),
    "wgan-gp": Row("wgan-gp", critic_lr=2e-3, betas=(0.0, 0.9), steps=800, critic_steps=5, penalty=0.1),
    "dragan": Row("dragan", lr=5e-4, critic_lr=3e-3, betas=(0.5, 0.9), penalty=0.1),
    "ebgan": Row("ebgan", pull=0.1),
    "began": Row("began", code=1, balance_rate=1.0),
    "relativistic": Row("relativistic"),
    "unrolled": Row("nonsaturating", steps=300, unrolled=5),
    "consensus": Row("nonsaturating", steps=800, consensus=1e-3),
    "slow critic: minimax": Row("minimax", critic_lr=SLOW),
    "slow critic: nonsaturating": Row("nonsaturating", critic_lr=SLOW),
    "slow critic: unrolled": Row("nonsaturating", critic_lr=SLOW, steps=400, unrolled=5),
}


class StackedLinear(nn.Module):
    """A linear layer of its own for each run: (runs, B, inputs) -> (runs, B, outputs)."""

    def __init__(self, runs: int, inputs: int, outputs: int):
        super().__init__()
        weight = torch.randn(runs, inputs, outputs) * math.sqrt(2 / inputs)
        self.weight = nn.Parameter(weight)  # as Kaiming draws them
        self.bias = nn.Parameter(0.5 * torch.randn(runs, 1, outputs))

    def forward(self, points: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, points, self.weight)


def mlp(runs: int, *sizes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [StackedLinear(runs, inputs, outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


class Critic(nn.Module):
    """(runs, B, 2) -> a logit a point, (runs, B)."""

    def __init__(self, runs: int):
        super().__init__()
        self.layers = mlp(runs, 2, WIDTH, WIDTH, 1)

    def forward(self, points: Tensor) -> Tensor:
        return self.layers(points).squeeze(-1)


class Autoencoder(nn.Module):
    """(runs, B, 2) -> an energy a point, (runs, B): how far it is from its reconstruction."""

    def __init__(self, runs: int, code: int = WIDTH):
        super().__init__()
        self.encoder = mlp(runs, 2, WIDTH, WIDTH, code)
        self.decoder = mlp(runs, code, WIDTH, 2)

    def forward(self, points: Tensor) -> Tensor:
        return (self.decoder(self.encoder(points)) - points).abs().mean(-1)


class Game:
    """Generator and critic of one row, all runs of it."""

    def __init__(self, row: Row, data: Data, runs: int, seed: int):
        torch.manual_seed(seed)
        self.row, self.data, self.runs = row, data, runs
        self.objective: Adversarial = ADVERSARIAL[row.adversarial]
        self.random = torch.Generator().manual_seed(seed)
        self.generator = mlp(runs, NOISE, WIDTH, WIDTH, 2)
        self.critic = Autoencoder(runs, row.code) if self.objective.energy else Critic(runs)
        self.k = torch.zeros(runs)

    def fakes(self, count: int = BATCH) -> Tensor:
        return self.generator(torch.randn(self.runs, count, NOISE, generator=self.random))

    def reals(self) -> Tensor:
        return self.data.sample(self.runs, BATCH, self.random)

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """The sum over the runs, so that each has the gradient that it would have alone."""
        x, y = self.critic(torch.cat([real, fake], 1)).split(BATCH, 1)  # (runs, B)
        if self.objective.balanced:
            loss = torch.vmap(self.objective.discriminator)(x, y, self.k)
            balance = partial(began_balance, rate=self.row.balance_rate)
            self.k = torch.vmap(balance)(self.k, x.detach(), y.detach())
        else:
            loss = torch.vmap(self.objective.discriminator)(x, y)
        weight = self.objective.penalty_weight if self.row.penalty is None else self.row.penalty
        return loss.sum() + weight * self.penalty(real, fake)

    def penalty(self, real: Tensor, fake: Tensor) -> Tensor | float:
        if self.objective.penalty is None:
            return 0.0
        flat = real.flatten(0, 1), fake.flatten(0, 1)
        interpolate = self.objective.penalty == "interpolated"
        at = interpolated(*flat, self.random) if interpolate else perturbed(flat[0], self.random)
        return self.runs * gradient_penalty(lambda x: self.critic(x.view_as(real)).flatten(), at)

    def generator_loss(self, real: Tensor, fake: Tensor, critic: Callable[[Tensor], Tensor]) -> Tensor:
        if self.objective.relative:
            return torch.vmap(self.objective.generator)(critic(real), critic(fake)).sum()
        loss = torch.vmap(self.objective.generator)(critic(fake)).sum()
        if self.row.pull and isinstance(self.critic, Autoencoder):
            loss = loss + self.row.pull * torch.vmap(pulling_away)(self.critic.encoder(fake)).sum()
        return loss

    def unrolled(self, real: Tensor, fake: Tensor) -> Callable[[Tensor], Tensor]:
        """The critic a few steps of gradient descent ahead, as a function of the fakes; Metz et al. 2017."""
        ahead: dict[str, Tensor] = dict(self.critic.named_parameters())

        def critic(points: Tensor) -> Tensor:
            return functional_call(self.critic, ahead, (points,))

        for _ in range(self.row.unrolled):
            x, y = critic(torch.cat([real, fake], 1)).split(BATCH, 1)
            loss = torch.vmap(self.objective.discriminator)(x, y).sum()
            slopes = torch.autograd.grad(loss, list(ahead.values()), create_graph=True)
            ahead = {
                name: weight - self.row.unrolled_lr * slope
                for (name, weight), slope in zip(ahead.items(), slopes, strict=True)
            }
        return critic


def optimisers(game: Game) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    row = game.row
    players = (game.generator, row.lr), (game.critic, row.critic_lr)
    if row.adversarial == "wgan":
        first, second = (torch.optim.RMSprop(net.parameters(), lr) for net, lr in players)
    else:
        first, second = (torch.optim.Adam(net.parameters(), lr, row.betas, fused=True) for net, lr in players)
    return first, second


def descend(optimiser: torch.optim.Optimizer, network: nn.Module, loss: Tensor) -> None:
    weights = list(network.parameters())
    for weight, slope in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = slope
    optimiser.step()


def train(row: Row, data: Data, runs: int, seed: int = 0) -> Game:
    """Play `row.steps` rounds in `runs` independent games."""
    game = Game(row, data, runs, seed)
    generator_adam, critic_adam = optimisers(game)
    decay = [
        torch.optim.lr_scheduler.LambdaLR(adam, lambda step: min(1.0, 2 - 2 * step / row.steps))
        for adam in (generator_adam, critic_adam)
    ]
    for _ in range(row.steps):
        if row.consensus:
            consensus_round(game, generator_adam, critic_adam)
        else:
            alternate(game, generator_adam, critic_adam)
        for schedule in decay:
            schedule.step()
    return game


def alternate(game: Game, generator_adam: torch.optim.Optimizer, critic_adam: torch.optim.Optimizer) -> None:
    row = game.row
    for _ in range(row.critic_steps):
        with torch.no_grad():
            fake = game.fakes()
        descend(critic_adam, game.critic, game.critic_loss(game.reals(), fake))
        if row.clip is not None:
            clip_weights_(game.critic, row.clip)
    real, fake = game.reals(), game.fakes()
    critic = game.unrolled(real, fake) if row.unrolled else game.critic
    descend(generator_adam, game.generator, game.generator_loss(real, fake, critic))


def consensus_round(
    game: Game, generator_adam: torch.optim.Optimizer, critic_adam: torch.optim.Optimizer
) -> None:
    """Both players at once, each with its share of ½‖v‖²; Mescheder et al. 2017, algorithm 2."""
    real, fake = game.reals(), game.fakes()
    losses = game.generator_loss(real, fake, game.critic), game.critic_loss(real, fake)
    networks = game.generator, game.critic
    both = consensus([(loss, list(net.parameters())) for loss, net in zip(losses, networks, strict=True)])
    weights = [list(net.parameters()) for net in networks]
    slopes = [
        torch.autograd.grad(loss + game.row.consensus * both, own, retain_graph=True)
        for loss, own in zip(losses, weights, strict=True)
    ]
    for own, slope, adam in zip(weights, slopes, (generator_adam, critic_adam), strict=True):
        for weight, value in zip(own, slope, strict=True):
            weight.grad = value
        adam.step()
