"""What a data set consists of: each file, the scene it comes from, and the pictures in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

import numpy as np

from translate.data.savanna.coats import COATS, HORSES
from translate.data.savanna.render import check_size
from translate.data.savanna.scene import caption, sample_scene
from translate.errors import UsageError

LAYOUTS = ("unpaired", "paired", "labelled")
MIXES: dict[str, tuple[str, ...]] = {"horses": HORSES, "photo": COATS}
DRAWINGS = ("edges", "mask")
DEFAULT_PAIRS = {"unpaired": "horses:zebra", "paired": "edges:photo", "labelled": ""}

# Raised when the same (seed, index) gives other pictures than before.
RENDERER = 1


@dataclass(frozen=True)
class Plan:
    """The parameters of a data set; equal plans give equal files, byte for byte.

    Attributes:
        layout: one of `LAYOUTS`.
        pair: `a:b`, or empty for every coat (labelled only).
        count: training pictures: a side (unpaired), pairs (paired), in all (labelled).
        test_count: the same, held out.
        size: pixels a side.
        seed: the series of scenes.
        renderer: version of the renderer.
    """

    layout: str
    pair: str
    count: int
    test_count: int
    size: int
    seed: int
    renderer: int = RENDERER


@dataclass(frozen=True)
class Job:
    """One scene to render.

    Attributes:
        index: the scene's index in its series.
        files: (path, what) each: a path in the data set, and the pictures put side by side in it:
            coats, `edges`, `classes` (flat colours) or `mask` (white animals).
    """

    index: int
    files: tuple[tuple[str, tuple[str, ...]], ...]


def make_plan(
    layout: str, pair: str | None, count: int, test_count: int | None, size: int, seed: int
) -> Plan:
    """Check the parameters of a data set and fill in what was left open.

    Raises:
        UsageError: naming what can't be, and what can.
    """
    if layout not in LAYOUTS:
        raise UsageError(f"savanna: there is no layout {layout!r}; the layouts are {', '.join(LAYOUTS)}.")
    if count < 1:
        raise UsageError(f"savanna: the count must be at least 1, but it is {count}.")
    if test_count is not None and test_count < 0:
        raise UsageError(f"savanna: the test count must not be negative, but it is {test_count}.")
    if seed < 0:
        raise UsageError(f"savanna: the seed must not be negative, but it is {seed}.")
    check_size(size)
    pair = DEFAULT_PAIRS[layout] if pair is None else pair
    if pair:
        _sides(layout, pair)
    return Plan(layout, pair, count, max(10, count // 5) if test_count is None else test_count, size, seed)


def jobs(plan: Plan) -> list[Job]:
    """Every scene of a data set, in order."""
    return {"unpaired": _unpaired, "paired": _paired, "labelled": _labelled}[plan.layout](plan)


def metadata(plan: Plan) -> dict[str, str]:
    """Text files that belong to a data set: path to content (labelled: `metadata.jsonl` of each split)."""
    if plan.layout != "labelled":
        return {}
    rows: dict[str, list[str]] = {}
    for job in jobs(plan):
        scene = sample_scene(plan.seed, job.index)
        for name, (coat,) in job.files:
            path = PurePosixPath(name)
            row = {"file_name": f"{coat}/{path.name}", "label": coat, "text": caption(scene, coat)}
            rows.setdefault(f"{path.parts[0]}/metadata.jsonl", []).append(json.dumps(row))
    return {path: "\n".join(lines) + "\n" for path, lines in rows.items()}


def as_json(plan: Plan) -> str:
    """The record of a plan that lies in its data set."""
    return json.dumps(asdict(plan), indent=2) + "\n"


def _sides(layout: str, pair: str) -> tuple[str, str]:
    valid = [*COATS, *MIXES, *(DRAWINGS if layout == "paired" else ())]
    a, colon, b = pair.partition(":")
    if not colon or a not in valid or b not in valid or a == b:
        raise UsageError(
            f"savanna: {pair!r} is no pair for the {layout} layout; "
            f"write A:B with two different names out of {', '.join(valid)}."
        )
    return a, b


def _coat(side: str, plan: Plan, index: int) -> str:
    """The coat, or drawing, that a side of a pair shows of one scene."""
    if side == "mask":
        return "classes"
    if side not in MIXES:
        return side
    # A stream of its own, so that the coat says nothing of the scene.
    return str(np.random.default_rng([plan.seed, index, 1]).choice(MIXES[side]))


def _name(index: int) -> str:
    """Files are named after their scenes: the two sides of an unpaired set share no name."""
    return f"{index:05d}.png"


# Scenes of the (at most four) parts of a set are interleaved, so that more of one never changes another.
_PARTS = 4


def _indices(part: int, count: int) -> Sequence[int]:
    return range(part, part + _PARTS * count, _PARTS)


def _unpaired(plan: Plan) -> list[Job]:
    a, b = _sides(plan.layout, plan.pair)

    def one(part: int, folder: str, side: str, count: int) -> list[Job]:
        return [
            Job(index, ((f"{folder}/{_name(index)}", (_coat(side, plan, index),)),))
            for index in _indices(part, count)
        ]

    def with_truth(index: int) -> Job:
        shown = {"testA": _coat(a, plan, index), "testTruth": _coat(b, plan, index), "testMask": "mask"}
        return Job(index, tuple((f"{folder}/{_name(index)}", (kind,)) for folder, kind in shown.items()))

    return [
        *one(0, "trainA", a, plan.count),
        *one(1, "trainB", b, plan.count),
        *(with_truth(index) for index in _indices(2, plan.test_count)),
        *one(3, "testB", b, plan.test_count),
    ]


def _paired(plan: Plan) -> list[Job]:
    a, b = _sides(plan.layout, plan.pair)
    return [
        Job(index, ((f"{folder}/{_name(index)}", (_coat(a, plan, index), _coat(b, plan, index))),))
        for part, (folder, count) in enumerate((("train", plan.count), ("val", plan.test_count)))
        for index in _indices(part, count)
    ]


def _labelled(plan: Plan) -> list[Job]:
    sides = _sides(plan.layout, plan.pair) if plan.pair else COATS
    return [
        Job(index, ((f"{folder}/{coat}/{_name(index)}", (coat,)),))
        for part, (folder, count) in enumerate((("train", plan.count), ("test", plan.test_count)))
        for n, index in enumerate(_indices(part, count))
        for coat in (_coat(sides[n % len(sides)], plan, index),)
    ]
