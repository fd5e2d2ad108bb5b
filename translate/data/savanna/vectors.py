"""Products of many short vectors, on the calling thread.

Handed over whole, they would wake the threads of BLAS, which spin between calls: with a process a
core that costs more than the products themselves.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# Arrays of floats, float32 wherever they are as long as a picture.
Array: TypeAlias = NDArray[np.floating[Any]]

# Multiplications that OpenBLAS does on the calling thread (it starts others above 2^18).
_QUIET = 1 << 17


def dot(vectors: Array, others: Array) -> Array:
    """(..., 3) vectors with one vector (3,) or with as many others: (...) scalar products."""
    total = vectors[..., 0] * others[..., 0]
    total += vectors[..., 1] * others[..., 1]
    total += vectors[..., 2] * others[..., 2]
    return total


def transform(vectors: Array, matrix: Array) -> Array:
    """(N, I) row vectors times an (I, J) matrix: (N, J) float32."""
    step = max(1, _QUIET // matrix.size)
    out = np.empty((len(vectors), matrix.shape[1]), np.float32)
    for start in range(0, len(vectors), step):
        np.matmul(vectors[start : start + step], matrix, out=out[start : start + step])
    return out


def unit(vectors: Array) -> Array:
    """(..., 3) vectors at length 1 (a vector of no length stays one)."""
    return vectors / np.maximum(np.sqrt(dot(vectors, vectors)), np.float32(1e-6))[..., None]
