"""What the person who starts the studio decides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from translate.images import MAX_PIXELS


@dataclass(frozen=True)
class Settings:
    """What the person who starts the studio decides.

    Args:
        models: the folder whose runs and model files are offered, and into which is trained.
        shipped: a folder of more models to offer.
        files: a folder of the studio's own, for uploads and results; Gradio clears it of what is old.
        data: the folder whose sub-folders can be trained on.
        device: see `translate.load`.
        max_pixels: larger pictures are refused.
        max_upload: bytes of an uploaded file.
        allow_train: whether visitors may start and stop trainings.
    """

    models: Path
    files: Path
    data: Path = Path("datasets")
    device: str = "auto"
    max_pixels: int = MAX_PIXELS
    max_upload: int = 100_000_000
    allow_train: bool = False
    shipped: Path | None = None
