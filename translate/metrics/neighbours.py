"""Distances between sets of features, and from each to its nearest, a block of rows at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from translate.errors import UsageError

_BLOCK = 1 << 22  # distances that are held at a time: 32 MiB in double precision
_SLACK = 1e-6  # of distances by products of matrices, which leave equal vectors some 1e-7 apart


def nearest(features: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """How far each of the features is from the nearest of others, and which one that is.

    Args:
        features, among: (N, d) and (M, d).

    Returns:
        float64 (N,) Euclidean distances and int64 (N,) positions in `among`.
    """
    x, y = features.double(), among.double()
    which = torch.cat([torch.cdist(block, y).argmin(1) for block in x.split(_rows(len(y)))])
    return _apart(x, y[which]), which


def kth_nearest(features: Tensor, k: int) -> Tensor:
    """The distance of each to its k-th nearest of the others, float64 (N,); (N, d) with N > k."""
    x, rows = features.double(), _rows(len(features))
    which = []
    for start in range(0, len(x), rows):
        distances = torch.cdist(x[start : start + rows], x)  # (rows, N)
        distances.diagonal(start).fill_(torch.inf)  # nobody is among his own neighbours
        which.append(distances.kthvalue(k, 1).indices)
    return _apart(x, x[torch.cat(which)])


def within(features: Tensor, centres: Tensor, radii: Tensor) -> Tensor:
    """Which of the features (N, d) lie in a ball, or on one: centres (M, d), radii (M,) to bool (N,)."""
    found = [
        (torch.cdist(block, centres.double()) <= radii + _SLACK).any(1)
        for block in features.double().split(_rows(len(centres)))
    ]
    return torch.cat(found)


def require_features(**sets: Tensor) -> None:
    """Refuse what are no sets of features of one width; names of the arguments are used in the message.

    Raises:
        UsageError: not (N, d) with one d, or values that are not finite.
    """
    if any(one.ndim != 2 for one in sets.values()) or len({one.shape[1] for one in sets.values()}) > 1:
        shapes = ", ".join(f"{name} {tuple(one.shape)}" for name, one in sets.items())
        raise UsageError(f"features are (N, d) with one d, these are {shapes}.")
    if not all(bool(torch.isfinite(one).all()) for one in sets.values()):
        raise UsageError("pictures to compare hold NaN or infinity; the model or its input is broken.")


def _apart(x: Tensor, y: Tensor) -> Tensor:
    # `cdist` multiplies matrices, which leaves equal vectors some 1e-7 apart; of copies it has to be 0.
    return torch.linalg.vector_norm(x - y, dim=1)


def _rows(count: int) -> int:
    return max(1, _BLOCK // max(1, count))
