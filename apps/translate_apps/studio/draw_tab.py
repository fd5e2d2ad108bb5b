"""Draw: a sketch, a map or a hole, and the result after every stroke."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from translate import images
from translate_apps.studio.choosing import Choice, model_choice, updates
from translate_apps.studio.components import friendly
from translate_apps.studio.desk import Desk
from translate_apps.studio.drawing import CANVAS, Paper, drawn, ground, paper, with_holes
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Offer, Shelf
from translate_apps.studio.translate_tab import QUEUE
from translate_apps.studio.translating import Request, Translating, new_folder

_NAME = "drawing.png"
_NONE = (
    "Here models are listed that want a drawing, a map of classes or a hole to fill. There are none in the "
    "models folder: train one, for instance `translate train pix2pix photos/ --task edges`."
)


def build(settings: Settings, shelf: Shelf, desk: Desk, translating: Translating) -> Choice:
    """Lay out the tab, and give what the page's loading has to fill with `filled`."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            choice = model_choice("draw")
            hint = gr.Markdown(elem_classes="remark", elem_id="draw-hint")
            canvas = _editor("canvas", fixed=True)
            picture = _editor("holes", fixed=False)
            examples = gr.Gallery(
                label="Start from one of these",
                columns=4,
                height=130,
                allow_preview=False,
                visible=False,
                interactive=False,
                buttons=[],
                elem_id="draw-examples",
                elem_classes="examples",
            )
        with gr.Column(scale=1, min_width=300):
            result = gr.Image(
                label="Result",
                format="png",
                type="filepath",
                interactive=False,
                buttons=["download", "fullscreen"],
                height=CANVAS + 60,
                elem_id="drawn",
            )
            status = gr.Markdown(elem_id="draw-status", elem_classes="remark")

    def draw(
        strokes: dict[str, Any] | None,
        painted: dict[str, Any] | None,
        model: str | None,
        direction: str | None,
        label: str | None,
        text: str | None,
    ) -> Iterator[Any]:
        wanted = paper(shelf.offer(model)) if model else None
        pixels = _picture(wanted, strokes, painted) if wanted else None
        if pixels is None or not model:
            yield [gr.skip()] * 2
            return
        with friendly("This drawing"):
            file = new_folder(settings.files) / "drawn" / _NAME
            file.parent.mkdir()
            # Transparency is what is to be filled, so it has to be written as it is.
            file.write_bytes(images.encode(pixels, "PNG"))
            request = Request(file, _NAME, model, direction, label, text)
            task = desk.hand_in(lambda report: translating.answer(request, report))
            for _ in task.watch():
                yield [gr.skip()] * 2
            answer = task.result()
        yield [str(answer.after[0]), answer.sentence]

    inputs = [canvas, picture, *choice.asked]
    events = (canvas.change, picture.change, choice.label.input, choice.text.submit, choice.direction.input)
    for event in events:
        event(
            draw,
            inputs,
            [result, status],
            show_progress="hidden",
            trigger_mode="always_last",
            api_visibility="private",
            **QUEUE,
        )

    def choose(name: str | None) -> list[Any]:
        offers = drawable(shelf)
        wanted = paper(offers[name]) if name in offers else None
        return [*filled(shelf, name), *_sheets(wanted), *_examples(offers.get(name or ""))]

    choice.model.change(
        choose,
        [choice.model],
        [*choice.components, hint, canvas, picture, examples],
        api_visibility="private",
        queue=False,
    )

    def take(event: gr.SelectData) -> str:
        return event.value["image"]["path"]

    examples.select(take, None, canvas, api_visibility="private", queue=False)
    return choice


def drawable(shelf: Shelf) -> dict[str, Offer]:
    """The models that want something drawn."""
    return {name: offer for name, offer in shelf.offers().items() if paper(offer)}


def filled(shelf: Shelf, name: str | None) -> list[Any]:
    """What the components of the choice become; see `choosing.updates`."""
    offers = drawable(shelf)
    changed = updates(shelf, name, offers)
    return changed if offers else [changed[0], gr.update(value=_NONE), *changed[2:]]


def _editor(name: str, *, fixed: bool) -> Any:
    return gr.ImageEditor(
        label="Draw here" if fixed else "Paint over what is to be filled",
        type="numpy",
        image_mode="RGBA",
        format="png",
        sources=() if fixed else ("upload", "clipboard"),
        layers=False,
        transforms=(),
        canvas_size=(CANVAS, CANVAS),
        fixed_canvas=fixed,
        height=CANVAS + 120,
        visible=fixed,
        elem_id=name,
    )


def _sheets(wanted: Paper | None) -> list[Any]:
    """The hint and the two editors, for what a model wants."""
    if wanted is None:
        return [gr.update(value=""), gr.update(visible=True), gr.update(visible=False)]
    brush = gr.Brush(
        default_size=wanted.brush,
        colors=list(wanted.colours),
        default_color=wanted.colours[-1],
        color_mode="fixed",
    )
    holes = wanted.kind == "holes"
    sheet = None if wanted.kind == "holes" else ground(wanted)
    shown = gr.update(visible=True, value=sheet, brush=brush, eraser=gr.Eraser(default_size=wanted.brush * 2))
    hidden = gr.update(visible=False, value=None)
    return [gr.update(value=wanted.hint), hidden if holes else shown, shown if holes else hidden]


def _examples(offer: Offer | None) -> list[Any]:
    pictures = [str(path) for path in offer.examples] if offer else []
    return [gr.update(value=pictures, visible=bool(pictures))]


def _picture(
    wanted: Paper, strokes: dict[str, Any] | None, painted: dict[str, Any] | None
) -> np.ndarray | None:
    """What the model is given, uint8 `(H, W, 3 or 4)`; None where nothing was drawn."""
    if wanted.kind == "holes":
        if not painted or painted["background"] is None or not painted["background"].any():
            return None
        return with_holes(painted["background"], painted["layers"])
    if not strokes or strokes["composite"] is None or not strokes["composite"][..., 3].any():
        return None
    return drawn(wanted, strokes["composite"])
