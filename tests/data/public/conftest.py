"""Archives of small data sets, and cards of them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from translate.data.public.cards import Archive, Card

UNPAIRED = {"trainA": 3, "trainB": 2, "testA": 1, "testB": 1}


def picture(seed: int = 0, size: tuple[int, int] = (32, 16), kind: str = "PNG") -> bytes:
    """A picture of that width and height, noise of that seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, kind)
    return encoded.getvalue()


@pytest.fixture
def pack() -> Callable[..., bytes]:
    """pack({"set/trainA": 3, "set/a.txt": b"…"}, "zip"): an archive of so many pictures, and of files."""

    def make(entries: dict[str, int | bytes], kind: str = "zip") -> bytes:
        contents: dict[str, bytes] = {}
        for name, content in entries.items():
            if isinstance(content, bytes):
                contents[name] = content
            else:
                contents |= {f"{name}/{n}.png": picture(len(contents) + n) for n in range(content)}
        packed = io.BytesIO()
        if kind == "zip":
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in contents.items():
                    archive.writestr(name, content)
        else:
            with tarfile.open(fileobj=packed, mode="w:gz") as archive:
                for name, content in contents.items():
                    info = tarfile.TarInfo(name)
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
        return packed.getvalue()

    return make


@pytest.fixture
def unpaired(pack) -> bytes:
    """A zip like those of CycleGAN, in a folder of the set's name, with a Mac's droppings."""
    folders = {f"a2b/{folder}": count for folder, count in UNPAIRED.items()}
    return pack({**folders, "__MACOSX/a2b/._x.png": b"x", "a2b/.DS_Store": b"y"})


@pytest.fixture
def card_of() -> Callable[..., Card]:
    """A function that makes a card from its archives' addresses."""

    def make(*addresses: str, size: int | None = None, sha256: str | None = None, **more) -> Card:
        archives = (Archive(addresses=addresses, size=size, sha256=sha256),) if addresses else ()
        values = {"name": "a2b", "about": "", "task": "", "layout": "unpaired", "recipe": "cyclegan"}
        return Card(**{**values, "counts": UNPAIRED, "archives": archives, **more})

    return make
