"""The `translate` command: verbs are loaded lazily, so that help never waits for torch."""

from __future__ import annotations

import os
import sys

from cyclopts import App, CycloptsError
from rich.console import Console
from rich.markup import escape

from translate import __version__
from translate.errors import TranslateError

app = App(
    name="translate",
    help="Train and serve conditional image-to-image translators.",
    version=__version__,
    suppress_keyboard_interrupt=False,  # `main` says so
)
data = App(name="data", help="Get, render, inspect and prepare data sets.")

app.command(
    "translate.cli.demo:demo",
    name="demo",
    help="From nothing to a trained horse→zebra translator, in minutes.",
)
app.command("translate.cli.train:train", name="train", help="Train a translator on a folder of pictures.")
app.command(
    "translate.cli.convert:convert", name="convert", help="Convert pictures and folders with a trained model."
)
app.command("translate.cli.evaluate:evaluate", name="evaluate", help="Measure a model on held-out pictures.")
app.command(
    "translate.cli.import_models:import_models",
    name="import",
    help="Make model files of other tools' weights: pix2pix, CycleGAN, CUT, pix2pixHD, Real-ESRGAN and more.",
)
app.command(
    "translate.cli.export:export",
    name="export",
    help="Write a model for another tool or runtime, or as a web page.",
)
app.command("translate.cli.publish:publish", name="publish", help="Publish a model on the Hugging Face Hub.")
app.command("translate.cli.serve:serve", name="serve", help="Open the studio, a page for everything.")
app.command("translate.cli.info:info", name="info", help="Print the card of a model or run.")
data.command("translate.cli.data_render:render", name="render", help="Render the built-in data set, savanna.")
data.command(
    "translate.cli.data_inspect:inspect",
    name="inspect",
    help="Say what a data folder holds, and what is wrong with it.",
)
data.command(
    "translate.cli.data_list:list_", name="list", help="List the public data sets that can be downloaded."
)
data.command(
    "translate.cli.data_get:get", name="get", help="Download a public data set into a folder that trains."
)
data.command(
    "translate.cli.data_prepare:prepare",
    name="prepare",
    help="Make a data set of any folder, or of two: matched, split, resized, without copies.",
)
app.command(data)


def main() -> None:
    """Run the command line; a user's mistake ends in one line and an exit code, never a traceback."""
    # At each of a network's many small parallel regions a thread waits for its sibling by spinning, by
    # default so long (some 20 ms) that one other busy process made a training step 17 times slower; with this
    # it is twice, and nothing is lost on a quiet machine. Read when torch is imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    # Large tensors in pages of 2 MB, where the kernel gives them on request (Linux): each layer's output is
    # new memory, and with pages of 4 KB asking for it took up to a third of a network's time. Read likewise.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        result = app(sys.argv[1:], exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        errors.print(f"[bold red]error:[/] {escape(' '.join(str(error).split()))} See translate --help.")
        sys.exit(2)
    except TranslateError as error:
        errors.print(f"[bold red]error:[/] {escape(str(error))}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        errors.print("interrupted")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    sys.exit(result if isinstance(result, int) else 0)
