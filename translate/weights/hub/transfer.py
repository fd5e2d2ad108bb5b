"""Bringing models from the Hub and publishing them there. Free of torch."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from translate import __version__
from translate.errors import ModelError, UsageError
from translate.weights.hub.address import PREFIX, Address, checked_repo, read_address
from translate.weights.hub.client import explained, require_token
from translate.weights.hub.page import LIBRARY, PAGE
from translate.weights.locate import MODEL_FILES

if TYPE_CHECKING:
    from translate.weights.hub.publication import Publication


def fetch_named(
    repo: str,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> Path:
    """`fetch` of a name as a person types it, with or without `hf:` and `@REVISION`; `revision` wins.

    Raises:
        ModelError, UsageError: see `fetch` and `read_address`.
    """
    address = read_address(repo if repo.startswith(PREFIX) else f"{PREFIX}{repo}")
    assert address is not None
    address = replace(address, revision=revision or address.revision)
    return fetch(address, token, cache_dir, local_files_only)


def fetch(
    address: Address,
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> Path:
    """The folder in the Hub's cache with the model files of a repository, fetched if they aren't there.

    Model files and `config.json` alone are fetched: no pickle, no code, no other name.

    Raises:
        ModelError: no such repository or revision, no way to it, or no model of ours in it.
        UsageError: `huggingface_hub` isn't installed.
    """
    with explained(str(address), address.revision):
        from translate.weights.hub.mixin import HubModel

        try:
            found = HubModel.from_pretrained(
                address.repo,
                revision=address.revision,
                token=token,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
            )
        except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, TypeError, RecursionError) as error:
            raise ModelError(
                f"{address}: its config.json holds no JSON object, so translate hasn't published it."
            ) from error
    folder = found.folder
    assert folder is not None
    if not any((folder / name).exists() for name in MODEL_FILES.values()):
        raise ModelError(
            f"{address} holds no {MODEL_FILES['a2b']}, so translate can use nothing there; other files, "
            "pickles above all, are not fetched."
        )
    return folder


def publish(
    publication: Publication,
    private: bool | None = None,
    revision: str | None = None,
    message: str | None = None,
    token: str | None = None,
    replace_readme: bool = False,
    *,
    prune: bool = False,
) -> str:
    """Put a model onto the Hub in one commit, so that it is there whole or not at all; gives its address.

    A repository that isn't there is created. One that is there keeps its `README.md`, which its owner may
    have written, and whatever else lies in it.

    Args:
        private: of a repository that is created; None leaves it to the owner's settings.
        revision: the branch to write to, created if need be; None is the main one.
        message: of the commit.
        token: in the place of the one that one is logged in with.
        replace_readme: also a `README.md` that is there.
        prune: remove the model of a direction that this publication hasn't: it belongs to other weights.

    Raises:
        UsageError: no token or not the right to write, no such name, a public repository where a private one
            is asked for.
        OutputError: the Hub can't be reached, or doesn't take it.
    """
    repo = checked_repo(publication.repo)
    with explained(repo, revision, uploading=True):
        require_token(token)
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

        with tempfile.TemporaryDirectory() as folder:
            files = publication.write(Path(folder))
            api = HfApi(token=token, library_name=LIBRARY, library_version=__version__)
            api.create_repo(repo, private=private, exist_ok=True)
            if revision:
                api.create_branch(repo, branch=revision, exist_ok=True)
            info = api.model_info(repo, revision=revision)
            if private and not info.private:
                raise UsageError(
                    f"{repo} is there already and public; make it private in its settings, choose another "
                    "name, or leave --private out."
                )
            there = {file.rfilename for file in info.siblings or ()}
            added = [file for file in files if file.name != PAGE or replace_readme or PAGE not in there]
            stale = there.intersection(MODEL_FILES.values()) - {file.name for file in files} if prune else ()
            commit = api.create_commit(
                repo,
                [
                    *(CommitOperationAdd(path_in_repo=file.name, path_or_fileobj=file) for file in added),
                    *(CommitOperationDelete(path_in_repo=name) for name in stale),
                ],
                commit_message=message or f"Publish with translate {__version__}",
                revision=revision,
            )
            return str(commit.commit_url)
