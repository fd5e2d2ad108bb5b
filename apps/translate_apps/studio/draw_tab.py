"""Draw: a sketch, a map or a hole, and the result after every stroke."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from translate import images
from translate.weights.drawing import Paper, paper
from translate_apps.studio.choosing import Examples, model_choice, updates
from translate_apps.studio.components import Tab, friendly
from translate_apps.studio.desk import Desk
from translate_apps.studio.drawing import CANVAS, HINTS, brush_size, coloured, drawn, ground, with_holes
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


def build(settings: Settings, shelf: Shelf, desk: Desk, translating: Translating) -> Tab:
    """Lay out the tab."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            choice = model_choice("draw")
            hint = gr.Markdown(elem_classes="remark", elem_id="draw-hint")
            canvas = _editor("canvas", fixed=True)
            picture = _editor("holes", fixed=False)
            examples = Examples(settings, shelf, "Start from one of these", "draw-examples")
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
    example = gr.State(None)  # the one that was chosen last, as its model wants it

    def translated(pixels: np.ndarray, *asked: Any) -> Iterator[Any]:
        """Result and status, once they are there."""
        file = new_folder(settings.files) / "drawn" / _NAME
        file.parent.mkdir()
        # Transparency is what is to be filled, so it has to be written as it is.
        file.write_bytes(images.encode(pixels, "PNG"))
        request = Request(file, _NAME, *asked)
        task = desk.hand_in(lambda report: translating.answer(request, report))
        for _ in task.watch():
            yield [gr.skip()] * 2
        answer = task.result()
        yield [str(answer.after[0]), answer.sentence]

    def draw(
        strokes: dict[str, Any] | None,
        model: str | None,
        direction: str | None,
        label: str | None,
        text: str | None,
    ) -> Iterator[Any]:
        with friendly("This drawing"):
            wanted = paper(shelf.offer(model).card) if model else None
            pixels = _picture(wanted, strokes) if wanted and strokes else None
            if pixels is None or not model:
                yield [gr.skip()] * 2
                return
            yield from translated(pixels, model, direction, label, text)

    def start_from(model: str | None, event: gr.SelectData) -> list[Any]:
        """The canvas, the picture with holes to come, and what is to be translated at once."""
        with friendly("This example"):
            path = examples.picture(model, event.index)
            wanted = paper(shelf.offer(model or "").card)
            if wanted is None or wanted.kind == "holes":
                return [gr.skip(), path, None]
            pixels = drawn(wanted, _rgba(Path(path)))
            return [coloured(wanted, pixels) if wanted.kind == "classes" else path, gr.skip(), pixels]

    def draw_example(pixels: np.ndarray | None, *asked: Any) -> Iterator[Any]:
        # Not left to the canvas, which takes seconds to say that it has another picture.
        with friendly("This example"):
            if pixels is None:
                yield [gr.skip()] * 2
                return
            yield from translated(pixels, *asked)

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

    sheets = [hint, canvas, picture]
    follows = [*choice.but_the_model, *sheets, examples.gallery]

    def filled(name: str | None = None) -> list[Any]:
        """What the components become once a model is chosen; None is the first."""
        offers = drawable(shelf)
        changed = updates(shelf, name, offers)
        if not offers:
            return [changed[0], gr.update(value=_NONE), *changed[2:], *_sheets(None), examples.update(None)]
        offer = offers[name or next(iter(offers))]
        return [*changed, *_sheets(paper(offer.card)), examples.update(offer)]

    def choose(name: str | None) -> list[Any]:
        with friendly("This choice"):
            return filled(name)[1:]

    choice.model.input(choose, choice.model, follows, trigger_mode="always_last", api_visibility="private")
    started = examples.gallery.select(
        start_from,
        choice.model,
        [canvas, picture, example],
        show_progress="hidden",
        api_visibility="private",
        **QUEUE,
    )
    started.success(
        draw_example,
        [example, *choice.asked],
        [result, status],
        show_progress="hidden",
        api_visibility="private",
        **QUEUE,
    )
    return Tab([choice.model, *follows], filled)


def drawable(shelf: Shelf) -> dict[str, Offer]:
    """The models that want something drawn."""
    return {name: offer for name, offer in shelf.offers().items() if paper(offer.card)}


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
        default_size=brush_size(wanted),
        colors=list(wanted.colours[1:] if wanted.kind == "lines" else wanted.colours),
        default_color=wanted.colours[-1],
        color_mode="fixed",
    )
    holes = wanted.kind == "holes"
    sheet = None if holes else ground(wanted)
    shown = gr.update(
        elem_classes=[], value=sheet, brush=brush, eraser=gr.Eraser(default_size=2 * brush_size(wanted))
    )
    hidden = gr.update(elem_classes=[_ASIDE], value=None)
    return [gr.update(value=HINTS[wanted.kind]), hidden if holes else shown, shown if holes else hidden]


def _rgba(path: Path) -> np.ndarray:
    pixels = images.read(path).pixels
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


def _picture(wanted: Paper, strokes: dict[str, Any]) -> np.ndarray | None:
    """What the model is given, uint8 `(H, W, 3 or 4)`; None where nothing was drawn."""
    background, composite = strokes["background"], strokes["composite"]
    if wanted.kind != "holes":
        # An editor tells of its bare sheet late, when there may be an example on it already.
        if composite is None or (composite == composite[0, 0]).all():
            return None
        return drawn(wanted, composite)
    if background is None or not background.any():
        return None
    return with_holes(background, strokes["layers"])
