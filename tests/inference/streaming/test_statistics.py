"""Statistics by bands against those of the whole map in float64."""

from __future__ import annotations

import pytest
import torch

from translate.inference.streaming.statistics import Statistics


@pytest.mark.parametrize("groups", [1, 3, 6])
@pytest.mark.parametrize("rows", [1, 7, 40])
def test_bands_of_any_height_have_the_whole_map_s_statistics(rows, groups):
    generator = torch.Generator().manual_seed(0)
    spread = torch.tensor([1e-3, 1.0, 10.0]).repeat(2)[:, None, None]
    offset = torch.tensor([100.0, -3.0, 0.0]).repeat(2)[:, None, None]  # means far beyond the deviations, too
    x = torch.randn(1, 6, 40, 33, generator=generator) * spread + offset
    x[:, :, 25:] -= 2 * spread
    statistics = Statistics()
    for band in x.split(rows, 2):
        statistics.add(band)
    mean, variance = statistics.of_groups(groups)
    whole = x.double().reshape(groups, -1)
    copies = 6 // groups
    expected = [s.repeat_interleave(copies) for s in (whole.mean(1), whole.var(1, correction=0))]
    torch.testing.assert_close(mean.double(), expected[0], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(variance.double(), expected[1], rtol=1e-5, atol=0)
