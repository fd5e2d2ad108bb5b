"""A reference batch is held once, seen always, and never answered for."""

from __future__ import annotations

import pytest
import torch

from translate.networks.catalogue import build_discriminator
from translate.networks.reference import WithReference, introduce, with_reference

FORMS = [
    ("patch", {"layers": 2, "width": 4}),
    ("patch", {"layers": 2, "width": 4, "spectral": True, "attention": True}),
    ("patch", {"layers": 2, "width": 4, "conditioning": "projection", "classes": 3}),
    ("patch", {"layers": 2, "width": 4, "conditioning": "input", "embedding": 5}),
    ("patch", {"layers": 2, "width": 4, "conditioning": "classifier", "classes": 3}),
    ("multiscale", {"layers": 1, "scales": 2, "width": 4}),
    ("image", {"layers": 2, "width": 4}),
    ("pixel", {"width": 4}),
    ("semi-supervised", {"layers": 2, "width": 4, "classes": 3}),
]


def pictures(count: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def told(arguments: dict, count: int) -> torch.Tensor | None:
    if "embedding" in arguments:
        return torch.linspace(-1, 1, count * 5).view(count, 5)
    return torch.arange(count) % 3 if arguments.get("conditioning") == "projection" else None


def made(name: str, arguments: dict, count: int = 3) -> WithReference:
    torch.manual_seed(0)
    network = build_discriminator(name, norm="virtual", **arguments)
    condition = {key: arguments[key] for key in ("classes", "embedding") if key in arguments}
    wrapped = with_reference(network, (count, 3, 16, 16), **condition)
    assert isinstance(wrapped, WithReference)
    for parameter in wrapped.parameters():
        if parameter.ndim == 1:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    return wrapped.eval()  # so that the power iterations of spectral normalisation rest


def as_list(answer: torch.Tensor | list[torch.Tensor]) -> list[torch.Tensor]:
    return [answer] if isinstance(answer, torch.Tensor) else answer


@pytest.mark.parametrize(("name", "arguments"), FORMS)
def test_a_picture_s_logits_don_t_depend_on_its_neighbours(name, arguments):
    network = made(name, arguments)
    network.hold(pictures(3, seed=2), told(arguments, 3))
    image, condition = pictures(4), told(arguments, 4)
    with torch.no_grad():
        together = as_list(network(image, condition))
        features = network.features(image, condition)
        for place in range(4):
            one = image[place : place + 1]
            said = None if condition is None else condition[place : place + 1]
            for whole, alone in zip(together, as_list(network(one, said)), strict=True):
                torch.testing.assert_close(alone, whole[place : place + 1], rtol=1e-4, atol=1e-5)
            for scale, mine in zip(features, network.features(one, said), strict=True):
                for whole, alone in zip(scale, mine, strict=True):
                    torch.testing.assert_close(alone, whole[place : place + 1], rtol=1e-4, atol=1e-4)
    assert all(len(logits) == 4 for logits in together)
    if hasattr(network.network, "classify") and "classes" in arguments and condition is None:
        assert network.classify(image).shape == (4, 3)


def test_it_is_the_reference_that_they_depend_on():
    network, other = made(*FORMS[0]), made(*FORMS[0])
    network.hold(pictures(3, seed=2))
    other.hold(pictures(3, seed=2) * 0.3)
    assert not torch.allclose(network(pictures(2)), other(pictures(2)), atol=1e-2)


def test_the_first_pictures_stay_through_a_state_dict_too():
    network, again = made(*FORMS[0]), made(*FORMS[0])
    first = pictures(5, seed=2)
    introduce(network, first)
    introduce(network, pictures(3, seed=3))
    assert torch.equal(network.reference, first[:3])
    again.load_state_dict(network.state_dict())
    introduce(again, pictures(3, seed=4))
    assert torch.equal(again(pictures(2)), network(pictures(2)))
    fresh = made(*FORMS[0])
    fresh.load_state_dict(made(*FORMS[0]).state_dict())
    with pytest.raises(RuntimeError, match="no reference batch yet"):
        fresh(pictures(2))


def test_gradients_go_through_the_reference_to_the_weights():
    network = made("pixel", {"width": 4})
    network.hold(pictures(3, seed=2))
    first = network.network.body[0]
    # A shift of all activations before the norm changes nothing only if the reference shifts, too.
    network(pictures(2)).sum().backward()
    assert first.weight.grad is not None
    whole = first.weight.grad.clone()
    network.zero_grad()
    with torch.no_grad():
        step = 1e-3 * torch.sign(whole)
        up, down = [], []
        for sign, found in ((1, up), (-1, down)):
            first.weight += sign * step
            found.append(network(pictures(2)).double().sum())
            first.weight -= sign * step
    assert float((up[0] - down[0]) / 2e-3) == pytest.approx(float(whole.abs().sum()), rel=2e-2)


def test_networks_without_virtual_batch_norm_are_left_alone():
    network = build_discriminator("patch", layers=1, width=2, norm="instance")
    assert with_reference(network, (2, 3, 16, 16)) is network
    introduce(network, pictures(2))
    with pytest.raises(ValueError, match="which the network has not"):
        WithReference(network, (2, 3, 16, 16))


@pytest.mark.parametrize("minibatch", ["stddev", "discrimination"])
def test_what_sees_whole_batches_would_see_the_reference(minibatch):
    network = build_discriminator("patch", layers=1, width=4, norm="virtual", minibatch=minibatch)
    with pytest.raises(ValueError, match="would see the reference"):
        WithReference(network, (2, 3, 16, 16))


@pytest.mark.parametrize("size", [(2, 3, 16, 16), (3, 3, 8, 8)])
def test_too_few_pictures_or_others_are_refused(size):
    with pytest.raises(ValueError, match=r"the reference batch is to be \(3, 3, 16, 16\), not"):
        made(*FORMS[0]).hold(torch.zeros(size))
