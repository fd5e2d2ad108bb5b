"""The containers of video files, by their suffixes. Free of PyAV."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from translate.errors import UsageError

# Of what is written the muxer and the encoder. H.264 plays everywhere; WebM is VP9 by definition.
MUXERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
ENCODERS = {suffix: "libvpx-vp9" if suffix == ".webm" else "libx264" for suffix in MUXERS}
WRITABLE = frozenset(MUXERS)
SUFFIXES = WRITABLE | {".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv", ".3gp", ".ogv"}
IN_FOLDERS = SUFFIXES - {".ts"}  # which is a program's text more often than a recording
INSTEAD = ".mkv"  # of those that can't be written: it holds the sound of all of them
# No playlists and no lists of files: they name other files, and addresses.
DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,asf,flv,ogg"


def is_video(path: str | Path) -> bool:
    """Whether a name is a video's."""
    return Path(path).suffix.lower() in SUFFIXES


def require_pyav() -> None:
    """Refuse to go on without PyAV.

    Raises:
        UsageError: with the command that installs it.
    """
    if importlib.util.find_spec("av") is None:
        raise UsageError("videos need PyAV: pip install 'image-translate[video]'.")
