"""Choosing a model, and what it is asked with: the same on every tab."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import gradio as gr

from translate_apps.studio.served import served
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Offer, Shelf

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


def model_choice(tab: str) -> Choice:
    """Make the components; `tab` distinguishes their ids."""
    return Choice(
        gr.Dropdown([], label="Model", elem_id=f"{tab}-model", filterable=True),
        gr.Markdown(elem_id=f"{tab}-remark", elem_classes="remark"),
        gr.Radio([], label="Direction", visible=False, elem_id=f"{tab}-direction"),
        gr.Dropdown([], label="Translate into", visible=False, elem_id=f"{tab}-label"),
        gr.Textbox(
            label="Describe what you want", visible=False, elem_id=f"{tab}-text", max_length=500, lines=1
        ),
    )


def updates(shelf: Shelf, name: str | None, offers: dict[str, Offer] | None = None) -> list[Any]:
    """What the components of a `Choice` become once `name`, or where it is gone the first model, is chosen.

    Args:
        offers: those to choose from; None is all that there are.
    """
    offers = shelf.offers() if offers is None else offers
    choices = [(offer.title, key) for key, offer in offers.items()]
    if not offers:
        hidden = gr.update(visible=False, value=None)
        said = gr.update(value=_NONE.format(folder=shelf.folder))
        return [gr.update(choices=[], value=None), said, hidden, hidden, hidden]
    name = name if name in offers else next(iter(offers))
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


def examples(settings: Settings, offer: Offer | None) -> list[str]:
    """Where the page may show a model's examples from."""
    found = []
    for path in offer.examples if offer else ():
        with suppress(OSError):  # gone since the folder was listed
            found.append(str(served(settings.files, path)))
    return found
