"""Random changes of pictures through which gradients pass, for what a discriminator sees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from translate.networks.autocast import full_precision

MOST_MOVED = 1 / 8  # of the side
CUT_OUT = 1 / 2  # of the side


@dataclass(frozen=True)
class Changes:
    """Random changes of a batch, drawn once, so that several batches can be changed alike.

    Attributes:
        on: for each kind which pictures it changes, bool (B,).
        how: for each kind three numbers a picture that say how, float32 (B, 3) in [0, 1).
    """

    on: Mapping[str, Tensor]
    how: Mapping[str, Tensor]


def colour(pictures: Tensor, how: Tensor) -> Tensor:
    """Brightness, then saturation, then contrast; Zhao et al. 2020, §4.1, as in their code.

    x + b with b in [−0.5, 0.5]; then m + s·(x − m), m the mean of a pixel's channels, s in [0, 2]; then the
    same with the picture's mean and a factor in [0.5, 1.5]. Nothing is clipped, so that no gradient is lost:
    that is why kornia's adjustments, which clip to [0, 1], aren't used here.

    Args:
        pictures: float32 (B, C, H, W).
        how: float32 (B, 3) in [0, 1).
    """
    brightness, saturation, contrast = how[:, :, None, None, None].unbind(1)  # (B, 1, 1, 1)
    x = pictures + (brightness - 0.5)
    x = torch.lerp(x.mean(1, keepdim=True), x, 2 * saturation)
    return torch.lerp(x.mean((1, 2, 3), keepdim=True), x, contrast + 0.5)


def translation(pictures: Tensor, how: Tensor) -> Tensor:
    """Shift by up to an eighth of each side, whole pixels; what comes in is 0; Zhao et al. 2020, §4.1.

    Args:
        pictures: float32 (B, C, H, W).
        how: float32 (B, 3) in [0, 1): along the width, along the height, not used.
    """
    from kornia.geometry.transform import translate  # a second to import, for those who augment

    shifts = []
    for axis, side in enumerate((pictures.shape[3], pictures.shape[2])):
        most = round(side * MOST_MOVED)
        shifts.append((how[:, axis] * (2 * most + 1)).floor() - most)
    # Whole pixels: the nearest is the very one.
    return translate(pictures, torch.stack(shifts, 1), mode="nearest")


def cutout(pictures: Tensor, how: Tensor) -> Tensor:
    """A rectangle of half the sides becomes 0, its centre anywhere in the picture; Zhao et al. 2020, §4.1.

    Args:
        pictures: float32 (B, C, H, W).
        how: float32 (B, 3) in [0, 1): along the width, along the height, not used.
    """
    height, width = pictures.shape[2:]
    columns = _between(width, how[:, 0])[:, None, None, :]
    rows = _between(height, how[:, 1])[:, None, :, None]
    return pictures.masked_fill(rows & columns, 0)


AUGMENTATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "colour": colour,
    "translation": translation,
    "cutout": cutout,
}


def draw(kinds: Iterable[str], count: int, p: Tensor) -> Changes:
    """Draw changes for `count` pictures: each kind changes each picture with probability p, by itself.

    From torch's own generator.

    Args:
        kinds: names in `AUGMENTATIONS`.
        p: float32 (), whose device the changes are on; it isn't looked at, so that nothing waits for it.

    Raises:
        ValueError: an unknown kind; the message lists the valid ones.
    """
    kinds = tuple(kinds)
    for kind in kinds:
        if kind not in AUGMENTATIONS:
            raise ValueError(f"unknown augmentation {kind!r}; choose some of {', '.join(AUGMENTATIONS)}")
    return Changes(
        {kind: torch.rand(count, device=p.device) < p for kind in kinds},
        {kind: torch.rand(count, 3, device=p.device) for kind in kinds},
    )


def changed(pictures: Tensor, changes: Changes, given: int = 0) -> Tensor:
    """Pictures after the changes, in the order of `AUGMENTATIONS`; in float32 under autocast, too.

    Args:
        pictures: float (B, C, H, W), as many as the changes are for.
        given: so many first channels are what the picture was made from, a picture or a map of classes: they
            are moved and cut out with it, but their colours stay.

    Returns:
        (B, C, H, W) of the pictures' dtype.
    """
    with full_precision(pictures.device):
        x = pictures.to(torch.promote_types(pictures.dtype, torch.float32))
        for kind, change in AUGMENTATIONS.items():
            if kind not in changes.on:
                continue
            kept, free = x.split([given, x.shape[1] - given], 1) if kind == "colour" else (x[:, :0], x)
            after = torch.where(changes.on[kind][:, None, None, None], change(free, changes.how[kind]), free)
            x = torch.cat([kept, after], 1)
        return x.to(pictures.dtype)


def _between(side: int, where: Tensor) -> Tensor:
    """Which of `side` places are cut out around one that is `where` in [0, 1), bool (B, side)."""
    size = round(side * CUT_OUT)
    # An even width has its centre between two places, so there is one more of these, counting the edge.
    first = (where * (side + 1 - size % 2)).floor()[:, None] - size // 2
    places = torch.arange(side, device=where.device)
    return (places >= first) & (places < first + size)
