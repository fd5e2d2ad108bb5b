"""Train and serve conditional image-to-image translators."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["ExportedTranslator", "TranslateError", "Translator", "__version__", "load", "load_exported"]

if TYPE_CHECKING:
    from translate.errors import TranslateError
    from translate.inference.exported import ExportedTranslator, load_exported
    from translate.inference.translator import Translator, load

_HOMES = {
    "ExportedTranslator": "translate.inference.exported",
    "TranslateError": "translate.errors",
    "Translator": "translate.inference.translator",
    "load": "translate.inference.translator",
    "load_exported": "translate.inference.exported",
}


def __getattr__(name: str):
    """Import a public name at its first use, so that `import translate` stays free of torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'translate' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
