"""The SPADE generator: its block restated, what is normalised, where the doublings are."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from translate.networks.conditional_norms import SPADE
from translate.networks.spade import SpadeBlock, SpadeGenerator


def labels(height: int = 32, width: int = 48, classes: int = 3) -> Tensor:
    drawn = torch.randint(
        classes, (2, max(height // 8, 1), max(width // 8, 1)), generator=torch.Generator().manual_seed(0)
    )
    one_hot = F.one_hot(drawn, classes).permute(0, 3, 1, 2).float()
    return F.interpolate(one_hot, size=(height, width), mode="nearest")


@pytest.mark.parametrize(("inputs", "outputs"), [(6, 6), (6, 4)])
def test_a_block_is_the_paper_s_figure(inputs: int, outputs: int):
    torch.manual_seed(0)
    block = SpadeBlock(inputs, outputs, 3, norm="instance", spectral=False, hidden=5)
    x, segments = torch.randn(2, inputs, 8, 12), labels()

    def spade(module: SPADE, x: Tensor) -> Tensor:
        small = segments[:, :, ::4, ::4]
        hidden = F.conv2d(small, module.shared[0].weight, module.shared[0].bias, padding=1).relu()
        gamma = F.conv2d(hidden, module.scale.weight, module.scale.bias, padding=1)
        beta = F.conv2d(hidden, module.shift.weight, module.shift.bias, padding=1)
        return F.instance_norm(x) * (1 + gamma) + beta

    def act(x: Tensor) -> Tensor:
        return torch.where(x > 0, x, 0.2 * x)

    first, second = block.convolutions
    branch = second(act(spade(block.norms[1], first(act(spade(block.norms[0], x))))))
    kept = x if inputs == outputs else block.shortcut(spade(block.shortcut_norm, x))
    torch.testing.assert_close(block(x, segments), kept + branch)


@pytest.mark.parametrize(
    ("depth", "sizes"), [(2, [1, 2, 2, 4]), (5, [1, 2, 2, 4, 8, 16, 32]), (6, [1, 2, 4, 8, 16, 32, 64])]
)
def test_doublings_are_where_the_code_has_them(depth: int, sizes: list[int]):
    network = SpadeGenerator(3, depth=depth, width=1, hidden=2, norm="none")
    seen: list[int] = []
    for part in network.modules():
        if isinstance(part, SpadeBlock):
            part.register_forward_hook(lambda block, inputs, output: seen.append(output.shape[2]))
    side = network.size_multiple
    assert network(labels(side, 2 * side)).shape == (2, 3, side, 2 * side)
    assert seen == sizes


def test_spectral_normalisation_is_of_the_blocks_own_convolutions():
    network = SpadeGenerator(3, depth=2, width=2, hidden=4)
    normalised = {
        key.rsplit(".parametrizations")[0] for key, _ in network.named_parameters() if "original" in key
    }
    assert normalised == {
        *(
            f"{block}.convolutions.{place}"
            for block in ("head", "middle.0", "middle.1", "ups.0")
            for place in (0, 1)
        ),
        "ups.0.shortcut",
    }


def test_other_labels_make_another_picture_there():
    torch.manual_seed(0)
    network = SpadeGenerator(3, depth=2, width=4, hidden=8, norm="none").eval()
    one = labels(64, 64)
    other = one.clone()
    other[..., -8:] = one[..., -8:].roll(1, dims=1)
    with torch.no_grad():
        change = (network(one) - network(other)).abs().amax((0, 1, 2))
    assert change[-8:].min() > 1e-4
    assert change[0] == 0  # out of reach


@pytest.mark.parametrize("depth", [1, 7])
def test_depths_that_make_no_sense_are_refused(depth: int):
    with pytest.raises(ValueError, match=f"2 to 6 times, not {depth}"):
        SpadeGenerator(depth=depth)
