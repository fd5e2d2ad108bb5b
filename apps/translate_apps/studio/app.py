"""The page: its tabs, and how it is served."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api

from translate_apps.studio import batch_tab, compare_fold, draw_tab, look, translate_tab
from translate_apps.studio.desk import Desk
from translate_apps.studio.importing import one_app
from translate_apps.studio.runs_tab import RunsTab
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Shelf
from translate_apps.studio.train_tab import OFF, TrainTab
from translate_apps.studio.trainings import Trainings
from translate_apps.studio.translating import Translating

_KEPT_SECONDS = 3600  # uploads and results
_SESSIONS = 256  # of visitors that Gradio remembers, 140 KB each; every request of a program is a visitor
_QUEUE = 64  # visitors' requests that wait; more are told to come back


@dataclass(frozen=True)
class Studio:
    """A studio that is being served, at `address`."""

    page: gr.Blocks
    address: str
    trainings: Trainings

    def close(self) -> None:
        """End it, and the training that is under way, which saves."""
        self.page.close(verbose=False)
        self.trainings.close()


def build(settings: Settings, trainings: Trainings) -> tuple[gr.Blocks, Desk]:
    """The whole page, not yet served, with what it works with."""
    shelf, desk = Shelf(settings.models, settings.device, settings.shipped), Desk()
    translating = Translating(settings, shelf)
    with gr.Blocks(
        title=look.TITLE,
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(_KEPT_SECONDS // 4, _KEPT_SECONDS),
    ) as page:
        with gr.Column(elem_id="masthead"):
            gr.Markdown("# Translate studio\nDrop a picture, choose a model, see.")
        with gr.Tabs(overflow_behavior="wrap"):
            with gr.Tab("Translate", id="translate"):
                tabs: list[Any] = [translate_tab.build(settings, shelf, desk, translating)]
            with gr.Tab("Draw", id="draw"):
                tabs.append(draw_tab.build(settings, shelf, desk, translating))
            with gr.Tab("Batch", id="batch"):
                tabs.append(batch_tab.build(settings, shelf, desk))
            with gr.Tab("Train", id="train"):
                if settings.allow_train:
                    tabs.append(TrainTab(settings, trainings))
                else:
                    gr.Markdown(OFF, elem_classes="remark", elem_id="train-off")
            with gr.Tab("Runs", id="runs"):
                tabs += [RunsTab(settings, shelf), compare_fold.build(shelf, desk, translating)]
        translate_tab.translate_endpoint(desk, translating)

        def models() -> list[dict[str, Any]]:
            """The models of the studio: name, domains, directions, labels, captions, scale."""
            return [_described(name, offer.card, list(offer.files)) for name, offer in shelf.offers().items()]

        api(models, api_name="models")
        seen = threading.Event()

        def filled() -> list[Any]:
            made = [value for tab in tabs for value in _filled(tab)]
            if not seen.is_set():
                # Not before somebody sees the page: it would come later by as long as torch's import takes.
                seen.set()
                desk.hand_in(lambda _: shelf.load_first())
            return made

        page.load(
            filled,
            None,
            [part for tab in tabs for part in tab.parts],
            api_visibility="private",
            queue=False,
        )
    page.queue(max_size=_QUEUE, default_concurrency_limit=4)
    return page, desk


def serve(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int | None = 7860,
    auth: tuple[str, str] | None = None,
    *,
    mcp: bool = False,
) -> Studio:
    """Serve the page in threads of its own.

    Args:
        port: None takes the first free one from 7860 on.
    """
    trainings = Trainings(settings)
    with one_app():
        page, _ = build(settings, trainings)
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        auth=auth,
        mcp_server=mcp,
        max_file_size=settings.max_upload,
        state_session_capacity=_SESSIONS,
        theme=look.theme(),
        css=look.CSS,
        head=look.head(),
        footer_links=["api"],
        run_history=False,
        show_error=False,
        share=False,
        ssr_mode=False,
        quiet=True,
        prevent_thread_lock=True,
        inbrowser=False,
        favicon_path=str(Path(__file__).with_name("favicon.svg")),
    )
    return Studio(page, address, trainings)


def _filled(tab: Any) -> list[Any]:
    """What fills a tab; one that fails stays empty, for the others are of use without it."""
    try:
        return tab.filled()
    except Exception:
        logging.getLogger(__name__).exception("a tab of the studio stays empty")
        return [gr.skip()] * len(tab.parts)


def _described(name: str, card: Any, directions: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "source": card.source,
        "target": card.target,
        "directions": directions,
        "labels": list(card.labels),
        "captions": card.text is not None,
        "fills_holes": card.mask,
        "many_outputs": bool(card.latent),
        "scale": card.scale,
    }
