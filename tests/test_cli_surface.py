"""The command line from outside: help, mistakes, and the page that lists it all."""

from __future__ import annotations

import inspect
import re
import runpy
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from cyclopts import App

from translate import __version__
from translate.cli import main as cli
from translate.config import recipe_names
from translate.errors import (
    BadImage,
    DataError,
    ModelError,
    NothingToDo,
    OutputError,
    TrainingError,
    UsageError,
)

DOCS = Path(__file__).resolve().parents[1] / "docs"


def verbs(app: App, prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], App]:
    """Every command that does something, by its words."""
    found = {}
    for name in app:
        if not name.startswith("-"):
            words, command = (*prefix, name), app[name]
            found |= {words: command} if command.default_command else verbs(command, words)
    return found


VERBS = verbs(cli.app)
every_verb = pytest.mark.parametrize("words", VERBS, ids=" ".join)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process; gives exit code, stdout and stderr."""

    def _run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["translate", *words])
        monkeypatch.setenv("COLUMNS", "100")
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return _run


def options(command: App) -> dict[str, str]:
    """Names of a command's options and arguments as typed, to what its help says of them."""
    arguments = command.assemble_argument_collection(parse_docstring=True)
    return {name: argument.parameter.help or "" for argument in arguments for name in argument.names}


def test_all_verbs_are_there():
    assert [" ".join(words) for words in VERBS] == [
        "demo",
        "train",
        "convert",
        "evaluate",
        "import",
        "export",
        "publish",
        "serve",
        "info",
        "data render",
        "data inspect",
        "data list",
        "data get",
        "data prepare",
    ]


@every_verb
def test_help_names_and_explains_every_option(words, run):
    code, out, err = run(*words, "--help")
    assert (code, err) == (0, "")
    assert f"Usage: translate {' '.join(words)}" in out
    named = options(VERBS[words])
    # One name a parameter of the function at least, so that none is hidden.
    function = VERBS[words].default_command
    assert function is not None
    assert len(named) >= len(inspect.signature(function).parameters)
    for name, explanation in named.items():
        assert name in out
        assert explanation.strip(), f"{name} has no help"


def test_the_help_of_train_names_every_recipe(run):
    words = re.findall(r"[\w-]+", run("train", "--help")[1])
    assert set(recipe_names()) <= set(words)


def test_the_overviews_list_every_verb_with_its_summary(run):
    for prefix in {words[:-1] for words in VERBS}:
        _, overview, _ = run(*prefix, "--help")
        text = " ".join(overview.replace("│", " ").split())
        for words, command in VERBS.items():
            if words[:-1] == prefix:
                assert f" {words[-1]} {command.help} " in text


def test_the_version_and_no_command_at_all(run):
    assert run("--version") == (0, f"{__version__}\n", "")
    code, out, _ = run()
    assert code == 0
    assert "Usage: translate COMMAND" in out


MISTAKES = {
    "trian": 'Unknown command "trian". Did you mean "train"?',
    "zzz": 'Unknown command "zzz".',
    "data rendr": 'Unknown command "rendr". Did you mean "render"?',
    "train pix2pix --data x --stesp 3": "Unknown option: --stesp. Did you mean --steps?",
    "train pix2pix --data": "--data requires an argument",
    "train pix2pix": "--data requires an argument",
    "train": "RECIPE requires an argument",
    "train pix2pix --data x --steps ten": 'Invalid value for --steps: unable to convert "ten" into int',
    "train pix2pix --data x --direction up": 'Invalid value "up" for --direction.',
    "train pix2pix --data x --set optim.lr": "--set 'optim.lr': write it as key=value",
    "train pix2pix --data x --set optim.lrr=1": "unknown key 'optim.lrr'; did you mean optim.lr?",
    "train pix2pics --data x": "unknown recipe 'pix2pics' (did you mean pix2pix?)",
    "train pix2pix --data x --steps 3 --epochs 2": "--steps and --epochs both say how long to train",
    "train pix2pix --data x --steps 0": "training.steps = 0: ",
    "train pix2pix --data x --name a/b": "--name 'a/b': a run's name is one folder name",
    "train pix2pix --data no/such/folder": "no/such/folder",
    "convert model picture.png": "--output requires an argument",
    "convert": "MODEL requires an argument",
    "convert m p.png --output o --quality 200": "--quality",
    "evaluate model": "--data requires an argument",
    "info": "MODEL requires an argument",
    "demo --bogus": "Unknown option: --bogus.",
    "data inspect no/such/folder": "no/such/folder",
    "data render savana x": "savanna",
    "data render savanna x --layout pared": 'Invalid value "pared" for --layout.',
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_one_line_on_stderr_and_exit_code_2(line, run):
    code, out, err = run(*line.split())
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert MISTAKES[line] in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("a [b] c"), 2),
        (DataError("a [b] c"), 2),
        (NothingToDo("a [b] c"), 3),
        (ModelError("a [b] c"), 4),
        (OutputError("a [b] c"), 5),
        (TrainingError("a [b] c"), 1),
        (BadImage("a", "[b] c"), 1),
    ],
)
def test_every_error_of_ours_ends_in_its_code_and_its_sentence(error, code, run, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(cli, "app", fail)
    assert run("info", "x") == (code, "", f"error: {error}\n")


@pytest.mark.parametrize(
    ("error", "code", "said"), [(KeyboardInterrupt(), 130, "interrupted\n"), (BrokenPipeError(), 141, "")]
)
def test_an_interruption_and_a_closed_pipe_end_quietly(error, code, said, run, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(cli, "app", fail)
    assert run("info", "x") == (code, "", said)


def test_a_verb_that_is_interrupted_says_so(run, monkeypatch):
    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("translate.data.inspect.inspect", fail)
    assert run("data", "inspect", ".") == (130, "", "interrupted\n")


def test_a_bug_of_ours_keeps_its_traceback(monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main()


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1), (130, 130)])
def test_a_verb_s_answer_is_the_exit_code(result, code, run, monkeypatch):
    monkeypatch.setattr(cli, "app", lambda *_, **__: result)
    assert run("info", "x")[0] == code


def test_the_page_of_the_reference_names_everything():
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^#+ (translate [^\n]*)\n(.*?)(?=^#+ |\Z)", text, re.M | re.S))
    for words, command in VERBS.items():
        section = sections[" ".join(("translate", *words))]
        for name, explanation in options(command).items():
            assert name in section
            assert " ".join(explanation.split()) in " ".join(section.split()), f"{name}: run docs/make_cli.py"


def test_the_page_of_the_reference_is_current():
    maker = runpy.run_path(str(DOCS / "make_cli.py"))
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    if maker["GENERATOR"] not in page:
        pytest.skip(f"the page was made with another version than cyclopts {version('cyclopts')}")
    assert page == maker["page"](), "run docs/make_cli.py"
