"""What a visitor sees before there is a result: a picture for every model that has some to try."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import gradio as gr

from translate_apps.studio.served import served
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Shelf

_MOST = 12  # models


class Starting:
    """The first example of each model, in the place of the result that is not there yet.

    Attributes:
        gallery: shows them.
        places: of each the model's name and where its picture is served from, as the page showed them.
    """

    def __init__(self, settings: Settings, shelf: Shelf):
        self._settings, self._shelf = settings, shelf
        self.gallery = gr.Gallery(
            label="Start with one of these",
            columns=3,
            height=520,
            object_fit="cover",
            allow_preview=False,
            visible=False,
            interactive=False,
            buttons=[],
            elem_id="starting",
            elem_classes="tiles",
        )
        self.places = gr.State([])

    @property
    def over(self) -> Any:
        """What puts the gallery away."""
        return gr.update(visible=False)

    def filled(self) -> list[Any]:
        """What the gallery and the places are when the page is loaded."""
        places, tiles = [], []
        for name, offer in self._shelf.offers().items():
            with suppress(OSError):  # gone since the folder was listed
                if offer.examples and len(places) < _MOST:
                    picture = str(served(self._settings.files, offer.examples[0]))
                    places.append((name, picture))
                    tiles.append((picture, offer.title))
        return [gr.update(value=tiles, visible=bool(tiles)), places]
