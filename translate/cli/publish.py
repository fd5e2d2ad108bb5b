"""`translate publish`: a model onto the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def publish(
    model: str,
    repo: str,
    /,
    *,
    private: Annotated[bool, Parameter(negative=())] = False,
    revision: Annotated[str | None, Parameter(alias="--branch")] = None,
    message: str | None = None,
    licence: Annotated[str | None, Parameter(alias="--license")] = None,
    replace_readme: Annotated[bool, Parameter(negative=())] = False,
    folder: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Publish a model on the Hugging Face Hub: weights with their card, a page, the newest samples.

    Nothing else of a run leaves the machine, and paths on the card become names. It is one commit: all of it
    is there in the end, or nothing. Log in with `hf auth login` first, or set HF_TOKEN.

    Parameters
    ----------
    model
        A run folder, the name of a run under checkpoints, a model file, or another tool's weights.
    repo
        OWNER/NAME, created if it isn't there.
    private
        Create it so that only its owner sees it.
    revision
        The branch to publish to, created if it isn't there. Default: main.
    message
        Of the commit.
    licence
        Of the weights: apache-2.0, mit, cc-by-4.0 … Default: what the card says.
    replace_readme
        Write a README.md anew that is there already; without it, it stays as its owner left it.
    folder
        Write what would be published into this folder, and publish nothing.
    json
        Print what was written as JSON.
    """
    import json as jsonlib

    from translate.errors import UsageError
    from translate.weights.hub.address import PREFIX, checked_repo

    repo = checked_repo(repo.removeprefix(PREFIX))
    if folder is None:
        from translate.weights.hub.client import require_token

        require_token(None)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"--folder {folder} is there already and not empty; give a new one.")

    from translate.weights.hub.publication import gather
    from translate.weights.hub.transfer import publish as upload

    publication = gather(model, repo, licence)
    if folder is not None:
        files = publication.write(folder)
        written = {"repo": repo, "folder": str(folder), "files": [file.name for file in files]}
        said = f"{', '.join(written['files'])} → {folder}; nothing was published"
    else:
        url = upload(
            publication, private or None, revision, message, replace_readme=replace_readme, prune=True
        )
        written = {"repo": repo, "url": url}
        said = f"{model} → {url}\nanybody who may see it uses it as hf:{repo}"
    print(jsonlib.dumps(written) if json else said)
