"""Pictures that look alike, by a perceptual hash: resized, compressed, brightened, mirrored copies.

The hash is that of DCT signs (Zauner, "Implementation and benchmarking of perceptual image hash functions",
2010): the low frequencies of a small grey picture, each above their median or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

SIDE = 64  # of the small picture
LOW = 16  # frequencies of it, both ways
BITS = LOW * LOW - 1  # the mean says how bright a picture is, not what it shows
# Copies of real photographs that were resized to an eighth, compressed, brightened by 30 % or got noise
# differ in up to 32 bits, those cut by 2 % on each side in up to 52, 95 % of them in 48; other ones in 86.
ALIKE = 48
_FLAT = 2.0  # grey levels of standard deviation: the signs of so little are noise
_BLOCK = 1024

Hash = tuple[bytes, bytes]


def hash_of(pixels: np.ndarray) -> Hash | None:
    """The hashes of uint8 `(H, W, 3)` and of its mirror image, as packed bits; None of an even surface."""
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if small.std() < _FLAT:
        return None
    low = cv2.dct(small)[:LOW, :LOW]
    mirrored = low * np.where(np.arange(LOW) % 2, -1, 1)  # cosines of odd frequency are odd about the middle
    return _signs(low), _signs(mirrored)


def _signs(low: np.ndarray) -> bytes:
    values = low.ravel()[1:]
    return np.packbits(values > np.median(values)).tobytes()


def distance(one: Hash, other: Hash) -> int:
    """In how many of `BITS` bits two pictures differ, whichever of them is mirrored."""
    straight, *both = (np.unpackbits(np.frombuffer(bits, np.uint8)) for bits in (one[0], *other))
    return min(int((straight != bits).sum()) for bits in both)


def pairs_alike(hashes: Sequence[Hash], most: int = ALIKE) -> Iterator[tuple[int, int]]:
    """Positions (i, j), i < j, of hashes that differ in at most `most` bits."""
    if len(hashes) < 2:
        return
    straight, mirrored = (_as_floats([bits[k] for bits in hashes]) for k in range(2))
    least = BITS - 2 * most  # the product of vectors of ±1 that differ in `most` places
    for start in range(0, len(hashes), _BLOCK):
        rows = straight[start : start + _BLOCK]
        alike = (rows @ straight[start:].T >= least) | (rows @ mirrored[start:].T >= least)
        for i, j in np.argwhere(alike).tolist():
            if i < j:
                yield start + i, start + j


def _as_floats(hashes: Sequence[bytes]) -> np.ndarray:
    """`(N, BITS)` of −1 and 1."""
    bits = np.unpackbits(np.frombuffer(b"".join(hashes), np.uint8).reshape(len(hashes), -1), axis=1)[:, :BITS]
    return bits.astype(np.float32) * 2 - 1


def groups(count: int, pairs: Iterator[tuple[int, int]] | Sequence[tuple[int, int]]) -> list[list[int]]:
    """What hangs together of `range(count)`, over any number of pairs; each ascending, by their first."""
    first = list(range(count))

    def root(i: int) -> int:
        while first[i] != i:
            first[i] = first[first[i]]
            i = first[i]
        return i

    for i, j in pairs:
        low, high = sorted((root(i), root(j)))
        first[high] = low
    found: dict[int, list[int]] = {}
    for i in range(count):
        found.setdefault(root(i), []).append(i)
    return list(found.values())
