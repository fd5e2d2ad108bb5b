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

_ASKED = 1000  # pictures that are looked up in the manifest
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
    # To know whether a file is finished may take reading all of it, so a share stands for the others.
    every = max(1, len(pictures) // _ASKED)
    waiting = [number for number in range(0, len(pictures), every) if _waits(pictures[number], manifest)]
    clips = sum(frames(job) for job in videos if _waits(job, manifest))
    step = max(1, len(waiting) // _LOOKED_AT)
    sides = [side for number in waiting[::step] if (side := _side(pictures[number]))]
    count = min(len(waiting) * every, len(pictures)) + clips
    return Ahead(count, round(statistics.median(sides)) if sides else USUAL_SIDE)


def _waits(job: Job, manifest: Manifest) -> bool:
    return not manifest.any_finished or not manifest.finished(job, manifest.state(job))


def _side(job: Job) -> float | None:
    try:
        return math.sqrt(math.prod(images.probe(job.source).size))
    except BadImage:
        return None
