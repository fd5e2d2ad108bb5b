"""Pictures that look alike, by a perceptual hash: resized, compressed, brightened, mirrored copies.

The hash is that of DCT signs (Zauner, "Implementation and benchmarking of perceptual image hash functions",
2010): the low frequencies of a small grey picture, each above their median or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np

SIDE = 64  # of the small picture
LOW = 16  # frequencies of it, both ways
BITS = LOW * LOW - 1  # the mean says how bright a picture is, not what it shows
# Copies of real photographs, resized to an eighth, compressed, 30 % brighter or with noise, differ in up to
# 32 bits, those cut by 2 % on each side in up to 54, 95 % of them in 48; other pictures in 88 or more.
ALIKE = 48
_FLAT = 2.0  # grey levels of standard deviation: the signs of so little are noise
_BLOCK = 1024

Hash = tuple[bytes, bytes]
Row = tuple[int, np.ndarray]  # a position, and later ones that look like it


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


def rows_alike(columns: Sequence[Sequence[Hash | None]], most: int = ALIKE) -> Iterator[Row]:
    """Which later ones each of N things looks like, ascending; those that look like none are passed over.

    Args:
        columns: of pictures of the N things, equally long; it is enough to look alike in one of them.
        most: in how many bits pictures that look alike differ at most, below 127.
    """
    count = len(columns[0])
    matrices = [tuple(_as_floats(column, which) for which in range(2)) for column in columns]
    least = BITS - 2 * most  # the product of vectors of ±1 that differ in `most` places
    for start in range(0, count, _BLOCK):
        alike = np.zeros((min(_BLOCK, count - start), count - start), bool)
        for straight, mirrored in matrices:
            rows = straight[start : start + _BLOCK]
            alike |= rows @ straight[start:].T >= least
            alike |= rows @ mirrored[start:].T >= least
        for i, row in enumerate(alike):
            later = np.flatnonzero(row[i + 1 :])
            if later.size:
                yield start + i, later + (start + i + 1)


def _as_floats(hashes: Sequence[Hash | None], which: int) -> np.ndarray:
    """`(N, BITS)` of −1 and 1; of what has no hash 0, which is like nothing."""
    packed = b"".join(bytes(LOW * LOW // 8) if known is None else known[which] for known in hashes)
    bits = np.unpackbits(np.frombuffer(packed, np.uint8).reshape(len(hashes), -1), axis=1)[:, :BITS]
    signs = bits.astype(np.float32) * 2 - 1
    signs[[known is None for known in hashes]] = 0
    return signs


def groups(count: int, rows: Iterable[Row]) -> list[list[int]]:
    """What hangs together of `range(count)`, over any number of rows; each ascending, by their first."""
    group = np.arange(count)
    for i, later in rows:
        # Of a video most are together already, and its pairs would be too many to go through one by one.
        if (group[later] != group[i]).any():
            joined = np.unique(np.append(group[later], group[i]))
            group[np.isin(group, joined)] = joined[0]
    found: dict[int, list[int]] = {}
    for i, name in enumerate(group.tolist()):
        found.setdefault(name, []).append(i)
    return list(found.values())
