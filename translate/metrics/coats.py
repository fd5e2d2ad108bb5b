"""A small judge of rendered animals: which of savanna's coats does a picture show?

It was trained by `benchmarks/train_coat_classifier.py` on renders alone, never on a translator's output.
Its probabilities are shares: it was taught that an animal striped on one half is half a zebra, that faint
stripes are as much zebra as they are strong, that stripes blurred away are grey, and that confetti, lattices
and scrambled animals, which a judge of clean renders takes for zebras, are `NONE`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from translate.errors import UsageError

NONE = "none"
WEIGHTS = "coats.safetensors"
SIDE = 64  # pixels, of what the network sees
SMALLEST = 48

_WIDTHS = (24, 48, 64, 96, 128)


class CoatClassifier(nn.Module):
    """A picture to one logit for each of `names`.

    Args:
        names: of the coats and `NONE`, in the order of the logits.
    """

    def __init__(self, names: Sequence[str]):
        super().__init__()
        self.names = tuple(names)
        first, second, third, fourth, fifth = _WIDTHS
        self.features = nn.Sequential(
            *_layer(3, first, kernel=5, stride=2),  # (B, 24, 32, 32)
            *_layer(first, second, kernel=3, stride=2),  # (B, 48, 16, 16)
            *_layer(second, third, kernel=3, stride=1),  # (B, 64, 16, 16)
            *_layer(third, fourth, kernel=3, stride=2),  # (B, 96, 8, 8)
            *_layer(fourth, fifth, kernel=3, stride=1),  # (B, 128, 8, 8)
        )
        self.head = nn.Linear(fifth, len(self.names))

    def forward(self, pictures: Tensor) -> Tensor:
        """Float (B, 3, H, W) in [-1, 1], at least 48 pixels a side, to logits (B, names)."""
        if pictures.shape[-2:] != (SIDE, SIDE):
            pictures = F.interpolate(pictures, (SIDE, SIDE), mode="bilinear", antialias=True)
        return self.head(self.features(pictures).mean((2, 3)))


def load_coat_classifier() -> CoatClassifier:
    """The classifier that comes with the package, for use, on the CPU."""
    with (
        resources.as_file(resources.files("translate.metrics") / WEIGHTS) as path,
        safe_open(path, framework="pt") as file,
    ):
        network = CoatClassifier(json.loads((file.metadata() or {})["names"]))
        # Kept in half precision, which is half the size and moves no probability by a thousandth.
        network.load_state_dict({key: file.get_tensor(key).float() for key in network.state_dict()})
    return network.eval().requires_grad_(False)


def coat_probabilities(pictures: Tensor) -> dict[str, Tensor]:
    """How much of the animals in each picture is of which coat, and how much of none.

    Args:
        pictures: float (B, 3, H, W) in [-1, 1], at least 48 pixels a side.

    Returns:
        For each coat and for `NONE` (B,), float32 on the CPU; for each picture they sum to 1.

    Raises:
        UsageError: no such pictures.
    """
    if pictures.ndim != 4 or pictures.shape[1] != 3 or min(pictures.shape[-2:]) < SMALLEST:
        raise UsageError(
            f"coats are told from pictures (B, 3, H, W) of at least {SMALLEST}×{SMALLEST} pixels, these are "
            f"{tuple(pictures.shape)}."
        )
    network = _classifier()
    with torch.inference_mode():
        shares = network(pictures.detach().float().cpu().clamp(-1, 1)).softmax(1)
    return dict(zip(network.names, shares.unbind(1), strict=True))


def classify(pictures: Tensor) -> list[str]:
    """The coat of more than half of each picture's animals, else `NONE`; see `coat_probabilities`."""
    shares = coat_probabilities(pictures)
    names = list(shares)
    largest, which = torch.stack(list(shares.values()), 1).max(1)
    return [
        names[i] if share > 0.5 else NONE for share, i in zip(largest.tolist(), which.tolist(), strict=True)
    ]


@lru_cache(maxsize=1)
def _classifier() -> CoatClassifier:
    return load_coat_classifier()


def _layer(channels: int, width: int, *, kernel: int, stride: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )
