"""Where files really are, and what the folder to write to is like. Free of torch."""

from __future__ import annotations

import os
from pathlib import Path

from translate.errors import OutputError


class Places:
    """Paths without links, each folder looked up once."""

    def __init__(self):
        self._folders: dict[Path, str] = {}

    def real(self, path: Path) -> str:
        """Where a file is; for a link that leads nowhere or in a circle, where the link is."""
        if path.is_symlink() and path.exists():
            return str(path.resolve())
        folder = path.parent
        if folder not in self._folders:
            self._folders[folder] = str(folder.resolve())
        return os.path.join(self._folders[folder], path.name)  # noqa: PTH118


def require_folder(output: Path) -> None:
    """Refuse a folder that can't be made or written.

    Raises:
        OutputError: a file is in the way, or permissions are.
    """
    existing = _existing(output)
    if not existing.is_dir():
        raise OutputError(
            f"{existing} is not a folder, so nothing can be written to {output}; name another --output."
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f"{existing} can't be written; change its permissions or name another --output.")


def ignores_case(output: Path) -> bool:
    """Whether `A.png` and `a.png` are one file there, as far as the names of the folders above tell."""
    folder = _existing(output).resolve()
    for path in (folder, *folder.parents):
        other = path.with_name(path.name.swapcase()) if path.name else path
        if other.name != path.name:
            return other.exists() and other.samefile(path)
    return False


def _existing(output: Path) -> Path:
    while not os.path.lexists(output):
        output = output.parent
    return output
