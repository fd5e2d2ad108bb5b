"""Self-attention against torch's own attention."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from translate.errors import UsageError
from translate.networks import attention as module
from translate.networks.attention import MOST_AT_ONCE, SelfAttention, attended_place
from translate.networks.catalogue import build_discriminator, build_generator, parameter_count
from translate.networks.layers import Discriminator, Generator
from translate.networks.progressive import ProgressiveResNet


def maps(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def attention() -> SelfAttention:
    torch.manual_seed(1)
    return SelfAttention(16)


@pytest.mark.parametrize("shape", [(2, 16, 8, 6), (1, 16, 7, 5), (3, 16, 1, 1)])
def test_it_is_torch_s_attention_with_pooled_keys_and_values(attention, shape):
    x = maps(*shape)

    def tokens(y: torch.Tensor) -> torch.Tensor:
        return y.flatten(2).transpose(1, 2)

    with torch.no_grad():
        attention.gamma.fill_(0.7)
        keys, values = (F.max_pool2d(part(x), 2, ceil_mode=True) for part in (attention.g, attention.h))
        gathered = F.scaled_dot_product_attention(
            tokens(attention.f(x)), tokens(keys), tokens(values), scale=1.0
        )
        expected = x + 0.7 * attention.v(gathered.transpose(1, 2).unflatten(2, x.shape[2:]))
        torch.testing.assert_close(attention(x), expected, rtol=1e-5, atol=1e-6)
        assert (attention(x) - x).abs().max() > 1e-3


def test_untrained_it_changes_nothing_and_only_gamma_learns(attention):
    x = maps(2, 16, 6, 6)
    answer = attention(x)
    assert torch.equal(answer, x)
    answer.square().sum().backward()
    assert float(attention.gamma.grad) != 0
    assert not attention.f.weight.grad.any()


def test_gradients_reach_every_parameter_and_a_second_time(attention):
    with torch.no_grad():
        attention.gamma.fill_(0.5)
    x = maps(1, 16, 6, 6).requires_grad_()
    (gradient,) = torch.autograd.grad(attention(x).square().sum(), x, create_graph=True)
    gradient.square().sum().backward()
    for parameter in attention.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0


@pytest.mark.parametrize("most", [1, 7, 40])
def test_in_use_places_attend_in_groups_and_see_the_same(attention, monkeypatch, most):
    with torch.no_grad():
        attention.gamma.fill_(0.7)
    x = maps(2, 16, 7, 5)
    whole = attention(x)
    monkeypatch.setattr(module, "MOST_AT_ONCE", most * 2 * 12)  # places, pictures, 4×3 keys
    with torch.inference_mode():
        torch.testing.assert_close(attention(x), whole, rtol=1e-5, atol=1e-6)


class Largest(TorchDispatchMode):
    """The most numbers that one tensor has had."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        made = [part.numel() for part in (out if isinstance(out, tuple | list) else [out])]
        self.numbers = max(self.numbers, *made)
        return out


def test_a_large_picture_in_use_needs_no_matrix_of_all_places():
    """At 1024×1024 and attention at 1/2 that would be 69 GB."""
    with torch.device("meta"):
        network = build_generator("resnet", width=8, depth=1, attention=2).eval()
        picture = torch.empty(1, 3, 1024, 1024)
    with torch.inference_mode(), Largest() as made:
        network(picture)
    assert made.numbers <= MOST_AT_ONCE
    with Largest() as made:
        network(picture)
    assert made.numbers == 512**2 * 256**2


@pytest.mark.parametrize("channels", [64, 256])
def test_the_count_is_that_of_the_authors_code(channels):
    # f and g: C·C/8 each; h and v: C·C/2 each; γ.
    assert parameter_count(SelfAttention(channels)) == channels**2 * 5 // 4 + 1


def test_few_channels_are_enough():
    assert SelfAttention(3)(maps(1, 3, 4, 4)).shape == (1, 3, 4, 4)


# Networks that take it, and by 1/n of the picture's size how many channels a map of theirs has.
NETWORKS = {
    "unet": (build_generator, {"depth": 4, "width": 8}, {2: 8, 4: 16, 8: 32, 16: 64}),
    "resnet": (build_generator, {"depth": 1, "width": 8}, {2: 16, 4: 32}),
    "mobile": (build_generator, {"depth": 1, "width": 8}, {2: 16, 4: 32}),
    "pix2pixhd": (
        build_generator,
        {"depth": 1, "width": 8, "halvings": 2, "local_blocks": 1},
        {2: 16, 4: 32, 8: 64},
    ),
    "spade": (
        build_generator,
        {"depth": 6, "width": 4, "hidden": 2, "spectral": False, "norm": "instance"},
        {2: 8, 4: 16, 8: 32, 16: 64, 32: 64, 64: 64},
    ),
    "progressive": (build_generator, {"depth": 1, "width": 8, "stages": 5}, {2: 16, 4: 32, 8: 64, 16: 64}),
    "patch": (build_discriminator, {"layers": 3, "width": 8}, {2: 8, 4: 16, 8: 32}),
    "residual": (
        build_discriminator,
        {"depth": 4, "width": 8, "spectral": False},
        {2: 8, 4: 16, 8: 32, 16: 64},
    ),
}
PLACES = [(name, n) for name, (_, _, maps) in NETWORKS.items() for n in maps]


def network(name: str, attention: bool | int, **changes) -> Generator | Discriminator:
    build, arguments, _ = NETWORKS[name]
    torch.manual_seed(0)
    return build(name, **arguments | changes, attention=attention).eval()


def picture(whole: Generator | Discriminator) -> torch.Tensor:
    side = max(64, whole.minimum_size)
    return maps(1, 3, side, side)


def attended_shapes(whole: nn.Module, image: torch.Tensor) -> list[tuple[int, ...]]:
    """Of what goes into the network's self-attention."""
    shapes = []
    (part,) = (part for part in whole.modules() if isinstance(part, SelfAttention))
    part.register_forward_hook(lambda layer, inputs, output: shapes.append(tuple(inputs[0].shape)))
    with torch.no_grad():
        whole(image)
    return shapes


@pytest.mark.parametrize(("name", "n"), PLACES)
def test_it_sees_a_map_of_the_chosen_size(name, n):
    whole, channels = network(name, n), NETWORKS[name][2][n]
    side = max(64, whole.minimum_size)
    assert attended_shapes(whole, maps(2, 3, side, 2 * side)) == [(2, channels, side // n, 2 * side // n)]


@pytest.mark.parametrize("name", NETWORKS)
def test_true_is_a_quarter(name):
    quarter, usual = network(name, 4), network(name, True)
    image = picture(usual)
    assert attended_shapes(usual, image) == attended_shapes(quarter, image)
    assert [key for key, _ in usual.named_parameters()] == [key for key, _ in quarter.named_parameters()]


@pytest.mark.parametrize(
    ("name", "changes", "n"),
    [
        ("progressive", {"stages": 2}, 2),
        ("pix2pixhd", {"halvings": 1, "enhancer": False}, 2),
        ("patch", {"layers": 1}, 2),
        ("patch", {"layers": 4}, 8),
        ("residual", {"depth": 1}, 2),
        ("spade", {"depth": 2}, 4),
    ],
)
def test_where_true_is_no_quarter_it_is_the_usual_place_all_the_same(name, changes, n):
    ((_, _, height, width),) = attended_shapes(network(name, True, **changes), maps(1, 3, 64, 128))
    assert (height, width) == (64 // n, 128 // n)


@pytest.mark.parametrize(("name", "n"), PLACES)
def test_it_is_added_to_a_network_that_stays_as_it_was(name, n):
    """The same tensors under the same names and 5/4 c² + 1 more numbers; the same output until γ learns."""
    plain, with_it = network(name, False), network(name, n)
    channels = NETWORKS[name][2][n]
    assert parameter_count(with_it) == parameter_count(plain) + 5 * channels**2 // 4 + 1
    added = with_it.load_state_dict(plain.state_dict(), strict=False)
    assert not added.unexpected_keys
    parts = {"gamma", "f.weight", "g.weight", "h.weight", "v.weight"}
    assert set(added.missing_keys) == {f"attention.{part}" for part in parts}

    image = picture(with_it)
    with torch.no_grad():
        assert torch.equal(with_it(image), plain(image))
        with_it.attention.gamma.fill_(3.0)  # pyright: ignore[reportAttributeAccessIssue, reportCallIssue]
        assert not torch.equal(with_it(image), plain(image))


@pytest.mark.parametrize(("name", "n"), [(name, n) for name, n in PLACES if n < 64])
def test_it_learns_wherever_it_is(name, n):
    whole = network(name, n)
    (part,) = (part for part in whole.modules() if isinstance(part, SelfAttention))
    part.gamma.data.fill_(0.5)
    whole(picture(whole)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in part.parameters())


def test_scales_of_a_discriminator_attend_at_their_own_picture_s_size():
    whole = build_discriminator("multiscale", scales=2, layers=2, width=8, attention=4)
    shapes = []
    for part in whole.modules():
        if isinstance(part, SelfAttention):
            part.register_forward_hook(lambda layer, inputs, output: shapes.append(tuple(output.shape[2:])))
    whole(maps(1, 3, 64, 64))
    assert shapes == [(16, 16), (8, 8)]


def test_a_network_that_grows_attends_from_the_stage_on_that_has_the_map():
    torch.manual_seed(0)
    whole = build_generator("progressive", depth=1, width=8, stages=3, attention=2)
    assert isinstance(whole, ProgressiveResNet)
    shapes = []
    whole.attention.register_forward_hook(
        lambda layer, inputs, output: shapes.append(tuple(output.shape[2:]))
    )
    for stage, size in enumerate((8, 16, 32)):
        whole.grow(stage, 0.5)
        whole(maps(1, 3, size, size))
    assert shapes == [(16, 16), (16, 16)]


def test_spectral_normalisation_of_a_spade_generator_has_it_too():
    whole = build_generator("spade", depth=2, width=4, hidden=2, attention=True, spectral=True)
    (part,) = (part for part in whole.modules() if isinstance(part, SelfAttention))
    assert all(hasattr(layer, "parametrizations") for layer in part.children())


@pytest.mark.parametrize(
    ("name", "changes", "attention", "reason"),
    [
        ("resnet", {}, 8, "no feature map of 1/8 of the picture's size for self-attention, only of 1/2, 1/4"),
        ("resnet", {}, 1, "no feature map of 1/1 of the picture's size for self-attention, only of 1/2, 1/4"),
        ("mobile", {}, 16, "no feature map of 1/16 "),
        ("unet", {"depth": 2}, 8, "no feature map of 1/8 "),
        ("unet", {}, 3, "no feature map of 1/3 "),
        ("pix2pixhd", {"halvings": 1, "enhancer": False}, 4, "no feature map of 1/4 "),
        ("spade", {"depth": 2}, 8, "no feature map of 1/8 "),
        ("progressive", {"stages": 1}, True, "no feature map smaller than the picture"),
        ("patch", {"layers": 1}, 4, "no feature map of 1/4 "),
        ("residual", {"depth": 2}, 16, "no feature map of 1/16 "),
    ],
)
def test_a_map_that_the_network_has_not_is_refused(name, changes, attention, reason):
    with pytest.raises(UsageError, match=f"{name}' can't be built: it has {reason}"):
        network(name, attention, **changes)


def test_true_is_not_one():
    places = {1: 0, 2: 1, 4: 2, 8: 3}
    assert attended_place(True, places) == 2
    assert attended_place(1, places) == 0
    assert attended_place(True, places, usual=8) == 3
    assert attended_place(False, places) is None
