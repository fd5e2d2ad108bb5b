"""Runs: what trainings came to, and two models beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import gradio as gr

from translate.training.run import RunFolder
from translate_apps.studio.components import PictureInput, Upload, friendly
from translate_apps.studio.desk import Desk
from translate_apps.studio.look import LINES
from translate_apps.studio.runs import Entry, Runs, curves, entries, facts, recipe_text, samples, terms, told
from translate_apps.studio.served import served
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Shelf
from translate_apps.studio.translate_tab import QUEUE
from translate_apps.studio.translating import Answer, Request, Translating

_NONE = "No runs yet. A training makes a folder in `{folder}`; load this page again."
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}  # queued: else errors would not be shown


class RunsTab:
    """Lays out the tab; `parts` are what the page's loading fills with `filled`."""

    def __init__(self, settings: Settings, shelf: Shelf, desk: Desk, translating: Translating):
        self._settings, self._shelf, self._runs = settings, shelf, Runs(settings.models)
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=300):
                with gr.Row(equal_height=True):
                    name = gr.Dropdown(
                        [], label="Run", elem_id="run", filterable=True, scale=4, min_width=200
                    )
                    again = gr.Button("Refresh", scale=0, min_width=100, elem_id="run-again")
                remark = gr.Markdown(elem_classes="remark", elem_id="run-remark")
                plot = losses_plot("run-losses")
                chosen = gr.CheckboxGroup([], label="Losses", elem_id="run-terms", elem_classes="terms")
            with gr.Column(scale=3, min_width=300):
                sheet = gr.Image(
                    label="Samples",
                    type="filepath",
                    format="png",
                    interactive=False,
                    buttons=["download", "fullscreen"],
                    height=440,
                    elem_id="run-sheet",
                    elem_classes="sheet",
                )
                which = gr.Slider(
                    1, 2, 1, step=1, label="Sheet, over time", visible=False, elem_id="run-which"
                )
        with gr.Accordion("Card", open=False, elem_id="run-card-fold"):
            card = gr.HTML(elem_id="run-card")
        with gr.Accordion("Recipe", open=False, elem_id="run-recipe-fold"):
            recipe = gr.Code(
                language="yaml",
                interactive=False,
                show_label=False,
                max_lines=30,
                elem_id="run-recipe",
            )
        shown = [remark, plot, chosen, sheet, which, card, recipe]
        pair = _compare(settings, shelf, desk, translating)
        self.parts: list[Any] = [name, *shown, *pair]

        name.input(self._show, name, shown, **_PRIVATE)
        again.click(self._show, name, shown, **_PRIVATE)
        chosen.input(self._curves, [name, chosen], plot, show_progress="hidden", **_PRIVATE)
        which.input(
            self._sheet, [name, which], sheet, show_progress="hidden", trigger_mode="always_last", **_PRIVATE
        )

    def filled(self) -> list[Any]:
        """What `parts` are when the page is loaded: the run that was written to last."""
        runs = list(self._runs.all())
        models = [(offer.title, key) for key, offer in self._shelf.offers().items()]
        first = runs[0] if runs else None
        return [
            gr.update(choices=runs, value=first),
            *self._show(first),
            gr.update(choices=models, value=models[0][1] if models else None),
            gr.update(choices=models, value=models[min(1, len(models) - 1)][1] if models else None),
        ]

    def _show(self, name: str | None) -> list[Any]:
        if not name:
            nothing = gr.update(choices=[], value=[])
            said = _NONE.format(folder=self._settings.models)
            return [said, None, nothing, None, gr.update(visible=False), "", ""]
        with friendly("This run"):
            run = self._runs.run(name)
            log, sheets = entries(run), samples(run)
            names, offer = terms(log), self._shelf.offers().get(name)
            return [
                told(run, log),
                drawn(log, names),
                gr.update(choices=names, value=names),
                self._picture(run, len(sheets)),
                gr.update(maximum=max(2, len(sheets)), value=len(sheets), visible=len(sheets) > 1),
                facts(offer.card) if offer else "<p>There is no model yet: the run was not saved so far.</p>",
                recipe_text(run),
            ]

    def _curves(self, name: str | None, chosen: list[str]) -> Any:
        with friendly("This run"):
            return drawn(entries(self._runs.run(name)), chosen) if name else None

    def _sheet(self, name: str | None, number: float) -> Any:
        with friendly("This run"):
            return self._picture(self._runs.run(name), int(number)) if name else None

    def _picture(self, run: RunFolder, number: int) -> Any:
        """The sheet of that number, from 1, with what it shows."""
        return sheet_update(self._settings, run, number)


def losses_plot(name: str) -> gr.LinePlot:
    """An empty plot for `drawn`."""
    return gr.LinePlot(
        x="step",
        y="loss",
        color="term",
        colors_in_legend=[],
        x_title="step",
        y_title="loss",
        tooltip="all",
        height=300,
        show_label=False,
        buttons=["fullscreen"],
        elem_id=name,
    )


def drawn(log: list[Entry], chosen: Iterable[str] | None) -> gr.LinePlot:
    """What makes a plot show the chosen curves, or all, each in the colour that its name has in this log."""
    import pandas

    colours = {name: LINES[number % len(LINES)] for number, name in enumerate(terms(log))}
    names = colours if chosen is None else chosen
    points = pandas.DataFrame(curves(log, names), columns=["step", "loss", "term"])
    return gr.LinePlot(value=None if points.empty else points, color_map=colours)


def sheet_update(settings: Settings, run: RunFolder, number: int) -> Any:
    """What shows the sample sheet of that number, from 1; the last where there are fewer."""
    sheets = samples(run)
    if not sheets:
        return gr.update(value=None, label="Samples: none yet")
    step, path = sheets[min(max(number, 1), len(sheets)) - 1]
    return gr.update(value=str(served(settings.files, path)), label=f"Samples of step {step:,}")


def _compare(settings: Settings, shelf: Shelf, desk: Desk, translating: Translating) -> list[Any]:
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
            left = gr.Dropdown([], label="Left", elem_id="compare-left", filterable=True)
            right = gr.Dropdown([], label="Right", elem_id="compare-right", filterable=True)
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
        right: str | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Iterator[Any]:
        if image is None or not left or not right:
            gr.Info("Drop a picture first." if left and right else "There are no models to compare yet.")
            yield [gr.skip()] * 2
            return
        answers: list[Answer] = []
        with friendly("This comparison"):
            for number, model in enumerate((left, right)):
                request = _asked(shelf, image, model)
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
        [source, left, right],
        [result, status],
        show_progress_on=[result],
        trigger_mode="once",
        api_visibility="private",
        **QUEUE,
    )
    return [left, right]


def _asked(shelf: Shelf, image: Upload, model: str) -> Request:
    """What is asked of a model that is compared: for its first label or caption."""
    card = shelf.offer(model).card
    return Request(
        image.path,
        image.name,
        model,
        label=card.labels[0] if card.labels else None,
        text=card.text.examples[0] if card.text and card.text.examples else None,
        seed=0,
    )
