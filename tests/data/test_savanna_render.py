"""Pictures: nothing but the coat differs between the coats of a scene."""

from __future__ import annotations

import numpy as np
import pytest

from translate.data.savanna import COATS, HORSES, render_scene, sample_scene
from translate.data.savanna.drawing import colour_map
from translate.data.savanna.landscape import ANIMAL, GROUND, SKY
from translate.errors import UsageError

SIZE = 64
SCENES = [sample_scene(2, index) for index in range(8)]
RENDERINGS = [render_scene(scene, COATS, SIZE, edges=True) for scene in SCENES]


def _grey(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float64) @ [0.299, 0.587, 0.114]


def test_shapes_and_types():
    for rendering in RENDERINGS:
        assert list(rendering.images) == list(COATS)
        for picture in rendering.images.values():
            assert picture.shape == (SIZE, SIZE, 3)
            assert picture.dtype == np.uint8
        for plane in (rendering.mask, rendering.classes, rendering.edges):
            assert plane is not None
            assert plane.shape == (SIZE, SIZE)
            assert plane.dtype == np.uint8


def test_the_same_scene_gives_the_same_bytes_whatever_else_is_rendered():
    again = render_scene(SCENES[3], ["zebra"], SIZE)
    np.testing.assert_array_equal(again.images["zebra"], RENDERINGS[3].images["zebra"])
    np.testing.assert_array_equal(again.mask, RENDERINGS[3].mask)
    assert again.edges is None
    assert not np.array_equal(RENDERINGS[3].images["zebra"], RENDERINGS[4].images["zebra"])


def test_outside_the_mask_all_coats_are_one_picture():
    for rendering in RENDERINGS:
        outside = rendering.mask == 0
        assert 0.5 < outside.mean() < 0.95
        first = rendering.images["chestnut"][outside]
        for coat in COATS[1:]:
            np.testing.assert_array_equal(rendering.images[coat][outside], first)


def test_inside_the_mask_every_coat_is_another():
    for rendering in RENDERINGS:
        inside = rendering.mask == 255
        for i, a in enumerate(COATS):
            for b in COATS[i + 1 :]:
                difference = np.abs(
                    rendering.images[a][inside].astype(int) - rendering.images[b][inside].astype(int)
                )
                assert difference.mean() > 8, (a, b)


def test_the_mask_is_where_coats_can_differ():
    for rendering in RENDERINGS:
        stack = np.stack([picture.astype(int) for picture in rendering.images.values()])
        differs = np.ptp(stack, axis=0).max(-1) > 12
        assert (rendering.mask[differs] > 0).all()
        assert differs[rendering.mask == 255].mean() > 0.97


def test_edges_of_the_mask_are_soft():
    values = np.concatenate([rendering.mask.ravel() for rendering in RENDERINGS])
    assert ((values > 0) & (values < 255)).sum() > 0.01 * len(values)
    hard = render_scene(SCENES[0], [], SIZE, supersample=1).mask
    assert set(np.unique(hard)) == {0, 255}


def test_zebras_are_striped_and_nobody_else_is():
    def busyness(rendering, coat: str) -> float:
        inside = rendering.mask == 255
        steps = np.abs(np.diff(_grey(rendering.images[coat]), axis=1))[inside[:, 1:] & inside[:, :-1]]
        return float(steps.mean())

    for rendering in RENDERINGS:
        zebra = busyness(rendering, "zebra")
        assert zebra > 20
        for coat in HORSES:
            assert zebra > 1.8 * busyness(rendering, coat), coat
        inside = _grey(rendering.images["zebra"])[rendering.mask == 255]
        dark, pale = np.quantile(inside, (0.2, 0.8))
        assert pale - dark > 75


def test_stripes_stand_upright_on_the_barrel_and_lie_level_on_the_legs():
    from translate.data.savanna.markings import STRIPE
    from translate.data.savanna.mesh import animal

    mesh = animal()
    x, y = mesh.points[:, 0], mesh.points[:, 1]
    phase = mesh.markings[:, STRIPE]

    def slope(where: np.ndarray) -> np.ndarray:
        columns = np.stack([x[where], y[where], np.ones(where.sum())], 1)
        return np.linalg.lstsq(columns, phase[where], rcond=None)[0][:2]

    along, up = slope((x > -0.05) & (x < 0.3) & (y > 1.0) & (y < 1.4))
    assert abs(along) > 3 * abs(up)
    for low, high in ((0.4, 0.6), (-0.8, -0.6)):
        along, up = slope((x > low) & (x < high) & (y > 0.25) & (y < 0.45))
        assert abs(up) > 3 * abs(along)


def test_classes_and_drawings():
    for rendering in RENDERINGS:
        np.testing.assert_array_equal(rendering.classes == ANIMAL, rendering.mask >= 128)
        assert (rendering.classes[0] == SKY).any() or (rendering.classes[0] != GROUND).any()
        assert (rendering.classes[-1] != SKY).all()
        assert colour_map(rendering.classes).shape == (SIZE, SIZE, 3)

        ink = rendering.edges < 128
        assert 0.02 < ink.mean() < 0.30
        inside = rendering.mask >= 128
        border = np.zeros_like(inside)
        border[:, 1:] |= inside[:, 1:] != inside[:, :-1]
        border[1:] |= inside[1:] != inside[:-1]
        near = ink.copy()
        near[1:] |= ink[:-1]
        near[:-1] |= ink[1:]
        near[:, 1:] |= ink[:, :-1]
        near[:, :-1] |= ink[:, 1:]
        assert near[border].mean() > 0.97


def test_pictures_of_any_size_show_the_same_scene():
    small = _grey(RENDERINGS[1].images["grey"])
    large = _grey(render_scene(SCENES[1], ["grey"], 2 * SIZE).images["grey"])
    halved = large.reshape(SIZE, 2, SIZE, 2).mean((1, 3))
    assert np.abs(small - halved).mean() < 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"coats": ["purple"], "size": 32}, "no coat 'purple'; the coats are chestnut, black"),
        ({"coats": ["zebra"], "size": 15}, "at least 16 pixels, but it is 15"),
        ({"coats": ["zebra"], "size": 32, "supersample": 0}, "supersample must be at least 1"),
    ],
)
def test_what_cannot_be_is_refused(options: dict, message: str):
    with pytest.raises(UsageError, match=message):
        render_scene(SCENES[0], **options)


def test_the_smallest_size_renders():
    assert render_scene(SCENES[0], ["zebra"], 16, edges=True).images["zebra"].shape == (16, 16, 3)
