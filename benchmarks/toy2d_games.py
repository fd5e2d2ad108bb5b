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

WIDTH, NOISE = 64, 2


@dataclass(frozen=True)
class Data:
    """Points around `centres` (M, 2), which scatter by `sigma`; a mode is `group` neighbouring centres.

    Trainings on it take `length` times a row's steps.
    """

    centres: Tensor
    sigma: float
    length: float
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
    return Data(2 * torch.stack([angle.cos(), angle.sin()], 1), sigma=0.1, length=0.6)


def grid() -> Data:
    return Data(torch.cartesian_prod(*2 * [torch.arange(-2.0, 3)]), sigma=0.07, length=1.3)


def swiss_roll() -> Data:
    """2000 centres at equal steps of arc; a mode is a twentieth of the curve."""
    fine = torch.linspace(1.5 * math.pi, 4.5 * math.pi, 20001)
    curve = torch.stack([fine * fine.cos(), fine * fine.sin()], 1) / 6
    length = torch.cat([torch.zeros(1), (curve[1:] - curve[:-1]).norm(dim=1).cumsum(0)])
    at = torch.searchsorted(length, torch.linspace(0, float(length[-1]), 2000)).clamp(max=len(curve) - 1)
    return Data(curve[at], sigma=0.06, length=0.6, group=100)


DATA: dict[str, Callable[[], Data]] = {"8-gaussians": ring, "25-gaussians": grid, "swiss-roll": swiss_roll}


@dataclass(frozen=True)
class Row:
    """How an objective is trained here: by Adam, WGAN by RMSProp; no loss is halved.

    `steps` are the generator's, of a training of length 1; rates fall linearly to 0 over their second half.
    """

    adversarial: str
    lr: float = 2e-3
    critic_lr: float = 2e-3
    betas: tuple[float, float] = (0.5, 0.99)
    steps: int = 1000
    batch: int = 256
    critic_steps: int = 1
    # Of data so small some constants are too; the WGAN-GP paper's own code takes 0.1 for the penalty here.
    clip: float | None = None
    penalty: float | None = None
    pull: float = 0.0
    code: int = WIDTH  # numbers that an autoencoder squeezes a point into
    lift: float = 0.0  # the frequency of the waves that an autoencoder sees a point as; 0: its coordinates
    spread: float = 0.0  # how much of the noise itself the generator adds to its points
    gamma: float = 0.5  # how much of the data's energy BEGAN's fakes are to have
    balance_rate: float = 1e-3
    unrolled: int = 0
    unrolled_lr: float = 0.02
    consensus: float = 0.0
    only: tuple[str, ...] = ()  # the data sets that it is for, all if none


RING = ("8-gaussians",)
SLOW = 1e-4  # a critic ten times slower than its generator, as in Metz et al. 2017, appendix A
ROWS: dict[str, Row] = {
    "minimax": Row("minimax"),
    "nonsaturating": Row("nonsaturating"),
    "lsgan": Row("lsgan", lr=1e-3),
    "hinge": Row("hinge"),
    # Five critic steps, on batches of half the size.
    "wgan": Row("wgan", lr=1e-3, critic_lr=1e-3, steps=500, batch=128, critic_steps=5, clip=0.1),
    "wgan-gp": Row("wgan-gp", critic_lr=4e-3, steps=900, batch=128, critic_steps=5, penalty=0.1),
    "dragan": Row("dragan", lr=5e-4, critic_lr=4e-3, steps=1500, penalty=0.01),
    "ebgan": Row("ebgan", pull=0.1),
    "began": Row(
        "began", lr=1e-4, batch=128, steps=1800, code=8, gamma=1.0, balance_rate=0.1, lift=1.0, spread=1.5
    ),
    "relativistic": Row("relativistic"),
    "unrolled": Row("nonsaturating", batch=128, steps=400, unrolled=5, only=RING),
    "consensus": Row("nonsaturating", steps=700, consensus=0.1, only=RING),
    "slow critic: minimax": Row("minimax", lr=1e-3, critic_lr=SLOW, only=RING),
    "slow critic: nonsaturating": Row("nonsaturating", lr=1e-3, critic_lr=SLOW, only=RING),
    "slow critic: unrolled": Row(
        "nonsaturating", lr=1e-3, critic_lr=SLOW, batch=128, steps=400, unrolled=5, only=RING
    ),
    "slow critic: wgan-gp": Row(
        "wgan-gp", lr=1e-3, critic_lr=SLOW, steps=500, batch=128, critic_steps=5, penalty=0.1, only=RING
    ),
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
        layers += [StackedLinear(runs, inputs, outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


class Generator(nn.Module):
    """(runs, B, NOISE) -> points (runs, B, 2): what is learned, and beside it `spread` times the noise."""

    def __init__(self, runs: int, spread: float = 0.0):
        super().__init__()
        self.spread = spread
        self.layers = mlp(runs, NOISE, WIDTH, WIDTH, WIDTH, 2)
        if spread:  # starts as the noise, nearly
            with torch.no_grad():
                for weight in self.layers[-1].parameters():
                    weight.mul_(0.1)

    def forward(self, noise: Tensor) -> Tensor:
        return self.layers(noise) + self.spread * noise


class Critic(nn.Module):
    """(runs, B, 2) -> a logit a point, (runs, B)."""

    def __init__(self, runs: int):
        super().__init__()
        self.layers = mlp(runs, 2, WIDTH, WIDTH, WIDTH, 1)

    def forward(self, points: Tensor) -> Tensor:
        return self.layers(points).squeeze(-1)


class Autoencoder(nn.Module):
    """(runs, B, 2) -> an energy a point, (runs, B): how far it is from its reconstruction.

    Two numbers are too few to squeeze: with `lift` it is a point's random Fourier features, sines and cosines
    of that frequency, that are reconstructed (Rahimi & Recht 2007).
    """

    waves: Tensor

    def __init__(self, runs: int, code: int = WIDTH, lift: float = 0.0):
        super().__init__()
        self.lift, inputs = lift, WIDTH if lift else 2
        self.register_buffer("waves", lift * torch.randn(runs, 2, WIDTH // 2))
        self.encoder = mlp(runs, inputs, WIDTH, WIDTH, code)
        self.decoder = mlp(runs, code, WIDTH, inputs)

    def lifted(self, points: Tensor) -> Tensor:
        if not self.lift:
            return points
        angles = points @ self.waves
        return torch.cat([angles.cos(), angles.sin()], -1)

    def codes(self, points: Tensor) -> Tensor:
        """(runs, B, code)."""
        return self.encoder(self.lifted(points))

    def forward(self, points: Tensor) -> Tensor:
        seen = self.lifted(points)
        return (self.decoder(self.encoder(seen)) - seen).abs().mean(-1)


class Game:
    """Generator and critic of one row, all runs of it."""

    def __init__(self, row: Row, data: Data, runs: int, seed: int):
        torch.manual_seed(seed)
        self.row, self.data, self.runs = row, data, runs
        self.objective: Adversarial = ADVERSARIAL[row.adversarial]
        self.random = torch.Generator().manual_seed(seed)
        self.generator = Generator(runs, row.spread)
        self.critic = Autoencoder(runs, row.code, row.lift) if self.objective.energy else Critic(runs)
        self.k = torch.zeros(runs)

    def fakes(self, count: int) -> Tensor:
        return self.generator(torch.randn(self.runs, count, NOISE, generator=self.random))

    def batch(self) -> tuple[Tensor, Tensor]:
        """Real points and fakes, (runs, B, 2) each."""
        real = self.data.sample(self.runs, self.row.batch, self.random)
        return real, self.fakes(self.row.batch)

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """The sum over the runs, so that each has the gradient that it would have alone."""
        x, y = self.critic(torch.cat([real, fake], 1)).split(self.row.batch, 1)  # (runs, B)
        if self.objective.balanced:
            loss = torch.vmap(self.objective.discriminator)(x, y, self.k)
            balance = partial(began_balance, gamma=self.row.gamma, rate=self.row.balance_rate)
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
            loss = loss + self.row.pull * torch.vmap(pulling_away)(self.critic.codes(fake)).sum()
        return loss

    def unrolled(self, real: Tensor, fake: Tensor) -> Callable[[Tensor], Tensor]:
        """The critic a few steps of gradient descent ahead, as a function of the fakes; Metz et al. 2017."""
        ahead: dict[str, Tensor] = dict(self.critic.named_parameters())

        def critic(points: Tensor) -> Tensor:
            return functional_call(self.critic, ahead, (points,))

        for _ in range(self.row.unrolled):
            x, y = critic(torch.cat([real, fake], 1)).split(self.row.batch, 1)
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
    """Play `data.length` times `row.steps` rounds in `runs` independent games."""
    game, steps = Game(row, data, runs, seed), round(data.length * row.steps)
    generator_adam, critic_adam = optimisers(game)
    decay = [
        torch.optim.lr_scheduler.LambdaLR(adam, lambda step: min(1.0, 2 - 2 * step / steps))
        for adam in (generator_adam, critic_adam)
    ]
    for _ in range(steps):
        if row.consensus:
            consensus_round(game, generator_adam, critic_adam)
        else:
            alternate(game, generator_adam, critic_adam)
        for schedule in decay:
            schedule.step()
    return game


def alternate(game: Game, generator_adam: torch.optim.Optimizer, critic_adam: torch.optim.Optimizer) -> None:
    row = game.row
    real, fake = game.batch()
    for left in reversed(range(row.critic_steps)):
        descend(critic_adam, game.critic, game.critic_loss(real, fake.detach()))
        if row.clip is not None:
            clip_weights_(game.critic, row.clip)
        if left:
            real, fake = game.batch()
    critic = game.unrolled(real, fake) if row.unrolled else game.critic
    descend(generator_adam, game.generator, game.generator_loss(real, fake, critic))


def consensus_round(
    game: Game, generator_adam: torch.optim.Optimizer, critic_adam: torch.optim.Optimizer
) -> None:
    """Both players at once, each with its share of ½‖v‖²; Mescheder et al. 2017, algorithm 2."""
    real, fake = game.batch()
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
