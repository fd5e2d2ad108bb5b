"""Energies of the autoencoder critic."""

from __future__ import annotations

import pytest
import torch

from translate.errors import UsageError
from translate.networks.catalogue import build_discriminator


def critic(**arguments):
    torch.manual_seed(0)
    return build_discriminator("autoencoder", **{"depth": 2, "width": 4, "code": 5, **arguments})


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_energies_are_distances_to_the_reconstruction():
    image = picture(3, 3, 13, 10)
    with torch.no_grad():
        for distance in ("l1", "l2"):
            network = critic(distance=distance)
            error = (network.reconstruct(image) - image).flatten(1)
            norms = torch.linalg.vector_norm(error, ord=int(distance[1]), dim=1)
            expected = norms / (390 if distance == "l1" else 390**0.5)
            torch.testing.assert_close(network(image), expected)


def test_a_perfect_reconstruction_has_no_energy_and_finite_gradients():
    network = critic(distance="l2")
    with torch.no_grad():
        network.last.weight.zero_()
        network.last.bias.fill_(0.25)
    energy = network(torch.full((2, 3, 8, 8), 0.25))
    torch.testing.assert_close(energy, torch.zeros(2), atol=1e-5, rtol=0)
    energy.sum().backward()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize(("size", "places"), [((16, 16), 16), ((13, 22), 15)])
def test_a_code_is_a_row_of_numbers(size, places):
    network, image = critic(), picture(2, 3, *size)
    codes = network.encode(image)
    assert codes.shape == (2, 5 * places)
    torch.testing.assert_close(network.encode(image[1:]), codes[1:])
    assert network.reconstruct(image).shape == image.shape


def test_a_short_training_lowers_the_energy_of_what_it_sees():
    network = critic(width=8, code=8)
    ramp = torch.linspace(-1, 1, 16)
    images = torch.stack([ramp.view(1, -1).expand(16, 16), ramp.view(-1, 1).expand(16, 16)])[:, None]
    images = images.repeat(1, 3, 1, 1)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    before = float(network(images).mean().detach())
    for _ in range(60):
        optimiser.zero_grad()
        network(images).mean().backward()
        optimiser.step()
    seen, noise = (
        float(network(images).mean().detach()),
        float(network(picture(2, 3, 16, 16)).mean().detach()),
    )
    assert seen < 0.4 * before
    assert seen < 0.5 * noise


def test_the_default_code_has_a_third_of_the_picture_s_numbers():
    with torch.device("meta"):
        network = build_discriminator("autoencoder")
        assert network.encode(torch.zeros(1, 3, 64, 64)).shape[1] * 3 == 3 * 64 * 64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 0}, "an autoencoder needs a depth of at least 1, not 0"),
        ({"distance": "l3"}, "unknown distance 'l3'; choose one of l1, l2"),
    ],
)
def test_arguments_that_make_no_sense(arguments, message):
    with pytest.raises(UsageError, match=message):
        critic(**arguments)
