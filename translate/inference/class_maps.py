"""Maps of classes as a model takes them: a plane of zeros and ones for each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from translate.colours import UnknownColour, class_numbers, from_names, names
from translate.errors import BadImage

_SHOWN = 12


def one_hot(pixels: np.ndarray, classes: Sequence[str], name: str = "") -> np.ndarray:
    """A map of classes, uint8 `(H, W, 1 or 3)`, as float32 `(1, classes, H, W)` of zeros and ones.

    The map has exactly the classes' colours. Where these aren't grey levels, a grey map of the classes'
    numbers, 0 to one less than there are, is understood too.

    Args:
        classes: their colours, grey levels or `#rrggbb`, in the order of the planes.
        name: of the picture, for messages.

    Raises:
        BadImage: naming a colour that is no class's.
    """
    pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    try:
        numbers = class_numbers(pixels, from_names(classes), by_number=True)
    except UnknownColour as error:
        strange = names(from_names((*classes, str(error))))[-1]  # in the notation of the classes
        listed = ", ".join(classes[:_SHOWN]) + (" …" if len(classes) > _SHOWN else "")
        raise BadImage(
            name or "the picture",
            f"holds the colour {strange}, which is none of the model's {len(classes)} classes ({listed}); "
            "draw the map in exactly these colours, without smoothing, and save it as PNG",
        ) from None
    planes = np.zeros((1, len(classes), *numbers.shape), np.float32)
    np.put_along_axis(planes, numbers[None, None].astype(np.int64), 1, axis=1)
    return planes
