"""Write `docs/cli.md`, the reference of the command line, from the command line itself.

python docs/make_cli.py
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from translate.cli.main import app

PAGE = Path(__file__).with_name("cli.md")
GENERATOR = f"cyclopts {version('cyclopts')}"

FOREWORD = f"""<!-- Made by docs/make_cli.py with {GENERATOR}. Don't edit; run it again. -->

# The command line

Every verb ends with a code that scripts can rely on, and tells a mistake in one line on stderr:

| exit code | meaning |
|---|---|
| 0 | all done |
| 1 | some files failed (they are listed), or a training can't go on |
| 2 | a command, option, recipe or data folder that makes no sense as given, or data that can't be had |
| 3 | nothing to do |
| 4 | a model that can't be used |
| 5 | the output can't be written |
| 130 | interrupted |

With `--json` the results are on stdout, for machines; what is meant for people is on stderr.
"""


def page() -> str:
    """The whole page, as Markdown."""
    title, _, rest = app.generate_docs(heading_level=2).partition("## Table of Contents")
    commands = rest[rest.index("**Commands**") :]
    lines = (line.rstrip() for line in f"{FOREWORD}\n{title}{commands}".splitlines())
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
