"""Which sample goes to train, val or test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from translate.data.prepare.sources import Sample
from translate.errors import UsageError

Stratum = tuple[str, str | None]  # a side, where there are no pairs, and a label


def splits_of(
    samples: Sequence[Sample], groups: Sequence[Sequence[int]], held_out: dict[str, float], seed: int
) -> list[str]:
    """A split for each sample: groups stay together, and each side and class gets its share.

    Groups are taken in an order that the seed draws, each to the first of test and val that still lacks as
    many, and otherwise to train.

    Args:
        groups: positions in `samples`, each in one of them.
        held_out: of "val" and "test", a share below 1 or a number of samples.

    Raises:
        UsageError: more is to be held out than there is.
    """
    sizes = Counter((sample.side, sample.label) for sample in samples)
    wanted: dict[str, Counter[Stratum]] = {}
    left = Counter({stratum: size - 1 for stratum, size in sizes.items()})  # one at least is trained on
    for name in ("test", "val"):
        wanted[name] = _shares(sizes, held_out.get(name, 0))
        wanted[name] &= left
        left -= wanted[name]
    _require_some(sizes, held_out)
    found = ["train"] * len(samples)
    for place in np.random.default_rng(seed).permutation(len(groups)).tolist():
        group = groups[place]
        needs = Counter((samples[i].side, samples[i].label) for i in group)
        for name in ("test", "val"):
            if all(wanted[name][stratum] >= count for stratum, count in needs.items()):
                wanted[name] -= needs
                for i in group:
                    found[i] = name
                break
    return found


def _require_some(sizes: Counter[Stratum], held_out: dict[str, float]) -> None:
    for side, size in _by_side(sizes).items():
        asked = sum(share if share >= 1 else share * size for share in held_out.values())
        if asked >= size > 0:
            of = f" on side {side}" if side else ""
            raise UsageError(
                f"--val and --test ask for {asked:g} of {size} samples{of}, which leaves none to train on; "
                "ask for less."
            )


def _by_side(sizes: Counter[Stratum]) -> Counter[str]:
    sides = Counter[str]()
    for (side, _), size in sizes.items():
        sides[side] += size
    return sides


def _shares(sizes: Counter[Stratum], share: float) -> Counter[Stratum]:
    """How many samples of each side and class are `share` of them, or so many in all."""
    sides = _by_side(sizes)
    return Counter(
        {
            stratum: int((share if share < 1 else share / sides[stratum[0]]) * size + 0.5)
            for stratum, size in sizes.items()
        }
    )
