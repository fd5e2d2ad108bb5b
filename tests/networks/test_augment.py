"""Each augmentation against a loop over pixels that follows its definition."""

from __future__ import annotations

import kornia
import pytest
import torch
from torch import Tensor

from translate.networks.augment import AUGMENTATIONS, changed, draw

EVERY = tuple(AUGMENTATIONS)
ALWAYS, NEVER = torch.tensor(1.0), torch.tensor(0.0)


def pictures(count: int = 4, channels: int = 3, height: int = 16, width: int = 16, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, channels, height, width, generator=random) * 2 - 1


def numbers(count: int, seed: int = 1) -> Tensor:
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(seed))


def test_colour_is_brightness_then_saturation_then_contrast():
    x, how = pictures(), numbers(4)
    found = AUGMENTATIONS["colour"](x, how)
    for picture, (b, s, c), after in zip(x, how.tolist(), found, strict=True):
        # kornia's brightness is an addition, too, and may leave [0, 1] unclipped.
        expected = kornia.enhance.adjust_brightness(picture, b - 0.5, clip_output=False)
        grey = expected.sum(0) / 3
        expected = torch.stack([grey + 2 * s * (channel - grey) for channel in expected])
        mean = expected.sum() / expected.numel()
        torch.testing.assert_close(after, mean + (c + 0.5) * (expected - mean))


def test_colour_of_middling_numbers_changes_nothing_and_no_saturation_is_grey():
    x = pictures(1)
    torch.testing.assert_close(AUGMENTATIONS["colour"](x, torch.full((1, 3), 0.5)), x)
    grey = AUGMENTATIONS["colour"](x, torch.tensor([[0.5, 0.0, 0.5]]))
    torch.testing.assert_close(grey[:, 0], grey[:, 1])


@pytest.mark.parametrize(("height", "width"), [(16, 16), (24, 40), (7, 9)])
def test_translation_is_a_shift_of_whole_pixels(height: int, width: int):
    x, how = pictures(6, 2, height, width), numbers(6)
    how[0], how[1] = torch.tensor([0.0, 0.999, 0]), torch.tensor([0.999, 0.0, 0])  # the largest there are
    found = AUGMENTATIONS["translation"](x, how)
    most = [round(width / 8), round(height / 8)]
    for picture, along, after in zip(x, how.tolist(), found, strict=True):
        right, down = (int(u * (2 * limit + 1)) - limit for u, limit in zip(along, most, strict=False))
        expected = torch.zeros_like(picture)
        for row in range(height):
            for column in range(width):
                if 0 <= row - down < height and 0 <= column - right < width:
                    expected[:, row, column] = picture[:, row - down, column - right]
        assert torch.equal(after, expected)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (9, 14), (7, 10)])
def test_cutout_blanks_a_rectangle_of_half_the_sides_around_any_place(height: int, width: int):
    x, how = pictures(20, 1, height, width) + 3, numbers(20)
    found = AUGMENTATIONS["cutout"](x, how)
    for picture, along, after in zip(x, how.tolist(), found, strict=True):
        expected = picture.clone()
        size = [round(width / 2), round(height / 2)]
        centre = [
            int(u * (side + 1 - cut % 2)) for u, side, cut in zip(along, (width, height), size, strict=False)
        ]
        for i in range(size[1]):
            for j in range(size[0]):
                row, column = centre[1] - size[1] // 2 + i, centre[0] - size[0] // 2 + j
                if 0 <= row < height and 0 <= column < width:
                    expected[:, row, column] = 0
        assert torch.equal(after, expected)


@pytest.mark.parametrize("kind", EVERY)
def test_gradients_are_those_of_the_definition(kind: str):
    x = pictures(2, 3, 6, 8).double().requires_grad_()
    how = numbers(2).double()
    assert torch.autograd.gradcheck(lambda p: AUGMENTATIONS[kind](p, how), (x,))


def test_a_probability_of_nothing_changes_nothing_and_of_one_everything():
    x = pictures()
    assert torch.equal(changed(x, draw(EVERY, 4, NEVER)), x)
    after = changed(x, draw(EVERY, 4, ALWAYS))
    assert all(not torch.equal(before, now) for before, now in zip(x, after, strict=True))


def test_each_kind_changes_each_picture_by_itself():
    torch.manual_seed(0)
    changes = draw(EVERY, 4000, torch.tensor(0.3))
    on = torch.stack([changes.on[kind] for kind in EVERY]).float()
    torch.testing.assert_close(on.mean(1), torch.full((3,), 0.3), atol=0.03, rtol=0)
    assert float(torch.corrcoef(on).fill_diagonal_(0).abs().max()) < 0.06


def test_changes_drawn_once_change_alike_and_drawn_twice_don_t():
    torch.manual_seed(0)
    x = pictures()
    changes = draw(EVERY, 4, ALWAYS)
    assert torch.equal(changed(x, changes), changed(x, changes))
    assert not torch.equal(changed(x, changes), changed(x, draw(EVERY, 4, ALWAYS)))
    torch.manual_seed(0)
    assert torch.equal(changed(x, changes), changed(x, draw(EVERY, 4, ALWAYS)))


def test_the_input_beside_a_picture_moves_with_it_and_keeps_its_colours():
    torch.manual_seed(0)
    x = pictures(4, 3)
    beside = torch.cat([x, x], 1)
    changes = draw(EVERY, 4, ALWAYS)
    given, judged = changed(beside, changes, given=3).split(3, 1)
    moved = {
        name: {kind: value for kind, value in part.items() if kind != "colour"}
        for name, part in (("on", changes.on), ("how", changes.how))
    }
    assert torch.equal(given, changed(x, type(changes)(**moved)))
    assert torch.equal(judged, changed(x, changes))


def test_half_precision_around_it_moves_no_pixel():
    # kornia multiplies matrices of coordinates, which autocast would round to 8 bits.
    torch.manual_seed(0)
    x, changes = pictures(4, 1, 512, 512), draw(EVERY, 4, ALWAYS)
    with torch.autocast("cpu", torch.bfloat16):
        within, half = changed(x, changes), changed(x.bfloat16(), changes)
    assert torch.equal(within, changed(x, changes))
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), within, atol=0.02, rtol=0.02)


def test_an_unknown_kind_is_told_the_others():
    with pytest.raises(ValueError, match="unknown augmentation 'color'; choose some of colour, translation"):
        draw(["color"], 1, ALWAYS)
