"""What `translate evaluate` looks at: which pictures, how they are read, what the model makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

    from translate.data.held_out import WholePictures
    from translate.data.options import DataOptions
    from translate.weights.card import Card

    Answer = Callable[..., Tensor]  # float (B, C, H, W) in [-1, 1] to the same; with holes also `mask`


def data_options(
    card: Card, *, size: int | None, a: str | None, b: str | None, task: str | None
) -> DataOptions:
    """How held-out pictures are read: as the model was trained to see them, unless told otherwise.

    Raises:
        ModelError: the card's recipe makes no sense, or the model takes or makes what is no picture.
        UsageError: holes for a model that fills none, or none for one that does.
    """
    from pydantic import ValidationError

    from translate.config import DataSection
    from translate.data.options import DataOptions
    from translate.errors import ModelError, UsageError

    recorded = card.recipe.get("data") or {}
    used = ("size", "load_size", "direction", "task", "a", "b")
    known = {key: recorded[key] for key in used if key in recorded}
    try:
        trained = DataSection.model_validate(known)
    except (ValidationError, AttributeError, TypeError) as error:
        raise ModelError(f"the recipe on the model's card makes no sense: {error}") from error
    channels = list(card.channels)
    if card.classes:
        channels[0] = 3  # the colours that its maps are drawn in
    if not set(channels) <= {1, 3}:
        raise ModelError(
            f"the model makes {channels[1]} channels of {channels[0]}; pictures have 1 or 3, so there is "
            "nothing in a folder to measure it on."
        )
    made = task or trained.task
    if (made == "inpaint") != card.mask:
        raise UsageError(
            "the model fills holes, which the task inpaint cuts; leave --task, --a and --b out."
            if card.mask
            else "the task inpaint cuts holes, and the model fills none; choose another --task."
        )
    swapped = (trained.direction == "b2a") != (card.direction == "b2a")
    # The trained folders of pairs mean nothing where inputs are to be made.
    named = a is not None or b is not None or (task is not None and trained.a is not None)
    return DataOptions(
        size=size or trained.size,
        load_size="auto" if size else trained.load_size,
        direction="b2a" if swapped else "a2b",
        task=task or (trained.task if a is None else None),  # inputs that are named are there already
        a=a if named else trained.a,
        b=b if named else trained.b,
        channels_a=channels[0],
        channels_b=channels[1],
    )


def seen_as(options: DataOptions) -> str:
    """How pictures are brought to the model's size, where that isn't by their shorter side; else nothing."""
    if options.load_size == "auto":
        return ""
    first = "as they are" if options.load_size == "full" else f"shorter side {options.load_size}"
    return f"pictures {first}, as in the training (data.load_size), and of these the middle {options.size}²"


def needs_pairs(card: Card) -> Literal["paired"] | None:
    """ "paired" where the method needs pairs; None lets the folder decide: pairs can measure any model."""
    from translate.config import RECIPES

    recipe = RECIPES.get(card.translator)
    return "paired" if recipe is not None and recipe.kind == "paired" else None


def spread(count: int, limit: int | None) -> list[int]:
    """At most `limit` of the positions 0 … `count` − 1, evenly spread."""
    taken = count if limit is None else min(limit, count)
    return [place * count // taken for place in range(taken)]


def answered(answer: Answer, inputs: Tensor, of: WholePictures) -> tuple[Tensor, Tensor]:
    """The inputs as pictures, and what the model makes of them, float (B, C, S, S) in [-1, 1].

    Args:
        inputs: uint8 (B, C, S, S), the first side of `of`; of maps of classes their numbers, with C = 1.
    """
    from translate.data.batches import to_colours, to_float, to_one_hot

    if colours := of.colours:
        return to_float(to_colours(inputs, colours)), answer(to_one_hot(inputs, len(colours)))
    if of.holes:
        pictures = to_float(inputs[:, :-1])
        return pictures, answer(pictures, mask=inputs[:, -1:])
    pictures = to_float(inputs)
    return pictures, answer(pictures)
