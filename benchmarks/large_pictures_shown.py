"""What naive tiling does to a picture, and what bands of rows do: docs/images/large-pictures.png.

    python benchmarks/savanna_results.py cut       # trains the network that is shown
    python benchmarks/large_pictures_shown.py checkpoints/savanna-cut

From left to right: a rendered scene, the network on each tile of 64² alone, and the network in bands of rows.
The network has seen pictures of 64² and is shown one of 256², so its stripes are not the best; the seams are
no matter of its training. How far tiles and bands are from the whole picture's result is printed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import translate
from translate.data.savanna import render_scene, sample_scene

OUTPUT = Path(__file__).parents[1] / "docs" / "images" / "large-pictures.png"
SCENE = (0, 8)  # series and number
SIDE, TILE = 256, 64


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a run or model file with instance norm")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    whole = translate.load(options.model, device="cpu", tile="whole")
    bands = translate.load(options.model, device="cpu", tile="exact")
    scene = render_scene(sample_scene(*SCENE), ["chestnut"], SIDE, supersample=3).images["chestnut"]
    tiled, banded, expected = in_tiles(whole, scene), bands(scene), whole(scene)
    print(f"levels of 256 from the whole picture's result: tiles up to {apart(tiled, expected)}, ", end="")
    print(f"bands up to {apart(banded, expected)}")
    Image.fromarray(np.concatenate([scene, tiled, banded], 1)).save(options.output, optimize=True)


def in_tiles(translator: translate.Translator, picture: np.ndarray) -> np.ndarray:
    """Each tile as if it were a picture."""
    result = np.empty_like(picture)
    for top in range(0, SIDE, TILE):
        for left in range(0, SIDE, TILE):
            place = (slice(top, top + TILE), slice(left, left + TILE))
            result[place] = translator(np.ascontiguousarray(picture[place]))
    return result


def apart(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other).max())


if __name__ == "__main__":
    main()
