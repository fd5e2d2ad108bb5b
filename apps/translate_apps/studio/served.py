"""Files of the models folder, where the page may show them from."""

from __future__ import annotations

import hashlib
import shutil
import threading
from pathlib import Path

from translate.files import replacing

_copying = threading.Lock()


def served(files: Path, path: Path) -> Path:
    """A copy of `path` below `files`, the only folder that is served; made once.

    Raises:
        OSError: it is no longer there.
    """
    key = hashlib.blake2b(f"{path.resolve()} {path.stat().st_mtime_ns}".encode(), digest_size=16).hexdigest()
    copy = files / "sheets" / key / path.name
    with _copying:
        if not copy.exists():
            with replacing(copy) as temporary:
                shutil.copyfile(path, temporary)
    return copy
