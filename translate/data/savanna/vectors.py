"""Products of many short vectors, on the calling thread.

`@` would hand them to BLAS, whose own threads spin between calls: with several scenes rendered at a
time that costs more than the products themselves.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# Arrays of floats, float32 wherever they are as long as a picture.
Array: TypeAlias = NDArray[np.floating[Any]]


def dot(vectors: Array, one: Array) -> Array:
    """(..., 3) vectors, (3,) vector or (..., 3) vectors: (...) scalar products."""
    return np.einsum("...i,...i->...", vectors, one)


def transform(vectors: Array, matrix: Array) -> Array:
    """(N, I) row vectors times an (I, J) matrix: (N, J)."""
    return np.einsum("ni,ij->nj", vectors, matrix)


def unit(vectors: Array) -> Array:
    """(..., 3) vectors at length 1 (a vector of no length stays one)."""
    return vectors / np.maximum(np.sqrt(dot(vectors, vectors)), np.float32(1e-6))[..., None]
