"""The coarse-to-fine generator: what flows from the global one to the enhancer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from translate.networks.pix2pixhd import Pix2PixHD

SMALL = {"depth": 1, "halvings": 2, "local_blocks": 1}


def test_the_global_generator_trained_alone_fits_under_the_enhancer():
    alone, both = Pix2PixHD(width=8, enhancer=False, **SMALL), Pix2PixHD(width=4, **SMALL)
    both.coarse.load_state_dict(alone.coarse.state_dict())
    image = torch.rand(1, 3, 16, 24)
    with torch.no_grad():
        torch.testing.assert_close(both.coarse(image), alone.coarse(image))


def test_the_enhancer_adds_the_global_generator_s_features_at_half_the_size():
    torch.manual_seed(0)
    network = Pix2PixHD(width=4, **SMALL)
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    for name in ("coarse", "down", "up"):
        getattr(network, name).register_forward_hook(
            lambda module, inputs, output, name=name: seen.update({name: (inputs[0].clone(), output)})
        )
    image = torch.rand(1, 3, 32, 48)
    answer = network(image)
    torch.testing.assert_close(seen["up"][0], seen["coarse"][1] + seen["down"][1])
    torch.testing.assert_close(seen["down"][0], image)
    small = seen["coarse"][0]
    assert small.shape == (1, 3, 16, 24)
    torch.testing.assert_close(small[..., 3, 4], image[..., 5:8, 7:10].mean((2, 3)))
    torch.testing.assert_close(small[..., 0, 0], image[..., :2, :2].mean((2, 3)))  # the edge isn't darkened
    torch.testing.assert_close(answer, network.output(seen["up"][1]).tanh())


@pytest.mark.parametrize(("halvings", "enhancer", "multiple"), [(1, True, 4), (3, False, 8), (4, True, 32)])
def test_sizes(halvings: int, enhancer: bool, multiple: int):
    with torch.device("meta"):
        network = Pix2PixHD(halvings=halvings, enhancer=enhancer, width=2, depth=1)
    assert (network.size_multiple, network.minimum_size) == (multiple, 2 * multiple)


def test_no_halving_is_refused():
    with pytest.raises(ValueError, match="at least 1 halving, not 0"):
        Pix2PixHD(halvings=0)
