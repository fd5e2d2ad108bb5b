"""Progressive growing: a new stage begins as the one before it, and ends without it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from translate.networks.progressive import ProgressiveResNet, progress_to_stage


def network(**arguments) -> ProgressiveResNet:
    torch.manual_seed(0)
    return ProgressiveResNet(**{"depth": 1, "width": 2, "stages": 3} | arguments)


@pytest.mark.parametrize("stage", [1, 2])
def test_a_new_stage_begins_as_the_one_before(stage: int):
    grown = network()
    image = torch.rand(2, 3, 16, 24) * 2 - 1
    with torch.no_grad():
        grown.grow(stage - 1)
        before = F.interpolate(grown(F.avg_pool2d(image, 2)), scale_factor=2, mode="nearest")
        grown.grow(stage, 0.0)
        torch.testing.assert_close(grown(image), before)
        grown.grow(stage, 0.5)
        half = grown(image)
        grown.grow(stage)
        assert (half - before).abs().max() > 1e-3
        assert (half - grown(image)).abs().max() > 1e-3


def used(grown: ProgressiveResNet) -> set[str]:
    grown.zero_grad(set_to_none=True)
    grown(torch.rand(1, 3, 16, 16)).sum().backward()
    return {
        key.rsplit(".", 1)[0] for key, parameter in grown.named_parameters() if parameter.grad is not None
    }


def test_a_stage_uses_its_own_layers_and_while_fading_the_readers_of_the_last():
    grown = network()
    grown.grow(0)
    middle = {key for key in used(grown) if key.startswith("blocks")}
    assert used(grown) == middle | {"readers.0", "writers.0"}
    grown.grow(1, 0.3)
    layers = {"downs.0.0", "ups.0.0"}
    assert used(grown) == middle | layers | {"readers.0", "writers.0", "readers.1", "writers.1"}
    grown.grow(1)
    assert used(grown) == middle | layers | {"readers.1", "writers.1"}
    grown.grow(2)
    assert used(grown) == middle | layers | {"downs.1.0", "ups.1.0", "readers.2", "writers.2"}


def test_the_middle_works_at_the_same_size_at_every_stage():
    grown, sizes = network(), []
    grown.blocks.register_forward_hook(lambda module, inputs, output: sizes.append(output.shape[2:]))
    for stage in range(3):
        grown.grow(stage)
        grown(torch.rand(1, 3, 32 // grown.shrink, 48 // grown.shrink))
    assert sizes == [(8, 12)] * 3


def test_stage_and_alpha_are_kept_with_the_weights():
    grown, other = network(), network()
    grown.grow(1, 0.25)
    other.load_state_dict(grown.state_dict())
    assert (int(other.stage), float(other.alpha), other.shrink) == (1, 0.25, 2)


def test_a_loaded_network_can_be_exported_at_its_stage():
    grown, loaded = network(), network()
    grown.grow(1, 0.25)
    loaded.load_state_dict(grown.state_dict(), assign=True)
    image = torch.rand(1, 3, 16, 16)
    exported = torch.export.export(loaded.eval(), (image,)).module()
    torch.testing.assert_close(exported(image), grown.eval()(image))


@pytest.mark.parametrize(
    ("progress", "expected"),
    [(0, (0, 1)), (0.2, (0, 1)), (0.25, (1, 0)), (0.3125, (1, 0.5)), (0.375, (1, 1)), (0.49, (1, 1)),
     (0.5, (2, 0)), (0.9, (3, 1)), (1, (3, 1)), (2, (3, 1))],
)  # fmt: skip
def test_every_stage_has_its_share_and_fades_in_during_half_of_it(progress, expected):
    assert progress_to_stage(progress, 4) == pytest.approx(expected)


def test_stages_that_do_not_exist_are_refused():
    for stage, alpha in ((3, 1.0), (-1, 1.0), (1, 1.5)):
        with pytest.raises(ValueError, match=r"stages are 0 … 2 and alpha is in 0 … 1"):
            network().grow(stage, alpha)
    for arguments in ({"stages": 0}, {"alpha": -0.1}):
        with pytest.raises(ValueError, match="stages are at least 1"):
            network(**arguments)


def errors_while_growing(steps: int, fade: bool) -> list[float]:
    """Two stages towards brighter, duller pictures; the second begins at half of the steps."""
    grown = network(width=4, stages=2)
    image = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(1)) - 0.5
    optimiser = torch.optim.Adam(grown.parameters(), 0.01)
    errors = []
    for step in range(steps):
        stage, alpha = progress_to_stage(step / steps, 2)
        grown.grow(stage, alpha if fade else 1.0)
        small = F.avg_pool2d(image, grown.shrink)
        error = (grown(small) - (0.5 * small + 0.3)).abs().mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        errors.append(float(error.detach()))
    return errors


def test_it_learns_while_it_grows_and_fading_keeps_what_it_knows():
    faded, abrupt = (errors_while_growing(80, fade) for fade in (True, False))
    assert faded[39] == abrupt[39] < 0.2 * faded[0]
    assert faded[40] < 0.5 * abrupt[40]
    assert faded[-1] < 0.5 * faded[0]
