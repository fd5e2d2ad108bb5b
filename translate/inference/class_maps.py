"""Maps of classes as a model takes them: a plane of zeros and ones for each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from translate.colours import UnknownColour, class_numbers, from_names
from translate.errors import BadImage

_SHOWN = 12


def one_hot(pixels: np.ndarray, classes: Sequence[str], name: str = "") -> Tensor:
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
        grey = not any(name.startswith("#") for name in classes)  # then colours are named as these are
        found = (
            f"grey level {int(str(error)[1:3], 16)}" if grey and _is_grey(str(error)) else f"colour {error}"
        )
        listed = ", ".join(classes[:_SHOWN]) + (" …" if len(classes) > _SHOWN else "")
        raise BadImage(
            name or "the picture",
            f"holds the {found}, which is none of the model's {len(classes)} classes ({listed}); draw "
            "the map in exactly these colours, without smoothing, and save it as PNG",
        ) from None
    wanted = torch.from_numpy(numbers).long()[None, None]  # (1, 1, H, W)
    return torch.zeros(1, len(classes), *wanted.shape[2:]).scatter_(1, wanted, 1.0)


def _is_grey(colour: str) -> bool:
    return colour[1:3] == colour[3:5] == colour[5:7]
