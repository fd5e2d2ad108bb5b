"""What a conversion still has before it. Free of torch."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from translate import images
from translate.errors import BadImage
from translate.inference.manifest import Manifest
from translate.inference.plan import Job

_LOOKED_AT = 9  # pictures whose sizes stand for those of all
USUAL_SIDE = 256


class Ahead(NamedTuple):
    """So many pictures, or frames, of about `side` × `side` pixels."""

    pictures: int
    side: int


def ahead(
    pictures: Sequence[Job], videos: Sequence[Job], manifest: Manifest, frames: Callable[[Job], int]
) -> Ahead:
    """Count what an earlier run hasn't finished, and look at the sizes of a few of the pictures.

    Args:
        frames: how many a video has.
    """
    waiting = [
        number for number, job in enumerate(pictures) if not manifest.finished(job, manifest.state(job))
    ]
    clips = sum(frames(job) for job in videos if not manifest.finished(job, manifest.state(job)))
    step = max(1, len(waiting) // _LOOKED_AT)
    sides = [side for number in waiting[::step] if (side := _side(pictures[number]))]
    return Ahead(len(waiting) + clips, round(statistics.median(sides)) if sides else USUAL_SIDE)


def _side(job: Job) -> float | None:
    try:
        return math.sqrt(math.prod(images.probe(job.source).size))
    except BadImage:
        return None
