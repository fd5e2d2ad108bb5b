"""Draw: a sketch, a map or a hole, and the result after every stroke."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from translate import images
from translate_apps.studio.choosing import examples as examples_of
from translate_apps.studio.choosing import model_choice, updates
from translate_apps.studio.components import friendly
from translate_apps.studio.desk import Desk
from translate_apps.studio.drawing import CANVAS, Paper, drawn, ground, paper, with_holes
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Offer, Shelf
from translate_apps.studio.translate_tab import QUEUE
from translate_apps.studio.translating import Request, Translating, new_folder

_NAME = "drawing.png"
_ASIDE = "aside"  # out of sight, but with its size: an editor without one never draws again
_NONE = (
    "Here models are listed that want a drawing, a map of classes or a hole to fill. There are none in the "
    "models folder: train one, for instance `translate train pix2pix photos/ --task edges`."
)


def build(settings: Settings, shelf: Shelf, desk: Desk, translating: Translating) -> list[Any]:
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
        model: str | None,
        direction: str | None,
        label: str | None,
        text: str | None,
    ) -> Iterator[Any]:
        wanted = paper(shelf.offer(model)) if model else None
        pixels = _picture(wanted, strokes) if wanted and strokes else None
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

    def on(event: Any, editor: Any) -> None:
        event(
            draw,
            [editor, *choice.asked],
            [result, status],
            show_progress="hidden",
            trigger_mode="always_last",
            api_visibility="private",
            **QUEUE,
        )

    # `input` comes after each stroke. `change` comes also when a handler of ours has changed the canvas.
    on(canvas.input, canvas)
    on(picture.input, picture)
    for event in (choice.label.input, choice.text.submit, choice.direction.input):
        on(event, canvas)

    sheets = [hint, canvas, picture, examples]
    choice.model.input(
        lambda name: filled(settings, shelf, name)[1:],
        [choice.model],
        [*choice.but_the_model, *sheets],
        trigger_mode="always_last",
        api_visibility="private",
        queue=False,
    )

    def take(event: gr.SelectData) -> str:
        return event.value["image"]["path"]

    on(examples.select(take, None, canvas, api_visibility="private", queue=False).then, canvas)
    return [*choice.components, *sheets]


def drawable(shelf: Shelf) -> dict[str, Offer]:
    """The models that want something drawn."""
    return {name: offer for name, offer in shelf.offers().items() if paper(offer)}


def filled(settings: Settings, shelf: Shelf, name: str | None) -> list[Any]:
    """What the components of the tab become once a model is chosen, or where it is gone the first."""
    offers = drawable(shelf)
    changed = updates(shelf, name, offers)
    if not offers:
        return [changed[0], gr.update(value=_NONE), *changed[2:], *_sheets(None), *_examples(settings, None)]
    offer = offers[name] if name in offers else next(iter(offers.values()))
    return [*changed, *_sheets(paper(offer)), *_examples(settings, offer)]


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
        elem_classes=[] if fixed else [_ASIDE],
        elem_id=name,
    )


def _sheets(wanted: Paper | None) -> list[Any]:
    """The hint and the two editors, for what a model wants."""
    if wanted is None:
        return [gr.update(value=""), gr.update(elem_classes=[]), gr.update(elem_classes=[_ASIDE])]
    brush = gr.Brush(
        default_size=wanted.brush,
        colors=list(wanted.colours),
        default_color=wanted.colours[-1],
        color_mode="fixed",
    )
    holes = wanted.kind == "holes"
    sheet = None if wanted.kind == "holes" else ground(wanted)
    shown = gr.update(
        elem_classes=[], value=sheet, brush=brush, eraser=gr.Eraser(default_size=wanted.brush * 2)
    )
    hidden = gr.update(elem_classes=[_ASIDE], value=None)
    return [gr.update(value=wanted.hint), hidden if holes else shown, shown if holes else hidden]


def _examples(settings: Settings, offer: Offer | None) -> list[Any]:
    pictures = examples_of(settings, offer)
    return [gr.update(value=pictures, visible=bool(pictures))]


def _picture(wanted: Paper, strokes: dict[str, Any]) -> np.ndarray | None:
    """What the model is given, uint8 `(H, W, 3 or 4)`; None where nothing was drawn."""
    background, composite = strokes["background"], strokes["composite"]
    if wanted.kind != "holes":
        return drawn(wanted, composite) if composite is not None and composite[..., 3].any() else None
    if background is None or not background.any():
        return None
    return with_holes(background, strokes["layers"])
