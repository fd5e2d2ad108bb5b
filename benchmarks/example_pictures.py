"""Render the pictures that lie beside the models we ship, for the studio and anybody else to try.

    python benchmarks/example_pictures.py [horse2zebra …] [--models checkpoints]

Scenes of a seed that no training of ours has, at the size that the model was trained at; for the models that
enlarge, reduced as their inputs are. The same pictures come out every time.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np

from translate import images
from translate.data.bicubic import imresize
from translate.data.degrade import draws
from translate.data.degrade.steps import apply
from translate.data.savanna import render_scene, sample_scene
from translate.data.savanna.drawing import colour_map

SEED = 2_026
SCENES = (3, 26, 5, 14)  # whole animals, clouds and none, one tree, one pair
COATS = ("chestnut", "grey", "zebra", "giraffe")

Pictures = dict[str, np.ndarray]


def coat(name: str, size: int) -> Pictures:
    """Every scene in one coat, uint8 (size, size, 3), by what they are called."""
    return {
        f"{name}-{number}": render_scene(sample_scene(SEED, index), [name], size).images[name]
        for number, index in enumerate(SCENES, 1)
    }


def coats(size: int) -> Pictures:
    """Every scene in a coat of its own."""
    return {
        name: render_scene(sample_scene(SEED, index), [name], size).images[name]
        for index, name in zip(SCENES, COATS, strict=True)
    }


def line_drawings(size: int) -> Pictures:
    """Every scene as dark lines on white."""
    found = {}
    for number, index in enumerate(SCENES, 1):
        lines = render_scene(sample_scene(SEED, index), [], size, edges=True).edges
        assert lines is not None, "they were asked for"
        found[f"drawing-{number}"] = np.repeat(lines[..., None], 3, 2)
    return found


def maps(size: int) -> Pictures:
    """Every scene in the flat colours of its classes."""
    return {
        f"map-{number}": colour_map(render_scene(sample_scene(SEED, index), [], size).classes)
        for number, index in enumerate(SCENES, 1)
    }


def small(scale: int, size: int) -> Pictures:
    """Scenes in several coats, reduced by MATLAB's bicubic."""
    return {name: imresize(pixels, 1 / scale) for name, pixels in coats(size * scale).items()}


def damaged(scale: int, size: int) -> Pictures:
    """Scenes in several coats, with Real-ESRGAN's blur, noise and JPEG, and reduced."""
    rng, found = random.Random(SEED), {}
    for name, pixels in coats(size * scale).items():
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        found[name] = apply(draws.realistic(rng, planes.shape[1:], scale), planes).transpose(1, 2, 0)
    return found


MODELS: dict[str, Callable[[], Pictures]] = {
    "horse2zebra": lambda: coat("chestnut", 64),
    "savanna-coats": lambda: coats(96),
    "savanna-edges": lambda: line_drawings(128),
    "savanna-masks": lambda: maps(64),
    "sr-x2": lambda: small(2, 128),
    "sr-x4": lambda: small(4, 96),
    "sr-x4-photo": lambda: damaged(4, 96),
}


def write(name: str, models: Path) -> list[Path]:
    """The examples of one model, in its folder."""
    files = []
    for stem, pixels in MODELS[name]().items():
        files.append(models / name / "examples" / f"{stem}.png")
        files[-1].parent.mkdir(parents=True, exist_ok=True)
        images.write(files[-1], np.ascontiguousarray(pixels))
    return files


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=list(MODELS))
    parser.add_argument("--models", type=Path, default=Path("checkpoints"))
    options = parser.parse_args()
    for name in options.names:
        for file in write(name, options.models):
            print(file)


if __name__ == "__main__":
    main()
