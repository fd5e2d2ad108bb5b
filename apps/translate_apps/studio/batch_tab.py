"""Batch: many pictures or a zip, and a zip with what came of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from translate import images
from translate.inference.plan import FORMATS
from translate_apps.studio.batch import SHOWN, Batch, BatchRequest
from translate_apps.studio.choosing import follow, model_choice, updates
from translate_apps.studio.components import FilesInput, Tab, Upload, friendly
from translate_apps.studio.desk import Desk
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Shelf


def build(settings: Settings, shelf: Shelf, desk: Desk) -> Tab:
    """Lay out the tab."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            files = FilesInput(
                label="Your pictures, or a zip of them",
                file_count="multiple",
                file_types=[*sorted(images.SUFFIXES), ".zip"],
                height=220,
                elem_id="files",
            )
            choice = model_choice("batch")
            to = gr.Radio(
                [("as it is", "keep"), *((name.upper(), name) for name in FORMATS if name != "keep")],
                value="keep",
                label="Format",
                elem_id="batch-format",
            )
            with gr.Row():
                start = gr.Button("Translate all", variant="primary", scale=3, min_width=120, elem_id="all")
                stop = gr.Button("Stop", scale=1, min_width=80, elem_id="batch-stop")
        with gr.Column(scale=3, min_width=300):
            gallery = gr.Gallery(
                label=f"The first {SHOWN}",
                columns=4,
                height=400,
                buttons=["fullscreen"],
                interactive=False,
                elem_id="batch-gallery",
                elem_classes="tiles",
            )
            status = gr.Markdown(elem_id="batch-status", elem_classes="remark")
            bad = gr.Dataframe(
                headers=["file", "why it was left out"],
                visible=False,
                interactive=False,
                wrap=True,
                column_widths=["35%", "65%"],
                elem_id="bad",
            )
            archive = gr.DownloadButton("Download all (zip)", interactive=False, elem_id="archive")

    kept = gr.State(None)  # the batch at hand

    def translate_all(
        uploads: list[Upload],
        model: str | None,
        direction: str | None,
        label: str | None,
        text: str | None,
        to: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Iterator[Any]:
        if not uploads or not model:
            gr.Info("Choose some pictures first." if model else "There is no model to translate with yet.")
            yield [gr.skip()] * 5
            return
        with friendly("This batch"):
            batch = Batch(settings, shelf, BatchRequest(tuple(uploads), model, direction, label, text, to))
            batch.gather()
            more = True
            while more:
                task = desk.hand_in(batch.convert)
                for _ in task.watch():
                    progress((batch.so_far.done, batch.so_far.total), unit="pictures")
                    yield [gr.skip(), batch.so_far.sentence(), gr.skip(), gr.skip(), batch]
                more = task.result()
            packed, previews = batch.pack(), batch.previews()
        failed = [list(pair) for pair in batch.so_far.failed]
        yield [
            gr.update(value=[str(path) for path in previews]),
            batch.so_far.sentence() + ".",
            gr.update(value=failed, visible=bool(failed)),
            gr.update(value=packed and str(packed), interactive=packed is not None),
            None,
        ]

    def halt(batch: Batch | None) -> None:
        if batch is not None:
            batch.stop()

    start.click(
        translate_all,
        [files, *choice.asked, to],
        [gallery, status, bad, archive, kept],
        show_progress_on=[gallery],
        trigger_mode="once",
        api_visibility="private",
        concurrency_limit=4,
    )
    stop.click(halt, kept, None, api_visibility="private", queue=False)
    follow(choice, shelf)
    return Tab(choice.components, lambda: updates(shelf, None))
