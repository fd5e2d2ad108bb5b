"""Noise that a number stands for: windows into two fixed tables, the same on every device.

Drawing normal numbers anew would cost a third of a degradation's time, and no device draws those of another.
A table of a million independent numbers, entered at a drawn place, is as good for pictures: within one it is
white, and two pictures share a stretch only shifted.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor

TABLE = 2**20
_CHANCES = 4096
_MOST = 400  # the Poisson distribution of mean 255 ends long before


@lru_cache(maxsize=1)
def normals() -> np.ndarray:
    """float32 `(TABLE,)`, standard normal, always the same."""
    return np.random.default_rng(20210722).standard_normal(TABLE, dtype=np.float32)


@lru_cache(maxsize=1)
def chances() -> np.ndarray:
    """int32 `(TABLE,)`, uniform in 0 … 4095, always the same."""
    return np.random.default_rng(20210723).integers(0, _CHANCES, TABLE, dtype=np.int32)


@lru_cache(maxsize=1)
def poisson() -> np.ndarray:
    """float32 `(256, 4096)`: quantiles of the Poisson distribution of each level's mean, less the mean."""
    counts = np.arange(_MOST)
    log_factorials = np.concatenate([[0], np.cumsum(np.log(counts[1:]))])
    quantiles = np.zeros((256, _CHANCES))
    wanted = (np.arange(_CHANCES) + 0.5) / _CHANCES
    for level in range(1, 256):
        cumulative = np.cumsum(np.exp(counts * np.log(level) - level - log_factorials))
        quantiles[level] = np.searchsorted(cumulative, wanted) - level
    return quantiles.astype(np.float32)


def window(table: np.ndarray, start: int, shape: tuple[int, ...]) -> np.ndarray:
    """So many numbers of a table from `start` on, round and round, in `shape`; a view where they fit."""
    count, start = int(np.prod(shape)), start % TABLE
    if start + count <= TABLE:
        return table[start : start + count].reshape(shape)
    return np.take(table, range(start, start + count), mode="wrap").reshape(shape)


def shot(levels: np.ndarray, start: int) -> np.ndarray:
    """Photon noise of uint8 levels: a Poisson number of the level's mean, less the mean; float32."""
    chance = window(chances(), start, levels.shape)
    return poisson().ravel().take(levels.astype(np.int32) * _CHANCES + chance)


def shot_on(levels: Tensor, start: int) -> Tensor:
    """`shot` of uint8 `(H, W, C)` on the tensor's device: the same numbers."""
    chance = window_on("chances", start, levels)
    return on_device("poisson", levels.device).flatten()[levels.long() * _CHANCES + chance]


def window_on(name: str, start: int, like: Tensor) -> Tensor:
    """`window` of "normals" or "chances" in the shape and on the device of `like`."""
    import torch

    table, start = on_device(name, like.device), start % TABLE
    if start + like.numel() <= TABLE:
        return table[start : start + like.numel()].view(like.shape)
    places = torch.arange(start, start + like.numel(), device=like.device) % TABLE
    return table[places].view(like.shape)


@lru_cache(maxsize=8)
def on_device(name: str, device: torch.device) -> Tensor:
    """The table "normals", "chances" or "poisson" as a tensor, kept there."""
    import torch

    table = {"normals": normals, "chances": chances, "poisson": poisson}[name]()
    return torch.from_numpy(table).to(device)
