"""The 2-D bench: its data and scores against closed forms, and a short training of every objective."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))  # scripts import their neighbours
import toy2d  # noqa: E402
from toy2d_games import DATA, ROWS, Autoencoder, Critic, Game, Generator  # noqa: E402

sys.path.remove(str(BENCHMARKS))

from translate.losses.adversarial import ADVERSARIAL  # noqa: E402

SIZES = {"8-gaussians": 8, "25-gaussians": 25, "swiss-roll": 20}


def test_every_objective_but_the_one_for_pictures_has_a_row():
    assert {row.adversarial for row in ROWS.values()} == set(ADVERSARIAL) - {"projected"}


@pytest.mark.parametrize("name", DATA)
def test_a_sample_of_the_data_covers_it(name):
    data = DATA[name]()
    points = data.sample(1, 2500, torch.Generator().manual_seed(1))[0]
    score = toy2d.judge(points, data)
    assert score.modes == data.modes == SIZES[name]
    assert score.quality > 0.95
    if name != "swiss-roll":
        assert score.quality == pytest.approx(1 - math.exp(-4.5), abs=0.01)  # a Gaussian within 3σ, in 2-D
    assert score.w1 < 0.2


def test_one_mode_is_one_mode_and_as_far_as_the_others_are():
    data = DATA["8-gaussians"]()
    points = data.centres[:1].expand(2500, 2)
    score = toy2d.judge(points, data)
    assert (score.modes, score.quality) == (1, 1)
    chords = (data.centres - data.centres[0]).norm(dim=1).mean().item()
    assert score.w1 == pytest.approx(chords, rel=0.05)


def test_wasserstein_of_a_shifted_sample_is_the_shift():
    data = DATA["8-gaussians"]()
    same = data.sample(1, toy2d.PAIRED, torch.Generator().manual_seed(12345))[0]
    assert toy2d.judge(same, data).w1 == pytest.approx(0, abs=1e-3)
    assert toy2d.judge(same + torch.tensor([3.0, 4.0]), data).w1 == pytest.approx(5, rel=1e-4)


@pytest.mark.parametrize("build", [Critic, Autoencoder, partial(Autoencoder, code=3, lift=1.0)])
def test_runs_of_a_stack_don_t_see_each_other(build):
    torch.manual_seed(0)
    critic, points = build(3), torch.randn(3, 16, 2)
    before = critic(points)
    points[1] += 1
    changed = (critic(points) != before).any(1)
    assert changed.tolist() == [False, True, False]


def test_a_run_s_gradient_is_what_it_would_be_alone():
    game = Game(ROWS["relativistic"], DATA["8-gaussians"](), 2, seed=0)
    real, fake = (points.detach() for points in game.batch())
    both = torch.autograd.grad(game.critic_loss(real, fake), list(game.critic.parameters()))
    logits = [game.critic(points)[1] for points in (real, fake)]
    alone = torch.autograd.grad(
        ADVERSARIAL["relativistic"].discriminator(*logits), list(game.critic.parameters())
    )
    for a, b in zip(both, alone, strict=True):
        torch.testing.assert_close(a[1], b[1])


def test_a_generator_with_spread_starts_as_wide_as_the_noise():
    torch.manual_seed(0)
    noise = torch.randn(2, 512, 2)
    points = Generator(2, spread=1.5)(noise)
    assert (points - 1.5 * noise).abs().mean() < 0.5 < points.abs().mean()


def test_expectations_leave_a_margin_below_the_worst_run():
    scores = {"modes_worst": 20, "quality_worst": 0.5, "w1_worst": 0.4}
    assert toy2d.expected(scores) == {"modes": 18, "quality": 0.3, "w1": 0.5}
    assert toy2d.expected(scores | {"modes_worst": 0})["modes"] == 0


def test_a_shortfall_is_named():
    bounds = {"modes": 7, "quality": 0.5, "w1": 0.4}
    assert toy2d.shortfalls({"modes": 7, "quality": 0.5, "w1": 0.4}, bounds) == []
    short = toy2d.shortfalls({"modes": 6.9, "quality": 0.6, "w1": 0.41}, bounds)
    assert short == ["modes 6.9, expected 7", "w1 0.41, expected 0.4"]


def recorded() -> dict:
    return json.loads((BENCHMARKS / "results" / "toy2d.json").read_text())


def test_what_is_recorded_is_of_the_rows_as_they_are():
    """Whoever changes a row measures again: expectations are of the trainings that they were taken from."""
    assert recorded()["rows"] == json.loads(json.dumps({name: asdict(row) for name, row in ROWS.items()}))


def test_the_page_shows_the_recorded_table():
    page = (BENCHMARKS.parent / "docs" / "choosing-a-loss.md").read_text()
    assert toy2d.overview(recorded()["results"]) in page


def test_every_objective_is_expected_to_beat_an_untrained_generator():
    """Else a short training would prove nothing; a row's own generator may start as the noise."""
    data, untrained = DATA["8-gaussians"](), {}
    for row in ROWS.values():
        if row.spread not in untrained:
            points = Game(row, data, 1, seed=1).fakes(toy2d.SAMPLES).detach()
            untrained[row.spread] = toy2d.summary(points, data)
    for name, bounds in recorded()["expected"]["short"].items():
        assert toy2d.shortfalls(untrained[ROWS[name].spread], bounds), name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in ("began", "dragan") else [])
        for name in sorted(set(ADVERSARIAL) - {"projected"})
    ],
)
def test_a_short_training_does_what_five_seeds_did(name):
    """Three runs, of another seed, in the mean; see `toy2d.expected` for the margins."""
    bounds = recorded()["expected"]["short"][name]
    assert toy2d.shortfalls(toy2d.measure("short", name, runs=3, seed=1)[0], bounds) == []


@pytest.mark.slow
def test_the_plain_game_with_a_slow_critic_collapses_and_wgan_gp_as_published_doesn_t():
    plain = toy2d.measure("8-gaussians", "slow critic: minimax", runs=2, seed=1)[0]
    penalised = toy2d.measure("8-gaussians", "wgan-gp", runs=2, seed=1)[0]
    assert plain["modes"] <= 4 < penalised["modes"]
    assert plain["w1"] > 1.5 * penalised["w1"]
