"""Train: a data folder and a recipe, and what comes of them while it comes."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from translate.config import recipe_names
from translate.data.layout import TASKS
from translate_apps.studio.components import friendly
from translate_apps.studio.runs import entries, samples, table, told
from translate_apps.studio.runs_tab import drawn, losses_plot, sheet_update
from translate_apps.studio.settings import Settings
from translate_apps.studio.trainings import Stage, Training, Trainings, Wish

OFF = "Training from this page is off. Whoever runs the studio switches it on with `--allow-train`."
_EVERY = 2.0  # seconds
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}  # queued: else errors would not be shown
_SAID: dict[Stage, str] = {
    "running": "{name} is being trained.",
    "stopping": "{name} finishes its step and saves …",
    "finished": "{name} is finished; it is among the models and runs.",
    "stopped": "{name} was stopped; Resume goes on.",
    "failed": "{name} ended with an error; its console says why.",
}


class TrainTab:
    """Lays out the tab; `parts` are what the page's loading fills with `filled`."""

    def __init__(self, settings: Settings, trainings: Trainings):
        self._settings, self._trainings = settings, trainings
        with gr.Row(equal_height=False):
            with gr.Column(scale=2, min_width=300):
                data = gr.Dropdown([], label="Data", elem_id="train-data", filterable=True)
                inspect = gr.Button("Inspect", size="sm", elem_id="train-inspect")
                report = gr.HTML(elem_id="train-report", visible=False)
                recipe = gr.Dropdown(
                    list(recipe_names()), value="pix2pix", label="Recipe", elem_id="train-recipe"
                )
                task = gr.Dropdown(
                    [("those of the data", ""), *((task, task) for task in TASKS)],
                    value="",
                    label="Inputs",
                    elem_id="train-task",
                )
                name = gr.Textbox(label="Name", elem_id="train-name", max_length=64, max_lines=1)
                with gr.Row():
                    steps = _number("Steps", "train-steps")
                    size = _number("Size (pixels)", "train-size")
                    batch = _number("Batch size", "train-batch")
                settings_box = gr.Textbox(
                    label="Settings, one a line",
                    info="Any key of the recipe, as docs/recipes.md lists them.",
                    placeholder="optim.lr=1e-4",
                    lines=2,
                    max_lines=8,
                    elem_id="train-settings",
                )
                with gr.Row():
                    start = gr.Button("Start", variant="primary", min_width=90, elem_id="train-start")
                    stop = gr.Button("Stop", min_width=90, elem_id="train-stop")
                    resume = gr.Button("Resume", min_width=90, elem_id="train-resume")
            with gr.Column(scale=3, min_width=300):
                status = gr.Markdown(elem_id="train-status", elem_classes="remark")
                legend = gr.HTML(elem_id="train-legend")
                plot = losses_plot("train-losses")
                sheet = gr.Image(
                    label="Samples",
                    type="filepath",
                    format="png",
                    interactive=False,
                    buttons=["fullscreen"],
                    height=300,
                    elem_id="train-sheet",
                    elem_classes="sheet",
                )
                console = gr.Textbox(
                    label="Console", lines=6, max_lines=16, interactive=False, elem_id="train-console"
                )
        seen = gr.State(None)  # what the page shows, so that only news are sent
        live = [seen, status, legend, plot, sheet, console, start, stop, resume]
        form = [data, recipe, task, name, steps, size, batch, settings_box]
        self.parts: list[Any] = [*form, *live]

        inspect.click(self._inspect, [data, task], report, show_progress_on=[report], **_PRIVATE)
        start.click(self._start, form, live, **_PRIVATE)
        resume.click(self._resume, form, live, **_PRIVATE)
        stop.click(self._stop, None, live, **_PRIVATE)
        gr.Timer(_EVERY).tick(self._news, seen, live, show_progress="hidden", queue=False, **_PRIVATE)

    def filled(self) -> list[Any]:
        """What `parts` are when the page is loaded: the form of the last training, and how that stands."""
        last, folders = self._trainings.last, list(self._trainings.data_sets())
        wish = last.wish if last else Wish(folders[0] if folders else "", "pix2pix", "")
        return [
            gr.update(choices=folders, value=wish.data or None),
            wish.recipe,
            wish.task or "",
            wish.name,
            wish.steps,
            wish.size,
            wish.batch_size,
            "\n".join(wish.settings),
            *self._look(None),
        ]

    def _inspect(self, data: str | None, task: str) -> Any:
        from translate.data.inspect import inspect

        if not data:
            raise gr.Error(f"There are no data folders in {self._settings.data}.", print_exception=False)
        with friendly("This inspection"):
            found = inspect(self._trainings.data_set(data), task=task or None, progress=False)
            rows = [("kind", found.kind), *((side, name) for side, name in found.domains.items())]
            rows += [
                (split, f"{report.a.files} and {report.b.files} pictures")
                for split, report in found.splits.items()
            ]
            rows += [("note", note) for note in found.notes]
            rows += [("problem", problem) for problem in found.problems]
            rows += [("next", found.command)] if found.usable else []
            verdict = "A training would start" if found.usable else "A training would not start"
            return gr.update(value=table(verdict, rows), visible=True)

    def _start(self, *form: Any) -> list[Any]:
        with friendly("This training"):
            self._trainings.start(_wish(*form))
            return self._look(None)

    def _resume(self, *form: Any) -> list[Any]:
        with friendly("This training"):
            self._trainings.resume(_wish(*form))
            return self._look(None)

    def _stop(self) -> list[Any]:
        with friendly("This training"):
            self._trainings.stop()
            return self._look(None)

    def _news(self, seen: Any) -> list[Any]:
        """For every two seconds, not queued, so it must not fail."""
        try:
            return self._look(seen)
        except OSError:  # a file was just being replaced; the next time it is there
            return [gr.skip()] * 9

    def _look(self, seen: Any) -> list[Any]:
        """What changed since the page was sent `seen`."""
        last = self._trainings.last
        now = _state(last) if last else []
        if now == seen:
            return [gr.skip()] * 9
        if last is None:
            off = gr.update(interactive=False)
            return [now, "", "", None, None, "", gr.update(), off, gr.update()]
        log, sheets, stage = entries(last.run), samples(last.run), last.stage
        busy = stage in ("running", "stopping")
        said = _SAID[stage].format(name=last.wish.name)
        new_sheet = not seen or seen[-1] != now[-1]
        curves = drawn(log, None)
        return [
            now,
            f"{said} {told(last.run, log)}" if log else said,
            _legend(curves.color_map),
            curves,
            sheet_update(self._settings, last.run, len(sheets)) if new_sheet else gr.skip(),
            last.said(),
            gr.update(interactive=not busy),
            gr.update(interactive=stage == "running"),
            gr.update(interactive=not busy),
        ]


def _number(label: str, name: str) -> gr.Number:
    return gr.Number(None, label=label, precision=0, min_width=110, placeholder="the recipe's", elem_id=name)


def _wish(
    data: str | None,
    recipe: str | None,
    task: str | None,
    name: str | None,
    steps: float | None,
    size: float | None,
    batch_size: float | None,
    settings: str | None,
) -> Wish:
    numbers = (int(value) if value else None for value in (steps, size, batch_size))
    lines = tuple(line.strip() for line in (settings or "").splitlines() if line.strip())
    return Wish(data or "", recipe or "", (name or "").strip(), task or None, *numbers, settings=lines)


def _state(training: Training) -> list[Any]:
    """Differs whenever there is something new to show of a training; the newest sheet comes last."""
    sizes = [path.stat().st_size if path.exists() else 0 for path in (training.console, training.run.log)]
    return [training.process.pid, training.stage, *sizes, len(samples(training.run))]


def _legend(colours: dict[str, str] | None) -> str:
    items = (
        f'<span style="border-bottom: 3px solid {colour}">{html.escape(name)}</span>'
        for name, colour in (colours or {}).items()
    )
    return f'<p class="legend">{"".join(items)}</p>'
