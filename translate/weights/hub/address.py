"""Names of repositories, as a person types them. Free of torch and of the Hub's library."""

from __future__ import annotations

import re
from dataclasses import dataclass

from translate.errors import UsageError

PREFIX = "hf:"
_LONGEST = 96
_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")


@dataclass(frozen=True)
class Address:
    """A repository of models, `OWNER/NAME`, and a branch, tag or commit of it; None is its main branch."""

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{PREFIX}{self.repo}" + (f"@{self.revision}" if self.revision else "")


def read_address(text: str) -> Address | None:
    """What `hf:OWNER/NAME` or `hf:OWNER/NAME@REVISION` means; None if it doesn't begin with `hf:`.

    Raises:
        UsageError: it does, but no repository can have that name.
    """
    if not text.startswith(PREFIX):
        return None
    repo, at, revision = text.removeprefix(PREFIX).partition("@")
    if at and not re.fullmatch(r"[^\s@]+", revision):
        raise UsageError(f"{text} ends without a branch, tag or commit; write hf:OWNER/NAME@REVISION.")
    return Address(checked_repo(repo), revision or None)


def checked_repo(repo: str) -> str:
    """`repo`, if a repository can be called so.

    Raises:
        UsageError: it can't, by the Hub's rules.
    """
    parts = repo.split("/")
    if len(parts) != 2 or not all(map(_PART.fullmatch, parts)):
        raise UsageError(
            f"{repo!r} is no name of a repository; write OWNER/NAME, of letters, digits, '-', '_' and '.', "
            "such as jo/horse2zebra."
        )
    if "--" in repo or ".." in repo or repo.endswith(".git") or len(repo) > _LONGEST:
        raise UsageError(
            f"{repo!r} is no name of a repository: '--', '..', a final '.git' and more than {_LONGEST} "
            "characters are not allowed."
        )
    return repo
