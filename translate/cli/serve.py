"""`translate serve`: the studio, a page for translating, drawing, training and looking."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(
    *,
    models: Path | None = None,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))] = 7860,
    auth: str | None = None,
    device: str = "auto",
    data: Path = Path("datasets"),
    allow_train: Annotated[bool, Parameter(negative=())] = False,
    mcp: Annotated[bool, Parameter(negative=())] = False,
    max_pixels: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 64_000_000,
    max_upload: str = "100MB",
) -> int:
    """Open the studio: a page on which pictures are translated, drawn, converted and models trained.

    It needs no internet, and asks none.

    Parameters
    ----------
    models
        The folder whose runs and model files are offered. Default: checkpoints, and the models that come with
        the project.
    host
        The address to listen at. 0.0.0.0 is for everybody who can reach this machine, and wants --auth.
    port
        Its port; 0 is the first free one from 7860 on.
    auth
        user:password that visitors have to give.
    device
        auto, cpu, cuda or cuda:N.
    data
        The folder whose data sets can be trained on.
    allow_train
        Let visitors start and stop trainings.
    mcp
        Offer the same functions as tools for language models, too.
    max_pixels
        Larger pictures are refused.
    max_upload
        Larger files are refused: 20MB, 1GB.
    """
    import tempfile

    from rich.console import Console

    from translate.errors import UsageError
    from translate.signals import stopped_by_signals

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    models, more = _folders(models)
    if host not in _LOOPBACK and auth is None:
        raise UsageError(f"--host {host} lets others in; add --auth user:password.")
    password = _pair(auth)
    with tempfile.TemporaryDirectory(prefix="translate-studio-") as files:
        _prepare(files)
        try:
            from translate_apps.studio.importing import import_gradio

            import_gradio(mcp=mcp)
            from translate_apps.studio.app import serve as serve_page
        except ImportError as error:
            raise UsageError("the studio needs gradio: pip install 'image-translate[app]'") from error
        from translate.inference.streaming.memory import parse_bytes
        from translate_apps.studio.settings import Settings

        settings = Settings(
            models=models,
            files=Path(files),
            data=data,
            device=device,
            max_pixels=max_pixels,
            max_upload=parse_bytes(max_upload),
            allow_train=allow_train,
            shipped=more,
        )
        try:
            studio = serve_page(settings, host, port or None, password, mcp=mcp)
        except OSError as error:
            raise UsageError(
                f"port {port} of {host} can't be had; another program has it, so take another --port."
            ) from error
        console.print(f"the studio is at {studio.address}  (Ctrl-C ends it)", markup=False)
        with stopped_by_signals() as stop:
            stop.wait()
        studio.close()
    return 0


def _folders(models: Path | None) -> tuple[Path, Path | None]:
    """What is offered and trained into, and where more lies to be offered."""
    from translate.errors import UsageError
    from translate.weights.locate import RUNS
    from translate.weights.shipped import shipped

    more = shipped() if models is None else None
    models = models or RUNS
    if models.is_dir():
        return models, None if more is None or more.samefile(models) else more
    if more is None:
        raise UsageError(f"--models {models}: no such folder; name the one that holds runs or model files.")
    return models, more


def _prepare(files: str) -> None:
    """What Gradio and its libraries read when they are imported: no reports, no downloads, own folder."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = files
    os.environ["HF_HUB_OFFLINE"] = "1"


def _pair(auth: str | None) -> tuple[str, str] | None:
    from translate.errors import UsageError

    if auth is None:
        return None
    user, colon, password = auth.partition(":")
    if not (user and colon and password):
        raise UsageError("--auth is user:password.")
    return user, password
