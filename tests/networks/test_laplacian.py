"""The pyramid: exact reconstruction, and what translating only its low level keeps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from translate.networks.laplacian import LaplacianPyramid


def picture(channels: int = 3) -> Tensor:
    return torch.rand(2, channels, 16, 24, generator=torch.Generator().manual_seed(1)) - 0.5


def enlarge(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear")


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_a_pyramid_can_be_put_together_again(levels: int):
    bands, low = LaplacianPyramid(levels=levels, width=4).split(picture(), levels)
    assert [tuple(band.shape[2:]) for band in bands] == [
        (16 >> level, 24 >> level) for level in range(levels)
    ]
    for band in reversed(bands):
        low = enlarge(low) + band
    torch.testing.assert_close(low, picture())


def test_a_flat_picture_has_no_bands():
    bands, low = LaplacianPyramid(width=4).split(torch.full((1, 3, 16, 16), 0.3), 3)
    assert max(float(band.abs().max()) for band in bands) < 1e-6
    torch.testing.assert_close(low, torch.full((1, 3, 2, 2), 0.3))


def still(network: LaplacianPyramid) -> LaplacianPyramid:
    """Neither the low level nor the masks change anything."""
    for last in (network.low[-1], network.mask[-1], *(refine[-1] for refine in network.refine)):
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
    return network


def test_without_masks_the_details_stay_and_the_low_level_is_squashed():
    network = still(LaplacianPyramid(levels=2, width=4))
    _, low = network.split(picture(), 2)
    expected = picture() + enlarge(enlarge(low.tanh() - low))
    torch.testing.assert_close(network(picture()), expected)


def test_a_mask_of_one_doubles_its_band():
    network = still(LaplacianPyramid(levels=2, width=4))
    plain = network(picture())
    bands, _ = network.split(picture(), 2)
    torch.nn.init.ones_(network.refine[0][-1].bias)  # the finest band's
    torch.testing.assert_close(network(picture()), (plain + bands[0]).clamp(-1, 1))
    torch.nn.init.zeros_(network.refine[0][-1].bias)
    torch.nn.init.ones_(network.mask[-1].bias)  # the coarsest band's
    torch.testing.assert_close(network(picture()), (plain + enlarge(bands[1])).clamp(-1, 1))


def test_grey_details_are_shared_by_all_colours():
    network = still(LaplacianPyramid(1, 3, levels=2, width=4))
    answer = network(picture(1))
    torch.testing.assert_close(answer, answer[:, :1].expand(-1, 3, -1, -1))


def test_no_level_is_refused():
    with pytest.raises(ValueError, match="at least 1 level, not 0"):
        LaplacianPyramid(levels=0)
