"""Padding by reflection, however small the picture."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from translate.inference.padding import pad, padded_length


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_equals_numpys_reflection(height, width, down, right):
    x = torch.arange(2 * 3 * height * width, dtype=torch.float32).reshape(2, 3, height, width)
    widths = ((0, 0), (0, 0), (0, down), (0, right))
    assert np.array_equal(
        pad(x, height + down, width + right).numpy(), np.pad(x.numpy(), widths, mode="reflect")
    )


@given(st.integers(1, 5000), st.sampled_from([1, 4, 32, 256]), st.sampled_from([1, 8, 100]))
@settings(max_examples=60, deadline=None)
def test_the_padded_length_is_the_smallest_that_fits(length, multiple, minimum):
    padded = padded_length(length, multiple, minimum)
    assert padded % multiple == 0
    assert padded >= max(length, minimum)
    assert padded - multiple < max(length, minimum)
