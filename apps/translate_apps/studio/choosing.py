"""Choosing a model, and what it is asked with: the same on every tab."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import gradio as gr

from translate.errors import UsageError
from translate_apps.studio.components import friendly
from translate_apps.studio.served import served
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Offer, Shelf

T = TypeVar("T")
NO_EXAMPLE = "This example is no longer there; load this page again."
_NONE = "No models yet: put model files or runs into the folder {folder}, and load this page again."


@dataclass(frozen=True)
class Choice:
    """The components with which a model is chosen and asked."""

    model: gr.Dropdown
    remark: gr.Markdown
    direction: gr.Radio
    label: gr.Dropdown
    text: gr.Textbox

    @property
    def components(self) -> list[Any]:
        """In the order in which `updates` gives them."""
        return [self.model, self.remark, self.direction, self.label, self.text]

    @property
    def but_the_model(self) -> list[Any]:
        """What follows from a visitor's choice. Not the model itself: answers may overtake each other."""
        return self.components[1:]

    @property
    def asked(self) -> list[Any]:
        """What a handler takes: model, direction, label, text."""
        return [self.model, self.direction, self.label, self.text]


def model_choice(tab: str, label: str = "Model") -> Choice:
    """Make the components; `tab` distinguishes their ids."""
    return Choice(
        gr.Dropdown([], label=label, elem_id=f"{tab}-model", filterable=True),
        gr.Markdown(elem_id=f"{tab}-remark", elem_classes="remark"),
        gr.Radio([], label="Direction", visible=False, elem_id=f"{tab}-direction"),
        gr.Dropdown([], label="Translate into", visible=False, elem_id=f"{tab}-label"),
        gr.Textbox(
            label="Describe what you want", visible=False, elem_id=f"{tab}-text", max_length=500, lines=1
        ),
    )


def follow(choice: Choice, shelf: Shelf) -> None:
    """Let what a model is asked with follow from the choice of the model."""

    def choose(name: str | None) -> list[Any]:
        with friendly("This choice"):
            return updates(shelf, name)[1:]

    choice.model.input(
        choose,
        choice.model,
        choice.but_the_model,
        trigger_mode="always_last",
        api_visibility="private",
    )


def updates(shelf: Shelf, name: str | None, offers: dict[str, Offer] | None = None) -> list[Any]:
    """What the components of a `Choice` become once `name` is chosen.

    Args:
        name: None is the first that there is.
        offers: those to choose from; None is all that there are.

    Raises:
        UsageError: the model of that name is gone.
    """
    offers = shelf.offers() if offers is None else offers
    choices = [(offer.title, key) for key, offer in offers.items()]
    if not offers:
        hidden = gr.update(visible=False, value=None)
        said = gr.update(value=_NONE.format(folder=shelf.folder))
        return [gr.update(choices=[], value=None), said, hidden, hidden, hidden]
    name = name or next(iter(offers))
    require(name, offers)
    card = offers[name].card
    ways = [(f"{each.source} → {each.target}", way) for way, each in offers[name].cards.items()]
    examples = card.text.examples if card.text else ()
    return [
        gr.update(choices=choices, value=name),
        gr.update(value=remark(offers[name])),
        gr.update(choices=ways, value=ways[0][1], visible=len(ways) > 1),
        gr.update(
            choices=list(card.labels),
            value=card.labels[0] if card.labels else None,
            visible=bool(card.labels),
        ),
        gr.update(
            visible=card.text is not None,
            value=examples[0] if examples else "",
            placeholder="; ".join(examples[:3]),
        ),
    ]


def remark(offer: Offer) -> str:
    """A line about a model, from its card."""
    card = offer.card
    size = card.recipe.get("data", {}).get("size")
    parts = [
        card.translator,
        card.architecture,
        f"enlarges {card.scale} times" if card.scale > 1 else f"trained at {size}²" if size else "",
        "fills holes" if card.mask else "",
        f"licence {card.licence}" if card.licence else "",
    ]
    return " · ".join(part for part in parts if part)


def require(name: str, offers: dict[str, Offer]) -> None:
    """See that a model that was chosen is still there.

    Raises:
        UsageError: it isn't.
    """
    if name not in offers:
        raise UsageError(f"there is no model called {name!r} any more; load this page again.")


class Examples:
    """Pictures that lie beside a model, to be tried with a click.

    Args:
        label: what stands over them.
    """

    def __init__(self, settings: Settings, shelf: Shelf, label: str, name: str):
        self._settings, self._shelf = settings, shelf
        self.gallery = gr.Gallery(
            label=label,
            columns=4,
            height=190,
            allow_preview=False,
            visible=False,
            interactive=False,
            buttons=[],
            elem_id=name,
            elem_classes=["examples", "tiles"],
        )

    def update(self, offer: Offer | None) -> Any:
        """What makes the gallery show the model's pictures."""
        pictures = self._pictures(offer)
        return gr.update(value=pictures, visible=bool(pictures))

    def on_choice(self, model: Any, into: Any) -> Any:
        """Put what is clicked `into` a component; what follows may be chained to it."""
        return self.gallery.select(self._taken, model, into, api_visibility="private")

    def _taken(self, name: str | None, event: gr.SelectData) -> str:
        with friendly("This example"):
            return self.picture(name, event.index)

    def picture(self, name: str | None, number: Any) -> str:
        """Where the example of a model is served from that was clicked.

        By its number: a path would be the visitor's word for what the server is to show.

        Raises:
            UsageError: the model or the picture is gone.
        """
        return one_of(self._pictures(self._shelf.offer(name or "")), number, NO_EXAMPLE)

    def _pictures(self, offer: Offer | None) -> list[str]:
        found = []
        for path in offer.examples if offer else ():
            with suppress(OSError):  # gone since the folder was listed
                found.append(str(served(self._settings.files, path)))
        return found


def one_of(things: Sequence[T], number: Any, gone: str) -> T:
    """The thing of that number, from 0, of which a page said that it was clicked.

    Raises:
        UsageError: `gone`: there is none of that number.
    """
    if not isinstance(number, int) or not 0 <= number < len(things):
        raise UsageError(gone)
    return things[number]
