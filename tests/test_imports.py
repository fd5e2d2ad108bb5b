"""Imports go downwards only, and what a command doesn't need it doesn't import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "translate"

# From the bottom upwards: what each room may import, besides itself and `translate.__version__`.
PICTURES = {"errors", "files", "tars", "images", "colours"}
METHODS = {"errors", "config", "networks", "losses"}
LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "files": {"errors"},
    "tars": {"errors", "files"},
    "devices": {"errors"},
    "signals": set(),
    "colours": set(),
    "lab": set(),
    "validation": {"errors"},
    "archives": {"errors", "files", "tars"},
    "downloads": {"errors", "files"},
    "pillow": {"errors"},
    "images": {"errors", "files", "tars", "pillow"},
    "videos": {"errors", "files", "images"},
    "recipes": set(),
    "config": {"errors", "files", "validation", "recipes"},
    "networks": {"errors"},
    "losses": {"errors"},
    "data": PICTURES | {"archives", "downloads", "validation", "config"},
    "metrics": PICTURES | {"lab", "config", "networks"},
    "translators": METHODS,
    "weights": METHODS | {"files", "colours", "lab", "translators"},
    "inference": PICTURES | {"videos", "devices", "networks", "weights"},
    "training": PICTURES
    | METHODS
    | {"lab", "devices", "signals", "data", "metrics", "translators", "weights"},
    "cli": PICTURES
    | METHODS
    | {"videos", "devices", "signals", "data", "metrics", "translators", "weights", "inference", "training"},
}
# The package's face hands out names from above, lazily; `python -m translate` is the command.
FACE = {"__init__": {"errors", "inference"}, "__main__": {"cli"}}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything imported, anywhere in a module, also for type checkers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)


def rooms_imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and room of every import of our own; a name of the package's face counts as the face."""
    for line, name in imported(ast.parse(path.read_text(encoding="utf-8"))):
        first, *rest = name.split(".")
        if first in ("translate", ""):
            known = bool(rest) and rest[0] in LAYERS
            if name not in ("translate", "translate.__version__"):
                yield line, rest[0] if known else f"the package's face ({name})"


def test_the_table_has_every_room_of_the_package_and_no_other():
    assert {room_of(path) for path in modules()} == set(LAYERS) | set(FACE)


def test_the_table_itself_goes_downwards_only():
    below: set[str] = set()
    for room, allowed in LAYERS.items():
        assert allowed <= below, f"{room} may import {allowed - below}, which is above or beside it"
        below.add(room)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_from_below_only(path):
    room = room_of(path)
    allowed = (LAYERS | FACE)[room] | {room}
    wrong = [f"line {line}: {name}" for line, name in rooms_imported(path) if name not in allowed]
    assert not wrong, f"{path.relative_to(PACKAGE)} ({room}) must not import {wrong}"


APPS = PACKAGE.parent / "apps"


@pytest.mark.parametrize("path", sorted(APPS.rglob("*.py")), ids=lambda path: str(path.relative_to(APPS)))
def test_the_apps_use_the_package_but_not_its_command(path):
    wrong = [name for _, name in rooms_imported(path) if name == "cli"]
    assert not wrong


def test_the_package_knows_the_apps_in_one_place_only():
    knowing = [path.relative_to(PACKAGE) for path in modules() if "translate_apps" in path.read_text("utf-8")]
    assert knowing == [Path("cli/serve.py")]


def test_the_walk_notices_every_way_to_import(tmp_path):
    source = (
        "import torch, translate\nfrom translate import __version__, images, load\n"
        "def f():\n    import translate.cli.main\n    from translate.data import folders\n"
        "    from . import x\n"
    )
    (tmp_path / "module.py").write_text(source)
    assert list(rooms_imported(tmp_path / "module.py")) == [
        (2, "images"),
        (2, "the package's face (translate.load)"),
        (4, "cli"),
        (5, "data"),
        (6, "the package's face (..x)"),
    ]


def loaded_after(code: str, *arguments: str) -> set[str]:
    """The modules that a fresh Python has loaded after `code`."""
    script = f"{code}\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    process = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=PACKAGE.parent,
    )
    assert process.returncode == 0, process.stderr
    return set(process.stderr.split())


HEAVY = {"torch", "torchvision", "albumentations", "cv2", "torchmetrics", "scipy", "huggingface_hub"}

RUN_HELP = """
import sys
from translate.cli.main import main
for command in sys.argv[1:]:
    sys.argv = ["translate", *command.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, command
"""


def test_importing_the_package_imports_nothing_heavy():
    loaded = loaded_after("import translate")
    assert not loaded & HEAVY
    assert "translate.inference" not in loaded


def test_help_imports_nothing_heavy():
    assert not loaded_after(RUN_HELP, "--help", "data --help", "--version") & HEAVY


def test_the_help_of_every_verb_imports_nothing_heavy():
    verbs = (
        "train",
        "convert",
        "import",
        "export",
        "publish",
        "info",
        "evaluate",
        "demo",
        "data render",
        "data inspect",
        "data prepare",
        "data list",
        "data get",
    )
    assert not loaded_after(RUN_HELP, *(f"{verb} --help" for verb in verbs)) & HEAVY


def test_the_way_of_files_through_a_conversion_imports_nothing_heavy():
    assert not loaded_after("import translate.inference.folder, translate.inference.plan") & HEAVY


def test_converting_needs_neither_the_training_s_libraries_nor_its_rooms(run_folder):
    code = """
import sys, numpy, translate, translate.inference.folder
picture = translate.load(sys.argv[1])(numpy.zeros((20, 24, 3), numpy.uint8))
assert picture.shape == (20, 24, 3)
"""
    loaded = loaded_after(code, str(run_folder))
    assert "torch" in loaded
    assert not loaded & {"torchvision", "albumentations", "torchmetrics", "tensorboard", "huggingface_hub"}
    assert not loaded & {"translate.training", "translate.data", "translate.metrics", "translate.translators"}


def test_the_data_folder_is_no_package():
    """It would hide Hugging Face's `datasets` from anybody who runs Python here."""
    assert not list((PACKAGE.parent / "datasets").glob("**/__init__.py"))
