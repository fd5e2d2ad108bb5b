"""The hash against scipy's transform, what it forgives and what not, and which pairs and groups follow."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn

from translate.data.prepare import alike


def scene(seed: int, size: tuple[int, int] = (160, 120)) -> np.ndarray:
    """Smooth coloured noise, as unlike another as photographs are."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)


def changed(pixels: np.ndarray, how: str) -> np.ndarray:
    height, width = pixels.shape[:2]
    if how == "small":
        return cv2.resize(pixels, (width // 3, height // 3), interpolation=cv2.INTER_AREA)
    if how == "jpeg":
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=30)
        return np.array(Image.open(stream))
    if how == "bright":
        return (pixels * 1.2).clip(0, 255).astype(np.uint8)
    if how == "mirrored":
        return pixels[:, ::-1]
    return pixels[2:-2, 3:-3]


@pytest.mark.parametrize("how", ["small", "jpeg", "bright", "mirrored", "cut"])
def test_copies_look_alike_and_others_don_t(how):
    hashes = [alike.hash_of(scene(seed)) for seed in range(12)]
    assert all(
        alike.distance(known, alike.hash_of(changed(scene(seed), how))) <= alike.ALIKE
        for seed, known in enumerate(hashes)
    )
    assert all(alike.distance(a, b) > alike.ALIKE + 20 for i, a in enumerate(hashes) for b in hashes[:i])


def test_the_hash_is_of_signs_about_the_median():
    pixels = scene(3, (alike.SIDE, alike.SIDE))
    grey = np.array(Image.fromarray(pixels).convert("L"), float)
    low = dctn(grey, norm="ortho")[:16, :16].ravel()[1:]
    clear = (
        np.abs(low - np.median(low)) > 1
    )  # the decoders' roundings of grey differ by a level here and there
    straight, mirrored = (np.unpackbits(np.frombuffer(b, np.uint8))[:255] for b in alike.hash_of(pixels))
    assert clear.sum() > 200
    assert np.array_equal(straight[clear], (low > np.median(low))[clear])
    turned = alike.hash_of(np.ascontiguousarray(pixels[:, ::-1]))
    assert (np.unpackbits(np.frombuffer(turned[0], np.uint8))[:255] != mirrored).sum() <= 4


def test_an_even_surface_has_no_hash():
    assert alike.hash_of(np.full((40, 50, 3), 130, np.uint8)) is None
    noise = np.random.default_rng(0).integers(120, 124, (400, 500, 3), dtype=np.uint8)
    assert alike.hash_of(noise) is None


def pairs(columns: list, most: int) -> set[tuple[int, int]]:
    return {(i, j) for i, later in alike.rows_alike(columns, most) for j in later.tolist()}


def test_rows_are_those_of_a_loop(monkeypatch):
    monkeypatch.setattr(alike, "_BLOCK", 7)
    pictures = [changed(scene(seed), how) for seed in range(6) for how in ("small", "mirrored", "cut")]
    hashes = [alike.hash_of(pixels) for pixels in pictures]
    hashes[4] = hashes[11] = None
    for most in (0, 20, 48, 90):
        expected = {
            (i, j)
            for j in range(len(hashes))
            for i in range(j)
            if hashes[i] and hashes[j] and alike.distance(hashes[i], hashes[j]) <= most
        }
        assert pairs([hashes], most) == expected
    other = hashes[9:] + hashes[:9]
    assert pairs([hashes, other], 48) == pairs([hashes], 48) | pairs([other], 48)
    assert [i for i, _ in alike.rows_alike([hashes], 90)] == sorted({i for i, _ in pairs([hashes], 90)})
    assert not list(alike.rows_alike([hashes[:1]]))


def test_groups_hang_together_over_any_number_of_rows():
    rows = [(5, np.array([6])), (1, np.array([3, 5])), (2, np.array([4]))]
    assert alike.groups(8, rows) == [[0], [1, 3, 5, 6], [2, 4], [7]]
    chain = [(i, np.array([i + 1])) for i in range(0, 998)]
    assert alike.groups(1000, chain[::2] + chain[1::2]) == [list(range(999)), [999]]
