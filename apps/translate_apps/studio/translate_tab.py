"""Translate: one picture, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import gradio as gr

from translate_apps.studio.choosing import Choice, model_choice, updates
from translate_apps.studio.choosing import examples as examples_of
from translate_apps.studio.components import PictureInput, Upload, friendly
from translate_apps.studio.desk import Desk
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Shelf
from translate_apps.studio.translating import Request, Translating

QUEUE: dict[str, Any] = {"concurrency_id": "network", "concurrency_limit": 8}  # that wait for the desk
SAMPLES = 8  # at most


def build(settings: Settings, shelf: Shelf, desk: Desk, translating: Translating) -> Choice:
    """Lay out the tab, and give what the page's loading has to fill."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            source = PictureInput(
                label="Your picture",
                sources=["upload", "clipboard", "webcam"],
                height=300,
                elem_id="source",
                placeholder="Drop a picture here, or click to choose one",
            )
            choice = model_choice("translate")
            examples = gr.Gallery(
                label="Try one of these",
                columns=4,
                height=130,
                allow_preview=False,
                visible=False,
                interactive=False,
                buttons=[],
                elem_id="examples",
                elem_classes="examples",
            )
            with gr.Accordion("More", open=False):
                strength = gr.Slider(0, 100, 100, step=5, label="Strength (%)", elem_id="strength")
                samples = gr.Slider(1, SAMPLES, 4, step=1, label="How many", visible=False, elem_id="samples")
                seed = gr.Number(0, label="Seed", precision=0, minimum=0, visible=False, elem_id="seed")
            with gr.Row():
                start = gr.Button("Translate", variant="primary", scale=3, min_width=120, elem_id="start")
                stop = gr.Button("Stop", scale=1, min_width=80, elem_id="stop")
        with gr.Column(scale=3, min_width=300):
            result = gr.ImageSlider(
                label="Before and after",
                type="filepath",
                format="png",
                interactive=False,
                buttons=["fullscreen"],
                height=520,
                elem_id="result",
            )
            many = gr.Gallery(
                label="Click one to compare it",
                columns=4,
                height=150,
                visible=False,
                allow_preview=False,
                buttons=[],
                elem_id="many",
            )
            status = gr.Markdown(elem_id="status", elem_classes="remark")
            download = gr.DownloadButton("Download", interactive=False, elem_id="download")
    kept = gr.State(None)  # the last answer

    def translate_picture(
        image: Upload | None,
        model: str | None,
        direction: str | None,
        label: str | None,
        text: str | None,
        strength: float,
        samples: float,
        seed: float | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Iterator[Any]:
        if image is None or not model:
            gr.Info("Drop a picture first." if model else "There is no model to translate with yet.")
            yield [gr.skip()] * 5
            return
        request = Request(
            image.path,
            image.name,
            model,
            direction,
            label,
            text,
            strength / 100,
            int(samples),
            int(seed or 0),
        )
        with friendly("This translation"):
            task = desk.hand_in(lambda report: translating.answer(request, report))
            for share in task.watch():
                progress(share, desc="Translating")
                yield [gr.skip()] * 5
            answer = task.result()
        several = len(answer.after) > 1
        yield [
            (str(answer.before), str(answer.after[0])),
            gr.update(value=[str(path) for path in answer.after] if several else None, visible=several),
            answer.sentence,
            gr.update(value=str(answer.files[0]), interactive=True),
            answer,
        ]

    def on(event: Any, handler: Any = translate_picture) -> Any:
        return event(
            handler,
            [source, *choice.asked, strength, samples, seed],
            [result, many, status, download, kept],
            show_progress_on=[result],
            trigger_mode="always_last",
            api_visibility="private",
            **QUEUE,
        )

    running = [
        on(event)
        for event in (
            start.click,
            source.upload,
            strength.release,
            choice.direction.input,
            choice.label.input,
            choice.text.submit,
        )
    ]

    def choose(name: str | None) -> list[Any]:
        offer = shelf.offers().get(name or "")
        latent = bool(offer and offer.card.latent)
        pictures = examples_of(settings, offer)
        return [
            *updates(shelf, name)[1:],
            gr.update(value=pictures, visible=bool(pictures)),
            gr.update(visible=latent),
            gr.update(visible=latent),
        ]

    chosen = choice.model.input(
        choose,
        [choice.model],
        [*choice.but_the_model, examples, samples, seed],
        api_visibility="private",
        queue=False,
    )

    def translate_if_there(image: Upload | None, *rest: Any) -> Iterator[Any]:
        if image is None:
            yield [gr.skip()] * 5
            return
        yield from translate_picture(image, *rest)

    running.append(on(chosen.then, translate_if_there))

    def take(event: gr.SelectData) -> str:
        return event.value["image"]["path"]

    taken = examples.select(take, None, source, api_visibility="private", queue=False)
    running.append(on(taken.then))

    def compare(answer: Any, event: gr.SelectData) -> list[Any]:
        number = event.index if isinstance(event.index, int) else 0
        return [
            (str(answer.before), str(answer.after[number])),
            gr.update(value=str(answer.files[number]), interactive=True),
        ]

    many.select(compare, kept, [result, download], api_visibility="private", queue=False)
    stop.click(None, None, None, cancels=cast(Any, running), api_visibility="private")
    return choice


def translate_endpoint(desk: Desk, translating: Translating) -> None:
    """The function for programs: `translate` in gradio_client, over HTTP and as an MCP tool."""

    def translate(
        image: Upload | None,
        model: str,
        direction: str,
        label: str,
        text: str,
        strength: float,
        seed: float,
    ) -> str:
        """Translate a picture by a model of the studio, and give the file that came of it.

        Args:
            image: a picture file, at most as large as the server allows.
            model: the name of a model, one of those that `models` lists.
            direction: a2b or b2a, of a model that translates both ways; empty for the first.
            label: what to translate into, of a model that has labels.
            text: a caption of it, of a model that asks for one.
            strength: 0 is the picture itself, 1 what the model makes of it.
            seed: which output, of a model that can make many.
        """
        with friendly("This translation"):
            if image is None:
                raise gr.Error("There is no picture.", print_exception=False)
            request = Request(
                image.path,
                image.name,
                model,
                direction or None,
                label or None,
                text or None,
                min(max(strength, 0.0), 1.0),
                1,
                int(seed),
            )
            task = desk.hand_in(lambda report: translating.answer(request, report))
            return str(task.result().files[0])

    with gr.Group(visible=False):
        inputs = [
            PictureInput(label="image"),
            gr.Textbox(label="model"),
            gr.Textbox(label="direction", value=""),
            gr.Textbox(label="label", value=""),
            gr.Textbox(label="text", value=""),
            gr.Number(1.0, label="strength"),
            gr.Number(0, label="seed"),
        ]
        output = gr.File(label="picture")
        gr.Button(visible=False).click(translate, inputs, output, api_name="translate", **QUEUE)
