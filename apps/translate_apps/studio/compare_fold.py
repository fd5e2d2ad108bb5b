"""Two models on the same picture, beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from translate_apps.studio.choosing import follow, model_choice, updates
from translate_apps.studio.components import PictureInput, Tab, Upload, friendly
from translate_apps.studio.desk import Desk
from translate_apps.studio.shelf import Shelf
from translate_apps.studio.translate_tab import QUEUE
from translate_apps.studio.translating import Answer, Request, Translating


def build(shelf: Shelf, desk: Desk, translating: Translating) -> Tab:
    """Lay it out, folded."""
    fold = gr.Accordion("Compare two models on the same picture", open=False, elem_id="compare-fold")
    with fold, gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            source = PictureInput(
                label="Picture",
                sources=["upload", "clipboard"],
                height=240,
                elem_id="compare-source",
                placeholder="Drop a picture here, or click to choose one",
            )
            choices = (model_choice("compare-left", "Left"), model_choice("compare-right", "Right"))
            start = gr.Button("Compare", variant="primary", elem_id="compare")
        with gr.Column(scale=3, min_width=300):
            result = gr.ImageSlider(
                label="Left and right",
                type="filepath",
                format="png",
                interactive=False,
                buttons=["fullscreen"],
                height=460,
                elem_id="compare-result",
            )
            status = gr.Markdown(elem_id="compare-status", elem_classes="remark")

    def compare_models(
        image: Upload | None,
        left: str | None,
        left_direction: str | None,
        left_label: str | None,
        left_text: str | None,
        right: str | None,
        right_direction: str | None,
        right_label: str | None,
        right_text: str | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Iterator[Any]:
        if image is None or not left or not right:
            gr.Info("Drop a picture first." if left and right else "There are no models to compare yet.")
            yield [gr.skip()] * 2
            return
        requests = (
            Request(image.path, image.name, left, left_direction, left_label, left_text, seed=0),
            Request(image.path, image.name, right, right_direction, right_label, right_text, seed=0),
        )
        answers: list[Answer] = []
        with friendly("This comparison"):
            for number, request in enumerate(requests):
                task = desk.hand_in(lambda report, request=request: translating.answer(request, report))
                for share in task.watch():
                    progress((number + share) / 2, desc="Translating")
                    yield [gr.skip()] * 2
                answers.append(task.result())
        one, other = answers
        yield [
            (str(one.after[0]), str(other.after[0])),
            f"Left, {left}: {one.sentence}\n\nRight, {right}: {other.sentence}",
        ]

    start.click(
        compare_models,
        [source, *(part for choice in choices for part in choice.asked)],
        [result, status],
        show_progress_on=[result],
        trigger_mode="once",
        api_visibility="private",
        **QUEUE,
    )
    for choice in choices:
        follow(choice, shelf)

    def filled() -> list[Any]:
        names = list(shelf.offers())
        return [*updates(shelf, None), *updates(shelf, names[1] if len(names) > 1 else None)]

    return Tab([part for choice in choices for part in choice.components], filled)
