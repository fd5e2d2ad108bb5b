"""Translate: one picture, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import gradio as gr

from translate.errors import UsageError
from translate_apps.studio.choosing import NO_EXAMPLE, Examples, model_choice, one_of, updates
from translate_apps.studio.components import PictureInput, Tab, Upload, friendly
from translate_apps.studio.desk import Desk
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Shelf
from translate_apps.studio.starting import Starting
from translate_apps.studio.translating import Answer, Request, Translating

QUEUE: dict[str, Any] = {"concurrency_id": "network", "concurrency_limit": 8}  # that wait for the desk
SAMPLES, MOST_SEED = 8, 2**53  # a larger number isn't whole in a browser
_GONE = "This result is no longer kept; translate the picture again."


def build(settings: Settings, shelf: Shelf, desk: Desk, translating: Translating) -> Tab:
    """Lay out the tab."""
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
            examples = Examples(settings, shelf, "Try one of these", "examples")
            with gr.Accordion("More", open=False):
                strength = gr.Slider(0, 100, 100, step=5, label="Strength (%)", elem_id="strength")
                samples = gr.Slider(1, SAMPLES, 4, step=1, label="How many", visible=False, elem_id="samples")
                seed = gr.Number(
                    0, label="Seed", precision=0, minimum=0, maximum=MOST_SEED, visible=False, elem_id="seed"
                )
            with gr.Row():
                start = gr.Button("Translate", variant="primary", scale=3, min_width=120, elem_id="start")
                stop = gr.Button("Stop", scale=1, min_width=80, elem_id="stop")
        with gr.Column(scale=3, min_width=300):
            starting = Starting(settings, shelf)
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
                height=180,
                visible=False,
                allow_preview=False,
                buttons=[],
                elem_id="many",
                elem_classes="tiles",
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
            yield [gr.skip()] * 6
            return
        # What was said of the last picture, and its file, would else stay beside one that fails.
        over = [gr.update(value=None, visible=False), "", gr.update(interactive=False), gr.skip()]
        yield [starting.over, gr.update(visible=True), *over]
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
                yield [gr.skip()] * 6
            answer = task.result()
        several = len(answer.after) > 1
        yield [
            gr.skip(),
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
            [starting.gallery, result, many, status, download, kept],
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

    def follows(name: str | None) -> list[Any]:
        """What follows from the choice of a model; None is the first."""
        offer = shelf.offer(name) if name else next(iter(shelf.offers().values()), None)
        latent = gr.update(visible=bool(offer and offer.card.latent))
        return [*updates(shelf, name)[1:], examples.update(offer), latent, latent]

    def choose(name: str | None) -> list[Any]:
        with friendly("This choice"):
            return follows(name)

    following = [*choice.but_the_model, examples.gallery, samples, seed]
    chosen = choice.model.input(
        choose, choice.model, following, trigger_mode="always_last", api_visibility="private"
    )

    def translate_if_there(image: Upload | None, *rest: Any) -> Iterator[Any]:
        if image is None:
            yield [gr.skip()] * 6
            return
        yield from translate_picture(image, *rest)

    running.append(on(chosen.success, translate_if_there))
    running.append(on(examples.on_choice(choice.model, source).success))

    def start_with(places: list[tuple[str, str]] | None, event: gr.SelectData) -> list[Any]:
        with friendly("This example"):
            name, picture = one_of(places or [], event.index, NO_EXAMPLE)
            return [name, picture, *follows(name)]

    started = starting.gallery.select(
        start_with, starting.places, [choice.model, source, *following], api_visibility="private"
    )
    running.append(on(started.success))

    def compare(answer: Answer | None, event: gr.SelectData) -> list[Any]:
        with friendly("This result"):
            results = list(zip(answer.after, answer.files, strict=True)) if answer else []
            after, file = one_of(results, event.index, _GONE)
            if answer is None or not all(path.exists() for path in (answer.before, after, file)):
                raise UsageError(_GONE)
            return [(str(answer.before), str(after)), gr.update(value=str(file), interactive=True)]

    many.select(compare, kept, [result, download], api_visibility="private")
    stop.click(None, None, None, cancels=cast(Any, running), api_visibility="private")

    def filled() -> list[Any]:
        tiles = starting.filled()
        shown = gr.update(visible=not tiles[1])
        return [updates(shelf, None)[0], *follows(None), shown, *tiles]

    return Tab([choice.model, *following, result, starting.gallery, starting.places], filled)


def translate_endpoint(desk: Desk, translating: Translating) -> None:
    """The function for programs: `translate` in gradio_client, over HTTP and as an MCP tool."""

    def translate(
        image: Upload | None,
        model: str,
        direction: str,
        label: str,
        text: str,
        strength: float | None,
        seed: float | None,
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
                1.0 if strength is None else strength,
                1,
                int(seed or 0),
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
            gr.Number(1.0, label="strength", minimum=0, maximum=1),
            gr.Number(0, label="seed", precision=0, minimum=0, maximum=MOST_SEED),
        ]
        output = gr.File(label="picture")
        gr.Button(visible=False).click(translate, inputs, output, api_name="translate", **QUEUE)
