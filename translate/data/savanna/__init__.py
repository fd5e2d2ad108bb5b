"""The built-in data set `savanna`: pictures of animals that the project renders itself.

Scene and coat are independent draws, so for every picture the true translation to another coat
exists: the same scene, rendered with that coat.
"""

from __future__ import annotations

from translate.data.savanna.coats import COATS, HORSES
from translate.data.savanna.dataset import Written, write_dataset
from translate.data.savanna.render import Rendering, render_scene
from translate.data.savanna.scene import Scene, caption, sample_scene

__all__ = [
    "COATS",
    "HORSES",
    "Rendering",
    "Scene",
    "Written",
    "caption",
    "render_scene",
    "sample_scene",
    "write_dataset",
]
