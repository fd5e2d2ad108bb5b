"""Runs: what trainings came to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gradio as gr

from translate.training.run import RunFolder
from translate_apps.studio.components import friendly
from translate_apps.studio.look import LINES
from translate_apps.studio.runs import Entry, Runs, curves, entries, facts, recipe_text, samples, terms, told
from translate_apps.studio.served import served
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Shelf

_NONE = "No runs yet. A training makes a folder in `{folder}`; load this page again."
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}  # queued: else errors would not be shown


class RunsTab:
    """Lays out the tab; `parts` are what the page's loading fills with `filled`."""

    def __init__(self, settings: Settings, shelf: Shelf):
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
        self.parts: list[Any] = [name, *shown]

        name.input(self._show, name, shown, **_PRIVATE)
        again.click(self._show, name, shown, **_PRIVATE)
        chosen.input(self._curves, [name, chosen], plot, show_progress="hidden", **_PRIVATE)
        which.input(
            self._sheet, [name, which], sheet, show_progress="hidden", trigger_mode="always_last", **_PRIVATE
        )

    def filled(self) -> list[Any]:
        """What `parts` are when the page is loaded: the run that was written to last."""
        runs = list(self._runs.all())
        first = runs[0] if runs else None
        return [
            gr.update(choices=runs, value=first),
            *self._show(first),
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
    try:
        shown = str(served(settings.files, path))
    except OSError:
        return gr.update(value=None, label=f"Samples of step {step:,}: no longer there")
    return gr.update(value=shown, label=f"Samples of step {step:,}")
