"""Where the models lie that come with the project. Free of torch."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(package: Path = _PACKAGE) -> Path | None:
    """The folder of the models that come with the project; None where they were left out.

    A wheel has them in the package, as `shipped`; a clone beside it, in `checkpoints`, where runs lie, too.

    Args:
        package: the folder of `translate`.
    """
    if (package / "shipped").is_dir():
        return package / "shipped"
    root = package.parent
    # Beside an installed package, in site-packages, `checkpoints` would be somebody else's.
    own = (root / "pyproject.toml").is_file() and (root / "checkpoints").is_dir()
    return root / "checkpoints" if own else None
