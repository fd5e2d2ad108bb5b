"""A trained network as a folder of static files: a page that translates on the visitor's own device."""

from __future__ import annotations

import html
import json
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from platformdirs import user_cache_path

import translate
from translate.errors import ModelError, OutputError, UsageError
from translate.files import explain
from translate.weights.card import Card
from translate.weights.drawing import Paper, paper
from translate.weights.exporters import browser
from translate.weights.exporters.onnx import write_onnx
from translate.weights.model_file import Model

FACTS = "model.json"  # by which a site of ours is known
RUNTIME = "onnxruntime-web"
MOST_PIXELS = 4_000_000  # of a picture: a tab has 4 GB for all of a network's maps

# Under names that every server knows the kind of; some don't know .mjs.
_OF_RUNTIME = {
    "ort.wasm.min.mjs": "ort.js",
    "ort-wasm-simd-threaded.mjs": "ort-wasm.js",
    "ort-wasm-simd-threaded.wasm": "ort-wasm.wasm",
}
_MADE_BY = "image-translate"
_MODEL, _RUNTIME_FOLDER = "model.onnx", "runtime"
_PAGES = ("index.html", "style.css", "page.js", "worker.js")


def write_site(folder: Path, model: Model, runtime: Path | None = None) -> float:
    """Write a page for `model`, the whole folder or nothing; a site of ours that is there is replaced.

    It holds the page, the network as ONNX and the runtime, and asks nobody else for anything.

    Args:
        runtime: the unpacked npm package onnxruntime-web, or a folder it was installed below; None looks for
            it in `node_modules` here and above, and in the user's cache folder.

    Returns:
        the largest difference from torch, see `write_onnx`.

    Raises:
        UsageError: the runtime isn't there, or there is something else than a site of ours in `folder`.
        ModelError: a model that is asked with captions, or takes no pictures; see `write_onnx`.
        OutputError: the folder can't be written.
    """
    refuse(model.card)
    _require_ours(folder)
    package = find_runtime(runtime)
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.absolute().parent) as name:
            made = Path(name) / "site"
            made.mkdir()
            difference = write_onnx(made / _MODEL, model, rewrite=browser.rewrite)
            _write_pages(made, model.card)
            _copy_runtime(package, made / _RUNTIME_FOLDER)
            old = Path(name) / "old"
            if folder.exists():
                folder.replace(old)
            try:
                made.replace(folder)
            except BaseException:
                if old.exists():
                    old.replace(folder)
                raise
    except OSError as error:
        raise OutputError(f"{folder} can't be written: {explain(error)}") from error
    return difference


def refuse(card: Card) -> None:
    """Refuse a model that the page has no way to ask.

    Raises:
        ModelError: saying why.
    """
    if card.text is not None:
        raise ModelError(
            "the model is asked with captions, and their reader can't be exported; there is no page for it."
        )
    taken = len(card.classes) or card.channels[0]
    if (taken not in (1, 3) and not card.classes) or card.channels[1] not in (1, 3):
        raise ModelError(
            f"the model takes {taken} channels and makes {card.channels[1]}; pictures have 1 or 3."
        )


def find_runtime(given: Path | None = None) -> Path:
    """The folder with the runtime's files.

    Raises:
        UsageError: it is nowhere, with the ways to get it.
    """
    if given is not None:
        places = [given, given / "node_modules" / RUNTIME, given / RUNTIME, given / "package"]
    else:
        here = Path.cwd()
        places = [above / "node_modules" / RUNTIME for above in (here, *here.parents)]
        cache = user_cache_path("image-translate")
        places += [cache / RUNTIME, cache / "node_modules" / RUNTIME]
    for place in places:
        for candidate in (place / "dist", place):
            if all((candidate / name).is_file() for name in _OF_RUNTIME):
                return candidate
    where = "here" if given is None else f"in {given}"
    raise UsageError(
        f"the page needs the npm package {RUNTIME}, which isn't {where}: run `npm install {RUNTIME}` in this "
        f"folder, or give the package, unpacked, with --runtime PATH (without npm see docs/web.md)."
    )


def facts_of(card: Card) -> dict[str, Any]:
    """What the page has to know of the model."""
    sheet = paper(card)
    return {
        "made_by": f"{_MADE_BY} {translate.__version__}",
        "source": card.source,
        "target": card.target,
        "labels": card.labels,
        "classes": card.colours,
        "latent": card.latent,
        "channels": card.channels,
        "scale": card.scale,
        "value_range": card.value_range,
        "size_multiple": card.size_multiple,
        "minimum_size": card.minimum_size,
        "most_pixels": MOST_PIXELS // card.scale**2,
        "sheet": None if sheet is None else _facts_of_sheet(sheet),
    }


def _facts_of_sheet(sheet: Paper) -> dict[str, Any]:
    """The first colour is the ground, with which the pad is cleared."""
    named = zip(sheet.colours, sheet.names, strict=True)
    return {
        "kind": sheet.kind,
        "side": sheet.side,
        "brush": max(1, round(sheet.brush * sheet.side)),
        "palette": [{"colour": colour, "name": name} for colour, name in named],
    }


def _require_ours(folder: Path) -> None:
    if not (folder.exists() or folder.is_symlink()) or (folder.is_dir() and _is_ours(folder)):
        return
    raise UsageError(f"--output {folder}: that is no page that translate wrote; name another folder.")


def _is_ours(folder: Path) -> bool:
    """Whether nothing is lost with it: it is empty, or holds a page that we made and no other file."""
    names = {entry.name for entry in folder.iterdir()}
    try:
        made_by = json.loads((folder / FACTS).read_text(encoding="utf-8"))["made_by"] if names else _MADE_BY
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return str(made_by).startswith(_MADE_BY) and names <= {*_PAGES, FACTS, _MODEL, _RUNTIME_FOLDER}


def _write_pages(folder: Path, card: Card) -> None:
    megabytes = (folder / _MODEL).stat().st_size / 1e6
    licence = f" · licence of the weights: {card.licence}" if card.licence else ""
    words = {
        "title": f"{card.source} → {card.target}",
        "source": card.source,
        "target": card.target,
        "facts": f"{card.architecture}, {megabytes:.1f} MB{licence} · made with translate",
    }
    for name in _PAGES:
        content = _template(name)
        if name == "index.html":
            content = Template(content).substitute({key: html.escape(word) for key, word in words.items()})
        (folder / name).write_text(content, encoding="utf-8")
    (folder / FACTS).write_text(json.dumps(facts_of(card), indent=2) + "\n")


def _copy_runtime(package: Path, folder: Path) -> None:
    folder.mkdir()
    for name, ours in _OF_RUNTIME.items():
        shutil.copyfile(package / name, folder / ours)
    licence = Template(_template("runtime-licence.txt")).substitute(version=_version(package))
    (folder / "LICENSE.txt").write_text(licence)


def _template(name: str) -> str:
    return (files(translate) / "weights" / "exporters" / "site" / name).read_text(encoding="utf-8")


def _version(package: Path) -> str:
    for place in (package, package.parent):
        try:
            return str(json.loads((place / "package.json").read_text())["version"])
        except (OSError, ValueError, KeyError):
            continue
    return ""
