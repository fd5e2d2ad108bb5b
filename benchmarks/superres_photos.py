"""The photographs that the super-resolution models we ship are trained on, all openly licensed.

Three Debian packages and scikit-image's wheel carry them; nothing is taken from a benchmark:

    apt-get download mate-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04
    for package in *.deb; do dpkg-deb -x $package unpacked; done
    python benchmarks/superres_photos.py unpacked datasets/photos

Large photographs are reduced until their longer side has at most 1800 pixels: at their own size few are sharp
to the pixel, and what was lost to lens, sensor and JPEG can't be learnt from them. Drawings are left out.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import skimage
from PIL import Image

LONGEST = 1800
HELD_OUT = ("friends_by_Aitzol_Berasategi", "LadyBird")


@dataclass(frozen=True)
class Source:
    """Photographs under one licence.

    Attributes:
        package: where they come from.
        licence: SPDX identifier, or words.
        files: relative to the folder that the packages were unpacked into.
    """

    package: str
    licence: str
    files: tuple[str, ...]


def _named(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"usr/share/backgrounds/{folder}{name}.jpg" for name in names)


SOURCES = (
    Source(
        "lomiri-wallpapers-16.04",
        "CC-BY-4.0",
        _named(
            "",
            *(f"{name}_by_Aitzol_Berasategi" for name in ("aitzgorri", "friends", "life", "sunset")),
            "picosdeeuropa_by_Aitzol_Berasategi",
            "Picture_0B_by_freespace",
            "Picture_1A_by_freespace",
            "Wine_by_Jakkub_Mede",
        ),
    ),
    Source(
        "lomiri-wallpapers-16.04",
        "CC-BY-SA-4.0",
        _named(
            "",
            "Bridge_by_Sander_Klootwijk",
            "Dragonfly_by_Bolly",
            "free_by_Peter_Nerlich",
            "greentock_by_Peter_Nerlich",
        ),
    ),
    Source("lomiri-wallpapers-16.04", "CC0-1.0", _named("", "seeding_by_Clements_Engelhardt")),
    Source("lomiri-wallpapers-20.04", "CC-BY-SA-3.0", _named("", "Kleiber_by_Lukas_Baubkus")),
    Source(
        "mate-backgrounds",
        "GPL-2.0-or-later",
        _named(
            "mate/nature/",
            *("Aqua", "Blinds", "Dune", "FreshFlower", "Garden", "GreenMeadow", "LadyBird", "RainDrops"),
            *("Storm", "TwoWings", "Wood", "YellowFlower"),
        ),
    ),
)
# In scikit-image's wheel; public domain (NASA) or CC0, as its `skimage.data` documents.
BUNDLED = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "brick.png", "grass.png", "gravel.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("unpacked", type=Path, help="the folder that the packages were unpacked into")
    parser.add_argument("output", type=Path, help="where train/ and val/ are made")
    given = parser.parse_args()
    data = Path(skimage.__file__).parent / "data"
    files = [given.unpacked / name for source in SOURCES for name in source.files]
    files += [data / name for name in BUNDLED]
    missing = [file for file in files if not file.exists()]
    if missing:
        sys.exit(f"{missing[0]} is missing; unpack the packages as this script's first lines say")
    for file in files:
        split = given.output / ("val" if file.stem in HELD_OUT else "train")
        split.mkdir(parents=True, exist_ok=True)
        with Image.open(file) as picture:
            reduced = picture.convert("RGB")
            reduced.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
            reduced.save(split / f"{file.stem}.png")
    print(f"{len(files)} photographs in {given.output}")


if __name__ == "__main__":
    main()
