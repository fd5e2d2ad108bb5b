"""Scenes and captions: drawn from (seed, index), and true of the picture."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translate.data.savanna import caption, sample_scene
from translate.data.savanna.landscape import View
from translate.data.savanna.mesh import animal
from translate.data.savanna.pose import pose
from translate.data.savanna.scene import GAITS, TIMES
from translate.errors import UsageError

SCENES = [sample_scene(5, index) for index in range(60)]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**40), index=st.integers(0, 10**6))
def test_a_scene_is_a_function_of_seed_and_index(seed: int, index: int):
    scene = sample_scene(seed, index)
    assert scene == sample_scene(seed, index)
    assert dataclasses.replace(scene, index=index + 1, seed=seed) != sample_scene(seed, index + 1)
    assert scene.animals != sample_scene(seed + 1, index).animals


def test_scenes_vary():
    assert {one.gait for scene in SCENES for one in scene.animals} == set(GAITS)
    assert {scene.light.time for scene in SCENES} == set(TIMES)
    assert {scene.animals[0].facing for scene in SCENES} == {"left", "right"}
    assert {len(scene.animals) for scene in SCENES} >= {1, 2}
    assert {thing.kind for scene in SCENES for thing in scene.things} == {"tree", "bush", "rock"}
    assert np.ptp([scene.dryness for scene in SCENES]) > 0.7


@pytest.mark.parametrize(("seed", "index"), [(-1, 0), (0, -3)])
def test_negative_numbers_are_refused(seed: int, index: int):
    with pytest.raises(UsageError, match="must not be negative"):
        sample_scene(seed, index)


@pytest.mark.parametrize(
    ("coat", "noun"),
    [("chestnut", "chestnut horse"), ("zebra", "zebra"), ("giraffe", "giraffe-spotted horse")],
)
def test_captions_name_what_the_scene_holds(coat: str, noun: str):
    for scene in SCENES:
        subject = scene.animals[0]
        words = caption(scene, coat)
        number, plural = {1: ("a", ""), 2: ("two", "s"), 3: ("three", "s")}[len(scene.animals)]
        start = f"{number} {noun}{plural} {subject.gait} {subject.facing} "
        assert words.startswith(start)
        assert words.removeprefix(start) in {f"at {scene.light.time}", "under an overcast sky"}
        assert ("overcast" in words) == (scene.light.time == "overcast")


def test_the_muzzle_is_on_the_side_that_the_caption_says():
    mesh = animal()
    head, rump = int(mesh.points[:, 0].argmax()), int(np.abs(mesh.points - (-0.8, 1.2, 0)).sum(1).argmin())
    for scene in SCENES[:30]:
        xy, _ = View.of(scene.camera, 64).project(pose(scene.animals[0], mesh).points)
        assert (xy[head, 0] > xy[rump, 0]) == (scene.animals[0].facing == "right")


def test_who_grazes_has_its_head_down_and_all_stand_on_the_ground():
    mesh = animal()
    lips = int(np.abs(mesh.points - (1.5, 1.49, 0)).sum(1).argmin())
    heights: dict[str, list[float]] = {gait: [] for gait in GAITS}
    for scene in SCENES:
        posed = pose(scene.animals[0], mesh)
        heights[scene.animals[0].gait].append(float(posed.points[lips, 1]))
        assert abs(posed.points[:, 1].min()) < 0.05
        np.testing.assert_allclose(np.linalg.norm(posed.normals, axis=1), 1, atol=1e-4)
    assert max(heights["grazing"]) < 0.4
    assert min(heights["standing"] + heights["walking"]) > 0.6


def test_the_subject_is_in_the_picture():
    mesh = animal()
    outside = Counter()
    for scene in SCENES:
        xy, depth = View.of(scene.camera, 100).project(pose(scene.animals[0], mesh).points)
        assert depth.min() > 1
        assert np.ptp(xy[:, 0]) > 30 or np.ptp(xy[:, 1]) > 30
        outside[bool(((xy < 0) | (xy > 100)).any())] += 1
    assert outside[True] <= 0.15 * len(SCENES)
