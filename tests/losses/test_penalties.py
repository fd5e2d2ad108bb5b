"""Penalties against networks whose gradients are known, loops and hand-computed numbers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import parametrizations

from translate.losses.penalties import (
    clip_weights_,
    consensus,
    gradient_penalty,
    historical,
    interpolated,
    orthogonal,
    perturbed,
    r1,
    update_means_,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def linear() -> nn.Linear:
    """Its gradient is its weight, (3, 4, 0): of length 5 everywhere."""
    layer = nn.Linear(3, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 4.0, 0.0]]))
    return layer


def picture_critic() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, 2, 1), nn.Softplus(), nn.Conv2d(8, 8, 3), nn.Tanh(), nn.Conv2d(8, 1, 3)
    )


def weight_gradients(module: nn.Module, loss: Tensor) -> list[Tensor]:
    """Zeros where the loss doesn't reach, as with the last bias under a gradient penalty."""
    weights = list(module.parameters())
    return list(torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True))


def test_a_linear_critic_s_penalties_are_known(linear):
    at = torch.randn(6, 3, generator=generator())
    assert gradient_penalty(linear, at).item() == pytest.approx((5 - 1) ** 2)
    assert gradient_penalty(linear, at, target=0).item() == pytest.approx(25)
    assert r1(linear, at).item() == pytest.approx(25 / 2)


def test_a_linear_critic_s_penalties_have_known_gradients(linear):
    at = torch.randn(6, 3, generator=generator())
    weight, bias = weight_gradients(linear, gradient_penalty(linear, at))
    torch.testing.assert_close(weight, 2 * (5 - 1) * linear.weight / 5)  # d(‖w‖ − 1)²/dw
    assert bias.item() == 0
    weight, _ = weight_gradients(linear, r1(linear, at))
    torch.testing.assert_close(weight, linear.weight)


def test_a_curved_critic_s_penalties_are_means_over_pictures():
    at = torch.tensor([[1.0, 2.0], [0.5, -1.0]])  # D(x) = x₁² + 3x₂², ∇ = (2x₁, 6x₂)

    def score(x: Tensor) -> Tensor:
        return x[:, 0] ** 2 + 3 * x[:, 1] ** 2

    lengths = [(4 + 144) ** 0.5, (1 + 36) ** 0.5]
    assert gradient_penalty(score, at).item() == pytest.approx(sum((n - 1) ** 2 for n in lengths) / 2)
    assert r1(score, at).item() == pytest.approx((148 + 37) / 2 / 2)


def test_of_a_map_of_logits_the_sum_counts(linear):
    at = torch.randn(6, 3, generator=generator())

    def score(x: Tensor) -> Tensor:
        return linear(x).reshape(6, 1, 1, 1).expand(6, 1, 2, 2)

    assert gradient_penalty(score, at).item() == pytest.approx((4 * 5 - 1) ** 2)


def test_a_critic_without_slope_gives_finite_gradients(linear):
    nn.init.zeros_(linear.weight)
    loss = gradient_penalty(linear, torch.randn(2, 3))
    assert loss.item() == 1
    assert all(g.isfinite().all() for g in weight_gradients(linear, loss))


@pytest.mark.parametrize("penalty", [gradient_penalty, r1])
def test_a_penalty_s_gradient_is_what_differences_say(penalty):
    critic, at = picture_critic(), torch.randn(2, 3, 16, 16, generator=generator())
    for index, gradient in enumerate(weight_gradients(critic, penalty(critic, at))):
        weight = list(critic.parameters())[index]
        direction = torch.randn(weight.shape, generator=generator(index))
        direction /= direction.norm()
        values = []
        for step in (2e-2, -2e-2):
            with torch.no_grad():
                weight.add_(step * direction)
            values.append(penalty(critic, at).item())
            with torch.no_grad():
                weight.sub_(step * direction)
        slope = (values[0] - values[1]) / 4e-2
        assert float((gradient * direction).sum()) == pytest.approx(slope, rel=0.01, abs=1e-4)


@pytest.mark.parametrize("penalty", [gradient_penalty, r1])
def test_penalties_are_float32_under_autocast(penalty):
    critic, at = picture_critic(), torch.randn(2, 3, 16, 16, generator=generator())
    expected = penalty(critic, at)
    with torch.autocast("cpu", torch.bfloat16):
        assert critic(at).dtype == torch.bfloat16
        actual = penalty(critic, at)
        from_half = penalty(critic, at.bfloat16())
    assert actual.dtype == from_half.dtype == torch.float32
    torch.testing.assert_close(actual, expected, rtol=1e-6, atol=0)
    for a, b in zip(weight_gradients(critic, actual), weight_gradients(critic, expected), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("penalty", [gradient_penalty, r1])
def test_penalties_don_t_depend_on_the_memory_layout(penalty):
    critic, at = picture_critic(), torch.randn(2, 3, 16, 16, generator=generator())
    expected = penalty(critic, at)
    gradients = weight_gradients(critic, expected)
    critic = critic.to(memory_format=torch.channels_last)
    actual = penalty(critic, at.to(memory_format=torch.channels_last))
    torch.testing.assert_close(actual, expected)
    for a, b in zip(weight_gradients(critic, actual), gradients, strict=True):
        torch.testing.assert_close(a, b)


def test_a_penalty_needs_no_gradient_mode_and_leaves_no_gradients(linear):
    with torch.no_grad():
        assert gradient_penalty(linear, torch.randn(2, 3)).item() == pytest.approx(16)
    assert linear.weight.grad is None


@pytest.mark.parametrize("penalty", [gradient_penalty, r1])
def test_penalties_go_through_distributed_data_parallel(penalty, tmp_path):
    if not torch.distributed.is_available():
        pytest.skip("this torch has no torch.distributed")
    torch.distributed.init_process_group("gloo", f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        critic, at = picture_critic(), torch.randn(2, 3, 16, 16, generator=generator())
        (critic(at).mean() + penalty(critic, at)).backward()
        expected = [weight.grad.clone() for weight in critic.parameters()]
        critic.zero_grad()
        wrapped = DistributedDataParallel(critic)
        (wrapped(at).mean() + penalty(wrapped, at)).backward()
        for weight, gradient in zip(critic.parameters(), expected, strict=True):
            torch.testing.assert_close(weight.grad, gradient)
    finally:
        torch.distributed.destroy_process_group()


def test_interpolation_lies_between_real_and_fake_at_one_share_a_picture():
    real, fake = torch.zeros(64, 3, 4, 4), torch.ones(64, 3, 4, 4, requires_grad=True)
    at = interpolated(real, fake, generator())
    shares = at.flatten(1)
    assert not at.requires_grad
    assert (shares == shares[:, :1]).all()
    assert 0 <= float(shares.min()) < 0.1
    assert 0.9 < float(shares.max()) <= 1
    torch.testing.assert_close(at, interpolated(real, fake, generator()), rtol=0, atol=0)


def test_interpolation_takes_real_and_fake_of_one_shape():
    with pytest.raises(ValueError, match="as many fakes as real"):
        interpolated(torch.zeros(2, 3), torch.zeros(1, 3))


def test_perturbation_is_up_to_half_a_standard_deviation():
    real = torch.randn(400, 3, 8, 8, generator=generator()) * 0.2
    moved = (perturbed(real, generator()) - real) / (0.5 * real.std(correction=0))
    assert float(moved.min()) >= -1e-5
    assert 0.98 < float(moved.max()) <= 1 + 1e-5
    assert float(moved.mean()) == pytest.approx(1 / 4, abs=0.02)  # E α · E U
    assert float(moved.flatten(1).amax(1).min()) < 0.05  # α is one a picture


def test_clipping_keeps_what_is_within():
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.5, -0.004]]))
        layer.bias.fill_(-0.2)
    clip_weights_(layer, 0.01)
    torch.testing.assert_close(layer.weight.detach(), torch.tensor([[0.01, -0.004]]))
    assert layer.bias.item() == pytest.approx(-0.01)
    with pytest.raises(ValueError, match="positive limit"):
        clip_weights_(layer, 0)


def shared_products(filters: list[Tensor]) -> float:
    return sum(
        (a * b).sum().item() ** 2 for i, a in enumerate(filters) for j, b in enumerate(filters) if i != j
    )


def test_orthogonality_is_the_squared_products_of_different_filters():
    torch.manual_seed(0)
    conv, back, linear = nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(3, 5, 2), nn.Linear(6, 3)
    network = nn.Sequential(conv, nn.BatchNorm2d(4), back, linear)
    expected = (
        shared_products(list(conv.weight))
        + shared_products([back.weight[:, i] for i in range(5)])
        + shared_products(list(linear.weight))
    )
    assert float(orthogonal(network).detach()) == pytest.approx(expected, rel=1e-5)


def test_orthogonal_filters_of_any_length_cost_nothing():
    layer = nn.Linear(4, 3)
    nn.init.orthogonal_(layer.weight, gain=7)
    assert float(orthogonal(layer).detach()) == pytest.approx(0, abs=1e-6)


def test_orthogonality_under_spectral_norm_is_of_the_trained_weight_and_changes_nothing():
    torch.manual_seed(0)
    plain = nn.Linear(4, 3)
    expected = orthogonal(plain)
    normed = parametrizations.spectral_norm(plain)
    before = {name: value.clone() for name, value in normed.state_dict().items()}
    actual = orthogonal(normed)
    torch.testing.assert_close(actual, expected)
    assert all(torch.equal(value, before[name]) for name, value in normed.state_dict().items())
    assert weight_gradients(normed, actual)[1].abs().sum() > 0


def test_orthogonality_needs_filters():
    with pytest.raises(ValueError, match="there is none"):
        orthogonal(nn.BatchNorm2d(3))


def test_historical_averaging_by_hand():
    path = [torch.tensor([1.0, 2.0]), torch.tensor([3.0, 2.0]), torch.tensor([5.0, -1.0])]
    mean = [torch.zeros(2)]
    for count, value in enumerate(path, start=1):
        update_means_(mean, [value], count)
    torch.testing.assert_close(mean[0], torch.tensor([3.0, 1.0]))
    now = torch.tensor([5.0, -1.0], requires_grad=True)
    loss = historical([now], mean)
    assert float(loss.detach()) == pytest.approx(4 + 4)
    torch.testing.assert_close(torch.autograd.grad(loss, now)[0], torch.tensor([4.0, -4.0]))
    with pytest.raises(ValueError, match="counts as 1"):
        update_means_(mean, [now.detach()], 0)


def test_consensus_makes_the_bilinear_game_converge():
    """min over x, max over y of x·y: alone the players circle outwards; ½‖v‖² = ½(x² + y²) pulls them in."""
    x, y = (torch.tensor(value, requires_grad=True) for value in (1.0, -2.0))
    value = consensus([(x * y, [x]), (-x * y, [y])])
    assert float(value.detach()) == pytest.approx((1 + 4) / 2)
    slopes = torch.autograd.grad(value, [x, y])
    assert [float(slope) for slope in slopes] == pytest.approx([1, -2])

    def distance(weight: float) -> float:
        x, y = (torch.tensor(value, requires_grad=True) for value in (1.0, -2.0))
        for _ in range(200):
            both = consensus([(x * y, [x]), (-x * y, [y])])
            (dx,) = torch.autograd.grad(x * y + weight * both, x, retain_graph=True)
            (dy,) = torch.autograd.grad(-x * y + weight * both, y)
            with torch.no_grad():
                x -= 0.05 * dx
                y -= 0.05 * dy
        return float((x**2 + y**2).detach())

    assert distance(0.0) > 5
    assert distance(1.0) < 1e-4
